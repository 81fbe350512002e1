"""Vertex normals: smooth over curved surfaces, split at sharp edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photosynth.catalogue.surface import Surface, face_normals, position_ids, row_ids

STRAY_DEG = 35.0
"""A face that turns further than this from the mean normal of its corner's place does not take that mean: two faces
that meet at an edge share a normal up to twice this angle."""
CREASE_DEG = 50.0
"""At a place with such faces, only faces within this angle of one another share a normal."""


def with_normals(surface: Surface) -> Surface:
    """The surface with unit normals: its own if it has them, else averaged over the faces round each place.

    Faces are weighted by their angle at the vertex (Thürmer and Wüthrich 1998), over all vertices of one place, so
    that texture seams do not show. Where a face turns away from that mean by more than STRAY_DEG, each corner there
    takes the mean of the faces that lie within CREASE_DEG of its own, and the vertex is doubled.
    """
    if surface.normals is not None:
        return surface
    facing, _ = face_normals(surface.vertices, surface.faces)
    place = position_ids(surface.vertices)[surface.faces].ravel()
    weighted = np.repeat(facing, 3, axis=0) * _corner_angles(surface).reshape(-1, 1)
    total = np.stack([np.bincount(place, weighted[:, k]) for k in range(3)], axis=1)
    corner_normal = _unit(total, 0.0)[place]
    corner_facing = np.repeat(facing, 3, axis=0)
    strays = np.einsum("nc,nc->n", corner_normal, corner_facing) < np.cos(np.radians(STRAY_DEG))
    sharp_place = np.zeros(int(place.max()) + 1, bool)
    sharp_place[place[strays]] = True
    sharp = np.flatnonzero(sharp_place[place])
    if len(sharp):
        corner_normal[sharp] = _within_crease(place[sharp], corner_facing[sharp], weighted[sharp])
    corner_normal = np.where(np.linalg.norm(corner_normal, axis=1)[:, None] > 0.5, corner_normal, corner_facing)
    return _split(surface, corner_normal)


def _within_crease(place: np.ndarray, facing: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """For each corner the mean over the corners of its place that face within the limit of it."""
    order = np.argsort(place, kind="stable")
    _, start, count = np.unique(place[order], return_index=True, return_counts=True)
    size = np.repeat(count, count)
    first = np.repeat(np.arange(len(order)), size)
    within = np.arange(len(first)) - np.repeat(np.cumsum(size) - size, size)
    second = np.repeat(np.repeat(start, count), size) + within
    i, j = order[first], order[second]
    alike = np.einsum("nc,nc->n", facing[i], facing[j]) > np.cos(np.radians(CREASE_DEG))
    i, j = i[alike], j[alike]
    total = np.stack([np.bincount(i, weighted[j, k], len(place)) for k in range(3)], axis=1)
    return _unit(total, 0.0)


def _split(surface: Surface, corner_normal: np.ndarray) -> Surface:
    """One vertex for each vertex and distinct normal."""
    corner = surface.faces.ravel()
    key = np.concatenate([corner[:, None], np.round(corner_normal * 500).astype(np.int64)], axis=1)
    ids = row_ids(key)
    _, first = np.unique(ids, return_index=True)
    picked = surface.pick(corner[first], ids.reshape(-1, 3))
    return replace(picked, normals=_unit(corner_normal[first], 1.0))


def _corner_angles(surface: Surface) -> np.ndarray:
    points = surface.vertices[surface.faces]
    angles = []
    for k in range(3):
        a = _unit(points[:, (k + 1) % 3] - points[:, k], 0.0)
        b = _unit(points[:, (k + 2) % 3] - points[:, k], 0.0)
        angles.append(np.arccos(np.clip(np.einsum("nc,nc->n", a, b), -1.0, 1.0)))
    return np.stack(angles, axis=1)


def _unit(vectors: np.ndarray, up: float) -> np.ndarray:
    """Unit vectors; a vector of no length becomes (0, 0, up)."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-12, vectors / np.maximum(length, 1e-300), [0.0, 0.0, up])
