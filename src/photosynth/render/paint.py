"""Laying flat things over linear light, as kernels: shadows, patches, skin. All work in place, on windows too."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import exact_kernel, kernel

WRAP = 0.2
"""Sine of how far light reaches round skin beyond where it grazes."""


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


@exact_kernel
def raise_limbs(limbs, relief, mask):
    """Raise limbs from flat ground: the largest of their heights and coverages at each pixel. Exact, as labels follow.

    Args:
        limbs: (n, 7) x, y, radius at one end and at the other, all in pixels, and height as a share of the radius.
        relief: (H, W) heights in pixels, in place.
        mask: (H, W) coverage, 0..1, in place.
    """
    height, width = mask.shape
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    for k in range(len(limbs)):
        ax, ay, ar, bx, by, br, thick = limbs[k]
        abx, aby, reach = bx - ax, by - ay, max(ar, br) + one
        length2 = max(abx * abx + aby * aby, np.float32(1e-9))
        for y in range(max(0, int(min(ay, by) - reach)), min(height, int(max(ay, by) + reach) + 1)):
            for x in range(max(0, int(min(ax, bx) - reach)), min(width, int(max(ax, bx) + reach) + 1)):
                px, py = np.float32(x) + half - ax, np.float32(y) + half - ay
                t = min(max((px * abx + py * aby) / length2, zero), one)
                dx, dy, radius = px - t * abx, py - t * aby, ar + t * (br - ar)
                away2 = dx * dx + dy * dy
                inside = radius - np.sqrt(away2) + half
                if inside > zero:
                    mask[y, x] = max(mask[y, x], min(inside, one))
                    relief[y, x] = max(relief[y, x], thick * np.sqrt(max(radius * radius - away2, zero)))


@kernel
def light_skin(color, relief, gain, lamps, ambient, slant, albedo):
    """Radiance (H, W, 3) of skin, in place: a Lambertian relief (H, W, pixels towards the viewer) times gain (H, W).

    Lamps (m, 6) have the direction to them in the camera's axes and the radiance of a white surface that faces them;
    they reach WRAP past the edge of their light, as light does under skin. From all round, a surface with normal n
    gets ambient (3,) + slant (3, 3) n.
    """
    height, width = relief.shape
    zero, half, one, wrap = np.float32(0), np.float32(0.5), np.float32(1), np.float32(WRAP)
    for y in range(height):
        for x in range(width):
            nx = (relief[y, max(x - 1, 0)] - relief[y, min(x + 1, width - 1)]) * half
            ny = (relief[max(y - 1, 0), x] - relief[min(y + 1, height - 1), x]) * half
            left = one / np.sqrt(nx * nx + ny * ny + one)
            nx, ny, nz = nx * left, ny * left, -left
            for c in range(3):
                light = max(ambient[c] + slant[c, 0] * nx + slant[c, 1] * ny + slant[c, 2] * nz, zero)
                for k in range(len(lamps)):
                    facing = lamps[k, 0] * nx + lamps[k, 1] * ny + lamps[k, 2] * nz
                    light += max((facing + wrap) / (one + wrap), zero) * lamps[k, 3 + c]
                color[y, x, c] = light * gain[y, x] * albedo[c]
