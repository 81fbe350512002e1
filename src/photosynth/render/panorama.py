"""Looking into an environment map through a camera: a kernel, and the way to call it."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

TURN = np.float32(1 / (2 * np.pi))
HALF_TURN = np.float32(1 / np.pi)


@kernel
def look(radiance, axes, x, y, ceiling, out):
    """Radiance (H, W, 3) of an equirectangular map (directions as in render/environment.py) as a camera sees it.

    Args:
        radiance: (rows, columns, 3) float32.
        axes: (3, 3) float32, the world's directions of the camera's right, down and forward, one a row.
        x, y: (H, W) float32, what pixels look along: right / forward and down / forward.
        ceiling: brighter light is cut to this.
        out: (H, W, 3) float32.
    """
    rows, columns = radiance.shape[:2]
    half, zero, one = np.float32(0.5), np.float32(0), np.float32(1)
    width = x.shape[1]
    u, v = np.empty((2, width), np.float32)
    for i in range(x.shape[0]):
        for j in range(width):  # apart from the look-ups, so that it is vectorised
            a, b = x[i, j], y[i, j]
            east = axes[2, 0] + a * axes[0, 0] + b * axes[1, 0]
            north = axes[2, 1] + a * axes[0, 1] + b * axes[1, 1]
            up = axes[2, 2] + a * axes[0, 2] + b * axes[1, 2]
            level = np.sqrt(east * east + north * north)
            u[j] = (half - _angle(north, east) * TURN) * np.float32(columns) - half
            v[j] = (half - _angle(up, level) * HALF_TURN) * np.float32(rows) - half
        for j in range(width):
            left, top = np.floor(u[j]), min(max(v[j], zero), np.float32(rows - 1))
            mix_u = u[j] - left
            west = np.int32(left) % columns
            east_of_it = west + 1 if west + 1 < columns else 0
            upper = np.int32(top)
            mix_v = top - np.float32(upper)
            lower = min(upper + 1, rows - 1)
            for c in range(3):
                above = radiance[upper, west, c] * (one - mix_u) + radiance[upper, east_of_it, c] * mix_u
                below = radiance[lower, west, c] * (one - mix_u) + radiance[lower, east_of_it, c] * mix_u
                out[i, j, c] = min(above * (one - mix_v) + below * mix_v, ceiling)


@kernel
def _angle(y, x):
    """atan2 within 1e-5 rad, by a polynomial after Hastings, Approximations for Digital Computers, 1955."""
    flat, steep = abs(x), abs(y)
    z = min(flat, steep) / max(max(flat, steep), np.float32(1e-30))
    z2 = z * z
    p = np.float32(0.05265332) - z2 * np.float32(0.01172120)
    p = np.float32(-0.11643287) + z2 * p
    p = np.float32(0.19354346) + z2 * p
    p = np.float32(-0.33262347) + z2 * p
    p = z * (np.float32(0.99997726) + z2 * p)
    p = np.float32(np.pi / 2) - p if steep > flat else p
    p = np.float32(np.pi) - p if x < 0 else p
    return -p if y < 0 else p
