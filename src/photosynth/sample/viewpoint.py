"""Viewpoints: where the camera stands before an arrangement."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np

from photosynth.core.asset import AssetPart
from photosynth.core.camera import Camera
from photosynth.core.distributions import LogUniform, Normal, Scalar, TruncatedNormal, sample
from photosynth.core.geometry import as_matrix4
from photosynth.core.record import Record
from photosynth.core.seen import camera_direction, seen_part
from photosynth.sample.camera import CameraRecipe, FramingRecipe, View, box_corners, frame_subject
from photosynth.sample.outlook import outlook
from photosynth.sample.ranges import require_share, require_support
from photosynth.sample.sight import clearance_m, seen_share
from photosynth.sample.staged import Staged, Thing

MAX_TRIES = 48
MAX_ELEVATION_DRAWS = 16
THING_CLEARANCE = 0.2
"""Least distance of the camera from any thing, in diagonals of the subject's box."""
SLAB_CLEARANCE = 0.05
"""Least distance of the camera from any slab, in diagonals of the subject's box."""


class ViewpointRecipe(Record, frozen=True, kw_only=True):
    """Where the camera stands before an arrangement. It looks at the subject, framed by the recipe's ``framing``
    (``lookalike_framing`` in a ``"lookalike"``), or at the whole group, through the lens and with the roll of
    ``camera``. A camera inside a thing or a slab, or one that does not see enough, is drawn again."""

    group_share: float = 0.4
    """Probability that it looks at the whole group, 0..1."""
    group_framing: FramingRecipe = FramingRecipe(
        size_rel=LogUniform(low=0.6, high=1.25), offset_rel=Normal(mean=0.0, sd=0.08), min_inside=0.6
    )
    """Size and place of the box round all things."""
    elevation_deg: Scalar = TruncatedNormal(mean=35.0, sd=20.0, low=-90.0, high=90.0)
    """Height of the camera over the horizon of what it looks at, in degrees. The azimuth is uniform; both keep to the
    directions that the arrangement leaves open."""
    min_seen: float = 0.4
    """About the least share of the subject that is inside the picture with nothing before it; when the camera looks
    at the group, some object must be seen that well."""

    def __post_init__(self) -> None:
        require_share(group_share=self.group_share, min_seen=self.min_seen)
        require_support("elevation_deg", self.elevation_deg, -90.0, 90.0)


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """A camera and the part of each thing that it may see (None: the thing has none for it)."""

    camera: Camera
    parts: tuple[AssetPart | None, ...]


def sample_viewpoint(
    recipe: ViewpointRecipe,
    lens: CameraRecipe,
    framing: FramingRecipe,
    staged: Staged,
    subject: Thing,
    size_wh: tuple[int, int],
    rng: np.random.Generator,
) -> Viewpoint:
    """A camera that stands free, sees enough, and from which every thing may be shown. If MAX_TRIES draws give none,
    the one from which most may be shown, and of these the one that sees most. Where no one camera can show all, as some
    things were scanned from one side, it shows the subject and as many of the others as can be."""
    open_ = partial(open_direction, recipe.elevation_deg, staged, rng)
    out = outlook(staged, subject, open_)
    direction = open_ if out is None else lambda: out.directions[int(rng.integers(len(out.directions)))]
    spare, must_show = (0, False) if out is None else (out.missing, out.shows_subject)
    at = staged.things.index(subject)
    best: tuple[tuple[bool, bool, int, float], Viewpoint] | None = None
    for _ in range(MAX_TRIES):
        view, at_group = _draw(recipe, lens, framing, staged, subject, size_wh, direction, rng)
        free = _stands_free(view.camera, staged, subject)
        missing = sum(part is None for part in view.parts)
        shown = not must_show or view.parts[at] is not None
        good = free and shown and missing <= spare
        looked_at = staged.leading() if at_group else (subject,)
        if out is not None:
            looked_at = tuple(
                t for t, part in zip(staged.things, view.parts, strict=True) if part is not None and t in looked_at
            )
        seen = _best_seen(view.camera, staged, looked_at) if free and (best is None or good) else 0.0
        if good and seen >= recipe.min_seen:
            return view
        score = (free, shown, -missing, seen)
        if best is None or score > best[0]:
            best = (score, view)
    return best[1]


def _draw(
    recipe: ViewpointRecipe,
    lens: CameraRecipe,
    framing: FramingRecipe,
    staged: Staged,
    subject: Thing,
    size_wh: tuple[int, int],
    open_to: Callable[[], np.ndarray],
    rng: np.random.Generator,
) -> tuple[Viewpoint, bool]:
    at_group = bool(rng.random() < recipe.group_share) and len(staged.things) > 1
    corners = _group_corners(staged.things) if at_group else subject.corners_m()
    target = corners.mean(axis=0)
    direction = open_to()
    view = View(
        direction=tuple(float(v) for v in direction),
        focal_rel=sample(lens.focal_rel, rng),
        roll_rad=math.radians(sample(lens.roll_deg, rng)),
        distance_diagonals=None if lens.distance_diagonals is None else sample(lens.distance_diagonals, rng),
    )
    chosen = recipe.group_framing if at_group else framing
    camera = frame_subject(chosen, lens.nearest_diagonals, view, direction, corners - target, size_wh, rng)
    world_from_cam = np.array(camera.world_from_cam)
    world_from_cam[:3, 3] += target
    camera = msgspec.structs.replace(camera, world_from_cam=as_matrix4(world_from_cam))
    eye = camera.position_m()
    parts = tuple(seen_part(t.asset, camera_direction(t.world_from_object, eye)) for t in staged.things)
    return Viewpoint(camera, parts), at_group


def _group_corners(things: tuple[Thing, ...]) -> np.ndarray:
    """(8, 3) corners of the upright box round all things."""
    points = np.concatenate([thing.hull.points_m for thing in things])
    low, high = points.min(axis=0), points.max(axis=0)
    return box_corners(high - low) + (low + high) / 2


def open_direction(elevation_deg: Scalar | None, staged: Staged, rng: np.random.Generator) -> np.ndarray:
    """A unit vector (3,) in the open directions of an arrangement: azimuth uniform, elevation as wanted. After
    MAX_ELEVATION_DRAWS outside, or if None is wanted, the elevation is uniform by area over what is open."""
    low, high = staged.arrangement.open_elevation_deg
    azimuth = math.radians(rng.uniform(*staged.arrangement.open_azimuth_deg))
    for _ in range(MAX_ELEVATION_DRAWS if elevation_deg is not None else 0):
        wanted = sample(elevation_deg, rng)
        if low <= wanted <= high:
            elevation = math.radians(wanted)
            break
    else:
        elevation = math.asin(rng.uniform(math.sin(math.radians(low)), math.sin(math.radians(high))))
    level = math.cos(elevation)
    return np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)])


def _stands_free(camera: Camera, staged: Staged, subject: Thing) -> bool:
    eye, diagonal = camera.position_m(), subject.asset.diagonal_m() * subject.scale()
    return all(clearance_m(t.hull, eye) >= THING_CLEARANCE * diagonal for t in staged.things) and all(
        clearance_m(hull, eye) >= SLAB_CLEARANCE * diagonal for hull in staged.slab_hulls
    )


def _best_seen(camera: Camera, staged: Staged, looked_at: tuple[Thing, ...]) -> float:
    """How much is seen of the thing that is seen best, of those that the picture is for; 0 without any."""
    return max(
        (
            seen_share(camera, t.probes_m, [*staged.slab_hulls, *(o.hull for o in staged.things if o is not t)])
            for t in looked_at
        ),
        default=0.0,
    )
