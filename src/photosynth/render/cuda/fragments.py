"""From visibility samples to fragments on a GPU: as raster.fragments, one thread for each pixel.

The fragments of an instance come in any order. No picture can tell: instances are shaded one after the other, and the
fragments of one instance in one pixel by their rank, the first of each pixel first.
"""

from __future__ import annotations

from numba import cuda, int32

from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.one_lane import on_device
from photosynth.render.raster import centres, fragments

_commonest, _sort_samples = on_device(fragments.commonest), on_device(fragments.sort_samples)
_owner_of = on_device(centres.owner_of)

RANK_BIT = 5
"""From this bit of a fragment's weight on stands its rank: how many of its instance are before it in its pixel."""


@cuda_kernel
def emit(
    keys, centres, x0, y0, x1, y1, width, named, charts, first, ends, pixels, triangles, weights, coverage, ids
):  # fmt: skip
    """List the fragments in a box of pixels, by the rules of raster.fragments.emit_fragments; a thread for each pixel.

    Args:
        keys: (H, W, 4) int64, the visibility buffer.
        centres .. first: as there; centres may name who is seen at those of other pixels as well.
        ends: in and out (n,) int32, where each instance's fragments begin; then where they end.
        pixels, triangles: out (m,) int32; weights: out (m,) uint8, with the rank from RANK_BIT on.
        coverage: out (H, W) float32; ids: out (H, W) uint16. Both are 0 before.
    """
    thread = cuda.grid(1)
    if thread >= (x1 - x0) * (y1 - y0):
        return
    row = thread // (x1 - x0)
    y, x = y0 + row, x0 + thread - row * (x1 - x0)
    owners, found, groups = cuda.local.array(4, int32), cuda.local.array(4, int32), cuda.local.array(4, int32)
    empty = _sort_samples(keys[y, x], charts, first, owners, found, groups)
    if empty == 4:
        return
    best, best_score, best_at, best_samples, central = -1, 0, 0, 0, _owner_of(centres[y, x])
    for s in range(4):
        instance = owners[s]
        if instance < 0:
            continue
        samples, of_instance, new, triangle = _commonest(owners, found, groups, s)
        if not new:
            continue
        at = cuda.atomic.add(ends, instance, 1)
        pixels[at], triangles[at] = y * width + x, triangle
        weights[at] = samples | (_rank(owners, groups, s) << RANK_BIT)
        score = 2 * of_instance + (1 if instance == central else 0)
        larger = instance == best and samples > best_samples
        if larger or score > best_score or (score == best_score and instance < best):
            best, best_score, best_at, best_samples = instance, score, at, samples
    coverage[y, x] = (4 - empty) * 0.25
    if best_score >= 2 * empty + (1 if central < 0 else 0):
        ids[y, x] = best + 1 if best < named else 0
        weights[best_at] |= 24 if best_score >= 8 else 8


@cuda.jit(device=True)
def _rank(owners, groups, s):
    """How many charts of sample s's instance earlier samples of the pixel see."""
    count = 0
    for r in range(s):
        if owners[r] == owners[s]:
            new = 1
            for p in range(r):
                if owners[p] == owners[r] and groups[p] == groups[r]:
                    new = 0
            count += new
    return count
