"""Laying flat things over linear light, as kernels: shadows, patches, skin. All work in place, on windows too."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel


@kernel
def darken(canvas, shadow, strength):
    """Multiply (H, W, 3) light by 1 - strength * shadow (H, W)."""
    for y in range(shadow.shape[0]):
        for x in range(shadow.shape[1]):
            left = np.float32(1) - strength * shadow[y, x]
            for c in range(3):
                canvas[y, x, c] *= left


@kernel
def blend(canvas, color, alpha, gain):
    """Mix (H, W, 3) light with color (H, W, 3) times gain, by alpha (H, W)."""
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            share = alpha[y, x]
            if share > 0:
                left = np.float32(1) - share
                for c in range(3):
                    canvas[y, x, c] = canvas[y, x, c] * left + color[y, x, c] * gain * share


@kernel
def blend_skin(canvas, rounded, slope_x, slope_y, mottle, mask, light, skin, gain):
    """Mix light with skin by mask (H, W).

    Skin is shaded by its roundness (blurred mask), by the slopes of that towards `light` (cos, sin) and by a mottle,
    all (H, W); dark skin is redder.
    """
    one = np.float32(1)
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            share = mask[y, x]
            if share > 0:
                slope = slope_x[y, x] * light[0] + slope_y[y, x] * light[1]
                shade = np.float32(0.35) + np.float32(0.65) * rounded[y, x] ** 2 + np.float32(0.9) * slope
                shade = min(max(shade + mottle[y, x], np.float32(0.08)), np.float32(1.6))
                lit = min(shade, one)
                canvas[y, x, 0] += (shade * skin[0] * gain - canvas[y, x, 0]) * share
                green = skin[1] * (np.float32(0.8) + np.float32(0.2) * lit)
                canvas[y, x, 1] += (shade * green * gain - canvas[y, x, 1]) * share
                blue = skin[2] * (np.float32(0.75) + np.float32(0.25) * lit)
                canvas[y, x, 2] += (shade * blue * gain - canvas[y, x, 2]) * share
