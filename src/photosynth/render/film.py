"""The compositor's per-pixel work as kernels: covering the background, metering, and developing to 8 bits.

They go through a picture row by row, in short loops over a row of scratch that a compiler can vectorise: at 300
pixels, the one table look-up loop of `develop` takes 0.07 ms apart and 0.22 ms mixed with arithmetic. Slow readable
twins are in tests/unit/render/film_twin.py.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

RED, GREEN, BLUE = np.float32(0.2126), np.float32(0.7152), np.float32(0.0722)
"""Rec. 709 weights for linear light."""
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
BYTES_MEAN, BYTES_SCALE = np.float32(8 * 127.5), np.float32(1 / np.sqrt(8 * (256**2 - 1) / 12))
"""Mean and 1 / standard deviation of the sum of eight random bytes."""
BYTES_KURTOSIS = -0.15
"""Excess kurtosis of that sum: -6/5 of a uniform number's, divided by 8."""
LINEAR_TERM = np.float32(1 + 3 * BYTES_KURTOSIS / 24)
CUBIC_TERM = np.float32(-BYTES_KURTOSIS / 24)
"""Cornish and Fisher's correction (1938): x - kurtosis / 24 (x^3 - 3 x) is normal to fourth order."""
MIX_1, MIX_2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
"""Multipliers of MurmurHash3's 32-bit finaliser (Appleby)."""
EVEN_BYTES = np.uint32(0x00FF00FF)


FALLOFF_TERMS = 7
"""Coefficients of the vignetting polynomial in `develop`."""


@kernel
def cover(canvas, radiance, coverage):
    """Lay premultiplied radiance over the canvas, in place; return the mean luminance of the outcome.

    canvas, radiance (H, 3 W) float32: pictures with their channels in a row. coverage (H, W) float32.
    """
    height, width = coverage.shape
    left, sums = np.empty(3 * width, np.float32), np.zeros(3 * width, np.float32)
    for y in range(height):
        most = ZERO
        for x in range(width):
            most = max(most, coverage[y, x])
        if most > ZERO:
            for x in range(width):
                share = ONE - coverage[y, x]
                left[3 * x] = share
                left[3 * x + 1] = share
                left[3 * x + 2] = share
            for k in range(3 * width):
                value = canvas[y, k] * left[k] + radiance[y, k]
                canvas[y, k] = value
                sums[k] += value
        else:
            for k in range(3 * width):
                sums[k] += canvas[y, k]
    return _luminance_of_sums(sums) / (height * width)


@kernel
def mean_luminance(image):
    """Mean Rec. 709 luminance of (H, 3 W) float32."""
    sums = np.zeros(image.shape[1], np.float32)
    for y in range(image.shape[0]):
        for k in range(image.shape[1]):
            sums[k] += image[y, k]
    return _luminance_of_sums(sums) / (image.shape[0] * (image.shape[1] // 3))


@kernel
def _luminance_of_sums(sums):
    total = 0.0
    for x in range(len(sums) // 3):
        total += RED * sums[3 * x] + GREEN * sums[3 * x + 1] + BLUE * sums[3 * x + 2]
    return total


@kernel
def develop(image, gains, saturation, falloff, axis_px, per_px2, shot2, read2, seeds, curve, steps, out):
    """8-bit `out` (H, 3 W) from linear light `image` (H, 3 W) float32, which stays as it is.

    Args:
        image: pictures have their channels in a row.
        gains: (3,) float32, exposure times white balance.
        saturation: 1 leaves colours alone.
        falloff: (FALLOFF_TERMS,) float32 vignetting, a polynomial in the squared distance from the axis, highest
            power first; empty for none.
        axis_px: (2,) float32, where the optical axis meets the picture.
        per_px2: what one squared pixel of distance is to the polynomial.
        shot2, read2: variances of shot noise at white and of read noise; 0 and 0 for none.
        seeds: (2,) uint32 of the noise.
        curve: uint8 tone curve of light k / steps.
        steps: entries of `curve` up to light 1.
    """
    height, n = image.shape
    row, grey, gain, dx2 = np.empty((4, n), np.float32)
    at = np.empty(n, np.int32)
    for k in range(n):
        gain[k] = gains[k % 3]
        dx = np.float32(k // 3) + HALF - axis_px[0]
        dx2[k] = dx * dx * per_px2
    top = np.float32(len(curve) - 1)
    for y in range(height):
        for k in range(n):
            row[k] = image[y, k] * gain[k]
        if len(falloff) > 0:
            dy = np.float32(y) + HALF - axis_px[1]
            dy2 = dy * dy * per_px2
            for k in range(n):
                row[k] *= _falloff_at(dx2[k] + dy2, falloff)
        if saturation != ONE:
            for x in range(n // 3):
                light = RED * row[3 * x] + GREEN * row[3 * x + 1] + BLUE * row[3 * x + 2]
                grey[3 * x] = light
                grey[3 * x + 1] = light
                grey[3 * x + 2] = light
            for k in range(n):
                row[k] = grey[k] + (row[k] - grey[k]) * saturation
        if shot2 > ZERO or read2 > ZERO:
            for k in range(n):
                spread = np.sqrt(shot2 * max(row[k], ZERO) + read2)
                row[k] += spread * _normal(np.uint32(np.uint32(y * n) + np.uint32(k)), seeds[0], seeds[1])
        for k in range(n):
            light = row[k] * steps
            light = light if light > ZERO else ZERO  # so that a NaN is black
            light = light if light < top else top
            at[k] = np.int32(light + HALF)
        for k in range(n):
            out[y, k] = curve[np.uint32(at[k])]


@kernel
def _falloff_at(t, terms):
    value = ((terms[0] * t + terms[1]) * t + terms[2]) * t + terms[3]
    return ((value * t + terms[4]) * t + terms[5]) * t + terms[6]


@kernel
def _normal(number, seed_a, seed_b):
    """Number `number` of a sequence of standard normal numbers that is fixed by the seeds."""
    a = np.uint32(number ^ seed_a)
    a ^= a >> np.uint32(16)
    a = np.uint32(a * MIX_1)
    a ^= a >> np.uint32(13)
    a = np.uint32(a * MIX_2)
    a ^= a >> np.uint32(16)
    b = np.uint32(np.uint32(a + seed_b) * MIX_1)
    b ^= b >> np.uint32(13)
    b = np.uint32(b * MIX_2)
    b ^= b >> np.uint32(16)
    pairs = (a & EVEN_BYTES) + ((a >> np.uint32(8)) & EVEN_BYTES)
    pairs += (b & EVEN_BYTES) + ((b >> np.uint32(8)) & EVEN_BYTES)
    total = np.int32((pairs & np.uint32(0xFFFF)) + (pairs >> np.uint32(16)))
    x = (np.float32(total) - BYTES_MEAN) * BYTES_SCALE
    return x * (LINEAR_TERM + CUBIC_TERM * x * x)
