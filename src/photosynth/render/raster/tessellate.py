"""Cuts long edges, so that light which is known at vertices varies over large flat faces."""

from __future__ import annotations

import numpy as np

from photosynth.core.rows import unique_rows

MAX_ROUNDS = 6
"""Edges are halved at most this often."""


def tessellate(
    vertices: np.ndarray, normals: np.ndarray, st: np.ndarray, faces: np.ndarray, max_edge_m: float, max_faces: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Halve edges longer than `max_edge_m` until there are none, or no room for more faces.

    The surface, its texture and its shading normals stay what they were. Edges of equal ends are cut alike, so
    faces that met along an edge still do, seams of the texture included.

    Args:
        vertices (V, 3), normals (V, 3), st (V, 2): float32.
        faces: (F, 3) int32.
        max_edge_m: metres.
        max_faces: meshes with more than a quarter of it are left alone.
    """
    for _ in range(MAX_ROUNDS):
        if not len(faces) or 4 * len(faces) > max_faces:
            break
        edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
        pairs, which, _ = unique_rows(edges)
        step = vertices[pairs[:, 0]].astype(np.float64) - vertices[pairs[:, 1]]
        cut = (step**2).sum(axis=1) > max_edge_m**2
        if not cut.any():
            break
        middle = np.full(len(pairs), -1)
        middle[cut] = len(vertices) + np.arange(cut.sum())
        first, second = pairs[cut].T
        vertices = np.concatenate([vertices, (vertices[first] + vertices[second]) / 2])
        st = np.concatenate([st, (st[first] + st[second]) / 2])
        normals = np.concatenate([normals, normals[first] + normals[second]])  # as long as interpolation makes them
        normals[-len(first) :] /= 2
        faces = _split(faces, middle[which.reshape(-1, 3)])
    return vertices, normals, st, faces


def _split(faces: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Each face in 1 to 4; middle (F, 3) is the new vertex on the edge after each corner, -1 where there is none."""
    out = []
    turn = np.where((middle >= 0).sum(axis=1) == 1, (middle >= 0).argmax(axis=1), (middle < 0).argmax(axis=1))
    order = (turn[:, None] + np.arange(3)) % 3
    (a, b, c), (ab, bc, ca) = np.take_along_axis(faces, order, 1).T, np.take_along_axis(middle, order, 1).T
    count = (middle >= 0).sum(axis=1)
    whole, one, two, all_three = (count == k for k in range(4))
    out.append(faces[whole])
    for mask, triangles in (
        (one, ((a, ab, c), (ab, b, c))),
        (two, ((a, b, bc), (a, bc, ca), (ca, bc, c))),
        (all_three, ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))),
    ):
        out += [np.stack(triangle, axis=1)[mask] for triangle in triangles]
    return np.ascontiguousarray(np.concatenate(out), dtype=np.int32)
