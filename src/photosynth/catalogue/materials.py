"""What a loaded material says of a surface's look: a picture, a colour, and how the two combine."""

from __future__ import annotations

from typing import Any

import numpy as np

TRIMESH_GREY = (102, 102, 102)
"""What trimesh says where an OBJ material names no colour."""

Rgb = tuple[int, int, int]


def read_material(material: Any, linear_factors: bool) -> tuple[Any, Rgb | None, np.ndarray | None]:
    """A material's picture, its one colour in sRGB, and the linear gain (3,) on the picture.

    Each may be None. In glTF (`linear_factors`) the colour is linear and multiplies the picture (specification
    2.0, 3.9.2); in OBJ and COLLADA it stands in for a picture, is in display values, and is ignored beside one.
    """
    if hasattr(material, "baseColorTexture"):
        image = material.baseColorTexture or material.emissiveTexture
        if material.baseColorFactor is None:
            return image, None, None
        rgb = as_bytes(np.asarray(material.baseColorFactor))[:3] / 255.0
        gain = rgb if linear_factors and (rgb < 0.999).any() else None
        return image, _rgb(srgb_from_linear(rgb) if linear_factors else rgb), gain
    image = getattr(material, "image", None)
    if image is not None and image.format is None and image.size == (2, 2):
        return None, None, None  # trimesh's stand-in for "no material", not from the file
    diffuse = getattr(material, "diffuse", None)
    plain = None if diffuse is None else _rgb(np.asarray(diffuse)[:3] / 255.0)
    return image, None if plain == TRIMESH_GREY else plain, None


def multiply_linear(texture: np.ndarray, gain: np.ndarray | None) -> np.ndarray:
    """A (H, W, 3) uint8 sRGB picture times a linear gain (3,); None leaves it alone."""
    if gain is None:
        return texture
    ramp = linear_from_srgb(np.arange(256) / 255.0)
    tables = as_bytes(srgb_from_linear(np.clip(ramp[:, None] * gain, 0.0, 1.0)))
    return np.stack([tables[texture[..., k], k] for k in range(3)], axis=-1)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Colours 0..1, or already uint8, as uint8."""
    return values if values.dtype == np.uint8 else np.round(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """Display values 0..1 of linear light 0..1 (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def linear_from_srgb(srgb: np.ndarray) -> np.ndarray:
    """Linear light 0..1 of display values 0..1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4)


def _rgb(values: np.ndarray) -> Rgb:
    r, g, b = (int(v) for v in as_bytes(np.asarray(values, float)))
    return r, g, b
