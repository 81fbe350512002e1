"""Foot: what a thing on a table hides of itself: walls go straight down to the table, a flat base closes them."""

from __future__ import annotations

import numpy as np

from photosynth.reconstruct.fusion import PointCloud

CELLS = 250
"""Cells along the diagonal, of the grid on which walls and base are laid."""
UPRIGHT = 0.75
"""Points whose normals rise or fall less than this (its sine) belong to walls."""
CLOSING_REL = 0.02
"""Gaps in the outline up to about twice this, in diagonals, are bridged."""
OPEN_SHARE = 0.4
"""An outline that encloses less than this of its convex hull was not seen all round: the hull stands in for it."""


def table_roughness(cloud: PointCloud, reach: float) -> float:
    """Robust standard deviation of the heights of points that lie within `reach` of the table and face up."""
    flat = cloud.points[(np.abs(cloud.points[:, 2]) < reach) & (cloud.normals[:, 2] > 0.9), 2]
    return float(1.4826 * np.median(np.abs(flat - np.median(flat)))) if len(flat) >= 50 else reach / 4


def foot_points(cloud: PointCloud, diagonal: float, band_rel: float) -> PointCloud:
    """Points that complete a cloud (world z up, table at z = 0) down to the table: walls, then a base facing down.

    Args:
        cloud: the object's points, cut off just above the table.
        diagonal: of the object.
        band_rel: walls are continued under points lower than this, in diagonals.
    """
    step = diagonal / CELLS
    low = cloud.points[:, 2] < band_rel * diagonal
    if low.sum() < 3:
        return cloud.select(np.zeros(0, int))
    points, normals = cloud.points[low], cloud.normals[low]
    walls, wall_normals = _walls(points, normals, step)
    base = _base(np.concatenate([points, walls])[:, :2], step, diagonal)
    places = np.concatenate([walls, np.column_stack([base, np.zeros(len(base))])])
    facing = np.concatenate([wall_normals, np.tile([0.0, 0.0, -1.0], (len(base), 1))])
    return PointCloud(places, facing, np.full((len(places), 3), 128.0), np.ones(len(places)))


def _walls(points: np.ndarray, normals: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Points (m, 3) straight below the lowest of each grid cell's upright points, and their level normals (m, 3)."""
    upright = np.abs(normals[:, 2]) < UPRIGHT
    points, normals = points[upright], normals[upright]
    if not len(points):
        return np.zeros((0, 3)), np.zeros((0, 3))
    cell = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / step).astype(np.int64)
    order = np.lexsort([points[:, 2], cell[:, 1], cell[:, 0]])
    _, first = np.unique(cell[order], axis=0, return_index=True)
    lowest = order[first]
    level = normals[lowest] * np.array([1.0, 1.0, 0.0])
    level /= np.linalg.norm(level, axis=1, keepdims=True)
    down, facing = [], []
    for point, normal in zip(points[lowest], level, strict=True):
        heights = np.arange(point[2] - step, -0.5 * step, -step)
        down.append(np.column_stack([np.tile(point[:2], (len(heights), 1)), np.maximum(heights, 0.0)]))
        facing.append(np.tile(normal, (len(heights), 1)))
    return np.concatenate(down), np.concatenate(facing)


def _base(flat: np.ndarray, step: float, diagonal: float) -> np.ndarray:
    """Grid points (m, 2) inside the outline of points (n, 2)."""
    from scipy.ndimage import binary_closing, binary_fill_holes
    from scipy.spatial import ConvexHull, QhullError

    pad = int(np.ceil(CLOSING_REL * diagonal / step)) + 2
    low = flat.min(axis=0) - pad * step
    cell = np.floor((flat - low) / step).astype(int)
    grid = np.zeros(cell.max(axis=0) + pad + 1, bool)
    grid[tuple(cell.T)] = True
    y, x = np.mgrid[1 - pad : pad, 1 - pad : pad]
    filled = binary_fill_holes(binary_closing(grid, (x * x + y * y) < (pad - 1.5) ** 2))
    places = low + (np.argwhere(filled) + 0.5) * step
    try:
        hull = ConvexHull(flat)
    except QhullError:
        return places
    if filled.sum() * step**2 < OPEN_SHARE * hull.volume:
        places = low + (np.argwhere(np.ones_like(filled)) + 0.5) * step
        places = places[(places @ hull.equations[:, :2].T + hull.equations[:, 2] < 0).all(axis=1)]
    return places
