"""Baking: which point of the surface each texel shows, and colours carried over to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHUNK_TEXELS = 4_000_000


@dataclass(frozen=True, eq=False)
class Texels:
    """The texels inside a surface's triangles: rows and columns (n,), face (n,) and barycentric weights (n, 3)."""

    rows: np.ndarray
    columns: np.ndarray
    faces: np.ndarray
    weights: np.ndarray

    def interpolate(self, values: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Per-vertex values (V, k) at the texels, (n, k)."""
        corners = faces[self.faces]
        return sum(values[corners[:, k]] * self.weights[:, k, None] for k in range(3))  # type: ignore[return-value]


def find_texels(uv: np.ndarray, faces: np.ndarray, size_wh: tuple[int, int]) -> Texels:
    """Every texel whose centre lies in a triangle, once (the last face wins).

    Edge functions of Pineda, A Parallel Algorithm for Polygon Rasterization, 1988, over each triangle's box.
    """
    width, height = size_wh
    corners = np.stack([uv[:, 0] * width, (1.0 - uv[:, 1]) * height], axis=1)[faces]
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, [width, height]).astype(np.int64)
    high = np.clip(np.floor(corners.max(axis=1) - 0.5), -1, [width - 1, height - 1]).astype(np.int64)
    spans = np.maximum(high - low + 1, 0)
    counts = spans[:, 0] * spans[:, 1]
    owner = np.full((height, width), -1, np.int64)
    ends = np.cumsum(counts)
    start = 0
    while start < len(faces):
        stop = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + CHUNK_TEXELS, "right")))
        _mark(owner, corners[start:stop], low[start:stop], spans[start:stop], start)
        start = stop
    rows, columns = np.nonzero(owner >= 0)
    owners = owner[rows, columns]
    weights = _weights(corners[owners], columns + 0.5, rows + 0.5)
    return Texels(rows, columns, owners, np.clip(weights, 0.0, 1.0))


def _mark(owner: np.ndarray, corners: np.ndarray, low: np.ndarray, spans: np.ndarray, first: int) -> None:
    counts = spans[:, 0] * spans[:, 1]
    which = np.repeat(np.arange(len(corners)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = low[which, 0] + within % np.maximum(spans[which, 0], 1)
    rows = low[which, 1] + within // np.maximum(spans[which, 0], 1)
    inside = (_weights(corners[which], columns + 0.5, rows + 0.5) >= -1e-9).all(axis=1)
    owner[rows[inside], columns[inside]] = which[inside] + first


def _weights(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    (ax, ay), (bx, by), (cx, cy) = (corners[:, k].T for k in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    area = np.where(np.abs(area) < 1e-12, np.nan, area)
    wa = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
    wb = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
    return np.stack([wa, wb, 1.0 - wa - wb], axis=1)


def fill_gaps(texture: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Give each texel outside `covered` (H, W) bool the colour of the nearest one inside, against seams."""
    import cv2

    if covered.all() or not covered.any():
        return texture
    _, labels = cv2.distanceTransformWithLabels(
        np.where(covered, 0, 255).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros(int(labels.max()) + 1, np.int64)
    flat = np.flatnonzero(covered)
    nearest[labels.ravel()[flat]] = flat
    return texture.reshape(-1, 3)[nearest[labels]]


def unwrap(vertices: np.ndarray, faces: np.ndarray, side_px: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texture coordinates for a mesh, by xatlas: (vertex_index (n,), faces (F, 3), uv (n, 2)).

    Vertices on seams are doubled: `vertex_index` names the original of each. Charts keep four texels apart in a
    picture of about `side_px`.
    """
    import xatlas

    low = vertices.min(axis=0)
    unit = (vertices - low) / (float(np.ptp(vertices, axis=0).max()) or 1.0)
    atlas = xatlas.Atlas()
    atlas.add_mesh(np.ascontiguousarray(unit, np.float32), np.ascontiguousarray(faces, np.uint32))
    pack = xatlas.PackOptions()
    pack.padding = 4
    pack.resolution = side_px
    atlas.generate(xatlas.ChartOptions(), pack)
    index, new_faces, uv = atlas[0]
    return np.asarray(index, np.int64), np.asarray(new_faces, np.int64), np.asarray(uv, float)


def texture_from_points(
    points: np.ndarray, colors: np.ndarray, vertices: np.ndarray, uv: np.ndarray, faces: np.ndarray, side_px: int
) -> np.ndarray:
    """A (side_px, side_px, 3) texture whose texels take the colours (n, 3) of the nearest of many points (n, 3).

    The four nearest are mixed by inverse squared distance (Shepard 1968). For points denser than the texels.
    """
    from scipy.spatial import cKDTree

    texels = find_texels(uv, faces, (side_px, side_px))
    tree = cKDTree(points)
    texture = np.zeros((side_px, side_px, 3), np.uint8)
    covered = np.zeros((side_px, side_px), bool)
    covered[texels.rows, texels.columns] = True
    near = min(4, len(points))
    for start in range(0, len(texels.rows), CHUNK_TEXELS // 4):
        part = slice(start, start + CHUNK_TEXELS // 4)
        chunk = Texels(texels.rows[part], texels.columns[part], texels.faces[part], texels.weights[part])
        distance, index = tree.query(chunk.interpolate(vertices, faces), k=near)
        distance, index = distance.reshape(-1, near), index.reshape(-1, near)
        weight = 1.0 / np.maximum(distance, 1e-9) ** 2
        mixed = (colors[index].astype(float) * weight[..., None]).sum(axis=1) / weight.sum(axis=1)[:, None]
        texture[chunk.rows, chunk.columns] = np.round(mixed).astype(np.uint8)
    return fill_gaps(texture, covered)
