"""Scenes: a recipe, the assets, a seed and a number make one concrete scene."""

from __future__ import annotations

import numpy as np

from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.camera import Camera, project
from photosynth.core.errors import ConfigError, DependencyError
from photosynth.core.photo import Photo
from photosynth.core.rng import rng_for
from photosynth.core.scene import Placement, Scene
from photosynth.core.seen import check_seen
from photosynth.sample.arrange.physics import has_physics
from photosynth.sample.arrange.recipe import ArrangementRecipe, BinRecipe, PileRecipe, is_settled, options_of
from photosynth.sample.arranged import sample_arranged
from photosynth.sample.background import sample_background
from photosynth.sample.camera import box_corners, frame_subject, sample_view
from photosynth.sample.distractor import sample_distractors
from photosynth.sample.environment import recipe_maps, sample_environment
from photosynth.sample.fill import FillSource
from photosynth.sample.finish import sample_finish
from photosynth.sample.kind import sample_kind
from photosynth.sample.light import sample_lights
from photosynth.sample.occluder import sample_occluders
from photosynth.sample.placement import choose_distractor, choose_object, orient, place
from photosynth.sample.recipe import Recipe, recipe_parts, scene_recipe
from photosynth.sample.source import ArrangementSource

STREAMS = (
    "kind",
    "subject",
    "camera",
    "orientation",
    "framing",
    "surface",
    "distractor",
    "light",
    "environment",
    "background",
    "clutter",
    "patch",
    "hand",
    "finish",
)
"""Each aspect draws from a stream of its own: a change to one recipe section leaves the draws of the others."""

NOBODY = Asset(
    asset_id="nobody",
    class_name=NONE_CLASS,
    parts=(AssetPart(name="whole", model_file=""),),
    size_m=(0.6, 0.6, 0.5),
    scale_known=False,
    role="distractor",
)
"""Stands where the subject would be in an empty picture, so that its camera and occluders are like the others'."""


def check_inputs(recipe: Recipe, assets: tuple[Asset, ...], photos: tuple[Photo, ...]) -> None:
    """Refuse before the start what could not be sampled.

    Raises:
        ConfigError: if there is no object, an asset has no size or no part, or a fill needs photos and has none.
        DependencyError: if the recipe pours things and the physics engine is not installed.
    """
    if not any(asset.role == "object" for asset in assets):
        raise ConfigError("the catalogue has no objects, so there is nothing to make pictures of; add one")
    for asset in assets:
        if not asset.parts:
            raise ConfigError(f"asset {asset.asset_id} has no parts, so there is nothing to show")
        if not asset.diagonal_m() > 0:
            raise ConfigError(f"asset {asset.asset_id} has size {asset.size_m}; expected a box with an extent")
    for part in recipe_parts(recipe):
        _check_part(part, photos)


def _check_part(recipe: Recipe, photos: tuple[Photo, ...]) -> None:
    if recipe.arrangement is not None:
        require_physics(recipe.arrangement)
    wanted = {
        "background.kinds": recipe.background.kinds,
        "background.clutter_kinds": recipe.background.clutter_kinds,
        "occluders.patch_kinds": recipe.occluders.patch_kinds,
    }
    if recipe.arrangement is not None:
        wanted["surfaces.kinds"] = recipe.surfaces.kinds
    for name, weights in wanted.items():
        if weights.needs_photos() and not photos:
            raise ConfigError(f"{name} uses photos only and there are none; give a folder of background photos")


def sample_scene(
    recipe: Recipe,
    assets: tuple[Asset, ...],
    index: int,
    seed: int,
    photos: tuple[Photo, ...] = (),
    maps: tuple[str, ...] | None = None,
    arrangements: ArrangementSource | None = None,
) -> Scene:
    """Scene `index` of a run; it depends on these arguments alone.

    Args:
        recipe: what to draw from.
        assets: the catalogue's assets, at least one object among them.
        index: the scene's number, 0 or more.
        seed: the run's seed, 0 or more.
        photos: background photos with absolute paths and upright sizes.
        maps: environment maps as scenes name them; None means the recipe's choice of those in the package.
        arrangements: of this recipe, these assets and this seed, with the assets' shapes; None takes each asset for
            its box. Not used unless the recipe has an arrangement.

    Raises:
        ConfigError: if the assets or the photos do not suffice (see check_inputs).
    """
    maps = recipe_maps(recipe.environment) if maps is None else maps
    blend, recipe = recipe, scene_recipe(recipe, seed, index)
    if recipe.arrangement is not None:
        source = arrangements or ArrangementSource(blend, assets, seed)
        return sample_arranged(source.of_part(recipe), assets, index, seed, photos, maps)
    rngs = {stream: rng_for(seed, index, stream) for stream in STREAMS}
    others = tuple(asset for asset in assets if asset.role == "distractor")
    kind = sample_kind(recipe.kinds, bool(others), rngs["kind"])
    subject = _subject(kind, assets, others, seed, index, rngs["subject"])
    view, part = sample_view(recipe.camera, subject, rngs["camera"])
    rotation = orient(recipe.surface, rngs["orientation"])
    corners = box_corners(subject.size_m) @ rotation.T
    nearest = recipe.camera.nearest_diagonals
    direction = rotation @ np.array(view.direction)
    framing = recipe.lookalike_framing if kind == "lookalike" else recipe.framing
    camera = frame_subject(framing, nearest, view, direction, corners, recipe.size_wh, rngs["framing"])
    placements: tuple[Placement, ...] = ()
    if kind != "empty":
        around = sample_distractors(
            recipe.distractors, recipe.surface, others, camera, corners, rngs["distractor"], kind == "lookalike"
        )
        placements = (place(recipe.surface, subject, part, rotation, rngs["surface"]), *around)
    environment = sample_environment(recipe.environment, maps, rngs["environment"])
    source = FillSource(recipe.fills, photos, maps, camera, environment)
    scene = Scene(
        index=index,
        camera=camera,
        placements=placements,
        lights=sample_lights(recipe.lights, subject.diagonal_m(), rngs["light"]),
        environment=environment,
        background=sample_background(recipe.background, source, rngs["background"], rngs["clutter"]),
        occluders=sample_occluders(
            recipe.occluders,
            source,
            subject_pixels(camera, corners),
            rngs["patch"],
            rngs["hand"],
            camera.focal_px / _distance_m(camera) if subject.scale_known else None,
        ),
        finish=sample_finish(recipe.finish, rngs["finish"], subject.diagonal_m(), _distance_m(camera)),
        kind=kind,
    )
    check_seen(scene, assets)
    return scene


def require_physics(recipe: ArrangementRecipe) -> None:
    """Raise DependencyError naming the extra if an arrangement needs the physics engine and it is not installed."""
    needy = [
        option for option in options_of(recipe) if isinstance(option, BinRecipe | PileRecipe) or is_settled(option)
    ]
    if needy and not has_physics():
        kind = type(needy[0]).__struct_config__.tag
        raise DependencyError(
            f"the arrangement {kind!r} lets things fall by rigid-body physics and needs the package mujoco: "
            "pip install photosynth[physics]; recipes without it are anywhere, single, tabletop, shelf, in_hand and far"
        )


def subject_pixels(camera: Camera, corners_m: np.ndarray) -> np.ndarray:
    """Pixels (8, 2) of the corners of the subject's box."""
    return project(camera, corners_m)[0]


def _distance_m(camera: Camera) -> float:
    """Of the subject's centre (the world's origin), along the optical axis."""
    return float(project(camera, np.zeros((1, 3)))[1][0])


def _subject(
    kind: str, assets: tuple[Asset, ...], others: tuple[Asset, ...], seed: int, index: int, rng: np.random.Generator
) -> Asset:
    if kind == "object":
        return choose_object(tuple(asset for asset in assets if asset.role == "object"), seed, index)
    return choose_distractor(others, rng) if kind == "lookalike" else NOBODY
