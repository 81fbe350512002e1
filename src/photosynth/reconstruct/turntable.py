"""Turntable: the circles on which a still camera stands round an object that turns before it.

Seen from the object, the camera of a walk's photos goes round one axis, in one ring for each place that it stood at.
Within a ring every photo has the same pose but for its angle, and if the table turns in even steps the angle follows
from the photo's number. That lays models onto each other that have no surface in common: the front of a bottle and its
back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from photosynth.reconstruct.sparse import SparseModel

NEIGHBOURS = 2
"""Photos up to this far apart in order tell the axis."""
TURN_DEG = (3.0, 120.0)
"""How far the object may turn between them."""
NEAR = 6
"""Photos up to this far apart in order tell the step of a ring at first."""
ALIKE_DEG = 6.0
"""Axes of different pairs, and of photos in one ring, agree within this."""
AXIS_SHARE = 0.6
"""Share of the pairs whose axes must agree."""
RING = 3
"""Fewest photos of a ring."""
OFF_CIRCLE = 0.03
"""A photo this far (in radii) from its ring's circle is not on it."""
OFF_STEP_DEG = 3.0
"""A photo this far from its even step has left the table's rhythm."""
MEMBERS = 0.75
"""Share of the photos that must be in rings and in step."""
RINGS_APART_DEG = 2.0
"""How far two estimates of the angle between two models may differ."""
SIZES_APART = 0.05
"""The same of their sizes, as a share."""


@dataclass(frozen=True, eq=False)
class Turntable:
    """Photos on rings round the z axis of one world.

    number (n,): a photo's place in the order in which they were taken, ascending. ring (n,): of ring_poses.
    angle_rad (n,): photo i has world_from_cam = rotation about z by its angle, times its ring's pose. ring_poses
    (r, 4, 4). step_rad (r,): from one photo of a ring to the next. first (r,): number of a ring's first photo; at
    angle 0 + noise. spread_rad: root mean square of the angles off their even steps. world_from_model: for each model,
    a similarity (4, 4). home (n,): the model that a photo came from.
    """

    number: np.ndarray
    ring: np.ndarray
    angle_rad: np.ndarray
    home: np.ndarray
    ring_poses: np.ndarray
    step_rad: np.ndarray
    first: np.ndarray
    spread_rad: float
    world_from_model: tuple[np.ndarray, ...]

    def pose(self, k: int) -> np.ndarray:
        """world_from_cam (4, 4) of the k-th photo."""
        return about_z(self.ring_poses[self.ring[k]], self.angle_rad[k])

    def expected(self, number: int) -> tuple[int, float] | None:
        """Ring and angle of a photo by its place in the order alone; None if it lies in no ring's stretch: an error of
        the step would add up beyond it."""
        for r in range(len(self.ring_poses)):
            inside = self.number[self.ring == r]
            if inside.min() <= number <= inside.max():
                return r, float(self.step_rad[r] * (number - self.first[r]))
        return None


def rotation_z(angle_rad: float) -> np.ndarray:
    """(3, 3): a turn about z."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def about_z(pose: np.ndarray, angle_rad: float) -> np.ndarray:
    """A pose (4, 4) after a turn about the world's z axis."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_z(angle_rad)
    return matrix @ pose


@dataclass(frozen=True, eq=False)
class _Upright:
    """A model with the axis as z: number (n,), rotations (n, 3, 3), centres (n, 3), matrix (3, 3) from the model."""

    number: np.ndarray
    rotations: np.ndarray
    centres: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True, eq=False)
class _RoundAxis:
    """Photos of several models, each model with its axis as z through the origin. number, home (the model), ring (-1
    for none), angle: (n,). centres (n, 3). at_zero (n, 3, 3): rotations turned back by the angle. middles: where the
    axis of each model was before."""

    number: np.ndarray
    home: np.ndarray
    ring: np.ndarray
    angle: np.ndarray
    centres: np.ndarray
    at_zero: np.ndarray
    middles: tuple[np.ndarray, ...]


def find_turntable(models: Sequence[SparseModel], order: dict[str, int]) -> Turntable | None:
    """Lay models of one walk onto each other by the turntable that they were photographed on.

    Args:
        models: one or more that share no photo; the first gives the scale.
        order: each file's place in the order in which the photos were taken.

    Returns:
        None if the photos are not on common rings in even steps, or if nothing confirms how the models lie: with more
        than one model, a second ring must say the same, or one model must have photos on both sides of the other's.
    """
    upright = [u for u in (_upright(model, order) for model in models) if u is not None]
    if len(upright) < len(models):
        return None
    round_axis = _round_axis(upright)
    steps, starts, kept = _rhythm(round_axis)
    if not kept.any() or kept.sum() < MEMBERS * len(kept):
        return None
    round_axis = replace(round_axis, ring=np.where(kept, round_axis.ring, -1))
    between = [_between(round_axis, m, starts) for m in range(len(upright))]
    if any(found is None for found in between):
        return None
    scale, lift, turn = np.array(between, float).T
    common = replace(
        round_axis,
        centres=round_axis.centres * scale[round_axis.home, None] + np.outer(lift[round_axis.home], [0.0, 0.0, 1.0]),
        angle=round_axis.angle + turn[round_axis.home],
    )
    matrices = []
    for u, middle, k, up, by in zip(upright, round_axis.middles, scale, lift, turn, strict=True):
        matrix = np.eye(4)
        matrix[:3, :3] = k * rotation_z(by) @ u.matrix
        matrix[:3, 3] = rotation_z(by) @ [-k * middle[0], -k * middle[1], up]
        matrices.append(matrix)
    return _in_order(common, steps, tuple(matrices))


def unfolded(model: SparseModel, order: dict[str, int]) -> tuple[SparseModel, ...]:
    """The model's photos that stand on rings and in step with two others, taken apart where no strong pair of photos
    links them; the model itself if it has no rings.

    A front that was laid onto its back has both on one circle, linked by stray photos between them and by a chance
    likeness: without these it falls apart. A right model of a table that turned unevenly holds together.
    """
    upright = _upright(model, order)
    if upright is None:
        return (model,)
    photos = _round_axis([upright])
    steps, _, _ = _rhythm(photos)
    if not np.isfinite(steps).any():
        return (model,)
    step = np.append(steps, np.nan)[photos.ring]  # ring -1 takes the NaN
    lag = photos.angle - step * photos.number
    near = np.abs(wrapped(lag[:, None] - lag)) <= np.radians(OFF_STEP_DEG)
    in_step = (near & (photos.ring[:, None] == photos.ring)).sum(axis=1) >= RING
    kept = np.flatnonzero((photos.ring >= 0) & in_step)
    return model.of_cameras(kept).linked_parts(strongly=True) if len(kept) >= RING else (model,)


def _upright(model: SparseModel, order: dict[str, int]) -> _Upright | None:
    """The model with the axis that its cameras go round as z; None if pairs of neighbours do not agree on one."""
    import cv2

    number = np.array([order[file] for file in model.files])
    rotations, axes = model.rotations(), []
    by_order = np.argsort(number)
    low, high = np.radians(TURN_DEG)
    for a, b in pairwise(by_order):
        if number[b] - number[a] > NEIGHBOURS:
            continue
        turn = cv2.Rodrigues(np.ascontiguousarray(rotations[b] @ rotations[a].T))[0][:, 0]
        if low < (size := float(np.linalg.norm(turn))) < high:
            axes.append(turn / size)
    if len(axes) < RING:
        return None
    near = np.array(axes) @ np.array(axes).T > np.cos(np.radians(ALIKE_DEG))
    best = int(near.sum(axis=1).argmax())
    if near[best].sum() < max(RING, AXIS_SHARE * len(axes)):
        return None
    z = np.array(axes)[near[best]].mean(axis=0)
    z /= np.linalg.norm(z)
    x = np.cross(z, np.eye(3)[int(np.abs(z).argmin())])
    x /= np.linalg.norm(x)
    matrix = np.stack([x, np.cross(z, x), z])
    return _Upright(number, matrix @ rotations, model.centres() @ matrix.T, matrix)


def _rings(axis_seen: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Ring of each photo (n,), or -1: photos to which the axis (n, 3) looks alike, in one stretch of the order."""
    groups: list[list[int]] = []
    for k in np.argsort(number, kind="stable"):
        means = [np.mean(axis_seen[g], axis=0) for g in groups]
        likeness = [float(axis_seen[k] @ m / np.linalg.norm(m)) for m in means]
        if likeness and max(likeness) > np.cos(np.radians(ALIKE_DEG)):
            groups[int(np.argmax(likeness))].append(int(k))
        else:
            groups.append([int(k)])
    ring = np.full(len(number), -1)
    for r, members in enumerate(g for g in groups if len(g) >= RING):
        ring[members] = r
    by_order = np.argsort(number, kind="stable")
    sorted_rings = np.concatenate([[-1, -1], ring[by_order], [-1, -1]])
    around = np.stack([sorted_rings[k : len(number) + k] for k in (0, 1, 3, 4)])
    ring[by_order[(around == ring[by_order]).sum(axis=0) < 2]] = -1  # strays among photos of another ring
    spans = sorted((number[ring == r].min(), number[ring == r].max()) for r in np.unique(ring[ring >= 0]))
    mixed = any(before[1] > after[0] for before, after in pairwise(spans))
    return np.full(len(number), -1) if mixed else ring


def _middle(centres: np.ndarray, ring: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the axis passes (2,), by circles of one centre through each ring, and how far in radii each photo is off
    its circle (n,), infinite for those without."""
    off = np.where(ring >= 0, 0.0, np.inf)
    middle = np.zeros(2)
    for _ in range(3):
        good = off < OFF_CIRCLE
        names = [r for r in np.unique(ring[good]) if (good & (ring == r)).sum() >= RING]
        use = good & np.isin(ring, names)
        if not names or use.sum() < len(names) + 2:
            return middle, np.full(len(ring), np.inf)
        # |p|^2 = 2 c.p + (radius^2 - |c|^2), linear in c and one constant for each ring
        rows = np.column_stack([2 * centres[use, :2], *((ring[use] == r).astype(float) for r in names)])
        found = np.linalg.lstsq(rows, (centres[use, :2] ** 2).sum(axis=1), rcond=None)[0]
        middle = found[:2]
        radius = dict(zip(names, np.sqrt(np.maximum(found[2:] + middle @ middle, 1e-12)), strict=True))
        away = np.hypot(*(centres[:, :2] - middle).T)
        off = np.array(
            [abs(a - radius[r]) / radius[r] if r in radius else np.inf for a, r in zip(away, ring, strict=True)]
        )
    return middle, off


def _round_axis(parts: Sequence[_Upright]) -> _RoundAxis:
    """The photos of all models round the axis of each."""
    number = np.concatenate([u.number for u in parts])
    home = np.repeat(np.arange(len(parts)), [len(u.number) for u in parts])
    rotations = np.concatenate([u.rotations for u in parts])
    # the axis as a ring's camera sees it does not depend on a model's scale or origin
    ring = _rings(rotations[:, 2], number)
    middles, off = zip(*(_middle(u.centres, ring[home == m]) for m, u in enumerate(parts)), strict=True)
    centres = np.concatenate([u.centres - [*middle, 0.0] for u, middle in zip(parts, middles, strict=True)])
    angle = np.arctan2(centres[:, 1], centres[:, 0])
    at_zero = np.stack([rotation_z(-a) for a in angle]) @ rotations
    return _RoundAxis(
        number, home, np.where(np.concatenate(off) < OFF_CIRCLE, ring, -1), angle, centres, at_zero, middles
    )


def _rhythm(photos: _RoundAxis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps (r,) of each ring, NaN where no neighbours tell; the angle that each model's (r, models) photo 0 would
    have in it; and which photos (n,) are on a ring and in step."""
    n_rings = int(photos.ring.max(initial=-1)) + 1
    steps, starts = np.full(n_rings, np.nan), np.full((n_rings, len(photos.middles)), np.nan)
    kept = np.zeros(len(photos.ring), bool)
    for r in range(n_rings):
        steps[r] = _step(photos, photos.ring == r)
        for m in range(len(photos.middles)):
            mine = np.flatnonzero((photos.ring == r) & (photos.home == m))
            if len(mine) and np.isfinite(steps[r]):
                lag = wrapped(photos.angle[mine] - steps[r] * photos.number[mine])
                starts[r, m] = _circular_median(lag)
                kept[mine] = np.abs(wrapped(lag - starts[r, m])) <= np.radians(OFF_STEP_DEG)
    return steps, starts, kept


def _step(photos: _RoundAxis, chosen: np.ndarray) -> float:
    """By how much the table turned from photo to photo of a ring (n,) bool; NaN if no three neighbours tell."""
    number, angle, home = photos.number, photos.angle, photos.home
    picks = np.flatnonzero(chosen)
    picks = picks[np.lexsort((number[picks], home[picks]))]
    turns = [
        float(wrapped(angle[b] - angle[a]))
        for a, b in pairwise(picks)
        if home[a] == home[b] and number[b] - number[a] == 1
    ]
    if len(turns) < 2:
        return float("nan")
    rough = float(np.median(turns))
    first, second = np.triu_indices(len(picks), 1)
    first, second = picks[first], picks[second]
    apart = number[second] - number[first]
    alike = home[first] == home[second]
    # neighbours first: an error of the step adds up; pairs far out of step (half of a folded ring) have no say
    for reach_deg, most in ((1.0, NEAR), (0.3, int(apart.max()))):
        use = alike & (apart <= most)
        tried = rough + np.radians(reach_deg) * np.linspace(-1.0, 1.0, 201)
        off = wrapped(angle[second[use]] - angle[first[use]] - np.multiply.outer(tried, apart[use]))
        rough = float(tried[int(np.exp(-((off / np.radians(1.0)) ** 2)).sum(axis=1).argmax())])
    return rough


def _between(photos: _RoundAxis, m: int, starts: np.ndarray) -> tuple[float, float, float] | None:
    """Scale, lift along the axis and turn about it that lay model m onto the first; None if the rings that they have
    in common disagree, or if nothing confirms them.

    Args:
        photos: of all models.
        m: the model.
        starts: (r, models) angle of each ring's photo 0, NaN where a model has none of the ring.
    """
    if m == 0:
        return 1.0, 0.0, 0.0
    common = np.flatnonzero(~np.isnan(starts[:, [0, m]]).any(axis=1))
    if not len(common):
        return None
    radius, height = np.hypot(photos.centres[:, 0], photos.centres[:, 1]), photos.centres[:, 2]
    ours = [(photos.ring == r) & (photos.home == 0) for r in common]
    theirs = [(photos.ring == r) & (photos.home == m) for r in common]
    sizes = np.array([np.median(radius[a]) / np.median(radius[b]) for a, b in zip(ours, theirs, strict=True)])
    scale = float(np.exp(np.log(sizes).mean()))
    lifts = np.array([np.median(height[a]) - scale * np.median(height[b]) for a, b in zip(ours, theirs, strict=True)])
    turns = starts[common, 0] - starts[common, m]
    turn = float(np.angle(np.exp(1j * turns).sum()))
    if np.abs(wrapped(turns - turn)).max() > np.radians(RINGS_APART_DEG):
        return None
    if max(np.ptp(np.log(sizes)), np.ptp(lifts) / np.median(radius[photos.home == 0])) > SIZES_APART:
        return None
    enclosed = any(_enclosed(photos.number[a], photos.number[b]) for a, b in zip(ours, theirs, strict=True))
    return (scale, float(lifts.mean()), turn) if len(common) > 1 or enclosed else None


def _in_order(photos: _RoundAxis, steps: np.ndarray, matrices: tuple[np.ndarray, ...]) -> Turntable:
    """The photos that are on rings, in one world, as a Turntable."""
    poses, first = [], []
    angle, even = photos.angle.copy(), np.zeros(len(photos.angle))
    names = np.unique(photos.ring[photos.ring >= 0])
    for r in names:
        mine = photos.ring == r
        first.append(int(photos.number[mine].min()))
        even[mine] = steps[r] * (photos.number[mine] - first[-1])
        start = float(np.angle(np.exp(1j * (angle[mine] - even[mine])).sum()))
        angle[mine] = even[mine] + wrapped(angle[mine] - start - even[mine])
        pose = np.eye(4)
        pose[:3, :3] = rotation_z(start) @ _mean_rotation(photos.at_zero[mine])
        away = np.hypot(photos.centres[mine, 0], photos.centres[mine, 1])
        pose[:3, 3] = rotation_z(start) @ [np.median(away), 0.0, np.median(photos.centres[mine, 2])]
        poses.append(pose)
    picks = np.flatnonzero(photos.ring >= 0)
    picks = picks[np.argsort(photos.number[picks], kind="stable")]
    spread = float(np.sqrt(np.mean((angle - even)[picks] ** 2)))
    return Turntable(
        photos.number[picks], np.searchsorted(names, photos.ring[picks]), angle[picks], photos.home[picks],
        np.stack(poses), np.array([steps[r] for r in names]), np.array(first), spread, matrices,
    )  # fmt: skip


def _enclosed(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one of two sets of photos, by their numbers, lies within a gap of the other: its angles before and after
    the gap were then measured, and found in step."""
    return bool(a.min() < b.min() and b.max() < a.max()) or bool(b.min() < a.min() and a.max() < b.max())


def _mean_rotation(rotations: np.ndarray) -> np.ndarray:
    """The chordal mean of (n, 3, 3) rotations (Hartley et al., Rotation Averaging, IJCV 2013)."""
    u, _, vt = np.linalg.svd(rotations.sum(axis=0))
    return (u * [1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt


def _circular_median(angles: np.ndarray) -> float:
    """The one of (n,) angles with the least sum of distances to the others."""
    return float(angles[np.abs(wrapped(angles[:, None] - angles)).sum(axis=1).argmin()])


def wrapped(angle: np.ndarray | float) -> np.ndarray:
    """Angles in [-pi, pi)."""
    return (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi
