"""Textures as mip chains, and how they are read."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

f4 = np.float32

DECODE_STEPS = 8
"""Entries of the decoding table for each 8-bit value: textures are filtered in sRGB and decoded after."""


def linear_from_srgb(values: np.ndarray) -> np.ndarray:
    """Linear light from sRGB values in 0..1 (IEC 61966-2-1)."""
    v = np.asarray(values)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def decode_table() -> np.ndarray:
    """Linear light for sRGB values k / (255 DECODE_STEPS), float32, with a few entries to spare."""
    steps = 255 * DECODE_STEPS
    return linear_from_srgb(np.minimum(np.arange(steps + 9) / steps, 1.0)).astype(np.float32)


def mip_chain(texture: np.ndarray, max_side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Pack a texture and its halvings into one array.

    Sides become powers of two (the nearest, at most `max_side_px`), so that wrapping is a mask. Halvings average
    linear light.

    Args:
        texture: (H, W, 3) uint8 sRGB, row 0 at the top.
        max_side_px: a power of two.

    Returns:
        texels (n,) uint32, red in the lowest byte; levels (L, 3) int64 rows of offset, width, height, finest first.
    """
    import cv2

    image = np.ascontiguousarray(texture[..., :3], dtype=np.uint8)
    height, width = (_power_of_two(side, max_side_px) for side in image.shape[:2])
    if (height, width) != image.shape[:2]:
        shrinks = height * width < image.shape[0] * image.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = cv2.resize(image, (width, height), interpolation=method)
    linear = linear_from_srgb(np.arange(256) / 255).astype(np.float32)[image]
    packed, levels, offset = [_pack(image)], [(0, width, height)], width * height
    while width > 1 or height > 1:
        width, height = max(1, width // 2), max(1, height // 2)
        linear = cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
        packed.append(_pack(_srgb8(linear)))
        levels.append((offset, width, height))
        offset += width * height
    return np.concatenate(packed), np.array(levels, dtype=np.int64)


def _power_of_two(side: int, limit: int) -> int:
    return int(min(limit, 2 ** max(0, round(np.log2(side)))))


def _srgb8(linear: np.ndarray) -> np.ndarray:
    table_size = 4096
    table = np.linspace(0, 1, table_size)
    table = np.where(table <= 0.0031308, table * 12.92, 1.055 * table ** (1 / 2.4) - 0.055)
    table8 = (table * 255 + 0.5).astype(np.uint8)
    return table8[(linear * (table_size - 1) + 0.5).astype(np.int32)]


def _pack(image: np.ndarray) -> np.ndarray:
    channels = image.reshape(-1, 3).astype(np.uint32)
    return channels[:, 0] | (channels[:, 1] << 8) | (channels[:, 2] << 16)


@kernel
def fetch(texels, offset, width, height, s, t):
    """Bilinear read of one level, wrapped. s, t in 0..1 from the top left corner. Returns r, g, b in 0..255."""
    x = s * f4(width) - f4(0.5)
    y = t * f4(height) - f4(0.5)
    xf = np.floor(x)
    yf = np.floor(y)
    fx = x - xf
    fy = y - yf
    x0 = np.int64(xf) & (width - 1)
    y0 = np.int64(yf) & (height - 1)
    x1 = (x0 + 1) & (width - 1)
    y1 = (y0 + 1) & (height - 1)
    row0 = offset + y0 * width
    row1 = offset + y1 * width
    a = texels[row0 + x0]
    b = texels[row0 + x1]
    c = texels[row1 + x0]
    d = texels[row1 + x1]
    wd = fx * fy
    wb = fx - wd
    wc = fy - wd
    wa = f4(1) - fx - wc
    m = np.uint32(255)
    red = wa * f4(a & m) + wb * f4(b & m) + wc * f4(c & m) + wd * f4(d & m)
    a >>= np.uint32(8)
    b >>= np.uint32(8)
    c >>= np.uint32(8)
    d >>= np.uint32(8)
    green = wa * f4(a & m) + wb * f4(b & m) + wc * f4(c & m) + wd * f4(d & m)
    a >>= np.uint32(8)
    b >>= np.uint32(8)
    c >>= np.uint32(8)
    d >>= np.uint32(8)
    blue = wa * f4(a & m) + wb * f4(b & m) + wc * f4(c & m) + wd * f4(d & m)
    return red, green, blue
