"""Charts: parts of a mesh on which its texture is continuous.

Where two charts meet in a pixel, each is shaded on its own; within a chart one place is enough, as its texture is
filtered.
"""

from __future__ import annotations

import numpy as np

from photosynth.core.rows import unique_rows


def charts_of(vertices: np.ndarray, st: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The chart of each face, (F,) int32 from 0: faces that share a place with the same texture coordinates are in one.

    Args:
        vertices (V, 3), st (V, 2): float32.
        faces: (F, 3) int32.
    """
    if not len(faces):
        return np.zeros(0, np.int32)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, places, _ = unique_rows(np.concatenate([vertices, st], axis=1))
    corners = places[faces]
    one, other = corners[:, :2].reshape(-1), corners[:, 1:].reshape(-1)
    links = coo_matrix((np.ones(len(one), np.bool_), (one, other)), shape=(len(vertices), len(vertices)))
    _, chart = connected_components(links, directed=False)
    return np.unique(chart[corners[:, 0]], return_inverse=True)[1].reshape(-1).astype(np.int32)
