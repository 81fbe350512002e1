"""Textures as mip chains, and how they are read."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import AR, BLOCK, T0, T1, T2, T3, TH, TO, TS, TSX, TT, TTX, TW, WX, WY

f4 = np.float32
i4 = np.int32

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
    linear = (linear_from_srgb(np.arange(256) / 255) * 65535 + 0.5).astype(np.uint16)[image]
    if (height, width) != image.shape[:2]:
        shrinks = height * width < image.shape[0] * image.shape[1]
        linear = cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        image = _srgb8(linear)
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
    light = np.arange(65536) / 65535
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curve * 255 + 0.5).astype(np.uint8)[linear]


def _pack(image: np.ndarray) -> np.ndarray:
    channels = image.reshape(-1, 3).astype(np.uint32)
    return channels[:, 0] | (channels[:, 1] << 8) | (channels[:, 2] << 16)


@kernel
def forget_levels(n):
    """Let all fragments of a block read the first texel, so that those beyond a block's count read something that is
    there."""
    for i in range(BLOCK):
        n[TO + i], n[TW + i], n[TH + i] = i4(0), i4(1), i4(1)


@kernel
def read_albedo(s, n, texels, mirror, decode, gain):
    """Fill AR, AG, AB with linear albedo: two bilinear reads along the long axis of each footprint.

    Args:
        s, n, texels, mirror: as in add_tap; decode, gain: as in decode_albedo.
    """
    for i in range(3 * BLOCK):
        s[AR + i] = f4(0)
    add_tap(s, n, texels, mirror, f4(-0.25))
    add_tap(s, n, texels, mirror, f4(0.25))
    decode_albedo(s, decode, gain)


@kernel
def add_tap(s, n, texels, mirror, along):
    """Add one bilinear read for each fragment of a block to its AR, AG, AB lanes, in 0..255; edges wrap.

    Args:
        s: in and out, the scratch array of lanes; n: the same for integers.
        texels: (m,) uint32 from mip_chain.
        mirror: int32, 1 if every other repeat is mirrored, else 0.
        along: float32, how far from the middle of the footprint, as a fraction of its long axis.
    """
    for i in range(BLOCK):
        width, height = n[TW + i], n[TH + i]
        x = (s[TS + i] + along * s[TSX + i]) * f4(width) - f4(0.5)
        y = (s[TT + i] + along * s[TTX + i]) * f4(height) - f4(0.5)
        xf = np.floor(x)
        yf = np.floor(y)
        s[WX + i] = x - xf
        s[WY + i] = y - yf
        period_x, period_y = (width << mirror) - i4(1), (height << mirror) - i4(1)
        x0, y0 = np.int32(xf) & period_x, np.int32(yf) & period_y
        x1, y1 = (x0 + i4(1)) & period_x, (y0 + i4(1)) & period_y
        top_x, top_y = (width << i4(1)) - i4(1), (height << i4(1)) - i4(1)
        x0 = min(x0, top_x - x0)
        x1 = min(x1, top_x - x1)
        row0 = n[TO + i] + min(y0, top_y - y0) * width
        row1 = n[TO + i] + min(y1, top_y - y1) * width
        n[T0 + i] = row0 + x0
        n[T1 + i] = row0 + x1
        n[T2 + i] = row1 + x0
        n[T3 + i] = row1 + x1
    for i in range(4 * BLOCK):
        n[T0 + i] = np.int32(texels[n[T0 + i]])
    byte = i4(255)
    for k in range(3):
        shift = i4(8 * k)
        for i in range(BLOCK):
            fx, fy = s[WX + i], s[WY + i]
            wd = fx * fy
            wb = fx - wd
            wc = fy - wd
            wa = f4(1) - fx - wc
            value = wa * f4((n[T0 + i] >> shift) & byte) + wb * f4((n[T1 + i] >> shift) & byte)
            value += wc * f4((n[T2 + i] >> shift) & byte) + wd * f4((n[T3 + i] >> shift) & byte)
            s[AR + k * BLOCK + i] += value


@kernel
def decode_albedo(s, decode, gain):
    """Turn the sums of two taps in AR, AG, AB into linear albedo.

    Args:
        s: in and out, the scratch array of lanes.
        decode: (m,) float32 from decode_table.
        gain: (3,) float32 on albedo.
    """
    top = f4(255 * DECODE_STEPS)
    for k in range(3):
        for i in range(BLOCK):
            at = s[AR + k * BLOCK + i] * f4(DECODE_STEPS / 2) + f4(0.5)
            at = at if at > f4(0) else f4(0)
            s[AR + k * BLOCK + i] = decode[np.int32(at if at < top else top)] * gain[k]
