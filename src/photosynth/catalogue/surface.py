"""Surface: a triangle mesh on its way from a file to an asset, before every part of it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from photosynth.core.rows import unique_rows


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles with what the file said about their look.

    vertices (V, 3) float64 in the file's units and axes; faces (F, 3) int64; normals (V, 3) float64 or None;
    uv (V, 2) float64, v up, or None; texture (H, W, 3) uint8 sRGB, row 0 at v = 1, or None;
    colors (V, 3) uint8 sRGB or None; plain (r, g, b) uint8 sRGB, the material's one colour, or None.
    """

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray | None = None
    uv: np.ndarray | None = None
    texture: np.ndarray | None = None
    colors: np.ndarray | None = None
    plain: tuple[int, int, int] | None = None

    def pick(self, vertex_index: np.ndarray, faces: np.ndarray) -> Surface:
        """The surface with vertices `vertex_index` (n,) of this one and `faces` indexing those."""
        take = lambda array: None if array is None else array[vertex_index]  # noqa: E731
        return replace(
            self,
            vertices=self.vertices[vertex_index],
            faces=np.asarray(faces, np.int64),
            normals=take(self.normals),
            uv=take(self.uv),
            colors=take(self.colors),
        )

    def compact(self, faces: np.ndarray | None = None) -> Surface:
        """The surface with these faces (default: its own) and only the vertices that they use."""
        faces = self.faces if faces is None else faces
        used, inverse = np.unique(faces, return_inverse=True)
        return self.pick(used, inverse.reshape(-1, 3))

    def look(self) -> tuple[np.ndarray, np.ndarray]:
        """Its texture coordinates and texture. Raises ValueError if it lacks one of them."""
        if self.uv is None or self.texture is None:
            raise ValueError("the surface has no texture")
        return self.uv, self.texture

    def diagonal(self) -> float:
        """Length of the bounding box's diagonal, in the surface's units."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))


def join(surfaces: list[Surface]) -> Surface:
    """Several surfaces as one; each attribute is kept where all of them have it (textures are not)."""
    starts = np.cumsum([0] + [len(s.vertices) for s in surfaces[:-1]])

    def stack(name: str) -> np.ndarray | None:
        arrays = [getattr(s, name) for s in surfaces]
        return None if any(a is None for a in arrays) else np.concatenate(arrays)

    return Surface(
        vertices=np.concatenate([s.vertices for s in surfaces]),
        faces=np.concatenate([s.faces + start for s, start in zip(surfaces, starts, strict=True)]),
        normals=stack("normals"),
        uv=stack("uv"),
        colors=stack("colors"),
    )


def position_ids(vertices: np.ndarray) -> np.ndarray:
    """(V,) int64 numbers that are equal for vertices at the same place (to 1e-6 of the diagonal)."""
    span = float(np.linalg.norm(np.ptp(vertices, axis=0))) or 1.0
    grid = np.round((vertices - vertices.min(axis=0)) / span * 1e6).astype(np.int64)
    return row_ids(grid)


def row_ids(rows: np.ndarray) -> np.ndarray:
    """(n,) int64 numbers that are equal for equal rows of an integer (n, k) array, dense from 0."""
    return unique_rows(rows)[1].astype(np.int64)


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (F, 3), zero for degenerate faces, and areas (F,)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    length = np.linalg.norm(cross, axis=1)
    return cross / np.maximum(length, 1e-300)[:, None], length / 2
