"""Probes: points spread over a mesh at which ambient light is worked out, and what the mesh hides from itself there.

What a rigid object hides from itself never changes, so it is computed once: Sloan, Kautz and Snyder, "Precomputed
Radiance Transfer", SIGGRAPH 2002, with nine coefficients, kept as the part that is missing. Where nothing is hidden
that part is exactly zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.render.raster.irradiance import harmonics
from photosynth.render.raster.jit import kernel

f4 = np.float32

MAX_PROBES = 600
"""Most probes on one mesh."""
FEW_PROBES = 250
"""Most probes on one that is small in the picture."""
DIRECTIONS = 96
"""Directions in which an object is asked what it hides from itself."""
MAP_SIDE_PX = 128
"""Side of the depth map for each."""
CASTER_FACES = 64
"""Faces of the copy that hides the sky from other objects."""
SAME = 0.02
"""Probes nearer than this to each other, in radii, serve as one."""
FAR_COUNTS = 0.03
"""How much a vertex prefers a near probe to a mean that lies where it does."""
UNHIDDEN = 0.015
"""An object that hides no more than this part of the sky from any probe counts as convex."""
OFF_PLANE = 8.0
"""How much more it counts to be off a surfel's plane than along it, squared, where its neighbourhood is looked for."""
SURFELS = 32
"""So many probes, the first, stand for their object where it sends light back: see surfels."""


@dataclass(frozen=True, eq=False)
class Probes:
    """Probes of one mesh, in the object's frame.

    points, normals (P, 3) float32; hidden (P, 9) float32: coefficients of what the object hides, so that the hidden
    light on a white Lambertian surface is hidden @ (radiance coefficients); seen (P, S) float32: where that is hidden
    by the neighbourhoods of the first S probes, SURFELS at most, as parts of the light; nearest (V, 3) int32 and
    weights (V, 3) float32: how each vertex of the mesh mixes its probes; convex: nothing is hidden anywhere.
    """

    points: np.ndarray
    normals: np.ndarray
    hidden: np.ndarray
    seen: np.ndarray
    nearest: np.ndarray
    weights: np.ndarray
    convex: bool


def spread_probes(
    vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, proxy, centre: np.ndarray, radius: float
) -> Probes:
    """Choose probes among the vertices, and find what is hidden from each.

    Args:
        vertices, normals: (V, 3) float32 of the mesh; faces: (F, 3) int32.
        proxy: vertices (P, 3) float32 and faces (Q, 3) int32 of a simpler copy, which does the hiding.
        centre, radius: of the mesh's bounding sphere, metres.
    """
    used = np.unique(faces)
    if not len(used):
        none = np.zeros((0, 3), np.float32)
        nowhere = np.zeros((len(vertices), 3), np.int32)
        nothing = np.zeros((0, 9), np.float32), np.zeros((0, 0), np.float32)
        return Probes(none, none, *nothing, nowhere, nowhere.astype(np.float32), True)
    keys = _keys(vertices, normals, radius)
    chosen = used[_thinned(keys[used], MAX_PROBES)]
    points, directions = np.ascontiguousarray(vertices[chosen]), np.ascontiguousarray(normals[chosen])
    hidden, seen = hidden_from_itself(points - centre, directions, proxy[0] - centre, proxy[1], radius)
    convex = bool(hidden[:, 0].max() / SH_MEAN < UNHIDDEN)
    return Probes(points, directions, hidden, seen, *_mixture(keys, keys[chosen]), convex)


def few_probes(probes: Probes, vertices: np.ndarray, normals: np.ndarray, radius: float) -> Probes:
    """FEW_PROBES of a mesh's probes at most, for a coarser copy of it with these vertices and normals (V, 3)."""
    some = slice(FEW_PROBES)  # the first are spread as evenly as the rest allow: see _thinned
    points, directions = probes.points[some], probes.normals[some]
    mixture = _mixture(_keys(vertices, normals, radius), _keys(points, directions, radius))
    return Probes(points, directions, probes.hidden[some], probes.seen[some], *mixture, probes.convex)


def _keys(vertices: np.ndarray, normals: np.ndarray, radius: float) -> np.ndarray:
    """(n, 6): a probe serves its neighbours, and its own side of a thin wall."""
    return np.concatenate([vertices / radius, normals * 0.35], axis=1)


def _mixture(keys: np.ndarray, of_probes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """nearest and weights of Probes, for the keys of vertices (V, 6) and probes (P, 6).

    Weights are those whose mean of the probes comes nearest to the vertex (Roweis and Saul, "Nonlinear Dimensionality
    Reduction by Locally Linear Embedding", Science 290, 2000, eq. 1 and note 5), none below 0.
    """
    from scipy.spatial import cKDTree

    count = min(3, len(of_probes))
    if not count:
        return np.zeros((len(keys), 3), np.int32), np.zeros((len(keys), 3), np.float32)
    distance, nearest = cKDTree(of_probes).query(keys, k=count)
    distance, nearest = distance.reshape(len(keys), count), nearest.reshape(len(keys), count)
    apart = of_probes[nearest] - keys[:, None]
    gram = np.einsum("vik,vjk->vij", apart, apart)
    each = np.arange(count)
    gram[:, each, each] += FAR_COUNTS * distance**2 + 1e-4 * distance[:, -1:] ** 2 + 1e-9
    weights = np.maximum(np.linalg.solve(gram, np.ones((len(keys), count, 1)))[..., 0], 0)
    weights /= weights.sum(axis=1, keepdims=True)
    if count < 3:
        nearest, weights = (np.pad(a, ((0, 0), (0, 3 - count))) for a in (nearest, weights))
    return nearest.astype(np.int32), weights.astype(np.float32)


SH_MEAN = 0.28209479
"""Y_00."""


def _thinned(keys: np.ndarray, most: int) -> np.ndarray:
    """Numbers of at most `most` of (n, 6) keys, each the farthest from those before it: Gonzalez, "Clustering to
    Minimize the Maximum Intercluster Distance", Theoretical Computer Science 38, 1985."""
    chosen = np.empty(min(most, len(keys)), np.int64)
    return chosen[: _pick_farthest(keys.astype(np.float32), f4(SAME**2), chosen)]


@kernel
def _pick_farthest(keys, same2, chosen):
    """Fill `chosen` from the first key on; the count, which is less than its length where the rest are near."""
    distance2 = np.full(keys.shape[0], f4(np.inf))
    at = 0
    for j in range(chosen.shape[0]):
        chosen[j] = at
        farthest, far = 0, f4(-1)
        for i in range(keys.shape[0]):
            total = f4(0)
            for k in range(keys.shape[1]):
                difference = keys[i, k] - keys[at, k]
                total += difference * difference
            distance2[i] = min(distance2[i], total)
            if distance2[i] > far:
                farthest, far = i, distance2[i]
        if far < same2:
            return j + 1
        at = farthest
    return chosen.shape[0]


def fibonacci_sphere(count: int) -> np.ndarray:
    """(count, 3) unit directions, evenly spread (Gonzalez, "Measurement of areas on a sphere using Fibonacci and
    latitude-longitude lattices", 2010)."""
    k = np.arange(count) + 0.5
    z, azimuth = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    level = np.sqrt(1 - z * z)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), z], axis=1)


def frames_towards(directions: np.ndarray) -> np.ndarray:
    """(n, 3, 3) float32 rotations whose rows are right, up and the direction itself."""
    frames = np.empty((len(directions), 3, 3), np.float32)
    _fill_frames(np.asarray(directions, dtype=np.float64), frames)
    return frames


@kernel
def _fill_frames(directions, frames):
    for k in range(directions.shape[0]):
        x, y, z = directions[k, 0], directions[k, 1], directions[k, 2]
        upright = abs(z) < 0.9  # right is z x d, or x x d
        rx, ry, rz = (-y, x, 0.0) if upright else (0.0, -z, y)
        inverse = 1.0 / np.sqrt(rx * rx + ry * ry + rz * rz)
        rx, ry, rz = rx * inverse, ry * inverse, rz * inverse
        frames[k, 0, 0], frames[k, 0, 1], frames[k, 0, 2] = rx, ry, rz
        frames[k, 1, 0], frames[k, 1, 1], frames[k, 1, 2] = y * rz - z * ry, z * rx - x * rz, x * ry - y * rx
        frames[k, 2, 0], frames[k, 2, 1], frames[k, 2, 2] = x, y, z


def hidden_from_itself(points, normals, proxy_vertices, proxy_faces, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """`hidden` (P, 9) float32 and `seen` (P, S) float32 of Probes: an orthographic depth map of the proxy from each of
    DIRECTIONS.

    Points and proxy are given from the centre of the bounding sphere.
    """
    directions = fibonacci_sphere(DIRECTIONS)
    hidden = np.zeros((len(points), 9), np.float32)
    seen = np.zeros((len(points), min(SURFELS, len(points))), np.float32)
    basis = harmonics(directions, (0, 1, 2)).astype(np.float32)
    depth = np.empty((MAP_SIDE_PX, MAP_SIDE_PX), np.float32)
    scale = np.float32((MAP_SIDE_PX / 2 - 2) / radius)
    points = points.astype(np.float32)
    for frame, y in zip(frames_towards(directions), basis, strict=True):
        depth[:] = -np.inf
        turned = (proxy_vertices @ frame.T).astype(np.float32)
        draw_depth(turned, proxy_faces, scale, depth)
        add_hidden(points, normals, frame, scale, depth, y * np.float32(4 / DIRECTIONS), hidden, seen)
    return hidden, seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)


@kernel
def draw_depth(turned, faces, scale, depth):
    """Draw the faces that look along +z into an orthographic map: the largest z wins.

    Args:
        turned: (V, 3) float32, map axes, the middle of the map at 0.
        faces: (F, 3) int32.
        scale: float32, texels in a metre.
        depth: in and out (S, S) float32, metres.
    """
    side = depth.shape[0]
    half = side * 0.5
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        x0, y0, z0 = turned[a, 0] * scale + half, turned[a, 1] * scale + half, turned[a, 2]
        x1, y1, z1 = turned[b, 0] * scale + half, turned[b, 1] * scale + half, turned[b, 2]
        x2, y2, z2 = turned[c, 0] * scale + half, turned[c, 1] * scale + half, turned[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if not area > 1e-6:
            continue
        inverse = 1.0 / area
        left, right = int(max(min(x0, x1, x2) + 0.5, 0.0)), int(min(max(x0, x1, x2) + 0.5, float(side)))
        top, bottom = int(max(min(y0, y1, y2) + 0.5, 0.0)), int(min(max(y0, y1, y2) + 0.5, float(side)))
        for iy in range(top, bottom):
            y = iy + 0.5
            for ix in range(left, right):
                x = ix + 0.5
                wb = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) * inverse
                wc = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) * inverse
                if wb >= 0.0 and wc >= 0.0 and wb + wc <= 1.0:
                    z = z0 + wb * (z1 - z0) + wc * (z2 - z0)
                    if z > depth[iy, ix]:
                        depth[iy, ix] = z


@kernel
def add_hidden(points, normals, frame, scale, depth, basis, hidden, seen):
    """Add one direction's part to `hidden` (P, 9) at the points from which the map hides it, and to `seen` (P, S) of
    the surfel that is nearest to what hides it.

    Args:
        points, normals: (P, 3) float32.
        frame: (3, 3) float32 from frames_towards.
        scale, depth: as in draw_depth.
        basis: (9,) float32: spherical harmonics of the direction, times its share of the sphere over pi.
    """
    half = depth.shape[0] * 0.5
    texel = 1.0 / scale
    for i in range(points.shape[0]):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        cosine = nx * frame[2, 0] + ny * frame[2, 1] + nz * frame[2, 2]
        if cosine <= 0.0:
            continue
        push = texel * 1.5
        x, y, z = points[i, 0] + push * nx, points[i, 1] + push * ny, points[i, 2] + push * nz
        u = int((x * frame[0, 0] + y * frame[0, 1] + z * frame[0, 2]) * scale + half)
        v = int((x * frame[1, 0] + y * frame[1, 1] + z * frame[1, 2]) * scale + half)
        along = x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2]
        u, v = min(max(u, 0), depth.shape[1] - 1), min(max(v, 0), depth.shape[0] - 1)
        if depth[v, u] > along + texel * 1.5:
            for k in range(9):
                hidden[i, k] += cosine * basis[k]
            away = depth[v, u] - along
            x, y, z = x + away * frame[2, 0], y + away * frame[2, 1], z + away * frame[2, 2]
            nearest, best = 0, f4(np.inf)
            for j in range(seen.shape[1]):
                mx, my, mz = normals[j, 0], normals[j, 1], normals[j, 2]
                if mx * frame[2, 0] + my * frame[2, 1] + mz * frame[2, 2] < f4(0):
                    dx, dy, dz = points[j, 0] - x, points[j, 1] - y, points[j, 2] - z
                    off = mx * dx + my * dy + mz * dz
                    apart = dx * dx + dy * dy + dz * dz + f4(OFF_PLANE) * off * off
                    if apart < best:
                        nearest, best = j, apart
            seen[i, nearest] += cosine * basis[0] * f4(1 / SH_MEAN)
