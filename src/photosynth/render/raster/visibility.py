"""The visibility buffer: which triangle is nearest at each of four samples in each pixel.

Burns and Hunt, "The Visibility Buffer", JCGT 2013. A sample holds one 64-bit key: the bits of 1 / z as float32 in
the upper half (positive floats sort as integers, so the larger key is the nearer), instance and triangle in the
lower half; 0 is empty. 1 / z is linear over the picture, hence exact along a row. The four keys of a pixel stand side
by side and are drawn by one set of vector instructions: triangles of scans are a few pixels wide.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.triangle import (
    END,
    FIRST,
    LONG,
    LONG_IS_LEFT,
    LOWER,
    NUMBERS,
    QC,
    QX,
    QY,
    ROWS,
    TRIANGLES,
    UPPER,
    X0,
    X1,
    Y0,
    Y1,
    line_up,
    row_ends,
    set_up,
)

SAMPLES = 4
"""Samples in a pixel."""
SAMPLE_X = np.array([0.375, 0.875, 0.125, 0.625])
"""Their x offsets in the pixel: the rotated grid, one in each row and each column of quarters."""
SAMPLE_Y = np.array([0.125, 0.375, 0.625, 0.875])
"""Their y offsets: four rows of samples, evenly spaced over all of the picture."""
ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
"""Steps from a pixel's first sample to its others; unsigned, so that no place can be one counted from the end."""
BEYOND = 1e300
"""Where a triangle begins in rows of samples that it does not reach."""
TRIANGLE_BITS = 22
"""Lower bits of a key that name the triangle."""
MAX_TRIANGLES = 1 << TRIANGLE_BITS
"""Most triangles in one mesh."""
MAX_INSTANCES = 1 << (31 - TRIANGLE_BITS)
"""Most placements and slabs in one scene."""


@kernel
def rasterise(cam, screen, faces, instance, lens, near, x0, y0, x1, y1, left, top, keys, drawn, fronts):
    """Draw the front faces of one instance.

    Triangles wind anticlockwise seen from their front; back faces are culled. A triangle that crosses the near
    plane is clipped. Spans are half open in x and y, so triangles that share an edge share no sample.

    Args:
        cam, screen: (>= V, 3) float64 from transform_vertices.
        faces: (F, 3) int32.
        instance: int, the placement's or slab's number.
        lens: (3,) float64, as in View.
        near: metres.
        x0, y0, x1, y1: int, the box of pixels to draw in.
        left, top: int, the first pixel of `keys`.
        keys: in and out (H, W, 4) int64, at least up to x1, y1.
        drawn: in and out (H, W) uint8 from the picture's first pixel on, a bit for each sample that the instance has
            whatever stands before it; or (0, 0) and nobody asks.
        fronts: out (>= F,) int32, the numbers of the faces that were drawn.

    Returns:
        How many these are.
    """
    clipped, s, lows = np.empty((4, 3), np.float64), np.zeros(NUMBERS, np.float64), np.empty(TRIANGLES, np.int64)
    room = np.empty(ROWS, np.float64), np.empty(ROWS, np.float64), np.empty(2 * ROWS, np.float64)
    for r in range(ROWS):
        room[2][ROWS + r] = SAMPLE_X[r & 3]
    flat, stride = keys.reshape(-1), 4 * keys.shape[1]
    box, origin = (x0, y0, x1, y1), top * stride + 4 * left
    n, count = np.uint64(0), np.uint64(0)
    for t in range(faces.shape[0]):
        a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
        low = (np.int64(instance) << 22) | t
        qa, qb, qc = screen[a, 2], screen[b, 2], screen[c, 2]
        if qa > 0.0 and qb > 0.0 and qc > 0.0:
            lows[n], fronts[count] = low, np.int32(t)
            seen = line_up(
                s, n, screen[a, 0], screen[a, 1], qa, screen[b, 0], screen[b, 1], qb, screen[c, 0], screen[c, 1], qc,
                x1, y1,
            )  # fmt: skip
            n, count = n + seen, count + seen
        elif qa > 0.0 or qb > 0.0 or qc > 0.0:
            fronts[count] = np.int32(t)
            count += ONE
            for k in range(2, _clip(cam, a, b, c, near, lens, clipped)):
                lows[n] = low
                n += line_up(
                    s, n, clipped[0, 0], clipped[0, 1], clipped[0, 2],
                    clipped[k - 1, 0], clipped[k - 1, 1], clipped[k - 1, 2],
                    clipped[k, 0], clipped[k, 1], clipped[k, 2], x1, y1,
                )  # fmt: skip
        if n >= TRIANGLES - 1:
            _draw(s, lows, n, room, box, flat, stride, origin, drawn)
            n = np.uint64(0)
    _draw(s, lows, n, room, box, flat, stride, origin, drawn)
    return np.int64(count)


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
def _draw(s, lows, count, room, box, keys, stride, origin, drawn):
    """Draw the first `count` triangles of a block, whose keys have these lower halves.

    Args:
        s, lows: a block of triangles, and the lower halves of their keys.
        room: scratch as _enter_and_leave takes it.
        box: x0, y0, x1, y1 as in rasterise.
        keys: in and out (n,) int64, row after row; stride: int, keys in a row; origin: int, the place that those of the
            picture's first pixel would have before the first.
        drawn: as in rasterise.
    """
    set_up(s, 4.0, box[3])
    enter, leave, begin = room
    first_x, limit = float(box[0]), float(box[2])
    for i in range(count):
        n = np.uint64(i)
        top, bottom = max(int(s[FIRST + n]) >> 2, box[1]), (int(s[END + n]) + 3) >> 2
        for base in range(top, bottom, ROWS >> 2):
            _enter_and_leave(s, n, 4.0 * base, enter, leave, begin)
            for iy in range(base, min(base + (ROWS >> 2), bottom)):
                at = np.uint64(4 * (iy - base))
                at1, at2, at3 = at + ONE, at + TWO, at + THREE
                left = min(min(enter[at], enter[at1]), min(enter[at2], enter[at3]))
                right = max(max(leave[at], leave[at1]), max(leave[at2], leave[at3]))
                left, right = min(max(np.ceil(left), first_x), limit), min(max(np.ceil(right), first_x), limit)
                row = np.uint64(iy * stride - origin)
                _fill(iy, int(left), int(right), at, enter, leave, begin, s[QX + n], lows[n], keys, row, drawn)


@kernel
def _enter_and_leave(s, n, base, enter, leave, begin):
    """The rows of samples base..base + ROWS of the triangle in place n.

    Args:
        s: as in set_up.
        base: float, the first row, the uppermost of a pixel.
        enter, leave: out (ROWS,) float64, less the samples' x in the pixel: those of the pixels enter <= x < leave are
            in the triangle.
        begin: in and out (2 ROWS,) float64: 1 / z of the pixel at x = 0, and given, the samples' x in the pixel.
    """
    x0, y0, x1, y1, long_is_left = s[X0 + n], s[Y0 + n], s[X1 + n], s[Y1 + n], s[LONG_IS_LEFT + n] > 0.0
    long, upper, lower, first, end = s[LONG + n], s[UPPER + n], s[LOWER + n], s[FIRST + n], s[END + n]
    edges = x0, y0, x1, y1, long, upper, lower, long_is_left
    qx, qy, qc = s[QX + n], s[QY + n], s[QC + n]
    for r in range(ROWS):
        k, ox = base + r, begin[ROWS + r]
        y = (k + 0.5) * 0.25
        left, right = row_ends(edges, y)
        inside = (k >= first) & (k < end)
        enter[r], leave[r] = left - ox if inside else BEYOND, right - ox if inside else -BEYOND
        begin[r] = qc + qx * ox + qy * y


@kernel
def _fill(iy, left, right, at, enter, leave, begin, qx, low, keys, row, drawn):
    """Draw the pixels left..right of a row, which is at place `row` of `keys`, and whose samples are those from `at` on
    of _enter_and_leave. The four samples of a pixel stand side by side, and everything is written as for one number,
    which becomes vector instructions."""
    noted, at1, at2, at3 = drawn.shape[0] > 0, at + ONE, at + TWO, at + THREE
    l0, l1, l2, l3 = enter[at], enter[at1], enter[at2], enter[at3]
    r0, r1, r2, r3 = leave[at], leave[at1], leave[at2], leave[at3]
    q0, q1, q2, q3 = begin[at], begin[at1], begin[at2], begin[at3]
    for ix in range(left, right):
        x, to = float(ix), row + np.uint64(4) * np.uint64(ix)
        to1, to2, to3 = to + ONE, to + TWO, to + THREE
        old0, old1, old2, old3 = keys[to], keys[to1], keys[to2], keys[to3]
        k0, k1 = _key(q0 + qx * x, low, x, l0, r0), _key(q1 + qx * x, low, x, l1, r1)
        k2, k3 = _key(q2 + qx * x, low, x, l2, r2), _key(q3 + qx * x, low, x, l3, r3)
        keys[to], keys[to1], keys[to2], keys[to3] = (
            _larger(old0, k0), _larger(old1, k1), _larger(old2, k2), _larger(old3, k3),
        )  # fmt: skip
        if noted:
            bits = (k0 > 0) | ((k1 > 0) << 1) | ((k2 > 0) << 2) | ((k3 > 0) << 3)
            drawn[np.uint64(iy), np.uint64(ix)] |= np.uint8(bits)


@kernel
def merge(own, x0, y0, x1, y1, keys, drawn):
    """Put what was drawn of one instance into the picture, and empty it.

    Args:
        own: in and out (y1 - y0, x1 - x0, 4) int64, the keys of a box.
        x0, y0, x1, y1: the box.
        keys: in and out (H, W, 4) int64, of the picture.
        drawn: out (H, W) uint8, as in rasterise.
    """
    flat, all_own, noted = keys.reshape(-1), own.reshape(-1), drawn.shape[0] > 0
    for y in range(y0, y1):
        to, at = np.uint64(4 * (y * keys.shape[1] + x0)), np.uint64(4 * (y - y0) * (x1 - x0))
        for x in range(np.uint64(x0), np.uint64(x1)):
            to1, to2, to3, at1, at2, at3 = to + ONE, to + TWO, to + THREE, at + ONE, at + TWO, at + THREE
            k0, k1, k2, k3 = all_own[at], all_own[at1], all_own[at2], all_own[at3]
            old0, old1, old2, old3 = flat[to], flat[to1], flat[to2], flat[to3]
            flat[to], flat[to1], flat[to2], flat[to3] = (
                _larger(old0, k0), _larger(old1, k1), _larger(old2, k2), _larger(old3, k3),
            )  # fmt: skip
            all_own[at], all_own[at1], all_own[at2], all_own[at3] = 0, 0, 0, 0
            if noted:
                drawn[np.uint64(y), x] = np.uint8((k0 > 0) | ((k1 > 0) << 1) | ((k2 > 0) << 2) | ((k3 > 0) << 3))
            to, at = to3 + ONE, at3 + ONE


@kernel
def _key(q, low, x, left, right):
    """The key of a sample, or 0 where left <= x < right does not hold."""
    inside = np.int64(x >= left) & np.int64(x < right)
    return ((np.int64(np.float32(q).view(np.int32)) << 32) | low) & -inside


@kernel
def _larger(old, new):
    """The larger of two keys. As max, the compiler would write only the larger ones, which costs more."""
    return old + max(new - old, np.int64(0))
