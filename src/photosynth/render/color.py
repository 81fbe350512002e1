"""The sRGB curve (IEC 61966-2-1), as tables."""

from __future__ import annotations

import numpy as np

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 weights for linear light."""
CURVE_SIZE = 16384
"""Steps of the linear-to-sRGB table: finer than one 8-bit step everywhere."""


def linear_from_srgb(value: np.ndarray) -> np.ndarray:
    """Linear light, 0..1, from sRGB values in 0..1; any shape, float32."""
    v = np.asarray(value, dtype=np.float32)
    return np.where(v <= 0.04045, v / np.float32(12.92), ((v + np.float32(0.055)) / np.float32(1.055)) ** 2.4)


def srgb_from_linear(value: np.ndarray) -> np.ndarray:
    """sRGB values in 0..1 from linear light, clipped to 0..1; any shape, float32."""
    v = np.clip(np.asarray(value, dtype=np.float32), 0.0, 1.0)
    return np.where(v <= 0.0031308, v * np.float32(12.92), np.float32(1.055) * v ** np.float32(1 / 2.4) - 0.055)


_LINEAR_OF_BYTE = linear_from_srgb(np.arange(256) / 255).astype(np.float32)


def linear_from_bytes(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 linear light from uint8 sRGB."""
    return _LINEAR_OF_BYTE[image]


def curve_table(tone_gamma: float) -> np.ndarray:
    """(CURVE_SIZE,) uint8: sRGB bytes of linear**tone_gamma for linear = k / (CURVE_SIZE - 1)."""
    linear = np.linspace(0.0, 1.0, CURVE_SIZE, dtype=np.float64) ** tone_gamma
    return np.rint(srgb_from_linear(linear) * 255).astype(np.uint8)


def luminance(linear: np.ndarray) -> np.ndarray:
    """Rec. 709 luminance of (..., 3) linear light."""
    return linear @ LUMINANCE
