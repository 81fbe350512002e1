"""Proxies: copies of a closed surface with few faces, which cast shadows and hide the sky."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.detail import coarser

GENTLE = 3
"""Aggressiveness of quadric simplification (its own default is 7): at 600 faces surfaces stay within a hundredth of a
radius instead of a few, and shadows do not break out of the surface that casts them."""
SLACK = 1.1
"""So many times as many faces as wished for are accepted."""
FIRST_ERROR, ROUNDS = 0.002, 6
"""Where that gets stuck: merged within this part of the radius, then within twice as much, and so on."""


def with_faces(points: np.ndarray, faces: np.ndarray, max_faces: int) -> tuple[np.ndarray, np.ndarray]:
    """The same surface with about `max_faces` faces, if it has more.

    Edges are contracted (Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics", SIGGRAPH 1997) as
    gently as that gets there; `coarser` takes over where it does not, for it keeps to an error whatever the shape.

    Args:
        points: (P, 3), faces: (F, 3), welded: no two points are in one place.

    Returns:
        points (Q, 3) float32, faces (G, 3) int32.
    """
    points, faces = np.ascontiguousarray(points, dtype=np.float32), np.ascontiguousarray(faces, dtype=np.int32)
    if len(faces) <= max_faces:
        return points, faces
    from fast_simplification import simplify

    fewer = simplify(points, faces, target_count=max_faces, agg=GENTLE)
    if len(fewer[1]) > SLACK * max_faces:
        fewer = _merged(points, faces, max_faces)
    if len(fewer[1]) > SLACK * max_faces:
        fewer = simplify(points, faces, target_count=max_faces)
    return np.ascontiguousarray(fewer[0], dtype=np.float32), np.ascontiguousarray(fewer[1], dtype=np.int32)


def _merged(points: np.ndarray, faces: np.ndarray, max_faces: int) -> tuple[np.ndarray, np.ndarray]:
    radius = float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))) / 2
    for k in range(ROUNDS):
        plain = np.zeros_like(points)
        points, _, _, faces = coarser(points, plain, plain[:, :2], faces, FIRST_ERROR * 2**k * radius)
        if len(faces) <= max_faces:
            break
    return points, faces
