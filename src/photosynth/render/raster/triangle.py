"""Triangles on the picture, as every rasteriser here walks them: the plane of 1 / z, and where rows begin and end.

On the CPU they are set up a block at a time, and the rows of each some at a time: both by vector instructions, for
which quantities lie side by side in an array, each in a lane of numbers.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

TRIANGLES = 64
"""So many triangles are set up at once."""
ROWS = 16
"""So many rows of a triangle are worked out at once."""
AX, AY, AQ, BX, BY, BQ, CX, CY, CQ, AREA = (TRIANGLES * k for k in range(10))
"""Lanes of a block's corners and of twice the areas."""
QX, QY, QC, X0, Y0, X1, Y1, LONG, UPPER, LOWER, LONG_IS_LEFT, FIRST, END = (TRIANGLES * k for k in range(10, 23))
"""Lanes of plane_of, of edges_of, of the first row and of the one after the last."""
NUMBERS = 23 * TRIANGLES
"""Length of the float64 array that holds all these."""


@kernel
def plane_of(x0, y0, q0, x1, y1, q1, x2, y2, q2, area):
    """(a, b, c) of q = a x + b y + c through three corners; area: twice the triangle's, of the front above 0."""
    inverse, dq1, dq2 = 1.0 / area, q1 - q0, q2 - q0
    qx = (dq2 * (y1 - y0) - dq1 * (y2 - y0)) * inverse
    qy = (dq1 * (x2 - x0) - dq2 * (x1 - x0)) * inverse
    return qx, qy, q0 - qx * x0 - qy * y0


@kernel
def edges_of(x0, y0, x1, y1, x2, y2):
    """What row_ends asks: the upper two corners, sorted by y, the slopes of the long edge and of the other two, and
    whether the long one is on the left."""
    if y1 < y0:
        x0, x1, y0, y1 = x1, x0, y1, y0
    if y2 < y0:
        x0, x2, y0, y2 = x2, x0, y2, y0
    if y2 < y1:
        x1, x2, y1, y2 = x2, x1, y2, y1
    long = (x2 - x0) / max(y2 - y0, 1e-300)
    upper = (x1 - x0) / max(y1 - y0, 1e-300)
    lower = (x2 - x1) / max(y2 - y1, 1e-300)
    return x0, y0, x1, y1, long, upper, lower, x1 > x0 + long * (y1 - y0)


@kernel
def row_ends(edges, y):
    """Where the row at y enters the triangle and where it leaves it, for y between its top and its bottom."""
    x0, y0, x1, y1, long, upper, lower, long_is_left = edges
    xa = x0 + long * (y - y0)
    xb = x0 + upper * (y - y0) if y < y1 else x1 + lower * (y - y1)
    return (xa, xb) if long_is_left else (xb, xa)


@kernel
def line_up(s, n, x0, y0, q0, x1, y1, q1, x2, y2, q2, width, height):
    """Write a triangle into place n of a block; 1 if it is worth a place, seen from its front and in the picture, or
    else 0, and the next one may overwrite it."""
    area = (x2 - x0) * (y1 - y0) - (x1 - x0) * (y2 - y0)
    s[AX + n], s[AY + n], s[AQ + n] = x0, y0, q0
    s[BX + n], s[BY + n], s[BQ + n] = x1, y1, q1
    s[CX + n], s[CY + n], s[CQ + n] = x2, y2, q2
    s[AREA + n] = area
    beside = (max(x0, x1, x2) < 0) | (min(x0, x1, x2) >= width)
    outside = beside | (max(y0, y1, y2) < 0) | (min(y0, y1, y2) >= height)
    return np.uint64(1) if (area > 1e-12) & (not outside) else np.uint64(0)


@kernel
def set_up(s, finer, height):
    """Fill a block's lanes from QX on.

    Args:
        s: in and out (NUMBERS,) float64.
        finer: float, rows in a pixel: row k is at y = (k + 0.5) / finer.
        height: of the picture.
    """
    for i in range(TRIANGLES):
        x0, y0, q0, x1, y1, q1 = s[AX + i], s[AY + i], s[AQ + i], s[BX + i], s[BY + i], s[BQ + i]
        x2, y2, q2 = s[CX + i], s[CY + i], s[CQ + i]
        s[FIRST + i] = max(0.0, np.ceil(finer * min(y0, y1, y2) - 0.5))
        s[END + i] = min(finer * height, np.ceil(finer * max(y0, y1, y2) - 0.5))
        s[QX + i], s[QY + i], s[QC + i] = plane_of(x0, y0, q0, x1, y1, q1, x2, y2, q2, s[AREA + i])
        x0, y0, x1, y1, long, upper, lower, long_is_left = edges_of(x0, y0, x1, y1, x2, y2)
        s[X0 + i], s[Y0 + i], s[X1 + i], s[Y1 + i] = x0, y0, x1, y1
        s[LONG + i], s[UPPER + i], s[LOWER + i], s[LONG_IS_LEFT + i] = long, upper, lower, 1.0 if long_is_left else 0.0


@kernel
def row_spans(s, n, base, width, spans, starts):
    """The pixels whose centres are in rows base..base + ROWS of the triangle in place n, set up with one row in a
    pixel; rows beyond its top and bottom mean nothing.

    Args:
        s: as in set_up.
        width: of the picture.
        spans: out (2 ROWS,) int32, for each row the first pixel and the one after the last, then less or equal.
        starts: out (ROWS,) float64: 1 / z at each row's first pixel.
    """
    edges = (
        s[X0 + n], s[Y0 + n], s[X1 + n], s[Y1 + n], s[LONG + n], s[UPPER + n], s[LOWER + n], s[LONG_IS_LEFT + n] > 0.0
    )  # fmt: skip
    qx, qy, qc, limit = s[QX + n], s[QY + n], s[QC + n], float(width)
    for r in range(ROWS):
        y = float(base) + r + 0.5
        xa, xb = row_ends(edges, y)
        left, right = min(max(np.ceil(xa - 0.5), 0.0), limit), max(min(np.ceil(xb - 0.5), limit), 0.0)
        starts[r] = qc + qx * (left + 0.5) + qy * y
        spans[r], spans[ROWS + r] = np.int32(left), np.int32(right)
