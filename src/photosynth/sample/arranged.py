"""Scenes of several things at rest: an arrangement, a camera before it, its surfaces and its light."""

from __future__ import annotations

import msgspec
import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.camera import project
from photosynth.core.photo import Photo
from photosynth.core.rng import rng_for
from photosynth.core.scene import Background, EnvironmentFill, Light, Placement, Scene
from photosynth.core.seen import check_seen
from photosynth.sample.background import sample_background
from photosynth.sample.camera import with_lens
from photosynth.sample.color import as_vec3
from photosynth.sample.environment import sample_environment
from photosynth.sample.fill import FillSource, true_view_fill
from photosynth.sample.finish import sample_finish
from photosynth.sample.light import sample_lights
from photosynth.sample.occluder import sample_occluders
from photosynth.sample.outlook import is_one_sided
from photosynth.sample.placement import place
from photosynth.sample.sight import blocked
from photosynth.sample.source import ArrangementSource
from photosynth.sample.staged import Staged, Thing
from photosynth.sample.surroundings import sample_surroundings
from photosynth.sample.viewpoint import Viewpoint, open_direction, sample_viewpoint

STREAMS = (
    "viewpoint",
    "surface",
    "surroundings",
    "light",
    "environment",
    "background",
    "clutter",
    "patch",
    "hand",
    "finish",
    "lens",
)
"""Each aspect of a scene draws from a stream of its own; the arrangement draws from those of its own number."""


def sample_arranged(
    source: ArrangementSource,
    assets: tuple[Asset, ...],
    index: int,
    seed: int,
    photos: tuple[Photo, ...],
    maps: tuple[str, ...],
) -> Scene:
    """Scene `index` of a run whose recipe has an arrangement; placement 0 is the subject.

    Args:
        source: the run's arrangements, and its recipe.
        assets: the catalogue's.
        index: the scene's number.
        seed: the run's.
        photos: background photos.
        maps: environment maps as scenes name them.
    """
    recipe = source.recipe
    rngs = {stream: rng_for(seed, index, stream) for stream in STREAMS}
    staged = source.of_scene(index)
    subject = staged.subject(index % recipe.group.reuse)
    framing = recipe.lookalike_framing if staged.kind == "lookalike" else recipe.framing
    view = sample_viewpoint(
        recipe.viewpoint, recipe.camera, framing, staged, subject, recipe.size_wh, rngs["viewpoint"]
    )
    camera, environment = view.camera, sample_environment(recipe.environment, maps, rngs["environment"])
    fills = FillSource(recipe.fills, photos, maps, camera, environment)
    arrangement, corners = staged.arrangement, subject.corners_m()
    placements = () if staged.kind == "empty" else _placements(source, staged, view, subject, rngs["surface"])
    distance_m = float(project(camera, corners.mean(axis=0)[None])[1][0])
    lights = sample_lights(recipe.lights, 2.0 * arrangement.radius_m, rngs["light"])
    scene = Scene(
        index=index,
        camera=with_lens(recipe.camera, camera, rngs["lens"]),
        placements=placements,
        surroundings=sample_surroundings(
            recipe.surfaces, fills, arrangement.slabs, arrangement.radius_m, seed, rngs["surroundings"]
        ),
        lights=tuple(_lit(light, staged, rngs["light"]) for light in lights),
        environment=environment,
        background=_background(
            sample_background(recipe.background, fills, rngs["background"], rngs["clutter"]), fills, staged
        ),
        occluders=sample_occluders(
            recipe.occluders,
            fills,
            project(camera, corners)[0],
            rngs["patch"],
            rngs["hand"],
            camera.focal_px / distance_m,
        ),
        finish=sample_finish(
            recipe.finish,
            rngs["finish"],
            float(np.linalg.norm(corners[7] - corners[0])),
            distance_m,
        ),
        kind=_kind(staged, placements),
    )
    check_seen(scene, assets)
    return scene


def _placements(
    source: ArrangementSource, staged: Staged, view: Viewpoint, subject: Thing, rng: np.random.Generator
) -> tuple[Placement, ...]:
    """The things that may be shown to the camera, the subject first."""
    placed: list[Placement] = []
    for thing, part in zip(staged.things, view.parts, strict=True):
        if part is None:
            continue
        scale, matrix = thing.scale(), thing.world_from_object
        one = place(source.recipe.surface, thing.asset, part, matrix[:3, :3] / scale, rng, scale, matrix[:3, 3])
        placed.insert(0 if thing is subject else len(placed), one)
    return tuple(placed)


def _kind(staged: Staged, placements: tuple[Placement, ...]) -> str:
    """What the picture came to be: objects that were scanned from one side may all have turned it away."""
    if staged.kind != "object" or not is_one_sided(staged) or any(p.role == "object" for p in placements):
        return staged.kind
    return "lookalike" if placements else "empty"


def _lit(light: Light, staged: Staged, rng: np.random.Generator) -> Light:
    """A lamp sampled about the origin, moved to the arrangement; one that lights no thing, because a slab stands
    before it, is moved to a direction that is open, at the same distance."""
    centre, offset = np.array(staged.arrangement.centre_m), np.array(light.position_m)
    elsewhere = open_direction(None, staged, rng) * np.linalg.norm(offset)
    targets = np.array([thing.probes_m[0] for thing in staged.things])
    shut = np.zeros(len(targets), bool)
    for hull in staged.slab_hulls:
        shut |= blocked(hull, centre + offset, targets)
    position = centre + (elsewhere if shut.all() else offset)
    return msgspec.structs.replace(light, position_m=as_vec3(position))


def _background(background: Background, fills: FillSource, staged: Staged) -> Background:
    """As drawn, but before a surface no shadow falls on it, and the scene's own environment keeps its brightness, so
    that it agrees with the light."""
    changes: dict[str, object] = {"contact_shadow": 0.0} if staged.arrangement.slabs else {}
    if isinstance(background.fill, EnvironmentFill) and fills.environment.map_file is not None:
        if background.fill == true_view_fill(fills.camera, fills.environment):
            changes["match_luminance"] = None
    return msgspec.structs.replace(background, **changes)
