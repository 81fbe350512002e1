"""The object apart from its surroundings: table plane, region of interest, and a world that stands on the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.geometry import Vec3, transform_points
from photosynth.core.record import Record
from photosynth.core.rng import rng_for
from photosynth.reconstruct.plane import Plane, support_plane
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.stance import LEVEL_SHARE, Stance, ring_axis, stance_of, triangulation_angles_deg

MAX_ERROR_PX = 1.5
MIN_TRACK = 3
MIN_ANGLE_DEG = 4.0
ABOVE = 0.015
"""Points lower than this above the table are the table's; a share of the cameras' distance."""
MARGIN = 0.05
"""The region reaches this far beyond the points, in diagonals; further where there are few points."""
FEW = 150
"""Points with which the margin is doubled."""
ENOUGH = 100
"""With fewer sparse points on the object, its box is guessed as well."""
BESIDE = 0.5
"""What stands no farther than this from the object's points, in diagonals, stands beside it."""
GUESS_HALF_WIDTH = 0.17
"""Half the width of a guessed box, a share of the cameras' distance: people fill about a third of the picture."""
JOIN = 0.05
"""Points this near to each other belong together; a share of the cameras' distance."""


class Region(Record, frozen=True, kw_only=True):
    """An upright box round the object in the world (z up)."""

    low: Vec3
    """Least x, y, z."""
    high: Vec3
    """Greatest x, y, z."""

    def diagonal(self) -> float:
        """Its diagonal."""
        return float(np.linalg.norm(np.subtract(self.high, self.low)))

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of (n, 3) points lie in it, (n,)."""
        p = np.asarray(points)
        return ((p >= np.array(self.low)) & (p <= np.array(self.high))).all(axis=1)


@dataclass(frozen=True, eq=False)
class Isolated:
    """world_from_model (4, 4): a similarity; the world has z up, the table at z = 0 and the object over the origin.
    object_points (n, 3): the sparse points of the object, in the world; where they are fewer than ENOUGH, the corners
    of a box are among them that is guessed from what the cameras look at. n_points: how many are real. region: round
    them all, with a margin. n_beside: how many points above the table stand beside these and were left out.
    has_table: whether a table was found; without one the object's lowest point is at z = 0 and up is the cameras'.
    metric: whether a length of 1 is a metre.
    """

    world_from_model: np.ndarray
    object_points: np.ndarray
    n_points: int
    region: Region
    n_beside: int
    has_table: bool
    metric: bool
    plane: Plane | None
    stance: Stance


def isolate(model: SparseModel, *, metres_per_unit: float | None = None, seed: int = 0) -> Isolated:
    """Find the table and the object on it.

    Args:
        model: the registered photos.
        metres_per_unit: the scale, if known (see scale.py); else the model's own units stay.
        seed: of the robust estimator.

    """
    stance = stance_of(model)
    points = trusted_points(model)
    plane = support_plane(points, model.centres(), stance, rng_for(seed, 0, "support plane"))
    up = plane.normal if plane is not None else _up_without_table(stance, model.centres())
    rotation = _level(up, stance, model.centres())
    turned = trusted_points(model, 2) @ rotation.T
    focus = rotation @ stance.focus
    floor = -plane.offset if plane is not None else -np.inf
    group = _object_group(turned, focus, stance.distance, floor)
    n_points = len(group)
    if n_points < ENOUGH:
        group = np.concatenate([group, _guessed_corners(focus, stance.distance, floor)])
    low, high = np.percentile(group, [1, 99] if n_points >= ENOUGH else [0, 100], axis=0)
    ground = floor if plane is not None else float(low[2])
    origin = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, ground])
    scale = metres_per_unit or 1.0
    world_from_model = np.eye(4)
    world_from_model[:3, :3] = scale * rotation
    world_from_model[:3, 3] = -scale * origin
    world_points = scale * (group - origin)
    return Isolated(
        world_from_model=world_from_model,
        object_points=world_points,
        n_points=n_points,
        region=_region(world_points, plane is not None),
        n_beside=_beside(turned, low, high, floor + ABOVE * stance.distance),
        has_table=plane is not None,
        metric=metres_per_unit is not None,
        plane=plane,
        stance=stance,
    )


def _up_without_table(stance: Stance, centres: np.ndarray) -> np.ndarray:
    """How the cameras were held; where they were not held level (a tilted tripod), the axis that they go round."""
    if stance.level_share() >= LEVEL_SHARE:
        return stance.up
    axis = ring_axis(centres, stance.focus)
    return stance.up if axis is None else axis


def trusted_points(model: SparseModel, min_track: int = MIN_TRACK) -> np.ndarray:
    """Points (n, 3) seen by `min_track` cameras or more, from well apart, with small errors."""
    side = max((max(c.size_wh) for c in model.cameras), default=1600) / 1600.0
    good = (model.errors_px < MAX_ERROR_PX * max(side, 1.0)) & (model.track_lengths() >= min_track)
    good &= triangulation_angles_deg(model) >= MIN_ANGLE_DEG
    return model.points[good]


def _level(up: np.ndarray, stance: Stance, centres: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) that takes `up` to +z and the first camera's side to -y (the front faces it)."""
    front = stance.focus - centres[0]
    forward = front - (front @ up) * up
    if np.linalg.norm(forward) < 1e-6 * stance.distance:
        forward = np.cross(up, [1.0, 0.0, 0.0]) + 1e-3
        forward -= (forward @ up) * up
    forward = forward / np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up])


def _object_group(points: np.ndarray, focus: np.ndarray, distance: float, floor: float) -> np.ndarray:
    """Points of the thing that stands at the focus: above the floor, dense, and joined.

    Groups are scored by size and by nearness to the vertical through the focus (cameras often look above or below an
    object's middle). Lone points are left out first (mean distance to 12 neighbours over two deviations).
    """
    from scipy.spatial import cKDTree

    inside = np.linalg.norm(points - focus, axis=1) < 0.9 * distance
    kept = points[inside & (points[:, 2] > floor + ABOVE * distance)]
    if len(kept) < 8:
        return kept
    spacing = cKDTree(kept).query(kept, k=min(13, len(kept)))[0][:, 1:].mean(axis=1)
    kept = kept[spacing <= spacing.mean() + 2.0 * spacing.std()]
    labels = _joined(kept, max(JOIN * distance, 3.0 * float(np.median(spacing))))
    best, best_score = kept[:0], -1.0
    for label in np.unique(labels):
        members = kept[labels == label]
        off = float(np.linalg.norm(np.median(members, axis=0)[:2] - focus[:2])) / distance
        score = len(members) / (1.0 + 30.0 * off**2)
        if score > best_score:
            best, best_score = members, score
    return best


def _beside(points: np.ndarray, low: np.ndarray, high: np.ndarray, floor: float) -> int:
    """How many of (n, 3) points lie near a box, above the floor, but not in it."""
    diagonal = float(np.linalg.norm(high - low))
    near = (points >= low - BESIDE * diagonal) & (points <= high + BESIDE * diagonal)
    inside = (points >= low - MARGIN * diagonal) & (points <= high + MARGIN * diagonal)
    return int((near.all(axis=1) & ~inside.all(axis=1) & (points[:, 2] > floor)).sum())


def _guessed_corners(focus: np.ndarray, distance: float, floor: float) -> np.ndarray:
    """Corners (8, 3) of a box about the focus: people aim at an object's middle, so it is twice as high as that."""
    half = np.full(3, GUESS_HALF_WIDTH * distance)
    low, high = focus - half, focus + half
    if np.isfinite(floor):
        low[2], high[2] = floor, max(2.1 * focus[2] - 1.1 * floor, floor + 0.05 * distance)
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])


def _joined(points: np.ndarray, reach: float) -> np.ndarray:
    """Labels (n,) of groups whose members are linked by steps of at most `reach`, through points in dense places."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    pairs = tree.query_pairs(reach, output_type="ndarray")
    crowd = np.bincount(pairs.ravel(), minlength=len(points)) >= min(6, max(1, len(points) // 20))
    dense = pairs[crowd[pairs[:, 0]] & crowd[pairs[:, 1]]]
    graph = coo_matrix((np.ones(len(dense)), (dense[:, 0], dense[:, 1])), shape=(len(points), len(points)))
    return connected_components(graph, directed=False)[1]


def _region(points: np.ndarray, has_table: bool) -> Region:
    low, high = np.percentile(points, [0.5, 99.5] if len(points) > ENOUGH + 8 else [0, 100], axis=0)
    margin = MARGIN * (1.0 + np.sqrt(FEW / len(points))) * float(np.linalg.norm(high - low))
    low, high = low - margin, high + margin
    if has_table:
        low[2] = 0.0
    return Region(low=tuple(map(float, low)), high=tuple(map(float, high)))


def isolated_model(model: SparseModel, found: Isolated) -> SparseModel:
    """The model in the world of `found`."""
    return model.transformed(found.world_from_model)


def seen_elevations_deg(model: SparseModel, found: Isolated) -> np.ndarray:
    """Elevation of each camera above the table seen from the object's middle, (c,) degrees."""
    centres = transform_points(found.world_from_model, model.centres())
    away = centres - 0.5 * (np.array(found.region.low) + np.array(found.region.high))
    return np.degrees(np.arctan2(away[:, 2], np.hypot(away[:, 0], away[:, 1])))
