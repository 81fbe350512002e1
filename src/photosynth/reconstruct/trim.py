"""Trim: a surface of which only one side was photographed, without what was made up beyond that side's rim."""

from __future__ import annotations

import numpy as np

from photosynth.reconstruct.surface import Surface


def trimmed(surface: Surface, seen: np.ndarray, measured: np.ndarray) -> Surface:
    """The surface without the pieces that photos do not agree on and that run into the unknown.

    Poisson's surface goes on beyond the last points, as a sheet or a bulge, and photos paint their background onto the
    part of it that they face. A piece that nobody measured is cut off if it reaches a hole or a place that no photo
    saw; one with measured surface all round it is a plain patch and stays. Of what is left, the largest connected
    part is kept.

    Args:
        surface: the mesh.
        seen: (V,) bool, vertices that some photo saw.
        measured: (V,) bool, vertices near which photos agreed on a depth.
    """
    count = len(surface.vertices)
    guessed = ~measured[surface.faces].all(axis=1)
    ends = rim(surface.faces, count) | ~seen
    piece = _pieces(surface.faces[guessed], count)
    lost = np.zeros(count, bool)
    lost[piece[ends]] = True
    kept = surface.faces[~(guessed & lost[piece[surface.faces[:, 0]]])]
    if len(kept) == len(surface.faces) or not len(kept):
        return surface
    part = _pieces(kept, count)[kept[:, 0]]
    corners = surface.vertices[kept]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    kept = kept[part == np.bincount(part, areas).argmax()]
    used, faces = np.unique(kept, return_inverse=True)
    return Surface(surface.vertices[used], faces.reshape(-1, 3), False)


def rim(faces: np.ndarray, count: int) -> np.ndarray:
    """(count,) bool: the vertices on edges that only one face has."""
    edges, users = np.unique(_edges(faces), axis=0, return_counts=True)
    found = np.zeros(count, bool)
    found[edges[users == 1]] = True
    return found


def _pieces(faces: np.ndarray, count: int) -> np.ndarray:
    """(count,) labels: vertices that faces link have the same."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = _edges(faces)
    graph = coo_matrix((np.ones(len(edges), bool), tuple(edges.T)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _edges(faces: np.ndarray) -> np.ndarray:
    """(3 f, 2) pairs of vertices, the lower first."""
    return np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
