"""The visibility buffer: which triangle is nearest at each of four samples in each pixel.

Burns and Hunt, "The Visibility Buffer", JCGT 2013. A sample holds one 64-bit key: the bits of 1 / z as float32 in
the upper half (positive floats sort as integers, so the larger key is the nearer), instance and triangle in the
lower half; 0 is empty. 1 / z is linear over the picture, hence exact along a span. The four samples of a row of
pixels lie in four rows of keys, so that long spans are drawn by vector instructions.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.triangle import edges_of, plane_of, row_ends

SAMPLES = 4
"""Samples in a pixel."""
SAMPLE_X = np.array([0.375, 0.875, 0.125, 0.625])
"""Their x offsets in the pixel: the rotated grid, one in each row and each column of quarters."""
SAMPLE_Y = np.array([0.125, 0.375, 0.625, 0.875])
"""Their y offsets: four rows of samples, evenly spaced over all of the picture."""
LONG = 16
"""Spans of so many samples are drawn by vector instructions."""
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
            keys[y, s, x0:x1] = 0


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
    clipped = np.empty((4, 3), np.float64)
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        low = (np.int64(instance) << 22) | t
        qa, qb, qc = screen[a, 2], screen[b, 2], screen[c, 2]
        if qa > 0.0 and qb > 0.0 and qc > 0.0:
            _fill(
                screen[a, 0], screen[a, 1], qa, screen[b, 0], screen[b, 1], qb, screen[c, 0], screen[c, 1], qc,
                low, width, height, keys, drawn,
            )  # fmt: skip
        elif qa > 0.0 or qb > 0.0 or qc > 0.0:
            corners = _clip(cam, a, b, c, near, lens, clipped)
            for k in range(2, corners):
                _fill(
                    clipped[0, 0], clipped[0, 1], clipped[0, 2],
                    clipped[k - 1, 0], clipped[k - 1, 1], clipped[k - 1, 2],
                    clipped[k, 0], clipped[k, 1], clipped[k, 2],
                    low, width, height, keys, drawn,
                )  # fmt: skip


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
def _fill(x0, y0, q0, x1, y1, q1, x2, y2, q2, low, width, height, keys, drawn):
    """Draw one triangle: three edges, sorted by y, walked by rows; each row visits its four sample offsets."""
    area = (x2 - x0) * (y1 - y0) - (x1 - x0) * (y2 - y0)
    if not area > 1e-12:
        return
    top, bottom = min(y0, y1, y2), max(y0, y1, y2)
    if max(x0, x1, x2) < 0 or bottom < 0 or min(x0, x1, x2) >= width or top >= height:
        return
    # rows of samples are a quarter of a pixel apart: row k is at (k + 0.5) / 4
    first = int(max(0.0, np.ceil(4.0 * top - 0.5)))
    last = int(min(4.0 * height, np.ceil(4.0 * bottom - 0.5)))
    if first >= last:
        return
    qx, qy, qc = plane_of(x0, y0, q0, x1, y1, q1, x2, y2, q2, area)
    edges, noted = edges_of(x0, y0, x1, y1, x2, y2), drawn.shape[0] > 0
    for k in range(first, last):
        iy, s = k >> 2, k & 3
        y = (k + 0.5) * 0.25
        xa, xb = row_ends(edges, y)
        ox = SAMPLE_X[s]
        left, right = int(max(0.0, np.ceil(xa - ox))), int(min(float(width), np.ceil(xb - ox)))
        if left >= right:
            continue
        q = qc + qx * (left + ox) + qy * y
        if right - left >= LONG:  # without a branch, so that it becomes vector instructions
            row = keys[iy, s]
            for ix in range(left, right):
                key = (np.int64(np.float32(q + qx * (ix - left)).view(np.int32)) << 32) | low
                row[np.uint64(ix)] = max(key, row[np.uint64(ix)])
            if noted:
                bit = np.uint8(1 << s)
                for ix in range(left, right):
                    drawn[iy, np.uint64(ix)] |= bit
            continue
        for ix in range(left, right):
            key = (np.int64(np.float32(q).view(np.int32)) << 32) | low
            if key > keys[iy, s, ix]:
                keys[iy, s, ix] = key
            if noted:
                drawn[iy, ix] |= np.uint8(1 << s)
            q += qx
