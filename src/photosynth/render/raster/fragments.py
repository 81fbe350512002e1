"""From visibility samples to fragments: one for each chart of each instance in each pixel, grouped by instance.

Coverage, instance ids and the choice of who gives a pixel its depth and normal are settled here.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.centres import CENTRE, owner_of, samples_in
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


@kernel
def sort_out(keys, y, x0, x1, by_several, kinds, lows):
    """Sort the pixels x0..x1 of row y into `kinds` (W,) int32: the number of the instance that has all four samples,
    plus `by_several` if more than one of its triangles does; or NOTHING, or MIXED. Where one instance has them, `lows`
    (W,) int32 names the triangle that most of the samples see, the first among equals."""
    for x in range(x0, x1):
        k0, k1, k2, k3 = keys[y, 0, x], keys[y, 1, x], keys[y, 2, x], keys[y, 3, x]
        a, b, c, d = np.int32(k0), np.int32(k1), np.int32(k2), np.int32(k3)
        differ = (a ^ b) | (a ^ c) | (a ^ d)
        full = (k0 != 0) & (k1 != 0) & (k2 != 0) & (k3 != 0)
        kind = MIXED if (k0 | k1 | k2 | k3) != 0 else NOTHING
        filled = (a >> np.int32(TRIANGLE_BITS)) + (by_several if differ != 0 else np.int32(0))
        kinds[x] = filled if full & ((differ >> np.int32(TRIANGLE_BITS)) == 0) else kind
        low = c if c == d else a
        low = b if (b == c) | (b == d) else low
        low = a if (a == b) | (a == c) | (a == d) else low
        lows[x] = low & np.int32(MAX_TRIANGLES - 1)


@kernel
def emit_fragments(
    keys, centres, x0, y0, x1, y1, width, named, charts, first, starts, pixels, triangles, weights, coverage, ids
):  # fmt: skip
    """List the fragments in a box of pixels.

    A pixel goes to whoever has most of its samples, background or instance; among equals, to whoever is seen at its
    centre; if that is someone else, to an instance before the background, and to the lower number.

    Args:
        keys: (H, 4, W) int64, the visibility buffer.
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
    kinds, lows = np.empty(width, np.int32), np.empty(width, np.int32)
    owners, found, groups = np.empty(4, np.int32), np.empty(4, np.int32), np.empty(4, np.int32)
    by_several = BY_SEVERAL if first[-1] > 0 else np.int32(0)
    for y in range(y0, y1):
        sort_out(keys, y, x0, x1, by_several, kinds, lows)
        x = x0
        while x < x1:
            kind, end = kinds[x], x + 1
            if kind == NOTHING:
                x += 1
                continue
            if kind < 0 or (kind >= BY_SEVERAL and not is_one_chart(keys, y, x, charts, first, kind - BY_SEVERAL)):
                emit_pixel(
                    keys, centres, width, named, charts, first, starts, pixels, triangles, weights, coverage, ids,
                    x, y, owners, found, groups,
                )  # fmt: skip
                x += 1
                continue
            while end < x1 and kinds[end] == kind and kind < BY_SEVERAL:
                end += 1
            instance = kind & (BY_SEVERAL - 1)
            number = np.uint16(instance + 1 if instance < named else 0)
            at = starts[instance] - x
            starts[instance] += end - x
            for k in range(x, end):
                i, to = u8(k), u8(at + k)
                pixels[to], triangles[to], weights[to] = y * width + k, lows[i], WINS | 4
                coverage[y, i], ids[y, i] = 1.0, number
            x = end


@kernel
def is_one_chart(keys, y, x, charts, first, instance):
    """True if the four samples of a pixel, all of one instance, see one chart."""
    begin = first[instance]
    if first[instance + 1] == begin:
        return True
    chart = charts[begin + (keys[y, 0, x] & 0x3FFFFF)]
    one = chart == charts[begin + (keys[y, 1, x] & 0x3FFFFF)]
    one &= chart == charts[begin + (keys[y, 2, x] & 0x3FFFFF)]
    return one & (chart == charts[begin + (keys[y, 3, x] & 0x3FFFFF)])


@kernel
def emit_pixel(
    keys, centres, width, named, charts, first, starts, pixels, triangles, weights, coverage, ids,
    x, y, owners, found, groups,
):  # fmt: skip
    """List the fragments of the pixel (x, y) as emit_fragments does; owners, found and groups: (4,) int32 scratch."""
    empty, central = sort_samples(keys, y, x, charts, first, owners, found, groups), owner_of(centres[y, x])
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
def sort_samples(keys, y, x, charts, first, owners, found, groups):
    """Fill `owners`, `found` and `groups` (4,) int32 with the instance, triangle and chart of a pixel's samples, -1
    where they are empty; the number of those."""
    empty = 0
    for s in range(4):
        low = keys[y, s, x] & 0xFFFFFFFF
        instance, triangle = low >> 22, low & 0x3FFFFF
        seen = keys[y, s, x] != 0
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
def count_covered(keys, centres, x0, y0, x1, y1):
    """How many pixels of a box an instance owns that is drawn alone, as number 0; centres as in emit_fragments."""
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            covered = (
                (keys[y, 0, x] != 0) + (keys[y, 1, x] != 0) + (keys[y, 2, x] != 0) + (keys[y, 3, x] != 0)
            )  # fmt: skip
            count += (covered > 2) | ((covered == 2) & (centres[y, x] > 0))
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
