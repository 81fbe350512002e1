"""Atlas: where each panel of a package lies in its one square texture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.patch import UvRect

PRINT_RANGE = (9, 240)
"""What pure black and pure white become (sRGB): ink reflects a little, and paper not all, of the light."""


def padding_px(texture_px: int) -> int:
    """How far each panel's edge pixels are repeated, so that coarse mip levels do not bleed."""
    return max(texture_px // 192, 2)


@dataclass(frozen=True)
class Atlas:
    """A plan: the texture's side, the scale, and each panel's top left pixel."""

    texture_px: int
    px_per_mm: float
    corners_px: dict[str, tuple[int, int]]
    sizes_mm: dict[str, tuple[float, float]]

    def canvas(self, name: str, supersample: int = 4) -> Canvas:
        """An empty white canvas of the panel's size."""
        w, h = self.sizes_mm[name]
        return Canvas(w, h, self.px_per_mm, "#ffffff", supersample)

    def uv_rect(self, name: str) -> UvRect:
        """The panel's place in the texture."""
        x, y = self.corners_px[name]
        w, h = _size_px(self.sizes_mm[name], self.px_per_mm)
        t = self.texture_px
        return ((x + 0.5) / t, 1.0 - (y + h - 0.5) / t, (x + w - 0.5) / t, 1.0 - (y + 0.5) / t)

    def texture(self, canvases: Mapping[str, Canvas]) -> np.ndarray:
        """The panels in one picture, (texture_px, texture_px, 3) uint8 sRGB."""
        out = np.full((self.texture_px, self.texture_px, 3), 128, dtype=np.uint8)
        pad = padding_px(self.texture_px)
        for name, (x, y) in self.corners_px.items():
            pixels = canvases[name].pixels()
            padded = np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
            h, w = padded.shape[:2]
            out[y - pad : y - pad + h, x - pad : x - pad + w] = padded
        low, high = PRINT_RANGE
        return np.round(low + np.arange(256) * (high - low) / 255.0).astype(np.uint8)[out]


def plan_atlas(sizes_mm: Mapping[str, tuple[float, float]], texture_px: int) -> Atlas:
    """The plan with the largest scale at which shelf packing fits the panels into the square."""
    low, high = 0.0, 4.0 * texture_px / max(max(s) for s in sizes_mm.values())
    for _ in range(24):
        middle = (low + high) / 2
        if _shelves(sizes_mm, middle, texture_px) is None:
            high = middle
        else:
            low = middle
    corners = _shelves(sizes_mm, low, texture_px)
    if corners is None:
        raise ValueError(f"panels {dict(sizes_mm)} do not fit a texture of {texture_px} px")
    return Atlas(texture_px, low, corners, dict(sizes_mm))


def _size_px(size_mm: tuple[float, float], px_per_mm: float) -> tuple[int, int]:
    return max(round(size_mm[0] * px_per_mm), 4), max(round(size_mm[1] * px_per_mm), 4)


def _shelves(sizes_mm, px_per_mm, texture_px):
    """Rows of falling height, each panel in the first row with room. None if they do not fit."""
    corners, rows, top, pad = {}, [], 0, padding_px(texture_px)
    for name in sorted(sizes_mm, key=lambda n: (-sizes_mm[n][1], n)):
        w, h = (v + 2 * pad for v in _size_px(sizes_mm[name], px_per_mm))
        for row in rows:
            if row["x"] + w <= texture_px and h <= row["h"]:
                break
        else:
            if top + h > texture_px or w > texture_px:
                return None
            row = {"x": 0, "y": top, "h": h}
            rows.append(row)
            top += h
        corners[name] = (row["x"] + pad, row["y"] + pad)
        row["x"] += w
    return corners
