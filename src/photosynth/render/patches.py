"""Patches: flat shapes in the picture plane, with soft edges and shadows."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.scene import Patch
from photosynth.render.fills import draw_fill
from photosynth.render.paint import blend, darken

_SUBPIXEL_BITS = 4


def paste_patch(canvas: np.ndarray, patch: Patch, light_gain: float) -> np.ndarray:
    """Draw a patch over (H, W, 3) linear light, in place; return its (H, W) float32 coverage, 0..1.

    `light_gain` scales its colours to the brightness of the rest of the picture.
    """
    height, width = canvas.shape[:2]
    side = min(height, width)
    corners = np.array(patch.outline_rel, np.float64) * (width, height)
    blur_px = patch.softness_rel * side
    if patch.shadow_strength > 0:
        offset, shadow_px = np.array(patch.shadow_offset_rel) * side, patch.shadow_blur_rel * side
        around = _box(corners, (width, height), 4 * (blur_px + shadow_px) + np.abs(offset).max() + 8)
        mask = _soften(_polygon(corners, around), blur_px)
        darken(canvas[_slices(around)], shifted_blur(mask, offset, shadow_px), np.float32(patch.shadow_strength))
    else:
        around = _box(corners, (width, height), 4 * blur_px + 8)
        mask = _soften(_polygon(corners, around), blur_px)
    x0, y0, x1, y1 = box = _box(corners, (width, height), 3.0)
    alpha = mask[y0 - around[1] : y1 - around[1], x0 - around[0] : x1 - around[0]]
    blend(canvas[_slices(box)], draw_fill(patch.fill, (x1 - x0, y1 - y0)), alpha, np.float32(light_gain))
    covered = np.zeros((height, width), np.float32)
    covered[_slices(box)] = alpha
    return covered


def _box(corners: np.ndarray, size_wh: tuple[int, int], margin_px: float) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the pixels round some corners, at least one, within the picture."""
    size = np.array(size_wh)
    low = np.floor(np.clip(corners.min(axis=0) - margin_px, 0, size - 1)).astype(int)
    high = np.ceil(np.clip(corners.max(axis=0) + margin_px, low + 1, size)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _slices(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


def _polygon(corners: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Coverage of a box of the picture by a polygon, (H, W) float32."""
    mask = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    fixed = np.rint((corners - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32) - (np.array(box[:2]) << _SUBPIXEL_BITS)
    cv2.fillPoly(mask, [fixed.astype(np.int32)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask.astype(np.float32) / np.float32(255)


def _soften(mask: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(mask, (0, 0), sigma_px) if sigma_px > 0.3 else mask


def shifted_blur(mask: np.ndarray, offset_px: np.ndarray, sigma_px: float) -> np.ndarray:
    """(H, W) float32 mask moved by an offset and blurred: a soft shadow."""
    height, width = mask.shape
    matrix = np.array([[1, 0, offset_px[0]], [0, 1, offset_px[1]]], np.float32)
    moved = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return _blur_wide(moved, max(0.6, float(sigma_px)))


def _blur_wide(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """A Gaussian blur; wide ones are made at a quarter of the size, where nobody sees the difference."""
    if sigma_px < 4:
        return cv2.GaussianBlur(image, (0, 0), sigma_px)
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(2, width // 4), max(2, height // 4)), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma_px / 4), (width, height), interpolation=cv2.INTER_LINEAR)
