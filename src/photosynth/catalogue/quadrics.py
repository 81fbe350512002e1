"""Quadric errors over position and texture coordinates together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.surface import face_normals

UV_WEIGHT = 0.5
"""How much a texel's shift counts against an equal shift of the surface."""
BORDER_WEIGHT = 3.0
"""How much more borders and seams hold than the inside."""
LENGTH_WEIGHT = 1e-6
"""Prefers short edges where the error is nil, as on flat faces."""


@dataclass(frozen=True, eq=False)
class Quadrics:
    """Per vertex: x'Ax + 2b'x + c, over x = (position, weighted uv), (V, 5). A (V, 5, 5), b (V, 5), c (V,)."""

    points: np.ndarray
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    area_per_vertex: float

    def cost(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The error (n,) of putting vertices v in the place of u, plus a little for the length of the edge."""
        x = self.points[v]
        error = np.einsum("ni,nij,nj->n", x, self.a[u], x) + 2 * np.einsum("ni,ni->n", self.b[u], x) + self.c[u]
        return np.maximum(error, 0.0) + LENGTH_WEIGHT * self.area_per_vertex * ((x - self.points[u]) ** 2).sum(axis=1)

    def add(self, into: np.ndarray, taken: np.ndarray) -> None:
        """Add the errors of vertices `taken` (n,) to those of `into` (n,)."""
        for array in (self.a, self.b, self.c):
            np.add.at(array, into, array[taken])


def surface_quadrics(vertices: np.ndarray, uv: np.ndarray, faces: np.ndarray) -> Quadrics:
    """Quadrics of all vertices, each face's weighted by its area (Garland and Heckbert 1998, section 3).

    Texture coordinates are weighted so that charts have about the surface's own size. Border and seam edges add the
    squared distance from the edge within their face's plane, which keeps charts from shrinking or growing.
    """
    span = float(np.linalg.norm(np.ptp(vertices, axis=0))) or 1.0
    position = (vertices - vertices.mean(axis=0)) / span
    _, area = face_normals(position, faces)
    u, v = uv[faces[:, 1]] - uv[faces[:, 0]], uv[faces[:, 2]] - uv[faces[:, 0]]
    uv_area = np.abs(u[:, 0] * v[:, 1] - v[:, 0] * u[:, 1]).sum() / 2
    weight = UV_WEIGHT * np.sqrt(area.sum() / uv_area) if uv_area > 1e-12 else 0.0
    points = np.concatenate([position, weight * (uv - uv.mean(axis=0))], axis=1)
    n = len(points)
    quadrics = Quadrics(points, np.zeros((n, 5, 5)), np.zeros((n, 5)), np.zeros(n), float(area.sum()) / n)
    p, q, r = (points[faces[:, k]] for k in range(3))
    e1 = _unit(q - p)
    e2 = _unit((r - p) - np.einsum("fi,fi->f", r - p, e1)[:, None] * e1)
    a = np.eye(5) - e1[:, :, None] * e1[:, None, :] - e2[:, :, None] * e2[:, None, :]
    for k in range(3):
        _accumulate(quadrics, faces[:, k], a, p, area / 3)
    _add_borders(quadrics, points, faces)
    return quadrics


def _add_borders(quadrics: Quadrics, points: np.ndarray, faces: np.ndarray) -> None:
    n = len(points)
    edges = np.concatenate([faces[:, [0, 1, 2]], faces[:, [1, 2, 0]], faces[:, [2, 0, 1]]])
    keys = np.minimum(edges[:, 0], edges[:, 1]) * n + np.maximum(edges[:, 0], edges[:, 1])
    _, inverse, count = np.unique(keys, return_inverse=True, return_counts=True)
    start, end, apex = edges[count[inverse] == 1].T
    along = points[end] - points[start]
    direction = _unit(along)
    side = points[apex] - points[start]
    across = _unit(side - np.einsum("ei,ei->e", side, direction)[:, None] * direction)
    a = across[:, :, None] * across[:, None, :]
    weight = BORDER_WEIGHT * (along**2).sum(axis=1)
    _accumulate(quadrics, start, a, points[start], weight)
    _accumulate(quadrics, end, a, points[start], weight)


def _accumulate(quadrics: Quadrics, at: np.ndarray, a: np.ndarray, through: np.ndarray, weight: np.ndarray) -> None:
    """Add weight * (x - through)' a (x - through) at vertices `at`."""
    moved = np.einsum("nij,nj->ni", a, through)
    np.add.at(quadrics.a, at, a * weight[:, None, None])
    np.add.at(quadrics.b, at, -moved * weight[:, None])
    np.add.at(quadrics.c, at, np.einsum("ni,ni->n", moved, through) * weight)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
