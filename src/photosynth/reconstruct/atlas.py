"""Atlas: a flat map of a mesh's surface, and which place on the surface each of its pixels is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.reconstruct.jit import kernel

PADDING_PX = 4
"""Empty pixels between charts."""


@dataclass(frozen=True, eq=False)
class Unwrapped:
    """A mesh cut along its charts.

    origin (U,) int64: the vertex of the mesh that each cut vertex comes from. faces (F, 3) int64: into the cut
    vertices, in the mesh's order. uv (U, 2) float64 in 0..1, origin at the texture's top left corner, v down.
    """

    origin: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


def unwrap(vertices: np.ndarray, faces: np.ndarray, side_px: int) -> Unwrapped:
    """Charts of a mesh (V, 3), (F, 3) packed into a square of `side_px`, by xatlas."""
    import xatlas

    atlas = xatlas.Atlas()
    atlas.add_mesh(np.asarray(vertices, np.float32), np.asarray(faces, np.uint32))
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_cost = 4.0
    packing.resolution, packing.padding, packing.bilinear = side_px, PADDING_PX, True
    atlas.generate(charts, packing)
    origin, cut, uv = atlas[0]
    uv = np.asarray(uv, float)
    if max(atlas.width, atlas.height) > 0:  # xatlas stretches a map that is not square to 0..1
        uv = uv * np.array([atlas.width, atlas.height]) / max(atlas.width, atlas.height)
    return Unwrapped(np.asarray(origin, np.int64), np.asarray(cut, np.int64), uv)


@dataclass(frozen=True, eq=False)
class Texels:
    """The pixels of an atlas that lie on the surface, row by row.

    rows, columns (t,) int32; face (t,) int32; weights (t, 3) float32: barycentric coordinates in that face.
    """

    rows: np.ndarray
    columns: np.ndarray
    face: np.ndarray
    weights: np.ndarray


def list_texels(unwrapped: Unwrapped, side_px: int) -> Texels:
    """The pixels whose centres lie in a chart, of a square texture."""
    face = np.full((side_px, side_px), -1, np.int32)
    weights = np.zeros((side_px, side_px, 2), np.float32)
    _draw(unwrapped.uv * side_px - 0.5, unwrapped.faces, face, weights)
    rows, columns = np.nonzero(face >= 0)
    ab = weights[rows, columns]
    third = 1 - ab.sum(axis=1, keepdims=True)
    return Texels(
        rows.astype(np.int32), columns.astype(np.int32), face[rows, columns], np.concatenate([ab, third], axis=1)
    )


@kernel
def _draw(xy, faces, face, weights):
    side = face.shape[0]
    for i in range(faces.shape[0]):
        a, b, c = faces[i, 0], faces[i, 1], faces[i, 2]
        x0, y0, x1, y1, x2, y2 = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        area = (y1 - y2) * (x0 - x2) + (x2 - x1) * (y0 - y2)
        if abs(area) < 1e-12:
            continue
        left, right = max(0, int(np.floor(min(x0, x1, x2)))), min(side - 1, int(np.ceil(max(x0, x1, x2))))
        top, bottom = max(0, int(np.floor(min(y0, y1, y2)))), min(side - 1, int(np.ceil(max(y0, y1, y2))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                p = ((y1 - y2) * (x - x2) + (x2 - x1) * (y - y2)) / area
                q = ((y2 - y0) * (x - x2) + (x0 - x2) * (y - y2)) / area
                if p >= -1e-4 and q >= -1e-4 and 1 - p - q >= -1e-4:
                    face[y, x] = i
                    weights[y, x, 0], weights[y, x, 1] = p, q
