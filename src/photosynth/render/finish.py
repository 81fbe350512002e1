"""Finish: what a camera does to linear light on its way to 8 bits."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.rng import rng_for
from photosynth.core.scene import Finish
from photosynth.render.color import CURVE_SIZE, curve_table, luminance

MIDDLE_GREY = 0.18
MAX_AUTO_GAIN = 16.0


def apply_finish(linear: np.ndarray, finish: Finish) -> np.ndarray:
    """(H, W, 3) uint8 sRGB from (H, W, 3) float32 linear light, in the order of the fields of Finish.

    Noise follows the photon-transfer model: variance = shot_noise^2 * signal + read_noise^2 (Janesick 2007).
    """
    gain = 2.0**finish.exposure_ev * auto_gain(linear, finish.auto_exposure)
    image = linear * (np.array(finish.white_balance_linear, np.float32) * np.float32(gain))
    side = min(image.shape[:2])
    if finish.defocus_rel * side > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), finish.defocus_rel * side)
    if finish.motion_rel * side > 1.0:
        image = cv2.filter2D(image, -1, motion_kernel(finish.motion_rel * side, finish.motion_angle_rad))
    if finish.saturation != 1.0:
        grey = luminance(image)[..., None]
        image = grey + (image - grey) * np.float32(finish.saturation)
    if finish.shot_noise > 0 or finish.read_noise > 0:
        rng = rng_for(finish.noise_seed, 0, "noise")
        spread = np.sqrt(np.float32(finish.shot_noise**2) * np.maximum(image, 0) + np.float32(finish.read_noise**2))
        image = image + spread * rng.standard_normal(image.shape, dtype=np.float32)
    steps = np.clip(image, 0, 1) * np.float32(CURVE_SIZE - 1) + np.float32(0.5)
    return curve_table(finish.tone_gamma)[steps.astype(np.uint16)]


def auto_gain(linear: np.ndarray, strength: float) -> float:
    """The gain that brings the mean luminance to middle grey, to the power `strength`, at most 16 and at least 1/16."""
    if strength <= 0:
        return 1.0
    mean = float(luminance(linear.reshape(-1, 3)).mean())
    return float(np.clip(MIDDLE_GREY / max(mean, 1e-6), 1 / MAX_AUTO_GAIN, MAX_AUTO_GAIN) ** strength)


def motion_kernel(length_px: float, angle_rad: float) -> np.ndarray:
    """A normalised (n, n) float32 kernel: a straight line of that length, anti-aliased."""
    n = max(3, int(np.ceil(length_px)) | 1)
    kernel = np.zeros((n, n), np.float32)
    reach = np.array([np.cos(angle_rad), np.sin(angle_rad)]) * length_px / 2
    scale = 256
    start, end = (np.rint((n // 2 + sign * reach) * scale).astype(int) for sign in (-1, 1))
    cv2.line(kernel, tuple(int(v) for v in start), tuple(int(v) for v in end), 1.0, 1, cv2.LINE_AA, 8)
    total = float(kernel.sum())
    if total <= 0:
        kernel[n // 2, n // 2] = total = 1.0
    return kernel / np.float32(total)
