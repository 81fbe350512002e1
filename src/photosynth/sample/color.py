"""Colours: of lamps from their temperature, and random ones for things and skin."""

from __future__ import annotations

import colorsys

import numpy as np

from photosynth.core.geometry import Vec3

LINEAR_SRGB_FROM_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
"""IEC 61966-2-1, D65."""
LUMINANCE_REC709 = np.array([0.2126729, 0.7151522, 0.0721750])
TEMPERATURE_RANGE_K = (1667.0, 25000.0)
SKIN_SRGB = np.array(
    [
        (0.96, 0.84, 0.76),
        (0.91, 0.74, 0.63),
        (0.80, 0.60, 0.47),
        (0.63, 0.44, 0.32),
        (0.44, 0.29, 0.21),
        (0.27, 0.18, 0.14),
    ]
)
"""From light to dark, about the six types of Fitzpatrick (1988)."""


def planckian_xy(temperature_k: float) -> tuple[float, float]:
    """CIE 1931 chromaticity of a black body: the cubic fit of Kim et al. (US patent 7024034, 2002), 1667..25000 K.

    Raises:
        ValueError: outside that range.
    """
    t = float(temperature_k)
    if not TEMPERATURE_RANGE_K[0] <= t <= TEMPERATURE_RANGE_K[1]:
        raise ValueError(f"colour temperature must lie in 1667..25000 K, got {t}")
    if t <= 4000:
        x = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    else:
        x = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    if t <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif t <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return x, y


def linear_from_temperature(temperature_k: float) -> Vec3:
    """Linear sRGB of a black body with luminance 1 (negative channels, outside the gamut, set to 0)."""
    x, y = planckian_xy(temperature_k)
    rgb = np.maximum(LINEAR_SRGB_FROM_XYZ @ np.array([x / y, 1.0, (1.0 - x - y) / y]), 0.0)
    return as_vec3(rgb / float(LUMINANCE_REC709 @ rgb))


def random_color(rng: np.random.Generator) -> Vec3:
    """An sRGB colour as things have them: about half of them pale or greyish, the rest of any strength."""
    hue, value = rng.random(), rng.beta(1.6, 1.2)
    saturation = rng.uniform(0.0, 0.25) if rng.random() < 0.5 else rng.uniform(0.2, 1.0)
    return as_vec3(colorsys.hsv_to_rgb(hue, saturation, value))


def random_paper(rng: np.random.Generator) -> Vec3:
    """The sRGB colour of something printed on: mostly light and pale, sometimes any colour (packages)."""
    if rng.random() < 0.35:
        return random_color(rng)
    return as_vec3(colorsys.hsv_to_rgb(rng.uniform(0.02, 0.18), rng.uniform(0.0, 0.18), rng.uniform(0.7, 1.0)))


def random_skin(rng: np.random.Generator) -> Vec3:
    """An sRGB skin colour, evenly from light to dark, slightly jittered."""
    at = rng.uniform(0.0, len(SKIN_SRGB) - 1.0)
    k = min(int(at), len(SKIN_SRGB) - 2)
    tone = SKIN_SRGB[k] + (at - k) * (SKIN_SRGB[k + 1] - SKIN_SRGB[k])
    return as_vec3(np.clip(tone * np.exp(rng.normal(0.0, 0.05, 3)), 0.0, 1.0))


def as_vec3(values: np.ndarray | tuple[float, ...]) -> Vec3:
    """Three plain floats, for records."""
    x, y, z = (float(v) for v in values)
    return x, y, z
