"""Distractors: other things beside or behind the subject, and pictures of other things alone."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.camera import Camera
from photosynth.core.distributions import Discrete, LogUniform, Scalar, Uniform, sample
from photosynth.core.record import Record
from photosynth.core.scene import Placement
from photosynth.core.seen import camera_direction, seen_part
from photosynth.sample.camera import box_corners, project_corners
from photosynth.sample.placement import SurfaceRecipe, choose_distractor, orient, place
from photosynth.sample.polygon import box_share_inside
from photosynth.sample.ranges import require_count, require_share, require_support

MAX_TRIES = 16
MIN_BOX_INSIDE = 0.25
"""Least share of a distractor's box inside the picture."""
MAX_BOX_HIDDEN = 0.8
"""Largest share of a distractor's box that the subject's box may cover."""


class DistractorRecipe(Record, frozen=True, kw_only=True):
    """Other things that share the picture with the subject. Without distractor assets in the catalogue, none."""

    share: float = 0.3
    """Probability that a picture with a subject also has distractors, 0..1."""
    count: Scalar = Discrete(values=(1, 2), weights=(0.65, 0.35))
    """How many, a count of 1 to 4; one that finds no visible place is left out."""
    scale: Scalar = LogUniform(low=0.5, high=1.5)
    """Diagonal of its box in diagonals of the subject's, a ratio."""
    gap: Scalar = Uniform(low=0.0, high=0.35)
    """Distance between the two bounding spheres, as a share of the sum of their radii."""
    behind_deg: Scalar = Uniform(low=0.0, high=70.0)
    """Angle in degrees: 0 is beside the subject as the camera sees it, 90 straight behind it."""
    lookalike_share: float = 0.65
    """The same as `share` for pictures of distractors alone."""
    lookalike_count: Scalar = Discrete(values=(1, 2, 3, 4))
    """The same as `count` for pictures of distractors alone."""

    def __post_init__(self) -> None:
        require_share(share=self.share, lookalike_share=self.lookalike_share)
        require_count("lookalike_count", self.lookalike_count, 1, 4)
        require_count("count", self.count, 1, 4)
        require_support("scale", self.scale, 0.05, 4.0)
        require_support("gap", self.gap, 0.0, 10.0)
        require_support("behind_deg", self.behind_deg, 0.0, 90.0)


def sample_distractors(
    recipe: DistractorRecipe,
    surface: SurfaceRecipe,
    assets: tuple[Asset, ...],
    camera: Camera,
    subject_corners_m: np.ndarray,
    rng: np.random.Generator,
    lookalike: bool = False,
) -> tuple[Placement, ...]:
    """Placements beside or behind the subject that touch neither it nor one another (by bounding spheres), are
    visible, and obey the seen-surface law.

    Args:
        recipe: how often, how many, where.
        surface: how they are turned and what they are made of.
        assets: the distractors of the catalogue; may be empty.
        camera: of the scene.
        subject_corners_m: (8, 3) corners of the subject's box, centred on the world's origin.
        rng: draws them.
        lookalike: the subject is a distractor itself.
    """
    share, count = (recipe.lookalike_share, recipe.lookalike_count) if lookalike else (recipe.share, recipe.count)
    if rng.random() >= share or not assets:
        return ()
    placed: list[Placement] = []
    spheres = [(np.zeros(3), float(np.linalg.norm(subject_corners_m[7] - subject_corners_m[0])) / 2)]
    for _ in range(round(sample(count, rng))):
        for _ in range(MAX_TRIES):
            found = _try_place(recipe, surface, assets, camera, subject_corners_m, spheres, rng)
            if found is not None:
                placed.append(found[0])
                spheres.append(found[1])
                break
    return tuple(placed)


def _try_place(
    recipe: DistractorRecipe,
    surface: SurfaceRecipe,
    assets: tuple[Asset, ...],
    camera: Camera,
    subject_corners_m: np.ndarray,
    spheres: list[tuple[np.ndarray, float]],
    rng: np.random.Generator,
) -> tuple[Placement, tuple[np.ndarray, float]] | None:
    asset = choose_distractor(assets, rng)
    radius = spheres[0][1] * sample(recipe.scale, rng)
    reach = (spheres[0][1] + radius) * (1.0 + sample(recipe.gap, rng))
    position = _beside(camera, math.radians(sample(recipe.behind_deg, rng)), reach, rng)
    rotation = orient(surface, rng)
    scale = 2.0 * radius / asset.diagonal_m()
    world_from_object = np.eye(4)
    world_from_object[:3, :3], world_from_object[:3, 3] = rotation * scale, position
    part = seen_part(asset, camera_direction(world_from_object, camera.position_m()))
    if part is None:
        return None
    if any(np.linalg.norm(position - centre) < (radius + other) * (1 - 1e-9) for centre, other in spheres):
        return None
    corners = box_corners(asset.size_m) @ (rotation * scale).T + position
    if not _is_visible(camera, corners, subject_corners_m):
        return None
    return place(surface, asset, part, rotation, rng, scale, position), (position, radius)


def _beside(camera: Camera, behind_rad: float, reach_m: float, rng: np.random.Generator) -> np.ndarray:
    """A point `reach_m` from the origin, at an angle behind the plane through it that faces the camera, (3,)."""
    away = -camera.position_m() / np.linalg.norm(camera.position_m())
    across = np.cross(away, [0.0, 0.0, 1.0] if abs(away[2]) < 0.99 else [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    around = rng.uniform(0.0, 2 * math.pi)
    sideways = math.cos(around) * across + math.sin(around) * np.cross(away, across)
    return reach_m * (math.cos(behind_rad) * sideways + math.sin(behind_rad) * away)


def _is_visible(camera: Camera, corners_m: np.ndarray, subject_corners_m: np.ndarray) -> bool:
    rotation = np.array(camera.world_from_cam)[:3, :3]
    if (((corners_m - camera.position_m()) @ rotation)[:, 2] <= 1e-6).any():
        return False
    mine, subject = (
        project_corners(rotation, camera.position_m(), corners, camera.focal_px, camera.size_wh)
        for corners in (corners_m, subject_corners_m)
    )
    if box_share_inside(mine, camera.size_wh) < MIN_BOX_INSIDE:
        return False
    low, high = np.maximum(mine.min(axis=0), 0.0), np.minimum(mine.max(axis=0), camera.size_wh)
    shared = np.minimum(high, subject.max(axis=0)) - np.maximum(low, subject.min(axis=0))
    hidden = float(np.prod(np.maximum(shared, 0.0))) / max(float(np.prod(high - low)), 1e-9)
    return hidden <= MAX_BOX_HIDDEN
