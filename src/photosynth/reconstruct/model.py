"""Model: the finished mesh with its texture, and from where it may be shown."""

from __future__ import annotations

import numpy as np

from photosynth.core.mesh import Mesh
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.texture import Texture

MAX_UNSEEN_SHARE = 0.015
"""Largest share of the visible surface, seen from some direction, that no photo may have seen."""
STEP_DEG = 5.0


def vertex_normals(surface: Surface) -> np.ndarray:
    """(V, 3) unit normals: the mean of the faces' round each vertex, weighted by area."""
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    normals = np.zeros_like(surface.vertices)
    for k in range(3):
        np.add.at(normals, surface.faces[:, k], area)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)


def textured_mesh(surface: Surface, texture: Texture) -> Mesh:
    """The mesh as the catalogue and the engines want it, in the reconstruction's world."""
    cut = texture.unwrapped
    return Mesh(
        vertices_m=surface.vertices[cut.origin].astype(np.float32),
        normals=vertex_normals(surface)[cut.origin].astype(np.float32),
        uv=np.stack([cut.uv[:, 0], 1 - cut.uv[:, 1]], axis=1).astype(np.float32),
        faces=cut.faces.astype(np.int32),
        texture=texture.image,
    )


def unseen_shares(surface: Surface, seen_vertices: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The unseen part of the surface that faces each direction (d, 3), as a share of all that faces it, (d,).

    Surface in front does not hide surface behind here, so the share is an estimate from above for most objects.
    """
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    unseen = 1 - seen_vertices[surface.faces].mean(axis=1)
    facing = np.maximum(area @ directions.T, 0)
    return (facing * unseen[:, None]).sum(axis=0) / np.maximum(facing.sum(axis=0), 1e-30)


def seen_elevations(surface: Surface, seen_vertices: np.ndarray) -> tuple[float, float]:
    """The widest band of camera elevations (degrees) from which at most MAX_UNSEEN_SHARE of what is visible, over all
    azimuths, was never photographed; (0, 0) if there is none."""
    edges = np.arange(-90.0, 90.0 + STEP_DEG, STEP_DEG)
    azimuth = np.arange(24) * 2 * np.pi / 24
    fine = []
    for elevation in np.radians(edges):
        level = np.cos(elevation)
        ring = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.full(24, np.sin(elevation))], axis=1)
        fine.append(float(unseen_shares(surface, seen_vertices, ring).mean()) <= MAX_UNSEEN_SHARE)
    best = (0.0, 0.0)
    start = None
    for k, good in enumerate([*fine, False]):
        if good and start is None:
            start = k
        if not good and start is not None:
            if edges[k - 1] - edges[start] > best[1] - best[0]:
                best = (float(edges[start]), float(edges[k - 1]))
            start = None
    return best


def share_of(surface: Surface, vertices: np.ndarray, from_above: bool) -> float:
    """The part of the surface that belongs to some vertices (V,) bool, by area; `from_above` leaves the underside
    (normals more than 45 degrees below the horizon) out."""
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1)
    if from_above:
        area = area * (cross[:, 2] >= -0.7 * area)
    return float((area * vertices[surface.faces].mean(axis=1)).sum() / max(area.sum(), 1e-30))
