"""From visibility samples to fragments: one for each instance in each pixel, grouped by instance.

Coverage, instance ids and the choice of who gives a pixel its depth and normal are settled here.
"""

from __future__ import annotations

from photosynth.render.raster.jit import kernel

WINS = 8
"""Bit of a fragment's weight that says: this one gives the pixel its depth and normal. The bits below it hold how
many of the four samples the fragment has."""
MASK_SAMPLES = 2
"""A placement alone owns a pixel when it has this many samples of four."""


@kernel
def _one_instance(k0, k1, k2, k3):
    """True if four keys belong to one instance."""
    return (((k0 ^ k1) | (k0 ^ k2) | (k0 ^ k3)) & 0xFFC00000) == 0


@kernel
def count_fragments(keys, x0, y0, x1, y1, counts):
    """Add the number of fragments of each instance in a box of pixels to `counts` (n,) int64.

    keys (H, W, 4) int64 is the visibility buffer.
    """
    for y in range(y0, y1):
        for x in range(x0, x1):
            k0, k1, k2, k3 = keys[y, x, 0], keys[y, x, 1], keys[y, x, 2], keys[y, x, 3]
            if (k0 | k1 | k2 | k3) == 0:
                continue
            if k0 != 0 and k1 != 0 and k2 != 0 and k3 != 0 and _one_instance(k0, k1, k2, k3):
                counts[(k0 & 0xFFFFFFFF) >> 22] += 1
                continue
            for s in range(4):
                if keys[y, x, s] != 0:
                    instance = (keys[y, x, s] & 0xFFFFFFFF) >> 22
                    new = True
                    for r in range(s):
                        if keys[y, x, r] != 0 and (keys[y, x, r] & 0xFFFFFFFF) >> 22 == instance:
                            new = False
                    if new:
                        counts[instance] += 1


@kernel
def emit_fragments(keys, x0, y0, x1, y1, width, starts, pixels, triangles, weights, coverage, ids):
    """List the fragments in a box of pixels.

    A pixel goes to whoever has most of its samples: background or instance, the instance when they are equal, the
    lower number between instances.

    Args:
        keys: (H, W, 4) int64, the visibility buffer.
        x0, y0, x1, y1: the box.
        width: int, of the picture.
        starts: in and out (n,) int64, where each instance's fragments begin; ends where they end.
        pixels: out (m,) int32, y * width + x.
        triangles: out (m,) int32, the one most of the fragment's samples see, the first among equals.
        weights: out (m,) uint8, number of samples, plus WINS.
        coverage: out (H, W) float32.
        ids: out (H, W) uint16, instance number + 1.
    """
    for y in range(y0, y1):
        for x in range(x0, x1):
            k0, k1, k2, k3 = keys[y, x, 0], keys[y, x, 1], keys[y, x, 2], keys[y, x, 3]
            if (k0 | k1 | k2 | k3) == 0:
                continue
            if k0 != 0 and k1 != 0 and k2 != 0 and k3 != 0 and _one_instance(k0, k1, k2, k3):
                t0, t1, t2, t3 = k0 & 0x3FFFFF, k1 & 0x3FFFFF, k2 & 0x3FFFFF, k3 & 0x3FFFFF
                instance = (k0 & 0xFFFFFFFF) >> 22
                at = starts[instance]
                starts[instance] += 1
                pixels[at] = y * width + x
                if t0 == t1 or t0 == t2 or t0 == t3:
                    triangles[at] = t0
                elif t1 == t2 or t1 == t3:
                    triangles[at] = t1
                else:
                    triangles[at] = t2 if t2 == t3 else t0
                weights[at] = 4 | 8
                coverage[y, x] = 1.0
                ids[y, x] = instance + 1
                continue
            empty = 0
            best, best_samples, best_at = -1, 0, 0
            for s in range(4):
                if keys[y, x, s] == 0:
                    empty += 1
                    continue
                low = keys[y, x, s] & 0xFFFFFFFF
                instance = low >> 22
                samples, same, new = 0, 0, True
                triangle, triangle_samples = low, 0
                for r in range(4):
                    other = keys[y, x, r] & 0xFFFFFFFF
                    if keys[y, x, r] != 0 and other >> 22 == instance:
                        if r < s:
                            new = False
                        samples += 1
                        same = 0
                        for p in range(r, 4):
                            if keys[y, x, p] != 0 and (keys[y, x, p] & 0xFFFFFFFF) == other:
                                same += 1
                        if same > triangle_samples:
                            triangle, triangle_samples = other, same
                if not new:
                    continue
                at = starts[instance]
                starts[instance] += 1
                pixels[at] = y * width + x
                triangles[at] = triangle & 0x3FFFFF
                weights[at] = samples
                if samples > best_samples or (samples == best_samples and instance < best):
                    best, best_samples, best_at = instance, samples, at
            coverage[y, x] = (4 - empty) * 0.25
            if best_samples >= empty:
                ids[y, x] = best + 1
                weights[best_at] |= 8


@kernel
def mark_covered(keys, x0, y0, x1, y1, mask):
    """Set `mask` (H, W) bool where at least MASK_SAMPLES samples of a box of pixels are covered; count them."""
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            covered = (
                (keys[y, x, 0] != 0) + (keys[y, x, 1] != 0) + (keys[y, x, 2] != 0) + (keys[y, x, 3] != 0)
            )  # fmt: skip
            if covered >= MASK_SAMPLES:
                mask[y, x] = True
                count += 1
    return count
