"""How light comes to the nodes of a slab's lattice and from there to fragments, see lattice."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    BLOCK,
    COAT,
    COAT_READ,
    DB,
    DG,
    DR,
    Q0,
    Q1,
    Q2,
    Q3,
    Q4,
    Q5,
    Q6,
    Q7,
    READ,
    SB,
    SG,
    SHARE,
    SR,
    WEIGHT,
)
from photosynth.render.raster.lattice import FAINT

f4 = np.float32
u8 = np.uint64


@kernel
def fill_nodes(places, values, inside, nodes):
    """Put values (n, 8) and weights into the lattice `nodes` (6 * h * w, 9) float32."""
    for n in range(places.shape[0]):
        weight = FAINT if inside[n] else f4(1)
        for k in range(8):
            nodes[places[n], k] = weight * values[n, k]
        nodes[places[n], 8] = weight


@kernel
def read_coarse(row, column, count, at, ratio, nodes, s):
    """Interpolate a face's coarse nodes at fine nodes side by side: the eight values of each stand side by side from
    READ on, still to be divided by their weight in lane SHARE.

    Args:
        row .. at: int, of the piece, see PIECE; ratio: int, fine steps between coarse nodes.
        nodes: (h, w, 9) float32 of the face, see fill_nodes.
        s: in and out, the scratch array of lanes.
    """
    inverse, j, k = f4(1) / f4(ratio), row // ratio, 0
    fy = f4(row - j * ratio) * inverse
    above, below = nodes[j], nodes[j + 1]
    while k < count:
        cell = (column + k) // ratio
        i, first = u8(cell), column + k - cell * ratio
        for step in range(first, min(ratio, first + count - k)):
            fx = f4(step) * inverse
            wd = fx * fy
            wb, wc = fx - wd, fy - wd
            weights = f4(1) - fx - wc, wb, wc, wd
            _mix_eight(above[i], above[i + u8(1)], below[i], below[i + u8(1)], weights, s, u8(at + k))
            k += 1


@kernel
def _mix_eight(a, b, c, d, weights, s, i):
    """Put the weighted sum of four nodes at place i; all is read before anything is written, see copies."""
    wa, wb, wc, wd = weights
    v0, v1 = wa * a[0] + wb * b[0] + wc * c[0] + wd * d[0], wa * a[1] + wb * b[1] + wc * c[1] + wd * d[1]
    v2, v3 = wa * a[2] + wb * b[2] + wc * c[2] + wd * d[2], wa * a[3] + wb * b[3] + wc * c[3] + wd * d[3]
    v4, v5 = wa * a[4] + wb * b[4] + wc * c[4] + wd * d[4], wa * a[5] + wb * b[5] + wc * c[5] + wd * d[5]
    v6, v7 = wa * a[6] + wb * b[6] + wc * c[6] + wd * d[6], wa * a[7] + wb * b[7] + wc * c[7] + wd * d[7]
    weight, to = wa * a[8] + wb * b[8] + wc * c[8] + wd * d[8], u8(READ) + u8(8) * i
    s[to], s[to + u8(1)], s[to + u8(2)], s[to + u8(3)] = v0, v1, v2, v3
    s[to + u8(4)], s[to + u8(5)], s[to + u8(6)], s[to + u8(7)] = v4, v5, v6, v7
    s[u8(SHARE) + i] = weight


@kernel
def spread_ambient(s):
    """Put what read_coarse read for a block of nodes into the lanes from Q0 on."""
    for i in range(BLOCK):
        at, inverse = READ + 8 * i, f4(1) / (s[SHARE + i] + f4(1e-12))
        s[Q0 + i], s[Q1 + i], s[Q2 + i], s[Q3 + i] = (
            s[at] * inverse, s[at + 1] * inverse, s[at + 2] * inverse, s[at + 3] * inverse,
        )  # fmt: skip
        s[Q4 + i], s[Q5 + i], s[Q6 + i], s[Q7 + i] = (
            s[at + 4] * inverse, s[at + 5] * inverse, s[at + 6] * inverse, s[at + 7] * inverse,
        )  # fmt: skip


@kernel
def keep_light(s, pieces, lit):
    """Put the light of a block of nodes into `lit`, weighted: see light_nodes.

    Args:
        s: in and out, the scratch array of lanes; its light is spent.
        pieces: (P, PIECE) int32 from find_pieces, of one block.
        lit: in and out (6, h, w, 8) float32.
    """
    for i in range(BLOCK):
        weight = s[WEIGHT + i]
        base = weight * (f4(1) - s[COAT + i])
        s[DR + i], s[DG + i], s[DB + i] = base * s[DR + i], base * s[DG + i], base * s[DB + i]
        s[SR + i], s[SG + i], s[SB + i] = weight * s[SR + i], weight * s[SG + i], weight * s[SB + i]
    for k in range(len(pieces)):
        nodes, at = lit[pieces[k, 0], pieces[k, 1], pieces[k, 2] :], u8(pieces[k, 4])
        for j in range(u8(pieces[k, 3])):
            i = at + j
            nodes[j, 0], nodes[j, 1], nodes[j, 2] = s[u8(DR) + i], s[u8(DG) + i], s[u8(DB) + i]
            nodes[j, 3], nodes[j, 4], nodes[j, 5] = s[u8(SR) + i], s[u8(SG) + i], s[u8(SB) + i]
            nodes[j, 6], nodes[j, 7] = s[u8(WEIGHT) + i], f4(0)


@kernel
def read_light(at, count, x, y, lit, s):
    """Interpolate light at a run of fragments of one face; the eight numbers of each stand side by side from READ on.
    Nodes are two pixels apart.

    Args:
        at: int, the run's first place in the block; count: its length. The numbers at the next place are spent.
        x, y: int, its first pixel.
        lit: (h, w, 8) float32, light at the face's nodes, see light_nodes.
        s: in and out, the scratch array of lanes.
    """
    above, below, i, to = lit[y // 2], lit[y // 2 + y % 2], u8(x // 2), u8(READ) + u8(8) * u8(at)
    pairs = u8(count // 2)
    if x % 2 == 1:
        _read_pair(above, below, i, s, u8(COAT_READ), to)
        i, to, pairs = i + u8(1), to + u8(8), u8((count - 1) // 2)
    for k in range(pairs):
        _read_pair(above, below, i + k, s, to + u8(16) * k, to + u8(16) * k + u8(8))
    if (x + count) % 2 == 1:
        to += u8(16) * pairs
        _read_pair(above, below, i + pairs, s, to, to + u8(8))


@kernel
def _read_pair(above, below, i, s, here, between):
    """Light at node i of a row of pixels and half way to the next node into s, from `here` and from `between` on; all
    is read before anything is written, see copies."""
    half, quarter = f4(0.5), f4(0.25)
    a0, a1, a2, a3, a4, a5, a6, a7 = _sums(above[i], below[i])
    b0, b1, b2, b3, b4, b5, b6, b7 = _sums(above[i + u8(1)], below[i + u8(1)])
    s[here], s[here + u8(1)], s[here + u8(2)], s[here + u8(3)] = half * a0, half * a1, half * a2, half * a3
    s[here + u8(4)], s[here + u8(5)], s[here + u8(6)], s[here + u8(7)] = half * a4, half * a5, half * a6, half * a7
    a0, a1, a2, a3 = quarter * (a0 + b0), quarter * (a1 + b1), quarter * (a2 + b2), quarter * (a3 + b3)
    a4, a5, a6, a7 = quarter * (a4 + b4), quarter * (a5 + b5), quarter * (a6 + b6), quarter * (a7 + b7)
    s[between], s[between + u8(1)], s[between + u8(2)], s[between + u8(3)] = a0, a1, a2, a3
    s[between + u8(4)], s[between + u8(5)], s[between + u8(6)], s[between + u8(7)] = a4, a5, a6, a7


@kernel
def _sums(a, b):
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5], a[6] + b[6], a[7] + b[7]
