"""Polygons in the picture plane: (n, 2) arrays of corners in pixels, y down."""

from __future__ import annotations

import numpy as np

FEW_POINTS = 16
"""So many points are faster looked at one by one."""


def area(polygon: np.ndarray) -> float:
    """Area inside (the shoelace formula); 0 for fewer than three corners."""
    if len(polygon) < 3:
        return 0.0
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def convex_hull(points: np.ndarray) -> np.ndarray:
    """The corners of the convex hull in order, positively turned in x, y (Andrew's monotone chain, 1979)."""
    ordered = sorted(set(map(tuple, _outermost(points).tolist())))
    if len(ordered) < 3:
        return np.array(ordered).reshape(-1, 2)
    halves = []
    for sequence in (ordered, ordered[::-1]):
        half: list[tuple[float, float]] = []
        for point in sequence:
            while len(half) > 1 and _turn(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        halves += half[:-1]
    return np.array(halves)


def _outermost(points: np.ndarray) -> np.ndarray:
    """The points that may be corners of the hull. Of many, those that OpenCV finds, which computes in float32: it may
    leave out a corner that stands out by less than a millionth of the polygon's size."""
    points = np.asarray(points, dtype=float)
    if len(points) < FEW_POINTS:
        return points
    import cv2

    middle = (points - points.mean(axis=0)).astype(np.float32)
    return points[cv2.convexHull(middle, returnPoints=False).ravel()]


def clip(polygon: np.ndarray, convex: np.ndarray) -> np.ndarray:
    """The part of a polygon inside a positively turned convex one (Sutherland and Hodgman, 1974); may be empty.

    A polygon that is not convex keeps its area; pieces that fall apart stay joined by edges of no width.
    """
    corners = [(float(x), float(y)) for x, y in polygon]
    for (ax, ay), (bx, by) in zip(convex, np.roll(convex, -1, axis=0), strict=True):
        sides = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in corners]
        kept: list[tuple[float, float]] = []
        for k, (point, side) in enumerate(zip(corners, sides, strict=True)):
            before, side_before = corners[k - 1], sides[k - 1]
            if (side >= 0) != (side_before >= 0):
                t = side_before / (side_before - side)
                kept.append((before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1])))
            if side >= 0:
                kept.append(point)
        corners = kept
    return np.array(corners).reshape(-1, 2)


def frame_polygon(size_wh: tuple[int, int]) -> np.ndarray:
    """The picture's outline."""
    width, height = size_wh
    return np.array([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)])


def point_on_edge(polygon: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A point uniformly on the outline, (2,)."""
    following = np.roll(polygon, -1, axis=0)
    lengths = np.linalg.norm(following - polygon, axis=1)
    at = rng.random() * lengths.sum()
    k = min(int(np.searchsorted(np.cumsum(lengths), at)), len(polygon) - 1)
    t = (at - (lengths[:k].sum())) / max(lengths[k], 1e-12)
    return polygon[k] + t * (following[k] - polygon[k])


def box_share_inside(points: np.ndarray, size_wh: tuple[int, int]) -> float:
    """Share of the area of the points' upright bounding box that lies inside the picture, 0..1."""
    low, high = points.min(axis=0), points.max(axis=0)
    inside = np.minimum(high, size_wh) - np.maximum(low, 0.0)
    return float(np.prod(np.maximum(inside, 0.0)) / max(float(np.prod(high - low)), 1e-12))


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
