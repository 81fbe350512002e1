"""PatchMatch stereo: depth and normal of every pixel of one picture, from some others. Numba kernels.

Each pixel holds a slanted plane. Planes spread to neighbours on a checkerboard and are refined at random; the cost
is bilaterally weighted normalised cross-correlation through the plane's homography, averaged over the best source
pictures (Bleyer et al., BMVC 2011; Schönberger et al., ECCV 2016; Galliani et al., ICCV 2015 for the checkerboard).

Pictures are float32 grey in 0..1; pixel (column u, row v) has its centre at (u, v) here, so intrinsics are shifted
by half a pixel from those of core/camera.py. Normals are in the camera's frame and face it: n . ray < 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photosynth.reconstruct.jit import kernel

f4 = np.float32

NO_MATCH = 2.0
"""Cost of a plane that no source can see; costs of matches lie in 0 (perfect) .. 2."""
NEIGHBOURS = np.array([(-1, 0), (1, 0), (0, -1), (0, 1), (-5, 0), (5, 0), (0, -5), (0, 5)], np.int64)
"""Where a pixel looks for planes: always of the other colour of the checkerboard."""
WINDOW_SIGMA_PX = 6.0
"""Spatial falloff of the window's weights."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Other pictures as one reference sees them.

    images (S, H, W) float32, all of one size; a (S, 3, 3) and b (S, 3) float64: a pixel x of the reference at depth
    d on its ray goes to the source's pixel ~ a x d + b.
    """

    images: np.ndarray
    a: np.ndarray
    b: np.ndarray


@dataclass(frozen=True)
class Effort:
    """How hard to search: sweeps of the checkerboard, random refinements a sweep, window samples on a side (odd) and
    their spacing in pixels, how many of the best sources count, and the sweep number at which refinement starts
    (steps halve with each)."""

    sweeps: int = 4
    refinements: int = 3
    window: int = 5
    spacing_px: int = 2
    best_sources: int = 2
    first_sweep: int = 0


@dataclass(frozen=True, eq=False)
class DepthMap:
    """depth (H, W) float32 along the axis, 0 where unknown; normals (H, W, 3) float32; cost (H, W) float32."""

    depth: np.ndarray
    normals: np.ndarray
    cost: np.ndarray


def match(
    image: np.ndarray,
    intrinsics: np.ndarray,
    mask: np.ndarray,
    sources: Sources,
    depth_range: tuple[float, float],
    effort: Effort,
    start: DepthMap | None = None,
    seed: int = 0,
) -> DepthMap:
    """Depth and normals of the masked pixels of one picture.

    Args:
        image: (H, W) float32.
        intrinsics: (3, 3) float64, pixel centres at whole numbers.
        mask: (H, W) bool: where to search.
        sources: at least one.
        depth_range: nearest and farthest depth.
        effort: how hard to search.
        start: planes to start from (same size; depth 0 means at random), e.g. from half the resolution.
        seed: of the random planes; the result depends on the arguments alone.
    """
    height, width = image.shape
    depth = np.zeros((height, width), np.float32) if start is None else start.depth.astype(np.float32)
    normals = np.zeros((height, width, 3), np.float32) if start is None else start.normals.astype(np.float32)
    cost = np.full((height, width), np.float32(NO_MATCH))
    half = effort.window // 2
    steps = np.arange(-half, half + 1) * effort.spacing_px
    offsets = np.array([(x, y) for y in steps for x in steps], np.int64)
    falloff = np.exp(-(offsets**2).sum(axis=1) / (2 * WINDOW_SIGMA_PX**2)).astype(np.float32)
    lens = np.array([intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]])
    picked = min(effort.best_sources, len(sources.images))
    given = (
        np.ascontiguousarray(image, np.float32), np.ascontiguousarray(mask), sources.images, sources.a, sources.b, lens,
        depth_range[0], depth_range[1], offsets, falloff, picked, NEIGHBOURS,
    )  # fmt: skip
    for color in (0, 1):
        _sweep(depth, normals, cost, *given, color, 0, 0, True, seed)
    for sweep in range(effort.first_sweep, effort.first_sweep + effort.sweeps):
        for color in (0, 1):
            _sweep(depth, normals, cost, *given, color, sweep, effort.refinements, False, seed)
    depth[~mask] = 0
    return DepthMap(depth, normals, cost)


@kernel
def _plane_cost(
    u, v, c, nx, ny, nz, window, weights, mean, variance, total, offsets, images, a, b, lens, picked, costs
):
    """Cost of the plane n . X = c (c < 0) at pixel (u, v): mean of the `picked` smallest 1 - NCC over the sources."""
    inverse = 1.0 / c
    p0, p1 = nx / lens[0] * inverse, ny / lens[1] * inverse
    p2 = (nz - nx * lens[2] / lens[0] - ny * lens[3] / lens[1]) * inverse
    count = images.shape[0]
    right, bottom = f4(images.shape[2] - 1.002), f4(images.shape[1] - 1.002)
    for s in range(count):
        h00, h01, h02 = f4(a[s, 0, 0] + b[s, 0] * p0), f4(a[s, 0, 1] + b[s, 0] * p1), f4(a[s, 0, 2] + b[s, 0] * p2)
        h10, h11, h12 = f4(a[s, 1, 0] + b[s, 1] * p0), f4(a[s, 1, 1] + b[s, 1] * p1), f4(a[s, 1, 2] + b[s, 1] * p2)
        h20, h21, h22 = f4(a[s, 2, 0] + b[s, 2] * p0), f4(a[s, 2, 1] + b[s, 2] * p1), f4(a[s, 2, 2] + b[s, 2] * p2)
        image = images[s]
        sum_g, sum_gg, sum_gr, seen = f4(0), f4(0), f4(0), True
        for k in range(offsets.shape[0]):
            x, y = f4(u + offsets[k, 0]), f4(v + offsets[k, 1])
            z = h20 * x + h21 * y + h22
            if not z > f4(1e-9):
                seen = False
                break
            z = f4(1) / z
            sx, sy = (h00 * x + h01 * y + h02) * z, (h10 * x + h11 * y + h12) * z
            if not (sx >= f4(0) and sy >= f4(0) and sx < right and sy < bottom):
                seen = False
                break
            ix, iy = int(sx), int(sy)
            fx, fy = sx - f4(ix), sy - f4(iy)
            top = image[iy, ix] + (image[iy, ix + 1] - image[iy, ix]) * fx
            low = image[iy + 1, ix] + (image[iy + 1, ix + 1] - image[iy + 1, ix]) * fx
            g = top + (low - top) * fy
            wg = weights[k] * g
            sum_g += wg
            sum_gg += wg * g
            sum_gr += wg * window[k]
        if not seen:
            costs[s] = f4(NO_MATCH)
            continue
        sum_g *= total
        spread = sum_gg * total - sum_g * sum_g
        if spread < f4(4e-6) or variance < f4(4e-6):
            costs[s] = f4(1.2)
        else:
            costs[s] = f4(1) - (sum_gr * total - sum_g * mean) / np.sqrt(spread * variance)
    mean_cost = f4(0)
    for k in range(picked):
        least = k
        for j in range(k + 1, count):
            if costs[j] < costs[least]:
                least = j
        costs[k], costs[least] = costs[least], costs[k]
        mean_cost += costs[k]
    return mean_cost / f4(picked)


@kernel
def _random(state):
    """The next state and a number in 0..1 (Knuth's MMIX linear congruential generator)."""
    state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return state, float((state >> np.uint64(33)) & np.uint64(0x7FFFFFFF)) / 2147483648.0


@kernel
def _random_normal(rx, ry, state):
    """A direction over the half sphere that faces the camera along the ray (rx, ry, 1)."""
    state, first = _random(state)
    state, second = _random(state)
    z, angle = 2 * first - 1, 2 * math.pi * second
    level = math.sqrt(max(0.0, 1 - z * z))
    x, y = level * math.cos(angle), level * math.sin(angle)
    if x * rx + y * ry + z > 0:
        x, y, z = -x, -y, -z
    return state, x, y, z


@kernel
def _sweep(
    depth, normals, cost, reference, mask, images, a, b, lens, near, far, offsets, falloff, picked, neighbours,
    color, sweep, refinements, first, seed,
):  # fmt: skip
    """One half of the checkerboard: score (first), or spread and refine, in place."""
    height, width = reference.shape
    count = offsets.shape[0]
    window, weights = np.empty(count, np.float32), np.empty(count, np.float32)
    costs = np.empty(images.shape[0], np.float32)
    for v in range(height):
        state = np.uint64(seed * 7919 + v * 104729 + sweep * 1299709 + color * 15485863 + 1)
        for _ in range(4):
            state, _unused = _random(state)
        for u in range((v + color) & 1, width, 2):
            if not mask[v, u]:
                continue
            centre = reference[v, u]
            total, mean, square = f4(0), f4(0), f4(0)
            for k in range(count):
                g = reference[min(max(v + offsets[k, 1], 0), height - 1), min(max(u + offsets[k, 0], 0), width - 1)]
                w = falloff[k] / (f4(1) + f4(120) * (g - centre) * (g - centre))
                window[k], weights[k] = g, w
                total += w
                mean += w * g
                square += w * g * g
            total = f4(1) / total
            mean *= total
            variance = square * total - mean * mean
            rx, ry = (u - lens[2]) / lens[0], (v - lens[3]) / lens[1]
            d, nx, ny, nz = (
                float(depth[v, u]),
                float(normals[v, u, 0]),
                float(normals[v, u, 1]),
                float(normals[v, u, 2]),
            )
            if first:
                if not d > 0:
                    state, part = _random(state)
                    d = 1.0 / (1 / far + part * (1 / near - 1 / far))
                    state, nx, ny, nz = _random_normal(rx, ry, state)
                depth[v, u], normals[v, u, 0], normals[v, u, 1], normals[v, u, 2] = d, nx, ny, nz
                c = d * (nx * rx + ny * ry + nz)
                cost[v, u] = f4(NO_MATCH)
                if c < -1e-9:
                    cost[v, u] = _plane_cost(
                        u, v, c, nx, ny, nz, window, weights, mean, variance, total, offsets, images, a, b, lens,
                        picked, costs,
                    )  # fmt: skip
                continue
            best = cost[v, u]
            for k in range(neighbours.shape[0] + refinements):
                if k < neighbours.shape[0]:
                    x, y = u + neighbours[k, 0], v + neighbours[k, 1]
                    if x < 0 or y < 0 or x >= width or y >= height or not mask[y, x]:
                        continue
                    mx, my, mz = float(normals[y, x, 0]), float(normals[y, x, 1]), float(normals[y, x, 2])
                    slant = mx * rx + my * ry + mz
                    if slant > -1e-4:
                        continue
                    qx, qy = (x - lens[2]) / lens[0], (y - lens[3]) / lens[1]
                    e = depth[y, x] * (mx * qx + my * qy + mz) / slant
                else:
                    k -= neighbours.shape[0]
                    state, part = _random(state)
                    if k == 0 and sweep < 3:
                        e = 1.0 / (1 / far + part * (1 / near - 1 / far))
                        state, mx, my, mz = _random_normal(rx, ry, state)
                    else:
                        step = 0.5 ** (sweep + k)
                        e = d * (1 + (2 * part - 1) * 0.04 * step)
                        mx, my, mz = nx, ny, nz
                        if k != 1:
                            tilt = 0.6 * step + 0.03
                            state, part = _random(state)
                            mx += (2 * part - 1) * tilt
                            state, part = _random(state)
                            my += (2 * part - 1) * tilt
                            state, part = _random(state)
                            mz += (2 * part - 1) * tilt
                            length = 1 / math.sqrt(mx * mx + my * my + mz * mz)
                            mx, my, mz = mx * length, my * length, mz * length
                    slant = mx * rx + my * ry + mz
                    if slant > -0.05:
                        continue
                if e < near or e > far:
                    continue
                tried = _plane_cost(
                    u, v, e * slant, mx, my, mz, window, weights, mean, variance, total, offsets, images, a, b, lens,
                    picked, costs,
                )  # fmt: skip
                if tried < best:
                    best, d, nx, ny, nz = tried, e, mx, my, mz
            cost[v, u] = best
            depth[v, u], normals[v, u, 0], normals[v, u, 1], normals[v, u, 2] = d, nx, ny, nz
