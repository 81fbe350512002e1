"""Numbers that stand side by side, copied at once: all are read before any is written, so that the compiler may use one
instruction for each and need not ask whether the two places overlap."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

u8 = np.uint64


@kernel
def copy_four(numbers, at, s, to):
    """Four of `numbers` (m,) float32 from `at` on into `s` (n,) float32 from `to` on; both are uint64."""
    a, b, c, d = numbers[at], numbers[at + u8(1)], numbers[at + u8(2)], numbers[at + u8(3)]
    s[to], s[to + u8(1)], s[to + u8(2)], s[to + u8(3)] = a, b, c, d


@kernel
def copy_eight(rows, at, s, to):
    """The first eight numbers of row `at` of `rows` (m, >= 8) float32 into `s` (n,) float32 from `to` on; both are
    uint64."""
    row = rows[at]
    a, b, c, d, e, f, g, h = row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]
    s[to], s[to + u8(1)], s[to + u8(2)], s[to + u8(3)] = a, b, c, d
    s[to + u8(4)], s[to + u8(5)], s[to + u8(6)], s[to + u8(7)] = e, f, g, h
