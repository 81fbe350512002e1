"""The sRGB curve (IEC 61966-2-1), as tables."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 weights for linear light."""
CURVE_SIZE = 16384
"""Steps of the linear-to-sRGB table from light 0 to 1: finer than one 8-bit step everywhere."""
MAX_CURVE_SIZE = 40 * CURVE_SIZE
"""Light brighter than this many times white is white whatever the shoulder."""


def linear_from_srgb(value: np.ndarray) -> np.ndarray:
    """Linear light, 0..1, from sRGB values in 0..1; any shape, float32."""
    v = np.asarray(value, dtype=np.float32)
    return np.where(v <= 0.04045, v / np.float32(12.92), ((v + np.float32(0.055)) / np.float32(1.055)) ** 2.4)


def srgb_from_linear(value: np.ndarray) -> np.ndarray:
    """sRGB values in 0..1 from linear light, clipped to 0..1; any shape, float32."""
    v = np.clip(np.asarray(value, dtype=np.float32), 0.0, 1.0)
    return np.where(v <= 0.0031308, v * np.float32(12.92), np.float32(1.055) * v ** np.float32(1 / 2.4) - 0.055)


def linear_from_srgb_exact(value: np.ndarray) -> np.ndarray:
    """The same in float64."""
    v = np.asarray(value, dtype=np.float64)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


_LINEAR_OF_BYTE = linear_from_srgb(np.arange(256) / 255).astype(np.float32)[None]


def linear_from_bytes(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 linear light from uint8 sRGB."""
    import cv2

    return cv2.LUT(image, _LINEAR_OF_BYTE)


@lru_cache(maxsize=64)
def curve_table(tone_gamma: float = 1.0, tone_shoulder: float = 0.0) -> np.ndarray:
    """(n,) uint8, read-only: sRGB bytes of light k / (CURVE_SIZE - 1); brighter light takes the last entry.

    Light is raised to the power `tone_gamma`, then rolled off by `shoulder`, then put through the sRGB curve. There
    are CURVE_SIZE entries, or more where a shoulder holds light beyond 1.
    """
    edges = linear_from_srgb_exact((np.arange(1, 256) - 0.5) / 255)
    light = inverse_shoulder(edges, tone_shoulder) ** (1 / tone_gamma)
    starts = np.ceil(light * (CURVE_SIZE - 1)).astype(np.int64)  # the first entry of each byte from 1 on
    starts = np.minimum(starts, MAX_CURVE_SIZE - 1)
    size = max(CURVE_SIZE, int(starts[-1]) + 1)
    table = np.repeat(np.arange(256, dtype=np.uint8), np.diff(starts, prepend=0, append=size))
    table.setflags(write=False)
    return table


def shoulder(light: np.ndarray, strength: float) -> np.ndarray:
    """Light with its highlights rolled off: as it is up to the knee k = 1 - s for strength s, and k + s (1 - exp(-(x -
    k) / s)) above, which goes on with the same slope and nears 1 as the exposure of film does. 0 clips at 1."""
    if strength <= 0:
        return np.minimum(light, 1.0)
    knee = 1.0 - strength
    return np.where(light <= knee, light, knee - strength * np.expm1(-np.maximum(light - knee, 0) / strength))


def inverse_shoulder(value: np.ndarray, strength: float) -> np.ndarray:
    """The light that `shoulder` brings to `value`, below 1."""
    if strength <= 0:
        return value
    knee = 1.0 - strength
    return np.where(value <= knee, value, knee - strength * np.log1p(-np.maximum(value - knee, 0) / strength))


def luminance(linear: np.ndarray) -> np.ndarray:
    """Rec. 709 luminance of (..., 3) linear light."""
    return linear @ LUMINANCE
