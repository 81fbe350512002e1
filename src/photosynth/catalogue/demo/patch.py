"""Patch: a piece of a package's surface, in millimetres, with normals and texture coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from photosynth.core.mesh import Mesh

UvRect = tuple[float, float, float, float]
"""u0, v0 (bottom left), u1, v1 (top right)."""


CELL_MM = 14.0
"""Long faces are cut into cells about this long: slivers make renderers read the texture far from the pixel."""


def cuts(length_mm: float) -> int:
    """Into how many cells a length is cut."""
    return max(math.ceil(length_mm / CELL_MM), 1)


@dataclass(frozen=True, eq=False)
class Patch:
    """Triangles, anticlockwise from outside: points (V, 3) mm, normals (V, 3), uv (V, 2), faces (F, 3)."""

    points: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0, rotation: np.ndarray | None = None) -> Patch:
        """Turned by a (3, 3) rotation about the origin, then shifted."""
        r = np.eye(3) if rotation is None else rotation
        return replace(self, points=self.points @ r.T + np.array([x, y, z]), normals=self.normals @ r.T)

    def squeezed(self, y: float) -> Patch:
        """Scaled along y, which makes an oval of a circle."""
        normals = self.normals * (1.0, 1.0 / y, 1.0)
        return replace(
            self,
            points=self.points * (1.0, y, 1.0),
            normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        )


def grid_patch(points: np.ndarray, normals: np.ndarray, uv: np.ndarray) -> Patch:
    """A patch from (n, m) grids whose first index runs right and second up, seen from outside.

    Triangles without area (a pole, a triangle's apex) are left out.
    """
    n, m = points.shape[:2]
    i, j = np.meshgrid(np.arange(n - 1), np.arange(m - 1), indexing="ij")
    a, b, c, d = i * m + j, (i + 1) * m + j, (i + 1) * m + j + 1, i * m + j + 1
    faces = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2).reshape(-1, 3)
    flat = points.reshape(-1, 3).astype(np.float64)
    p, q, r = (flat[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(q - p, r - p), axis=1)
    return Patch(flat, normals.reshape(-1, 3), uv.reshape(-1, 2), faces[area > 1e-9])


def flat_patch(corners: Iterable, uv: Iterable) -> Patch:
    """A flat convex polygon, its corners anticlockwise from outside."""
    points = np.asarray(list(corners), dtype=np.float64)
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal /= np.linalg.norm(normal)
    k = np.arange(1, len(points) - 1)
    faces = np.stack([np.zeros_like(k), k, k + 1], axis=1)
    return Patch(points, np.tile(normal, (len(points), 1)), np.asarray(list(uv), dtype=np.float64), faces)


def in_rect(uv: np.ndarray, rect: UvRect) -> np.ndarray:
    """Texture coordinates given as fractions of a panel, as coordinates of the atlas."""
    u0, v0, u1, v1 = rect
    return np.asarray(uv) * (u1 - u0, v1 - v0) + (u0, v0)


def join(patches: Iterable[Patch], texture: np.ndarray) -> Mesh:
    """One mesh in metres, its box centred on the origin."""
    patches = list(patches)
    counts = np.cumsum([0, *[len(p.points) for p in patches[:-1]]])
    faces = np.concatenate([p.faces + n for p, n in zip(patches, counts, strict=True)])
    used, faces = np.unique(faces, return_inverse=True)
    points = np.concatenate([p.points for p in patches])[used]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    normals = np.concatenate([p.normals for p in patches])[used]
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    uv = np.clip(np.concatenate([p.uv for p in patches])[used], 0.0, 1.0)
    return Mesh(
        vertices_m=np.ascontiguousarray((points - centre) / 1000.0, dtype=np.float32),
        normals=np.ascontiguousarray(normals, dtype=np.float32),
        uv=np.ascontiguousarray(uv, dtype=np.float32),
        faces=np.ascontiguousarray(faces.reshape(-1, 3), dtype=np.int32),
        texture=np.ascontiguousarray(texture),
    )
