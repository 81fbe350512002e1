"""What stands at the centres of pixels whose four samples are tied.

The samples lie in pairs round the centre, so where one straight edge divides a pixel, whoever the ray through its
centre sees has the larger part. Few pixels are tied, hence few triangles are looked at twice.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.triangle import edges_of, plane_of, row_ends
from photosynth.render.raster.visibility import _clip

CENTRE = 16
"""Bit that says, beside those of the samples: the instance covers the pixel's centre."""
NOT_ASKED = -1
"""Key of the centre of a pixel that is not tied."""


@kernel
def owner_of(key):
    """The instance that a key names, or -1 for nobody."""
    return np.int64(-1) if key <= 0 else (key & 0xFFFFFFFF) >> 22


@kernel
def samples_in(bits):
    """How many of the four samples are set."""
    return (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + ((bits >> 3) & 1)


@kernel
def is_tied(k0, k1, k2, k3):
    """Whether a pixel's samples with these keys are tied: two owners with two samples each, or four with one."""
    a, b, c, d = owner_of(k0), owner_of(k1), owner_of(k2), owner_of(k3)
    pairs = (a == b) + (a == c) + (a == d) + (b == c) + (b == d) + (c == d)
    return pairs == 0 or pairs == 2


@kernel
def draw_centres(cam, screen, faces, fronts, instance, lens, near, x0, y0, x1, y1, ties, centres, drawn):
    """Draw the front faces of one instance at the centres that are asked for: where the picture's samples are tied,
    and where the instance has two samples when it is alone.

    Args:
        cam .. near: as in visibility.rasterise, after which this comes; fronts: (f,) int32 from there.
        x0, y0, x1, y1: the box of the instance's pixels.
        ties: (t,) int32 from sort_out: the places of tied pixels in `centres`.
        centres: in and out (H, W) int64 from sort_out, the key of the nearest instance.
        drawn: in and out as in visibility.rasterise; gets CENTRE.
    """
    asked = np.zeros((max(y1 - y0, 0), max(x1 - x0, 0)), np.bool_)
    if not _note_asked(x0, y0, ties, centres.shape[1], drawn, asked):
        return
    firsts, clipped = np.empty((screen.shape[0], 2), np.int32), np.empty((4, 3), np.float64)
    ahead = _note_firsts(screen, x0, y0, x1, y1, firsts)
    for k in range(fronts.shape[0]):
        t = np.uint64(fronts[k])
        a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
        low = (np.int64(instance) << 22) | np.int64(t)
        if ahead or (screen[a, 2] > 0.0 and screen[b, 2] > 0.0 and screen[c, 2] > 0.0):
            left, top = min(firsts[a, 0], firsts[b, 0], firsts[c, 0]), min(firsts[a, 1], firsts[b, 1], firsts[c, 1])
            right, last = max(firsts[a, 0], firsts[b, 0], firsts[c, 0]), max(firsts[a, 1], firsts[b, 1], firsts[c, 1])
            if _is_asked(asked, left, top, right, last):
                _look(
                    screen[a, 0], screen[a, 1], screen[a, 2], screen[b, 0], screen[b, 1], screen[b, 2],
                    screen[c, 0], screen[c, 1], screen[c, 2],
                    low, x0, y0, asked, left, top, right, last, centres, drawn,
                )  # fmt: skip
        elif screen[a, 2] > 0.0 or screen[b, 2] > 0.0 or screen[c, 2] > 0.0:
            corners = _clip(cam, a, b, c, near, lens, clipped)
            for e in range(2, corners):
                _look(
                    clipped[0, 0], clipped[0, 1], clipped[0, 2],
                    clipped[e - 1, 0], clipped[e - 1, 1], clipped[e - 1, 2],
                    clipped[e, 0], clipped[e, 1], clipped[e, 2],
                    low, x0, y0, asked, 0, 0, asked.shape[1], asked.shape[0], centres, drawn,
                )  # fmt: skip


@kernel
def _note_asked(x0, y0, ties, width, drawn, asked):
    """Set in `asked` (h, w) bool, of the box that begins at x0, y0, what is asked for; whether anything is.

    width: int, places in a row of `centres`.
    """
    found = False
    for j in range(asked.shape[0] if drawn.shape[0] > 0 else 0):
        for i in range(np.uint64(asked.shape[1])):
            asked[j, i] = samples_in(drawn[y0 + j, np.uint64(x0) + i]) == 2
            found |= asked[j, i]
    for k in range(ties.shape[0]):
        j, i = ties[k] // width - y0, ties[k] % width - x0
        if j >= 0 and i >= 0 and j < asked.shape[0] and i < asked.shape[1]:
            asked[np.uint64(j), np.uint64(i)] = found = True
    return found


@kernel
def _note_firsts(screen, x0, y0, x1, y1, firsts):
    """Fill `firsts` (V, 2) int32: of each corner, the first column and row of the box whose centres are not before it.
    Returns whether all corners are beyond the near plane."""
    ahead = True
    for v in range(screen.shape[0]):
        x, y = np.ceil(screen[v, 0] - 0.5), np.ceil(screen[v, 1] - 0.5)
        firsts[v, 0] = np.int32(min(max(x, float(x0)), float(x1))) - np.int32(x0)
        firsts[v, 1] = np.int32(min(max(y, float(y0)), float(y1))) - np.int32(y0)
        ahead &= screen[v, 2] > 0.0
    return ahead


@kernel
def _is_asked(asked, left, top, right, last):
    """Whether any of some pixels is asked for."""
    for j in range(top, last):
        for i in range(left, right):
            if asked[np.uint64(j), np.uint64(i)]:
                return True
    return False


@kernel
def _look(
    x0, y0, q0, x1, y1, q1, x2, y2, q2, low, left0, top0, asked, left, top, right, last, centres, drawn
):  # fmt: skip
    """Draw one triangle where it is asked for between some rows and columns of the box that begins at left0, top0; it
    begins and ends by the rule of the samples."""
    area = (x2 - x0) * (y1 - y0) - (x1 - x0) * (y2 - y0)
    if not area > 1e-12:
        return
    for j in range(top, last):
        for i in range(left, right):
            if not asked[np.uint64(j), np.uint64(i)]:
                continue
            iy, ix = top0 + j, left0 + i
            x, y = ix + 0.5, iy + 0.5
            xa, xb = row_ends(edges_of(x0, y0, x1, y1, x2, y2), y)
            if y < min(y0, y1, y2) or y >= max(y0, y1, y2) or x < xa or x >= xb:
                continue
            if drawn.shape[0] > 0:
                drawn[iy, ix] |= np.uint8(CENTRE)
            if centres[iy, ix] >= 0:
                qx, qy, qc = plane_of(x0, y0, q0, x1, y1, q1, x2, y2, q2, area)
                key = (np.int64(np.float32(qc + qx * x + qy * y).view(np.int32)) << 32) | low
                centres[iy, ix] = max(centres[iy, ix], key)
