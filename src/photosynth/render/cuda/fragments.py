"""From visibility samples to fragments on a GPU: as raster.fragments, one thread for each pixel.

The fragments of an instance come in any order, which no picture can tell: a pixel's fragments are of different
instances, and those are shaded one after the other.
"""

from __future__ import annotations

import numpy as np
from numba import cuda

from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.one_lane import on_device
from photosynth.render.raster import fragments

_samples_near = on_device(fragments.samples_near)


@cuda_kernel
def emit(keys, x0, y0, x1, y1, width, height, named, ends, pixels, triangles, weights, coverage, ids):
    """List the fragments in a box of pixels, by the rules of raster.fragments.emit_fragments; a thread for each pixel.

    Args:
        keys .. named: as there.
        ends: in and out (n,) int32, where each instance's fragments begin; then where they end.
        pixels, triangles: out (m,) int32; weights: out (m,) uint8.
        coverage: out (H, W) float32; ids: out (H, W) uint16. Both are 0 before.
    """
    thread = cuda.grid(1)
    if thread >= (x1 - x0) * (y1 - y0):
        return
    row = thread // (x1 - x0)
    y, x = y0 + row, x0 + thread - row * (x1 - x0)
    empty, best, best_score, best_at = 0, -1, 0, 0
    for s in range(4):
        if keys[y, s, x] == 0:
            empty += 1
            continue
        instance = int((keys[y, s, x] & 0xFFFFFFFF) >> 22)
        samples, triangle = _most_seen(keys, y, x, s, instance)
        if samples == 0:
            continue
        at = cuda.atomic.add(ends, instance, 1)
        pixels[at] = y * width + x
        triangles[at] = triangle
        weights[at] = samples
        score = samples << 5
        if samples < 3:
            score += _samples_near(keys, x0, y0, x1, y1, width, height, x, y, instance)
        if score > best_score or (score == best_score and instance < best):
            best, best_score, best_at = instance, score, at
    if empty == 4:
        return
    coverage[y, x] = (4 - empty) * 0.25
    nobody = empty << 5
    if nobody and empty == best_score >> 5:
        nobody += _samples_near(keys, x0, y0, x1, y1, width, height, x, y, -1)
    if best_score >= nobody:
        ids[y, x] = best + 1 if best < named else 0
        weights[best_at] |= 8


@cuda.jit(device=True)
def _most_seen(keys, y, x, s, instance):
    """How many samples of a pixel the instance of sample s has, and the triangle that most of them see, the first
    among equals; 0 samples if an earlier sample already belongs to it."""
    samples, most = 0, 0
    triangle = np.int64(0)
    for r in range(4):
        other = keys[y, r, x] & 0xFFFFFFFF
        if keys[y, r, x] == 0 or other >> 22 != instance:
            continue
        if r < s:
            return 0, triangle
        samples += 1
        same = 0
        for p in range(r, 4):
            if keys[y, p, x] != 0 and (keys[y, p, x] & 0xFFFFFFFF) == other:
                same += 1
        if same > most:
            triangle, most = other & 0x3FFFFF, same
    return samples, triangle
