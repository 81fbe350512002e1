"""The visibility buffer: which triangle is nearest at each of four samples in each pixel.

Burns and Hunt, "The Visibility Buffer", JCGT 2013. A sample holds one 64-bit key: the bits of 1 / z as float32 in
the upper half (positive floats sort as integers, so the larger key is the nearer), instance and triangle in the
lower half; 0 is empty. 1 / z is linear over the picture, hence exact along a span. The four samples of a row of
pixels lie in four rows of keys, so that long spans are drawn by vector instructions.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.triangle import END, FIRST, NUMBERS, QX, ROWS, TRIANGLES, line_up, row_spans, set_up

SAMPLES = 4
"""Samples in a pixel."""
SAMPLE_X = np.array([0.375, 0.875, 0.125, 0.625])
"""Their x offsets in the pixel: the rotated grid, one in each row and each column of quarters."""
SAMPLE_Y = np.array([0.125, 0.375, 0.625, 0.875])
"""Their y offsets: four rows of samples, evenly spaced over all of the picture."""
LONG = 16
"""Spans of so many samples are drawn by vector instructions."""
FEW = 2
"""Shorter ones are drawn as if they had at least so many, the last again and again: cheaper than to ask."""
TRIANGLE_BITS = 22
"""Lower bits of a key that name the triangle."""
MAX_TRIANGLES = 1 << TRIANGLE_BITS
"""Most triangles in one mesh."""
MAX_INSTANCES = 1 << (31 - TRIANGLE_BITS)
"""Most placements and slabs in one scene."""


@kernel
def clear_box(keys, x0, y0, x1, y1):
    """Empty the samples of the pixels x0 <= x < x1, y0 <= y < y1 of a (H, 4, W) int64 buffer."""
    for y in range(y0, y1):
        for s in range(4):
            for x in range(x0, x1):
                keys[y, s, np.uint64(x)] = 0


@kernel
def rasterise(cam, screen, faces, instance, lens, near, width, height, keys, drawn):
    """Draw the front faces of one instance.

    Triangles wind anticlockwise seen from their front; back faces are culled. A triangle that crosses the near
    plane is clipped. Spans are half open in x and y, so triangles that share an edge share no sample.

    Args:
        cam, screen: (>= V, 3) float64 from transform_vertices.
        faces: (F, 3) int32.
        instance: int, the placement's or slab's number.
        lens: (3,) float64, as in View.
        near: metres.
        width, height: int, part of `keys` to draw in.
        keys: in and out (>= height, 4, >= width) int64.
        drawn: in and out (>= height, >= width) uint8, a bit for each sample that the instance has whatever stands
            before it; or (0, 0) and nobody asks.
    """
    clipped, s, lows = np.empty((4, 3), np.float64), np.zeros(NUMBERS, np.float64), np.empty(TRIANGLES, np.int64)
    room = np.empty(2 * ROWS, np.int32), np.empty(2 * ROWS, np.float64), np.empty(ROWS, np.int64)
    for r in range(ROWS):
        room[1][ROWS + r] = SAMPLE_X[r & 3]
    n = np.uint64(0)
    for t in range(faces.shape[0]):
        a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
        low = (np.int64(instance) << 22) | t
        qa, qb, qc = screen[a, 2], screen[b, 2], screen[c, 2]
        if qa > 0.0 and qb > 0.0 and qc > 0.0:
            lows[n] = low
            n += line_up(
                s, n, screen[a, 0], screen[a, 1], qa, screen[b, 0], screen[b, 1], qb, screen[c, 0], screen[c, 1], qc,
                width, height,
            )  # fmt: skip
        elif qa > 0.0 or qb > 0.0 or qc > 0.0:
            for k in range(2, _clip(cam, a, b, c, near, lens, clipped)):
                lows[n] = low
                n += line_up(
                    s, n, clipped[0, 0], clipped[0, 1], clipped[0, 2],
                    clipped[k - 1, 0], clipped[k - 1, 1], clipped[k - 1, 2],
                    clipped[k, 0], clipped[k, 1], clipped[k, 2], width, height,
                )  # fmt: skip
        if n >= TRIANGLES - 1:
            _draw(s, lows, n, room, width, height, keys, drawn)
            n = np.uint64(0)
    _draw(s, lows, n, room, width, height, keys, drawn)


@kernel
def _clip(cam, a, b, c, near, lens, out):
    """The part of a triangle beyond the near plane as 3 or 4 corners (x, y in pixels, 1 / z); Sutherland and
    Hodgman 1974."""
    count = 0
    previous, current = c, a
    for k in range(3):
        current = a if k == 0 else (b if k == 1 else c)
        z0, z1 = cam[previous, 2], cam[current, 2]
        if (z0 < near) != (z1 < near):
            f = (near - z0) / (z1 - z0)
            x = cam[previous, 0] + f * (cam[current, 0] - cam[previous, 0])
            y = cam[previous, 1] + f * (cam[current, 1] - cam[previous, 1])
            out[count, 0] = lens[0] * x / near + lens[1]
            out[count, 1] = lens[0] * y / near + lens[2]
            out[count, 2] = 1.0 / near
            count += 1
        if z1 >= near:
            q = 1.0 / z1
            out[count, 0] = lens[0] * cam[current, 0] * q + lens[1]
            out[count, 1] = lens[0] * cam[current, 1] * q + lens[2]
            out[count, 2] = q
            count += 1
        previous = current
    return count


@kernel
def _draw(s, lows, count, room, width, height, keys, drawn):
    """Draw the first `count` triangles of a block, whose keys have these lower halves. room: spans and starts as
    row_spans takes them, and ROWS numbers of rows."""
    set_up(s, 4.0, height)
    spans, starts, filled = room
    for i in range(count):
        n = np.uint64(i)
        first, end = int(s[FIRST + n]), int(s[END + n])
        for base in range(first & -4, end, ROWS):
            row_spans(s, n, base, 4.0, width, spans, starts)
            rows = 0
            for k in range(max(first, base), min(end, base + ROWS)):
                r = np.uint64(k - base)
                filled[rows] = k
                rows += 1 if spans[r] < spans[ROWS + r] else 0
            _fill(filled, rows, base, spans, starts, s[QX + n], lows[n], keys, drawn)


@kernel
def _fill(filled, rows, base, spans, starts, qx, low, keys, drawn):
    """Draw the `rows` rows of a triangle that `filled` names, none of them empty."""
    noted = drawn.shape[0] > 0
    for e in range(rows):
        k = filled[np.uint64(e)]
        r = np.uint64(k - base)
        left, right, q = spans[r], spans[ROWS + r], starts[r]
        iy, s, size, bit = np.uint64(k >> 2), np.uint64(k & 3), right - left, np.uint8(1 << (k & 3))
        if size >= LONG:  # without a branch, so that it becomes vector instructions
            for j in range(size):
                ix = np.uint64(left + j)
                key = (np.int64(np.float32(q + qx * j).view(np.int32)) << 32) | low
                keys[iy, s, ix] = max(key, keys[iy, s, ix])
            for j in range(size if noted else 0):
                drawn[iy, np.uint64(left + j)] |= bit
            continue
        for j in range(max(size, FEW)):
            j = min(j, size - 1)
            ix = np.uint64(left + j)
            key = (np.int64(np.float32(q + qx * j).view(np.int32)) << 32) | low
            keys[iy, s, ix] = max(key, keys[iy, s, ix])
            if noted:
                drawn[iy, ix] |= bit
