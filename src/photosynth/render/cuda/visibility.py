"""The visibility buffer on a GPU: as raster.visibility, but triangles are drawn at the same time.

The keys, the four samples and the rule for edges are those of the CPU, so both see the same triangles; the centres of
pixels are drawn with them, of all pixels. A sample is won by an atomic maximum. Several threads share the rows of one
triangle: as many as it takes to fill a GPU.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda, float64

from photosynth.render.cuda.kernel import SIMULATED, cuda_kernel
from photosynth.render.cuda.one_lane import on_device
from photosynth.render.raster import centres as middles
from photosynth.render.raster import fragments, triangle, visibility

THREADS = 8 if SIMULATED else 128
"""Threads in a block."""
ENOUGH_THREADS = 64 if SIMULATED else 1 << 16
"""Threads that keep a GPU busy: triangles of meshes with fewer faces are shared by several."""
MAX_SHARE = 4096
"""Most threads that share a triangle."""

X0, X1, X2, X3 = visibility.SAMPLE_X.tolist()
CENTRE = middles.CENTRE
_clip, _mark_drawn = on_device(visibility._clip), on_device(fragments.mark_drawn)
_plane_of, _edges_of, _row_ends = (on_device(k) for k in (triangle.plane_of, triangle.edges_of, triangle.row_ends))


def blocks_for(threads: int) -> int:
    """Blocks of THREADS that hold so many threads."""
    return max(1, -(-threads // THREADS))


def threads_for(faces: int) -> int:
    """How many threads share each triangle of a mesh with so many faces."""
    return max(1, min(ENOUGH_THREADS // max(faces, 1), MAX_SHARE))


@cuda_kernel
def clear(keys, centres, drawn, masks, areas, radiance, coverage, depth_m, ids, normals):
    """Empty the buffers of one picture; one thread for each pixel.

    Args:
        keys: (H, W, 4) int64, as in raster.visibility; centres: (H, W) int64, the keys at the pixels' centres.
        drawn: (n, H, W) int32, a bit for each sample that a placement has whatever stands before it, and CENTRE.
        masks: (n, H, W) bool; areas: (n,) int32.
        radiance, normals: (H * W, 3) float32; coverage: (H, W) float32; depth_m: (H * W,) float32; ids: (H, W)
            uint16.
    """
    pixel = cuda.grid(1)
    width = keys.shape[1]
    if pixel < areas.shape[0]:
        areas[pixel] = 0
    if pixel >= keys.shape[0] * width:
        return
    y = pixel // width
    x = pixel - y * width
    for s in range(4):
        keys[y, x, s] = 0
    centres[y, x] = 0
    for k in range(drawn.shape[0]):
        drawn[k, y, x] = 0
    for k in range(masks.shape[0]):
        masks[k, y, x] = False
    for k in range(3):
        radiance[pixel, k] = 0.0
        normals[pixel, k] = 0.0
    coverage[y, x] = 0.0
    depth_m[pixel] = math.inf
    ids[y, x] = 0


@cuda_kernel
def draw_triangles(cam, screen, faces, instance, lens, near, width, height, share, keys, centres, noted, drawn):
    """Draw the front faces of one instance, as raster.visibility.rasterise; `share` threads for each triangle.

    Args:
        cam .. height: as there.
        share: int, threads for each triangle; the k-th has every share-th row of samples from the k-th on.
        keys: in and out (H, W, 4) int64; centres: in and out (H, W) int64.
        noted: int, 1 if `drawn` is to be filled.
        drawn: in and out (>= H, >= W) int32 of this instance.
    """
    thread = cuda.grid(1)
    t = thread // share
    if t >= faces.shape[0]:
        return
    skip = thread - t * share
    a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
    low = (np.int64(instance) << 22) | np.int64(t)
    qa, qb, qc = screen[a, 2], screen[b, 2], screen[c, 2]
    if qa > 0.0 and qb > 0.0 and qc > 0.0:
        _fill(
            screen[a, 0], screen[a, 1], qa, screen[b, 0], screen[b, 1], qb, screen[c, 0], screen[c, 1], qc,
            low, width, height, share, skip, keys, centres, noted, drawn,
        )  # fmt: skip
    elif qa > 0.0 or qb > 0.0 or qc > 0.0:
        clipped = cuda.local.array((4, 3), float64)
        corners = _clip(cam, a, b, c, near, lens, clipped)
        for k in range(2, corners):
            _fill(
                clipped[0, 0], clipped[0, 1], clipped[0, 2],
                clipped[k - 1, 0], clipped[k - 1, 1], clipped[k - 1, 2],
                clipped[k, 0], clipped[k, 1], clipped[k, 2],
                low, width, height, share, skip, keys, centres, noted, drawn,
            )  # fmt: skip


@cuda.jit(device=True)
def _fill(x0, y0, q0, x1, y1, q1, x2, y2, q2, low, width, height, share, skip, keys, centres, noted, drawn):
    """One thread's rows of a triangle: the arithmetic of raster.visibility, with atomic writes."""
    area = (x2 - x0) * (y1 - y0) - (x1 - x0) * (y2 - y0)
    if not area > 1e-12:
        return
    top, bottom = min(y0, y1, y2), max(y0, y1, y2)
    if max(x0, x1, x2) < 0 or bottom < 0 or min(x0, x1, x2) >= width or top >= height:
        return
    plane, edges = _plane_of(x0, y0, q0, x1, y1, q1, x2, y2, q2, area), _edges_of(x0, y0, x1, y1, x2, y2)
    first, last = _rows(top, bottom, 4.0, height)
    for k in range(first + skip, last, share):
        iy, s = k >> 2, k & 3
        ox = X0 if s == 0 else (X1 if s == 1 else (X2 if s == 2 else X3))
        left, right, q = _span(plane, edges, ox, (k + 0.5) * 0.25, width)
        for ix in range(left, right):
            cuda.atomic.max(keys, (iy, ix, s), _key(q + plane[0] * ix, low))
            if noted:
                cuda.atomic.or_(drawn, (iy, ix), np.int32(1 << s))
    first, last = _rows(top, bottom, 1.0, height)
    for iy in range(first + skip, last, share):
        left, right, q = _span(plane, edges, 0.5, iy + 0.5, width)
        for ix in range(left, right):
            cuda.atomic.max(centres, (iy, ix), _key(q + plane[0] * ix, low))
            if noted:
                cuda.atomic.or_(drawn, (iy, ix), np.int32(CENTRE))


@cuda.jit(device=True)
def _rows(top, bottom, finer, height):
    """The first row of samples and the one after the last, `finer` in a pixel: row k is at (k + 0.5) / finer."""
    rows = finer * height
    first = math.ceil(min(max(0.0, finer * top - 0.5), rows))
    return first, math.ceil(min(max(0.0, finer * bottom - 0.5), rows))


@cuda.jit(device=True)
def _span(plane, edges, ox, y, width):
    """The first pixel of a row of samples and the one after the last, and 1 / z of the pixel at x = 0."""
    xa, xb = _row_ends(edges, y)
    left = math.ceil(min(max(0.0, xa - ox), float(width)))
    right = math.ceil(min(max(0.0, xb - ox), float(width)))
    return left, right, plane[2] + plane[0] * ox + plane[1] * y


@cuda.jit(device=True)
def _key(q, low):
    return (np.int64(np.float32(q).view(np.int32)) << 32) | low


@cuda_kernel
def mark_alone(noted, drawn, ids, number, x0, y0, x1, y1, mask, areas):
    """Set `mask` (H, W) bool where a placement owns a pixel of a box, or would if it were alone, and count them, as
    raster.fragments.mark_drawn; one thread for each pixel of the box.

    Args:
        noted: int, 0 for a placement that is alone: then `drawn` says nothing.
        drawn: (H, W) int32 of this placement.
        ids: (H, W) uint16; number: the placement's.
        x0, y0, x1, y1: the box.
        mask: out (H, W) bool of this placement.
        areas: in and out (n,) int32.
    """
    thread = cuda.grid(1)
    if thread >= (x1 - x0) * (y1 - y0):
        return
    row = thread // (x1 - x0)
    y, x = y0 + row, x0 + thread - row * (x1 - x0)
    owned = ids[y, x] == number
    if noted:
        owned = _mark_drawn(drawn, ids, number, x, y, x + 1, y + 1, mask) > 0
    mask[y, x] = owned
    if owned:
        cuda.atomic.add(areas, number - 1, 1)
