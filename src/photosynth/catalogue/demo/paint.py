"""Paint: what a shape is filled with. Flat colours and gradients in sRGB; points in the canvas's millimetres."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import ImageColor

Color: TypeAlias = str
"""``"#rrggbb"``."""
Stops: TypeAlias = tuple[tuple[float, Color], ...]
"""Rising positions in 0..1, each with its colour."""


@dataclass(frozen=True)
class Linear:
    """A gradient from one point to another."""

    start: tuple[float, float]
    end: tuple[float, float]
    stops: Stops


@dataclass(frozen=True)
class Radial:
    """A gradient from a centre outwards; `aspect` stretches it along y."""

    centre: tuple[float, float]
    radius: float
    stops: Stops
    aspect: float = 1.0


Paint: TypeAlias = Color | Linear | Radial


def rgb(color: Color) -> tuple[int, int, int]:
    """The three 8-bit values of a colour."""
    return ImageColor.getrgb(color)[:3]


def hex_color(values) -> Color:
    """The colour of three numbers in 0..255."""
    r, g, b = (int(min(max(round(float(v)), 0), 255)) for v in values)
    return f"#{r:02x}{g:02x}{b:02x}"


def mix(a: Color, b: Color, t: float) -> Color:
    """The colour at t between a (0) and b (1), in sRGB values."""
    return hex_color(x + (y - x) * t for x, y in zip(rgb(a), rgb(b), strict=True))


def lighter(color: Color, t: float = 0.3) -> Color:
    """Towards white by t."""
    return mix(color, "#ffffff", t)


def darker(color: Color, t: float = 0.3) -> Color:
    """Towards black by t."""
    return mix(color, "#000000", t)


def from_hsv(hue: float, saturation: float, value: float) -> Color:
    """A colour from hue, saturation, value, each 0..1 (the hue wraps)."""
    return hex_color(255 * v for v in colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def luma(color: Color) -> float:
    """Perceived lightness 0..1 (Rec. 601 weights on sRGB values)."""
    r, g, b = rgb(color)
    return (0.299 * r + 0.587 * g + 0.114 * b) / 255.0


def gradient_pixels(paint: Linear | Radial, x0_px: int, y0_px: int, width_px: int, height_px: int, px_per_mm: float):
    """The gradient over a rectangle of pixels: (height, width, 3) uint8."""
    x = ((np.arange(width_px) + x0_px + 0.5) / px_per_mm).astype(np.float32)[None, :]
    y = ((np.arange(height_px) + y0_px + 0.5) / px_per_mm).astype(np.float32)[:, None]
    if isinstance(paint, Linear):
        (ax, ay), (bx, by) = paint.start, paint.end
        dx, dy = bx - ax, by - ay
        t = ((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12)
    else:
        cx, cy = paint.centre
        t = np.sqrt((x - cx) ** 2 + ((y - cy) / paint.aspect) ** 2) / paint.radius
    positions = [s[0] for s in paint.stops]
    colors = np.array([rgb(s[1]) for s in paint.stops], dtype=np.float64)
    ramp = np.stack([np.interp(np.linspace(0, 1, 512), positions, colors[:, k]) for k in range(3)], axis=1)
    table = np.round(ramp).astype(np.uint8)
    return table[np.clip(t * 511.0 + 0.5, 0, 511).astype(np.int32)]
