"""From visibility samples to fragments: one for each chart of each instance in each pixel, grouped by instance.

Coverage, instance ids and the choice of who gives a pixel its depth and normal are settled here.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.centres import CENTRE, is_tied, owner_of, samples_in
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.visibility import MAX_INSTANCES, MAX_TRIANGLES, TRIANGLE_BITS

u8 = np.uint64

WINS = 8
"""Bit of a fragment's weight that says: this one gives the pixel its depth and normal. The bits below it hold how
many of the four samples the fragment has."""
FILLS = 16
"""Bit that says: this one wins, and its instance has all four samples."""
NOTHING, MIXED, BY_SEVERAL = np.int32(-1), np.int32(-2), np.int32(MAX_INSTANCES)
"""What is in a pixel, see sort_out."""
STRIDE = 32
"""Pixels that are asked at once whether any is mixed."""


@kernel
def sort_out(keys, x0, y0, x1, y1, several_charts, kinds, lows, mixed, centres, ties):
    """Sort the pixels of a box by what is in them, and empty their samples.

    Args:
        keys: in and out (H, W, 4) int64, the visibility buffer; 0 afterwards.
        x0, y0, x1, y1: the box.
        several_charts: bool, whether any instance has several.
        kinds: out (H, W) int32, the number of the instance that has all four samples, plus BY_SEVERAL if more than one
            of its triangles does and there are `several_charts`; or NOTHING, or MIXED.
        lows: out (H, W) int32, where one instance has all samples, the triangle that most of them see, the first among
            equals.
        mixed: out (m, 4) int64, the keys of the pixels that are MIXED or BY_SEVERAL, one after the other.
        centres: in and out (H, W) int64, becomes 0 where samples are tied, see centres.
        ties: out (n,) int32, the places of those pixels in `centres`.

    Returns:
        How many are tied.
    """
    several, count, tied = BY_SEVERAL if several_charts else np.int32(0), 0, 0
    halves, wide = keys.view(np.int32).reshape(-1), 8 * keys.shape[1]
    for y in range(y0, y1):
        row, of_row = kinds[y], keys[y]
        _sort_row(halves, u8(y * wide), x0, x1, several, row, lows[y])
        for begin in range(x0, x1, STRIDE):
            if not _any_mixed(row, begin, min(begin + STRIDE, x1)):
                continue
            for x in range(u8(begin), u8(min(begin + STRIDE, x1))):
                if not is_mixed(row[x]):
                    continue
                k0, k1, k2, k3 = of_row[x, 0], of_row[x, 1], of_row[x, 2], of_row[x, 3]
                mixed[count, 0], mixed[count, 1], mixed[count, 2], mixed[count, 3] = k0, k1, k2, k3
                count += 1
                if row[x] == MIXED and is_tied(k0, k1, k2, k3):
                    centres[y, x] = 0
                    ties[tied] = np.int32(y * centres.shape[1] + np.int64(x))
                    tied += 1
        of_row[x0:x1] = 0
    return tied


@kernel
def is_mixed(kind):
    """Whether the keys of a pixel of this kind are kept."""
    return (kind == MIXED) | (kind >= BY_SEVERAL)


@kernel
def _any_mixed(kinds, begin, end):
    found = 0
    for x in range(u8(begin), u8(end)):
        found |= np.int32(is_mixed(kinds[x]))
    return found != 0


@kernel
def _sort_row(halves, at, x0, x1, several, kinds, lows):
    """Kinds and lows (W,) of the pixels x0..x1 of a row, see sort_out.

    halves: (n,) int32, the lower and upper half of each key, the row's from `at` on: numbers of one size become vector
    instructions. Upper halves are 0 in empty samples only.
    """
    for x in range(u8(x0), u8(x1)):
        k = at + u8(8) * x
        a, b, c, d = halves[k], halves[k + u8(2)], halves[k + u8(4)], halves[k + u8(6)]
        p, q, r, s = halves[k + u8(1)], halves[k + u8(3)], halves[k + u8(5)], halves[k + u8(7)]
        differ = (a ^ b) | (a ^ c) | (a ^ d)
        full = (p != 0) & (q != 0) & (r != 0) & (s != 0)
        kind = MIXED if (p | q | r | s) != 0 else NOTHING
        filled = (a >> np.int32(TRIANGLE_BITS)) + (several if differ != 0 else np.int32(0))
        kinds[x] = filled if full & ((differ >> np.int32(TRIANGLE_BITS)) == 0) else kind
        low = c if c == d else a
        low = b if (b == c) | (b == d) else low
        low = a if (a == b) | (a == c) | (a == d) else low
        lows[x] = low & np.int32(MAX_TRIANGLES - 1)


@kernel
def emit_fragments(
    kinds, lows, mixed, centres, x0, y0, x1, y1, width, named, charts, first, starts, pixels, triangles, weights,
    coverage, ids,
):  # fmt: skip
    """List the fragments in a box of pixels.

    A pixel goes to whoever has most of its samples, background or instance; among equals, to whoever is seen at its
    centre; if that is someone else, to an instance before the background, and to the lower number.

    Args:
        kinds, lows, mixed: from sort_out.
        centres: (H, W) int64, who is seen at the centres of tied pixels, see draw_centres.
        x0, y0, x1, y1: the box.
        width: int, of the picture.
        named: int, instances from this number on have no id.
        charts: (m,) int32 from charts_of, those of all instances that have several, one after the other; first:
            (n + 1,) int64, where each instance's begin.
        starts: in and out (n,) int64, where each instance's fragments begin; ends where they end. An instance has at
            most as many as its own box has pixels, or four times as many if it has several charts.
        pixels: out (m,) int32, y * width + x.
        triangles: out (m,) int32, the one most of the fragment's samples see, the first among equals.
        weights: out (m,) uint8, number of samples, plus WINS and FILLS.
        coverage: out (H, W) float32.
        ids: out (H, W) uint16, instance number + 1, or 0 for those without.
    """
    owners, found, groups = np.empty(4, np.int32), np.empty(4, np.int32), np.empty(4, np.int32)
    m = 0
    for y in range(y0, y1):
        x = x0
        while x < x1:
            kind, end = kinds[y, x], x + 1
            if kind == NOTHING:
                x += 1
                continue
            m += 1 if is_mixed(kind) else 0
            several = kind >= BY_SEVERAL
            if kind < 0 or (several and not is_one_chart(mixed[m - 1], charts, first, kind - BY_SEVERAL)):
                emit_pixel(
                    mixed[m - 1], centres, width, named, charts, first, starts, pixels, triangles, weights, coverage,
                    ids, x, y, owners, found, groups,
                )  # fmt: skip
                x += 1
                continue
            while end < x1 and kinds[y, end] == kind and kind < BY_SEVERAL:
                end += 1
            instance = kind & (BY_SEVERAL - 1)
            number = np.uint16(instance + 1 if instance < named else 0)
            at = starts[instance] - x
            starts[instance] += end - x
            for k in range(x, end):
                i, to = u8(k), u8(at + k)
                pixels[to], triangles[to], weights[to] = y * width + k, lows[y, i], WINS | 4
                coverage[y, i], ids[y, i] = 1.0, number
            x = end


@kernel
def is_one_chart(keys, charts, first, instance):
    """True if the samples of a pixel with these four keys, all of one instance, see one chart."""
    begin = first[instance]
    if first[instance + 1] == begin:
        return True
    chart = charts[begin + (keys[0] & 0x3FFFFF)]
    one = chart == charts[begin + (keys[1] & 0x3FFFFF)]
    one &= chart == charts[begin + (keys[2] & 0x3FFFFF)]
    return one & (chart == charts[begin + (keys[3] & 0x3FFFFF)])


@kernel
def emit_pixel(
    keys, centres, width, named, charts, first, starts, pixels, triangles, weights, coverage, ids,
    x, y, owners, found, groups,
):  # fmt: skip
    """List the fragments of the pixel (x, y) with these four keys as emit_fragments does; owners, found and groups:
    (4,) int32 scratch."""
    empty, central = sort_samples(keys, charts, first, owners, found, groups), owner_of(centres[y, x])
    best, best_score, best_at = -1, 0, 0
    for s in range(4):
        instance = owners[s]
        if instance < 0:
            continue
        samples, of_instance, new, triangle = commonest(owners, found, groups, s)
        if not new:
            continue
        at = starts[instance]
        starts[instance] += 1
        pixels[at], triangles[at], weights[at] = y * width + x, triangle, samples
        score = 2 * of_instance + (1 if instance == central else 0)
        larger = instance == best and samples > weights[best_at]
        if larger or score > best_score or (score == best_score and instance < best):
            best, best_score, best_at = instance, score, at
    coverage[y, x] = (4 - empty) * 0.25
    if best_score >= 2 * empty + (1 if central < 0 else 0):
        ids[y, x] = best + 1 if best < named else 0
        weights[best_at] |= 24 if best_score >= 8 else 8


@kernel
def sort_samples(keys, charts, first, owners, found, groups):
    """Fill `owners`, `found` and `groups` (4,) int32 with the instance, triangle and chart of a pixel's samples, given
    its four keys, -1 where they are empty; the number of those."""
    empty = 0
    for s in range(4):
        low = keys[s] & 0xFFFFFFFF
        instance, triangle = low >> 22, low & 0x3FFFFF
        seen = keys[s] != 0
        empty += 0 if seen else 1
        owners[s], found[s] = np.int32(instance) if seen else np.int32(-1), np.int32(triangle)
        groups[s] = np.int32(-1)
        if seen:
            groups[s] = charts[first[instance] + triangle] if first[instance + 1] > first[instance] else np.int32(0)
    return empty


@kernel
def commonest(owners, found, groups, s):
    """Of the samples that see the instance and chart which sample s sees: their number, the number of all that see the
    instance, whether s is the first, and the triangle most of them see, the first among equals."""
    samples, of_instance, new, triangle, most = 0, 0, True, found[s], 0
    for r in range(4):
        if owners[r] != owners[s]:
            continue
        of_instance += 1
        if groups[r] != groups[s]:
            continue
        new &= r >= s
        samples += 1
        same = 0
        for p in range(r, 4):
            same += 1 if owners[p] == owners[r] and found[p] == found[r] else 0
        if same > most:
            triangle, most = found[r], same
    return samples, of_instance, new, triangle


@kernel
def count_covered(kinds, mixed, centres, x0, y0, x1, y1):
    """How many pixels of a box an instance owns that is drawn alone, as number 0; arrays as in emit_fragments."""
    count, m = 0, 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            count += kinds[y, x] >= 0
            if kinds[y, x] == MIXED:
                covered = (mixed[m, 0] != 0) + (mixed[m, 1] != 0) + (mixed[m, 2] != 0) + (mixed[m, 3] != 0)
                count += (covered > 2) | ((covered == 2) & (centres[y, x] > 0))
                m += 1
    return count


@kernel
def mark_drawn(drawn, ids, number, x0, y0, x1, y1, mask):
    """Set `mask` (H, W) bool where an instance owns a pixel of a box, or would if it were alone, from the bits that
    `rasterise` and `draw_centres` noted; count them.

    ids (H, W) uint16 holds `number` where it owns a pixel; drawn may be empty for an instance that is alone.
    """
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            bits = drawn[y, x] if drawn.shape[0] > 0 else 0
            covered = samples_in(bits)
            owned = (ids[y, x] == number) | (covered > 2) | ((covered == 2) & (bits >= CENTRE))
            mask[y, x] = owned
            count += owned
    return count
