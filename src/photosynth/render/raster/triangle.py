"""A triangle on the picture, as every rasteriser here walks it: the plane of 1 / z, and where a row begins and ends."""

from __future__ import annotations

from photosynth.render.raster.jit import kernel


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
