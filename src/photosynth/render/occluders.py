"""Patches and hands: flat shapes in the picture plane, with soft edges and shadows."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.rng import rng_for
from photosynth.core.scene import Hand, Occluder, Patch
from photosynth.render.color import linear_from_srgb
from photosynth.render.fills import draw_fill

_SUBPIXEL_BITS = 4


def paste(canvas: np.ndarray, occluder: Occluder, light_gain: float) -> np.ndarray:
    """Draw an occluder over (H, W, 3) linear light, in place; return its (H, W) float32 coverage, 0..1.

    `light_gain` scales its colours to the brightness of the rest of the picture.
    """
    return (
        _paste_patch(canvas, occluder, light_gain)
        if isinstance(occluder, Patch)
        else _paste_hand(canvas, occluder, light_gain)
    )


def _paste_patch(canvas: np.ndarray, patch: Patch, light_gain: float) -> np.ndarray:
    height, width = canvas.shape[:2]
    side = min(height, width)
    corners = np.array(patch.outline_rel, np.float64) * (width, height)
    mask = _polygon(corners, (width, height))
    mask = _soften(mask, patch.softness_rel * side)
    if patch.shadow_strength > 0:
        shadow = shifted_blur(mask, np.array(patch.shadow_offset_rel) * side, patch.shadow_blur_rel * side)
        canvas *= 1 - np.float32(patch.shadow_strength) * shadow[..., None]
    low = np.floor(np.clip(corners.min(axis=0) - 3, 0, (width - 1, height - 1))).astype(int)
    high = np.ceil(np.clip(corners.max(axis=0) + 3, low + 1, (width, height))).astype(int)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    colour = draw_fill(patch.fill, (int(high[0] - low[0]), int(high[1] - low[1])))
    alpha = mask[window][..., None]
    canvas[window] = canvas[window] * (1 - alpha) + colour * np.float32(light_gain) * alpha
    covered = np.zeros_like(mask)
    covered[window] = mask[window]
    return covered


def _paste_hand(canvas: np.ndarray, hand: Hand, light_gain: float) -> np.ndarray:
    height, width = canvas.shape[:2]
    side = min(height, width)
    finger = max(2.0, hand.finger_width_rel * side)
    anchor = np.array(hand.anchor_rel) * (width, height)
    inward = np.array([np.cos(hand.inward_rad), np.sin(hand.inward_rad)])
    across = np.array([-inward[1], inward[0]])
    drawing = np.zeros((height, width), np.uint8)
    middle = (len(hand.fingers) - 1) / 2
    for k, (length, bend_rad) in enumerate(hand.fingers):
        root = anchor + across * finger * 1.12 * (k - middle)
        turned = np.array([np.cos(hand.inward_rad + bend_rad), np.sin(hand.inward_rad + bend_rad)])
        knuckle = root + inward * finger * length * 0.5
        _thick_line(drawing, root - inward * finger * 2.5, knuckle, finger)
        _thick_line(drawing, knuckle, knuckle + turned * finger * length * 0.5, finger * 0.94)
    palm = anchor - inward * finger * 2.8
    radius = int(finger * (0.62 * len(hand.fingers) + 0.5))
    cv2.circle(drawing, tuple(int(v) for v in palm), radius, 255, -1, cv2.LINE_AA)
    _thick_line(drawing, palm, palm - inward * 3 * side, radius * 1.5)
    mask = _soften(drawing.astype(np.float32) / 255, 0.003 * side)
    shadow = shifted_blur(mask, inward * finger * 0.3, finger * 0.45)
    canvas *= 1 - np.float32(0.45) * shadow[..., None]
    canvas += (_skin(mask, hand, finger) * np.float32(light_gain) - canvas) * mask[..., None]
    return mask


def _skin(mask: np.ndarray, hand: Hand, finger_px: float) -> np.ndarray:
    """Skin colour, rounded by the distance from the edge and mottled."""
    height, width = mask.shape
    rng = rng_for(hand.seed, 0, "hand")
    rounded = cv2.GaussianBlur(mask, (0, 0), max(0.6, finger_px * 0.28))
    coarse = rng.normal(0, 0.06, (max(2, height // 10), max(2, width // 10))).astype(np.float32)
    mottle = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    angle = rng.uniform(0, 2 * np.pi)
    slope = cv2.Sobel(rounded, cv2.CV_32F, 1, 0) * np.cos(angle) + cv2.Sobel(rounded, cv2.CV_32F, 0, 1) * np.sin(angle)
    shade = np.clip(0.35 + 0.65 * rounded**2 + 0.9 * slope + mottle, 0.08, 1.6).astype(np.float32)
    skin = linear_from_srgb(np.array(hand.skin_srgb, np.float32))
    redder = np.array([1.0, 0.8, 0.75], np.float32)
    return shade[..., None] * skin * (redder + (1 - redder) * np.clip(shade, 0, 1)[..., None])


def _polygon(corners: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    fixed = np.rint((corners - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask.astype(np.float32) / np.float32(255)


def _thick_line(drawing: np.ndarray, start: np.ndarray, end: np.ndarray, width_px: float) -> None:
    reach = 8 * max(drawing.shape)
    a, b = (tuple(int(v) for v in np.clip(np.rint(p), -reach, reach)) for p in (start, end))
    cv2.line(drawing, a, b, 255, max(1, round(width_px)), cv2.LINE_AA)


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
