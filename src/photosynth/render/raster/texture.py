"""Textures as mip chains, and how they are read."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import AR, BLOCK, T0, T1, T2, T3, TH, TO, TS, TSX, TT, TTX, TW, WX, WY

f4 = np.float32
i4 = np.int32

BITS = 10
"""Of a channel in a texel: the square root of linear light, so that light is filtered, not its sRGB values."""
TOP = (1 << BITS) - 1
"""What white is stored as."""


def linear_from_srgb(values: np.ndarray) -> np.ndarray:
    """Linear light from sRGB values in 0..1 (IEC 61966-2-1)."""
    v = np.asarray(values)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def decode_scale() -> np.ndarray:
    """What the square of a texel's channel is multiplied by to be linear light, (1,) float32."""
    return np.array([1 / TOP**2], np.float32)


def linear_from_texels(texels: np.ndarray) -> np.ndarray:
    """(n, 3) float64 linear light of texels (n,) from mip_chain."""
    return (np.stack([(texels >> (k * BITS)) & TOP for k in range(3)], axis=1) / TOP) ** 2


def mip_chain(texture: np.ndarray, max_side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Pack a texture and its halvings into one array.

    Sides become powers of two (the nearest, at most `max_side_px`), so that wrapping is a mask. Halvings average
    linear light.

    Args:
        texture: (H, W, 3) uint8 sRGB, row 0 at the top.
        max_side_px: a power of two.

    Returns:
        texels (n,) uint32, BITS for each channel, red lowest; levels (L, 3) int64 rows of offset, width, height,
        finest first.
    """
    import cv2

    image = np.ascontiguousarray(texture[..., :3], dtype=np.uint8)
    height, width = (_power_of_two(side, max_side_px) for side in image.shape[:2])
    linear = cv2.LUT(image, (linear_from_srgb(np.arange(256) / 255) * 65535 + 0.5).astype(np.uint16))
    if (height, width) != image.shape[:2]:
        shrinks = height * width < image.shape[0] * image.shape[1]
        linear = cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    packed, levels, offset = [_pack(linear)], [(0, width, height)], width * height
    while width > 1 or height > 1:
        width, height = max(1, width // 2), max(1, height // 2)
        linear = cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
        packed.append(_pack(linear))
        levels.append((offset, width, height))
        offset += width * height
    return np.concatenate(packed), np.array(levels, dtype=np.int64)


def _power_of_two(side: int, limit: int) -> int:
    return int(min(limit, 2 ** max(0, round(np.log2(side)))))


def _pack(linear: np.ndarray) -> np.ndarray:
    """Texels of (h, w, 3) uint16 linear light."""
    packed = np.empty(linear.size // 3, np.uint32)
    _pack_roots(linear.reshape(-1), _ROOTS, packed)
    return packed


_ROOTS = (np.sqrt(np.arange(65536) / 65535) * TOP + 0.5).astype(np.uint16)


@kernel
def _pack_roots(linear, roots, packed):
    for k in range(len(packed)):
        red, green, blue = roots[linear[3 * k]], roots[linear[3 * k + 1]], roots[linear[3 * k + 2]]
        packed[k] = np.uint32(red) | (np.uint32(green) << BITS) | (np.uint32(blue) << (2 * BITS))


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
    """Add one bilinear read for each fragment of a block to its AR, AG, AB lanes, in squares of channels; edges
    wrap.

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
        n[T0 + i] = np.int32(texels[np.uint64(n[T0 + i])])
    top = i4(TOP)
    for k in range(3):
        shift = i4(BITS * k)
        for i in range(BLOCK):
            fx, fy = s[WX + i], s[WY + i]
            wd = fx * fy
            wb = fx - wd
            wc = fy - wd
            wa = f4(1) - fx - wc
            a, b = f4((n[T0 + i] >> shift) & top), f4((n[T1 + i] >> shift) & top)
            c, d = f4((n[T2 + i] >> shift) & top), f4((n[T3 + i] >> shift) & top)
            s[AR + k * BLOCK + i] += wa * a * a + wb * b * b + wc * c * c + wd * d * d


@kernel
def decode_albedo(s, decode, gain):
    """Turn the sums of two taps in AR, AG, AB into linear albedo.

    Args:
        s: in and out, the scratch array of lanes.
        decode: (1,) float32 from decode_scale.
        gain: (3,) float32 on albedo.
    """
    for k in range(3):
        scale = f4(0.5) * decode[0] * gain[k]
        for i in range(BLOCK):
            s[AR + k * BLOCK + i] *= scale
