"""Footprints: convex outlines on a table, which must not overlap."""

from __future__ import annotations

import numpy as np

from photosynth.sample.polygon import area


def footprints_apart(a: np.ndarray, b: np.ndarray, gap_m: float = 0.0) -> bool:
    """Whether two convex outlines (n, 2), anticlockwise, can be parted by a line along one of their edges with at
    least `gap_m` between them (separating-axis theorem)."""
    return _parts(a, b, gap_m) or _parts(b, a, gap_m)


def apart_from_all(outline: np.ndarray, others: list[np.ndarray], gap_m: float = 0.0) -> bool:
    """Whether an outline is apart from every one of the others."""
    low, high = outline.min(axis=0) - gap_m, outline.max(axis=0) + gap_m
    for other in others:
        beside = (other.max(axis=0) <= low).any() or (other.min(axis=0) >= high).any()
        if not beside and not footprints_apart(outline, other, gap_m):
            return False
    return True


def reach_inside(point: np.ndarray, outline: np.ndarray) -> float:
    """Distance of a point from the nearest edge of a convex outline, anticlockwise, over the square root of the area
    inside; below 0 outside, and for an outline without area."""
    inside = area(outline)
    if inside <= 0:
        return -1.0
    outward = _outward(outline)
    return float(((outline @ outward.T).max(axis=0) - outward @ point).min() / np.sqrt(inside))


def least_box_rad(outline: np.ndarray) -> float:
    """The turn, in -pi/4..3pi/4, after which the narrowest box round an outline lies along the axes, its longer side
    along y (one of its sides lies on an edge: Freeman and Shapira, 1975)."""
    outward = _outward(outline)
    along = np.stack([-outward[:, 1], outward[:, 0]], axis=1)
    deep, wide = np.ptp(outline @ outward.T, axis=0), np.ptp(outline @ along.T, axis=0)
    k = int(np.argmin(deep * wide / (deep * wide).min() > 1 + 1e-9))
    angle = np.arctan2(outward[k, 1], outward[k, 0]) + (0.0 if deep[k] <= wide[k] else np.pi / 2)
    return float((-angle + np.pi / 4) % np.pi - np.pi / 4)


def _parts(a: np.ndarray, b: np.ndarray, gap_m: float) -> bool:
    outward = _outward(a)
    return bool(((b @ outward.T).min(axis=0) - (a @ outward.T).max(axis=0) >= gap_m).any())


def _outward(outline: np.ndarray) -> np.ndarray:
    """Unit directions out of an anticlockwise outline, (n, 2), without those of edges that are too short to tell."""
    along = np.roll(outline, -1, axis=0) - outline
    length = np.linalg.norm(along, axis=1)
    along = along[length > 1e-9 * length.max()] / length[length > 1e-9 * length.max(), None]
    return np.stack([along[:, 1], -along[:, 0]], axis=1)
