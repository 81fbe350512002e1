"""Cameras: from where, how far, through which lens, and with the subject where in the picture."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.camera import Camera
from photosynth.core.directions import CompositeRings, Vector
from photosynth.core.distributions import Choice, LogUniform, Normal, Scalar, Uniform, sample
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.record import Record
from photosynth.core.seen import goes_round, seen_part
from photosynth.sample.polygon import box_share_inside
from photosynth.sample.ranges import require_share, require_support

MAX_DIRECTION_DRAWS = 64
SIZE_STEPS = 25
MIN_DISTANCE_DIAGONALS = 0.6
"""Nearer than this the camera would be about to enter the object."""
MAX_CORNER_SHIFT = 0.12
"""Strongest distortion of a picture's corner, as a fraction of its distance from the middle."""


class CameraRecipe(Record, frozen=True, kw_only=True):
    """Where the camera stands and what lens it has."""

    direction: Vector = CompositeRings(deviation_sd_deg=25.0)
    """From the subject's centre to the camera, in the subject's frame; its length does not matter. Directions
    from which the subject was not scanned are drawn again."""
    focal_rel: Scalar = LogUniform(low=0.7, high=2.5)
    """Focal length in picture widths: 0.7 is a phone's wide lens, 2.5 a short telephoto."""
    roll_deg: Scalar = Choice(options=(Uniform(low=-180.0, high=180.0), Normal(mean=0.0, sd=12.0)))
    """Turn about the axis of view in degrees; above 0 the camera turns clockwise, seen from behind."""
    distance_diagonals: Scalar | None = None
    """Distance from the subject's centre in diagonals of its box; if absent, the distance follows from
    framing.size_rel."""
    nearest_diagonals: float = 0.9
    """Nearest distance that a wanted size may lead to, in diagonals of the subject's box."""
    distortion_share: float = 0.0
    """Share of pictures through a lens that bends straight lines, 0..1."""
    distortion_k1: Scalar = Uniform(low=-0.12, high=0.08)
    """Its first radial coefficient (Brown 1971, as in OpenCV): below 0 barrel, above 0 pincushion. Long lenses bend
    less, as the coefficient is about the angle of view; no corner is displaced by more than 12 %."""

    def __post_init__(self) -> None:
        require_support("focal_rel", self.focal_rel, 0.3, 20.0)
        require_share(distortion_share=self.distortion_share)
        require_support("distortion_k1", self.distortion_k1, -1.0, 1.0)
        if self.distance_diagonals is not None:
            require_support("distance_diagonals", self.distance_diagonals, low=MIN_DISTANCE_DIAGONALS)
        if not self.nearest_diagonals >= MIN_DISTANCE_DIAGONALS:
            raise ValueError(
                f"nearest_diagonals must be at least {MIN_DISTANCE_DIAGONALS}: it got "
                f"{self.nearest_diagonals}, and the camera would stand in the object"
            )


class FramingRecipe(Record, frozen=True, kw_only=True):
    """How large the subject is in the picture, and where."""

    size_rel: Scalar = LogUniform(low=0.22, high=1.15)
    """Longer side of the subject's box in the picture, as a fraction of the picture's shorter side."""
    offset_rel: Scalar = Normal(mean=0.0, sd=0.16)
    """Shift of the subject's centre from the picture's centre, as a fraction of the picture: of its width for x, of its
    height for y."""
    min_inside: float = 0.55
    """Least share of the subject's box (its area in the picture) that the frame may leave inside; offsets that
    leave less are pulled in."""

    def __post_init__(self) -> None:
        require_support("size_rel", self.size_rel, high=4.0, above=0.0)
        if not 0.0 < self.min_inside <= 1.0:
            raise ValueError(f"min_inside must lie in 0..1 and above 0, got {self.min_inside}")
        largest = self.size_rel.support()[1]
        if largest**2 * self.min_inside > 1.0:
            raise ValueError(
                f"size_rel up to {largest:g} and min_inside {self.min_inside:g} cannot both hold: a square box of that "
                f"size has only {1 / largest**2:.2f} of its area inside the picture"
            )


class View(Record, frozen=True, kw_only=True):
    """A camera's direction and lens, before its distance is known."""

    direction: tuple[float, float, float]
    """Unit vector from the subject to the camera, in the subject's frame."""
    focal_rel: float
    """Focal length in picture widths."""
    roll_rad: float
    """Turn about the axis of view."""
    distance_diagonals: float | None
    """Wanted distance, if the recipe gives one."""
    distortion_k1: float = 0.0
    """The lens's first radial coefficient; 0 for none."""


def sample_view(recipe: CameraRecipe, asset: Asset, rng: np.random.Generator) -> tuple[View, AssetPart]:
    """A direction from which `asset` may be shown, with the part for it, and a lens."""
    focal, roll = sample(recipe.focal_rel, rng), sample(recipe.roll_deg, rng)
    distance = None if recipe.distance_diagonals is None else sample(recipe.distance_diagonals, rng)
    direction, part = sample_seen_direction(recipe.direction, asset, rng)
    bent = rng.random() < recipe.distortion_share
    view = View(
        direction=tuple(float(v) for v in direction),
        focal_rel=float(focal),
        roll_rad=math.radians(roll),
        distance_diagonals=distance,
        distortion_k1=sample(recipe.distortion_k1, rng) if bent else 0.0,
    )
    return view, part


def sample_seen_direction(dist: Vector, asset: Asset, rng: np.random.Generator) -> tuple[np.ndarray, AssetPart]:
    """A unit direction from `dist` from which the asset may be shown, (3,), and the part to show.

    After 64 unlucky draws the last one takes an elevation uniform by area in a part's band. It keeps its azimuth if
    that lies on the part's arc, and takes any on the arc if not.
    """
    if not asset.parts:
        raise ConfigError(f"asset {asset.asset_id} has no parts, so there is nothing to show; run the catalogue again")
    direction = np.array([1.0, 0.0, 0.0])
    for _ in range(MAX_DIRECTION_DRAWS):
        drawn = np.asarray(sample(dist, rng))
        length = float(np.linalg.norm(drawn))
        if length < 1e-9:
            continue
        direction = drawn / length
        part = seen_part(asset, direction)
        if part is not None:
            return direction, part
    part = asset.parts[int(rng.integers(len(asset.parts)))]
    low, high = (math.sin(math.radians(edge)) for edge in part.elevation_deg)
    z, azimuth = rng.uniform(low, high), math.atan2(direction[1], direction[0])
    start, end = part.azimuth_deg
    if not goes_round(part) and (math.degrees(azimuth) - start) % 360.0 > end - start:
        azimuth = math.radians(rng.uniform(start, end))
    level = math.sqrt(max(0.0, 1.0 - z * z))
    return np.array([level * math.cos(azimuth), level * math.sin(azimuth), z]), part


def box_corners(size_m: tuple[float, float, float]) -> np.ndarray:
    """The (8, 3) corners of a box of that size about the origin."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    return signs * np.asarray(size_m, dtype=float) / 2


def frame_subject(
    recipe: FramingRecipe,
    nearest_diagonals: float,
    view: View,
    direction_world: np.ndarray,
    corners_m: np.ndarray,
    size_wh: tuple[int, int],
    rng: np.random.Generator,
) -> Camera:
    """The camera that shows the subject at a drawn size and place.

    Args:
        recipe: size and offset.
        nearest_diagonals: least distance, in diagonals of the subject's box.
        view: direction and lens.
        direction_world: (3,) unit vector from the world's origin (the subject's centre) to the camera.
        corners_m: (8, 3) corners of the subject's box in the world.
        size_wh: the picture's size in pixels.
        rng: draws size and offset, always in the same number.
    """
    wanted_px = sample(recipe.size_rel, rng) * min(size_wh)
    offset = np.array([sample(recipe.offset_rel, rng), sample(recipe.offset_rel, rng)])
    diagonal = float(np.linalg.norm(corners_m[7] - corners_m[0]))
    focal_px = view.focal_rel * size_wh[0]
    farther = 1.0
    while True:
        rotation = aimed_rotation(direction_world, view.roll_rad, offset * size_wh / focal_px)
        if view.distance_diagonals is not None:
            distance = view.distance_diagonals * diagonal
        else:
            nearest = nearest_diagonals * diagonal
            distance = distance_for_size(rotation, direction_world, corners_m, focal_px, wanted_px, nearest)
        distance *= farther
        points = project_corners(rotation, direction_world * distance, corners_m, focal_px, size_wh)
        if box_share_inside(points, size_wh) >= recipe.min_inside:
            break
        if np.abs(offset).max() > 1e-3:
            offset = offset * 0.8 if np.abs(offset).max() > 0.01 else np.zeros(2)
        else:
            farther *= 1.1
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3], world_from_cam[:3, 3] = rotation, direction_world * distance
    width, height = size_wh
    return Camera(
        size_wh=size_wh,
        focal_px=float(focal_px),
        principal_px=(width / 2, height / 2),
        world_from_cam=as_matrix4(world_from_cam),
        distortion=lens_of(view.distortion_k1, focal_px, size_wh),
    )


def with_lens(recipe: CameraRecipe, camera: Camera, rng: np.random.Generator) -> Camera:
    """The camera with the lens's distortion that the recipe draws; the same camera if it draws none."""
    bent, k1 = rng.random() < recipe.distortion_share, sample(recipe.distortion_k1, rng)
    return msgspec.structs.replace(camera, distortion=lens_of(k1, camera.focal_px, camera.size_wh)) if bent else camera


def lens_of(k1: float, focal_px: float, size_wh: tuple[int, int]) -> tuple[float, ...]:
    """OpenCV's coefficients of a lens with that k1, held to MAX_CORNER_SHIFT; none for 0."""
    if k1 == 0.0:
        return ()
    most = MAX_CORNER_SHIFT / (math.hypot(*size_wh) / 2 / focal_px) ** 2
    return float(np.clip(k1, -most, most)), 0.0, 0.0, 0.0


def aimed_rotation(direction_world: np.ndarray, roll_rad: float, tangent: np.ndarray) -> np.ndarray:
    """The (3, 3) world_from_cam rotation of a camera out along `direction_world` that sees the world's origin at
    `tangent` (x / z, y / z in the camera): a look-at, then the shortest turn away from the subject."""
    facing = look_at(direction_world, np.zeros(3), roll_rad)[:3, :3]
    ray = np.array([tangent[0], tangent[1], 1.0])
    ray /= np.linalg.norm(ray)
    axis = np.cross([0.0, 0.0, 1.0], ray)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    ray_from_forward = np.eye(3) + cross + cross @ cross / (1.0 + ray[2])  # Rodrigues, the angle from the z axis
    return facing @ ray_from_forward.T


def distance_for_size(
    rotation: np.ndarray,
    direction_world: np.ndarray,
    corners_m: np.ndarray,
    focal_px: float,
    wanted_px: float,
    nearest_m: float,
) -> float:
    """The distance, at least `nearest_m`, at which the box's longer side in the picture is `wanted_px`.

    The extent falls about as 1 / distance, so the distance times (extent / wanted) is a step that converges.
    """
    distance = max(nearest_m, float(np.linalg.norm(corners_m[7] - corners_m[0])) * focal_px / wanted_px)
    for _ in range(SIZE_STEPS):
        points = project_corners(rotation, direction_world * distance, corners_m, focal_px, (0, 0))
        ratio = float(np.ptp(points, axis=0).max()) / wanted_px
        distance = max(nearest_m, distance * ratio)
        if abs(ratio - 1.0) < 1e-4:
            break
    return distance


def project_corners(
    rotation: np.ndarray, position_m: np.ndarray, points_m: np.ndarray, focal_px: float, size_wh: tuple[int, int]
) -> np.ndarray:
    """Pixels (n, 2) of world points seen by a camera; depths are held above a thousandth of the distance."""
    local = (points_m - position_m) @ rotation
    depth = np.maximum(local[:, 2:3], 1e-3 * float(np.linalg.norm(position_m)))
    return focal_px * local[:, :2] / depth + np.asarray(size_wh, dtype=float) / 2
