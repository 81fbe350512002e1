"""Joining: two models of one object that was turned over between them, laid onto each other by the object alone.

Features are taken where a photo's depth map shows the object, so the table and the room, which did not turn with it,
have no say. Each feature has a place in space by its depth; matches between photos of different sides are therefore
pairs of points in space, and the similarity between the sides follows from three of them (RANSAC over Umeyama, PAMI
1991), refined on all pairs that agree together with the distances of the dense points from each other's surfaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.errors import QualityError
from photosynth.core.geometry import transform_points
from photosynth.core.record import Record
from photosynth.core.rng import rng_for
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.views import View

_ROUNDING = 1e-6
"""Of a product of two float32 descriptors of unit length."""


class JoinConfig(Record, frozen=True, kw_only=True):
    """When two sides are one object. Lengths named ``_rel`` are in diagonals of the object."""

    features: int = 900
    """Features of each photo."""
    ratio: float = 0.85
    """A match's distance over that of the next best, at most (Lowe, IJCV 2004)."""
    trials: int = 3000
    """Of RANSAC."""
    rough_rel: float = 0.015
    """Pairs of points this near to each other agree, at first."""
    fine_rel: float = 0.006
    """The same when refining."""
    min_pairs: int = 40
    """Pairs that must agree."""
    min_spread_rel: float = 0.03
    """Their second widest extent (standard deviation), at least: points on a line leave the object free to turn."""


@dataclass(frozen=True, eq=False)
class Features:
    """Of one photo: descriptors (n, 128) float32 of unit length, points (n, 3) in the world of its side."""

    descriptors: np.ndarray
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Joint:
    """first_from_second (4, 4): a similarity. n_pairs: point pairs that agree; error: their root mean square distance
    in the first side's world."""

    first_from_second: np.ndarray
    n_pairs: int
    error: float


def find_features(config: JoinConfig, full: View, small: View, depth: np.ndarray, kept: PointCloud) -> Features:
    """SIFT features on the object in one photo.

    Args:
        config: how many.
        full: the photo at full size.
        small: the same at the depth map's size.
        depth: (H, W) confirmed depths of `small`, 0 where there is none.
        kept: the object's points: only depths inside their box count.
    """
    import cv2

    points = _unprojected(small, depth)
    low, high = kept.points.min(axis=0), kept.points.max(axis=0)
    solid = (depth > 0) & ((points >= low) & (points <= high)).all(axis=2)
    height, width = full.image.shape[:2]
    mask = cv2.resize(solid.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_NEAREST)
    rows, columns = np.nonzero(mask)
    nothing = Features(np.zeros((0, 128), np.float32), np.zeros((0, 3)))
    if len(rows) < 100:
        return nothing
    top, left = max(0, rows.min() - 16), max(0, columns.min() - 16)
    window = (slice(top, rows.max() + 17), slice(left, columns.max() + 17))
    grey = cv2.cvtColor(full.image[window], cv2.COLOR_RGB2GRAY)
    sift = cv2.SIFT_create(nfeatures=config.features, contrastThreshold=0.02)
    found, descriptors = sift.detectAndCompute(grey, np.ascontiguousarray(mask[window]))
    if descriptors is None:
        return nothing
    pixels = np.array([p.pt for p in found]) + np.array([left, top])
    scale = np.array([depth.shape[1] / width, depth.shape[0] / height])
    at = np.clip(((pixels + 0.5) * scale).astype(int), 0, [depth.shape[1] - 1, depth.shape[0] - 1])
    z = depth[at[:, 1], at[:, 0]].astype(float)
    good = z > 0
    k = full.intrinsics
    rays = np.column_stack([(pixels[:, 0] - k[0, 2]) / k[0, 0], (pixels[:, 1] - k[1, 2]) / k[1, 1], np.ones(len(z))])
    world = (rays * z[:, None] - full.translation) @ full.rotation
    roots = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    return Features(roots[good].astype(np.float32), world[good])


def _unprojected(view: View, depth: np.ndarray) -> np.ndarray:
    """(H, W, 3) places in the world of a depth map's pixels."""
    height, width = depth.shape
    k = view.intrinsics
    y, x = np.mgrid[:height, :width].astype(float)
    local = np.stack([(x - k[0, 2]) / k[0, 0] * depth, (y - k[1, 2]) / k[1, 1] * depth, depth], axis=-1)
    return (local - view.translation) @ view.rotation


def matched_points(
    config: JoinConfig, first: Sequence[Features], second: Sequence[Features]
) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) of the first side and (n, 3) of the second that look alike: best for each other, and clearly."""
    a_points, b_points = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for a in first:
        for b in second:
            if min(len(a.points), len(b.points)) < 8:
                continue
            likeness = a.descriptors @ b.descriptors.T
            rows = np.arange(len(likeness))
            best = likeness.argmax(axis=1)
            top = likeness[rows, best].copy()
            mutual = likeness.argmax(axis=0)[best] == rows
            likeness[rows, best] = -1.0
            runner_up = likeness.max(axis=1)
            # descriptors are of unit length: the squared distance is 2 - 2 likeness, which single precision gives to
            # about 1e-6, so the same descriptor twice is a tie whichever of the two was rounded up
            clear = (1.0 - top) + _ROUNDING < config.ratio**2 * (1.0 - runner_up)
            keep = mutual & clear
            a_points.append(a.points[keep])
            b_points.append(b.points[best[keep]])
    return np.concatenate(a_points), np.concatenate(b_points)


def join(
    config: JoinConfig, pairs: tuple[np.ndarray, np.ndarray], clouds: tuple[PointCloud, PointCloud], diagonal: float
) -> Joint:
    """The similarity that lays the second side onto the first.

    Args:
        config: thresholds.
        pairs: matched points of both, from `matched_points`.
        clouds: the object's dense points of both.
        diagonal: of the object, in the first side's world.

    Raises:
        QualityError: if the sides have too little in common.
    """
    target, source = pairs
    matrix = _ransac(config, target, source, diagonal)
    if matrix is not None:
        matrix = _refined(config, matrix, target, source, clouds, diagonal)
        off = np.linalg.norm(transform_points(matrix, source) - target, axis=1)
        agree = off < config.fine_rel * diagonal
        if agree.sum() >= config.min_pairs and _spread(target[agree]) > config.min_spread_rel * diagonal:
            return Joint(matrix, int(agree.sum()), float(np.sqrt((off[agree] ** 2).mean())))
    raise QualityError(
        f"the two sides could not be laid onto each other: too few of {len(target)} look-alike points agree. Turn the "
        "object so that some of its faces are photographed on both sides, take both rings all round, and keep the "
        "light the same; or give the photos of one side only"
    )


def _spread(points: np.ndarray) -> float:
    """Standard deviation along the second widest direction."""
    return float(np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[1] / np.sqrt(len(points)))


def _ransac(config: JoinConfig, target: np.ndarray, source: np.ndarray, diagonal: float) -> np.ndarray | None:
    if len(target) < config.min_pairs:
        return None
    rng = rng_for(0, 0, "join sides")
    best, best_count = None, 0
    for picks in rng.integers(0, len(target), (config.trials, 3)):
        a = target[picks]
        if np.linalg.norm(np.cross(a[1] - a[0], a[2] - a[0])) < (0.1 * diagonal) ** 2:
            continue
        matrix = umeyama(source[picks], a)
        if np.linalg.norm(transform_points(matrix, source[picks]) - a, axis=1).max() > config.rough_rel * diagonal:
            continue
        off = np.linalg.norm(transform_points(matrix, source) - target, axis=1)
        count = int((off < config.rough_rel * diagonal).sum())
        if count > best_count:
            best, best_count = matrix, count
    return best if best_count >= config.min_pairs else None


def umeyama(source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The (4, 4) similarity that takes (n, 3) points nearest to others (Umeyama, PAMI 1991)."""
    w = np.ones(len(source)) if weights is None else weights
    w = (w / w.sum())[:, None]
    mean_a, mean_b = (w * source).sum(axis=0), (w * target).sum(axis=0)
    a, b = source - mean_a, target - mean_b
    u, s, vt = np.linalg.svd((w * b).T @ a)
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float((s * mirror).sum() / max(float((w * a**2).sum()), 1e-300))
    matrix = np.eye(4)
    matrix[:3, :3] = scale * (u * mirror) @ vt
    matrix[:3, 3] = mean_b - matrix[:3, :3] @ mean_a
    return matrix


def _refined(
    config: JoinConfig,
    matrix: np.ndarray,
    target: np.ndarray,
    source: np.ndarray,
    clouds: tuple[PointCloud, PointCloud],
    diagonal: float,
) -> np.ndarray:
    """Least squares over pairs (point to point) and dense points (point to plane), far ones weighted down (Tukey)."""
    from scipy.spatial import cKDTree

    tree = cKDTree(clouds[0].points)
    step = max(1, len(clouds[1]) // 12_000)
    moving, facing = clouds[1].points[::step], clouds[1].normals[::step]
    for reach in np.geomspace(config.rough_rel, config.fine_rel, 8) * diagonal:
        placed = transform_points(matrix, source)
        pair_weight = _tukey(np.linalg.norm(placed - target, axis=1), reach)
        dense = transform_points(matrix, moving)
        distance, nearest = tree.query(dense, distance_upper_bound=reach)
        near = np.isfinite(distance)
        normal = clouds[0].normals[nearest[near]]
        scale = np.cbrt(np.linalg.det(matrix[:3, :3]))
        alike = (normal * (facing[near] @ (matrix[:3, :3] / scale).T)).sum(axis=1) > 0.7
        normal, at, onto = normal[alike], dense[near][alike], clouds[0].points[nearest[near]][alike]
        gap = ((at - onto) * normal).sum(axis=1)
        plane_weight = _tukey(gap, reach)
        # both kinds of evidence weigh the same in sum, so that neither number of points decides
        pair_weight = pair_weight / max(float(pair_weight.sum()), 1e-9)
        plane_weight = plane_weight / max(float(plane_weight.sum()), 1e-9)
        matrix = _step(placed, target, pair_weight, at, normal, gap, plane_weight) @ matrix
    return matrix


def _tukey(residual: np.ndarray, reach: float) -> np.ndarray:
    return np.clip(1.0 - (residual / reach) ** 2, 0.0, None) ** 2


def _step(placed, target, pair_weight, at, normal, gap, plane_weight) -> np.ndarray:
    """One Gauss-Newton step of a similarity: x moves by t + r x x + s x."""
    middle = placed.mean(axis=0)
    x = placed - middle
    zero, one = np.zeros(len(x)), np.ones(len(x))
    # rows of d(x)/d(t, r, s) for each coordinate
    across = np.array([[zero, x[:, 2], -x[:, 1]], [-x[:, 2], zero, x[:, 0]], [x[:, 1], -x[:, 0], zero]])
    rows, right, weight = [], [], []
    for c in range(3):
        unit = [one if c == k else zero for k in range(3)]
        rows.append(np.column_stack([*unit, *across[c], x[:, c]]))
        right.append((target - placed)[:, c])
        weight.append(pair_weight)
    y = at - middle
    rows.append(np.column_stack([normal, np.cross(y, normal), (y * normal).sum(axis=1)]))
    right.append(-gap)
    weight.append(plane_weight)
    matrix, value, w = np.concatenate(rows), np.concatenate(right), np.concatenate(weight)[:, None]
    delta = np.linalg.lstsq((matrix * w).T @ matrix, (matrix * w).T @ value, rcond=None)[0]
    import cv2

    moved = np.eye(4)
    moved[:3, :3] = np.exp(delta[6]) * cv2.Rodrigues(delta[3:6])[0]
    moved[:3, 3] = middle + delta[:3] - moved[:3, :3] @ middle
    return moved
