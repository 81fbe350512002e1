"""Level of detail: a mesh with fewer faces for where it is small in the picture, its texture where it was.

Vertices are merged into a neighbour, cheapest first, by quadrics of position, texture coordinates and normal together:
Garland and Heckbert, "Simplifying Surfaces with Color and Texture using Quadric Error Metrics", IEEE Visualization
1998. Vertices on a seam of the texture or on a border stay, so nothing tears.
"""

from __future__ import annotations

import numpy as np

from photosynth.core.rows import unique_rows
from photosynth.render.raster.jit import exact_kernel

PASSES = 12
"""Rounds of merging; the error allowed grows from round to round, so that the cheapest go first."""
TEXTURE_WEIGHT = 0.5
"""What a shift of the texture costs beside one of the surface by the same distance."""
MAX_TURN_RAD = 0.07
"""A shading normal that turns by this much costs what the largest error does."""
MIN_COSINE = 0.3
"""Between a face's normals before and after."""
N = 8
"""Coordinates: position, texture and normal."""
ENTRIES = N * (N + 1) // 2
"""Of a symmetric matrix."""
QUADRIC = ENTRIES + N + 2
"""Numbers of a quadric: matrix (upper half by rows), vector, constant, area."""
RING = 48
"""Vertices with more neighbours stay."""


def coarser(
    vertices: np.ndarray, normals: np.ndarray, st: np.ndarray, faces: np.ndarray, max_error_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same surface with fewer faces, its vertices some of those it had.

    Args:
        vertices (V, 3), normals (V, 3), st (V, 2): float32.
        faces: (F, 3) int32.
        max_error_m: metres that a merged vertex may lie off its old surface or texture (root mean square over the faces
            that were round it); its normal may turn by MAX_TURN_RAD.
    """
    if not len(faces):
        return vertices, normals, st, faces
    faces, points = faces.copy(), _points(vertices, normals * np.float64(max_error_m / MAX_TURN_RAD), st, faces)
    quadrics, held = np.zeros((len(points), QUADRIC)), _held(vertices, faces)
    add_quadrics(points, faces, quadrics)
    for k in range(1, PASSES + 1):
        order = np.argsort(faces.reshape(-1), kind="stable")
        starts = np.searchsorted(faces.reshape(-1)[order], np.arange(len(points) + 1))
        merge_vertices(points, faces, order // 3, starts, held, quadrics, (max_error_m * k / PASSES) ** 2)
        faces = faces[faces[:, 0] >= 0]
    used, position = np.unique(faces, return_inverse=True)
    faces = np.ascontiguousarray(position.reshape(-1, 3), dtype=np.int32)
    vertices, normals, st = (np.ascontiguousarray(a[used]) for a in (vertices, normals, st))
    return vertices, normals, st, faces


def _points(vertices: np.ndarray, normals: np.ndarray, st: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, N) float64: positions, texture coordinates in metres of surface, normals in metres of error."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    (u0, v0), (u1, v1), (u2, v2) = (st[faces[:, k]].astype(np.float64).T for k in range(3))
    covered = np.abs((u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)).sum()
    scale = TEXTURE_WEIGHT * np.sqrt(area / covered) if covered > 0 else 0.0
    return np.concatenate([vertices, scale * st, normals], axis=1).astype(np.float64)


def _held(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) bool: vertices whose place another one shares, or at an edge that has not exactly two faces."""
    _, place, count = unique_rows(vertices)
    held = count[place] > 1
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    pairs, _, count = unique_rows(edges)
    held[pairs[count != 2].reshape(-1)] = True
    return held


@exact_kernel
def add_quadrics(points, faces, quadrics):
    """Add each face's quadric, times its area, to its corners' (V, QUADRIC) float64.

    Args:
        points: (V, N) float64.
        faces: (F, 3) int32.
    """
    e, g = np.empty(N), np.empty(N)
    for t in range(faces.shape[0]):
        a, b, c = points[faces[t, 0]], points[faces[t, 1]], points[faces[t, 2]]
        length, along, rest = 0.0, 0.0, 0.0
        for i in range(N):
            e[i] = b[i] - a[i]
            length += e[i] * e[i]
        length = np.sqrt(length)
        if length < 1e-12:
            continue
        for i in range(N):
            e[i] /= length
            along += e[i] * (c[i] - a[i])
        for i in range(N):
            g[i] = c[i] - a[i] - along * e[i]
            rest += g[i] * g[i]
        rest = np.sqrt(rest)
        if rest < 1e-12:
            continue
        ae, ag, aa = 0.0, 0.0, 0.0
        for i in range(N):
            g[i] /= rest
            ae, ag, aa = ae + a[i] * e[i], ag + a[i] * g[i], aa + a[i] * a[i]
        area = 0.5 * length * rest
        for k in range(3):
            q, at = quadrics[faces[t, k]], 0
            for i in range(N):
                for j in range(i, N):
                    q[at] += area * ((1.0 if i == j else 0.0) - e[i] * e[j] - g[i] * g[j])
                    at += 1
                q[ENTRIES + i] += area * (ae * e[i] + ag * g[i] - a[i])
            q[ENTRIES + N] += area * (aa - ae * ae - ag * ag)
            q[ENTRIES + N + 1] += area


@exact_kernel
def squared_error(q, x):
    """A quadric's value at a point (N,): area times squared distance."""
    total, at = q[ENTRIES + N], 0
    for i in range(N):
        total += 2 * q[ENTRIES + i] * x[i]
        for j in range(i, N):
            total += (1 if i == j else 2) * q[at] * x[i] * x[j]
            at += 1
    return max(total, 0.0)


@exact_kernel
def merge_vertices(points, faces, around, starts, held, quadrics, limit):
    """Merge vertices into neighbours where the squared error is at most `limit`; of each neighbourhood one at most.

    Args:
        points: (V, N) float64.
        faces: (F, 3) int32, in and out; those that vanish get -1.
        around, starts: the faces round vertex v are around[starts[v] : starts[v + 1]].
        held: (V,) bool, vertices that stay.
        quadrics: (V, QUADRIC) float64, in and out.
        limit: metres squared.
    """
    touched, ring = np.zeros(points.shape[0], np.bool_), np.empty(RING, np.int64)
    for v in range(points.shape[0]):
        if held[v] or touched[v] or starts[v] == starts[v + 1]:
            continue
        count = neighbours(faces, around, starts, v, ring)
        best, least = -1, limit
        for i in range(count):
            u = ring[i]
            if touched[u]:
                continue
            area = quadrics[v, ENTRIES + N + 1] + quadrics[u, ENTRIES + N + 1]
            error = (squared_error(quadrics[v], points[u]) + squared_error(quadrics[u], points[u])) / max(area, 1e-30)
            if error <= least and is_sound(points, faces, around, starts, v, u, ring, count):
                best, least = u, error
        if best < 0:
            continue
        for i in range(starts[v], starts[v + 1]):
            face = faces[around[i]]
            if face[0] == best or face[1] == best or face[2] == best:
                face[:] = -1
            else:
                for k in range(3):
                    face[k] = best if face[k] == v else face[k]
        quadrics[best] += quadrics[v]
        touched[v] = True
        for i in range(count):
            touched[ring[i]] = True


@exact_kernel
def neighbours(faces, around, starts, v, ring):
    """Fill `ring` with the neighbours of a vertex; their number, or 0 if they are more than RING."""
    count = 0
    for i in range(starts[v], starts[v + 1]):
        for k in range(3):
            u, known = faces[around[i], k], False
            for j in range(count):
                known |= ring[j] == u
            if u != v and not known:
                if count == RING:
                    return 0
                ring[count] = u
                count += 1
    return count


@exact_kernel
def is_sound(points, faces, around, starts, v, u, ring, count):
    """Whether v may be merged into u: they have two neighbours in common, and no face turns over or vanishes."""
    common = 0
    for j in range(count):
        w, meets = ring[j], False
        for i in range(starts[u], starts[u + 1]):
            face = faces[around[i]]
            meets |= face[0] == w or face[1] == w or face[2] == w
        common += w != u and meets
    if common != 2:
        return False
    for i in range(starts[v], starts[v + 1]):
        face = faces[around[i]]
        if face[0] == u or face[1] == u or face[2] == u:
            continue
        k = 0 if face[0] == v else (1 if face[1] == v else 2)
        b, c, old, new = points[face[(k + 1) % 3]], points[face[(k + 2) % 3]], points[v], points[u]
        ex, ey, ez = c[0] - b[0], c[1] - b[1], c[2] - b[2]
        ox, oy, oz = old[0] - b[0], old[1] - b[1], old[2] - b[2]
        nx, ny, nz = new[0] - b[0], new[1] - b[1], new[2] - b[2]
        x0, y0, z0 = ey * oz - ez * oy, ez * ox - ex * oz, ex * oy - ey * ox
        x1, y1, z1 = ey * nz - ez * ny, ez * nx - ex * nz, ex * ny - ey * nx
        before, after = np.sqrt(x0 * x0 + y0 * y0 + z0 * z0), np.sqrt(x1 * x1 + y1 * y1 + z1 * z1)
        across = np.sqrt(ex * ex + ey * ey + ez * ez)
        if after < 0.05 * across * across or x0 * x1 + y0 * y1 + z0 * z1 < MIN_COSINE * before * after:
            return False
    return True
