"""Finish: what a camera does to linear light on its way to 8 bits."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.camera import Camera, undistort
from photosynth.core.scene import Finish
from photosynth.render.color import CURVE_SIZE, curve_table
from photosynth.render.film import FALLOFF_TERMS, develop, mean_luminance

MIDDLE_GREY = 0.18
MAX_AUTO_GAIN = 16.0
_NODES = (1 - np.cos(np.pi * (np.arange(FALLOFF_TERMS) + 0.5) / FALLOFF_TERMS)) / 2
_TERMS_OF_NODES = np.linalg.inv(np.vander(_NODES))
"""Turns a function's values at Chebyshev's points of 0..1 into the coefficients of the polynomial through them."""


def apply_finish(linear: np.ndarray, finish: Finish, camera: Camera, mean_light: float | None = None) -> np.ndarray:
    """(H, W, 3) uint8 sRGB from (H, W, 3) float32 linear light, in the order of the fields of Finish.

    Depth of field has been dealt with (render/depth_of_field.py): it needs what is behind the objects. Noise follows
    the photon-transfer model: variance = shot_noise^2 * signal + read_noise^2 (Janesick 2007).

    Args:
        linear: the light; it stays as it is.
        finish: what to do.
        camera: what saw it; vignetting depends on its lens.
        mean_light: the picture's mean luminance, if it is known already.
    """
    image = np.ascontiguousarray(linear, np.float32)
    height, width = image.shape[:2]
    gain = 2.0**finish.exposure_ev * auto_gain(image, finish.auto_exposure, mean_light)
    image = blurred(image, finish)
    out = np.empty((height, width, 3), np.uint8)
    falloff, per_px2 = vignetting_terms(camera, finish.vignetting)
    develop(
        image.reshape(height, 3 * width),
        np.array(finish.white_balance_linear, np.float32) * np.float32(gain),
        np.float32(finish.saturation),
        falloff,
        np.array(camera.principal_px, np.float32),
        np.float32(per_px2),
        np.float32(finish.shot_noise**2),
        np.float32(finish.read_noise**2),
        np.random.SeedSequence(finish.noise_seed).generate_state(2),
        curve_table(finish.tone_gamma, finish.tone_shoulder),
        np.float32(CURVE_SIZE - 1),
        out.reshape(height, 3 * width),
    )
    return out


def auto_gain(linear: np.ndarray, strength: float, mean_light: float | None = None) -> float:
    """The gain that brings the mean luminance to middle grey, to the power `strength`, at most 16 and at least 1/16."""
    if strength <= 0:
        return 1.0
    mean = mean_luminance(linear.reshape(len(linear), -1)) if mean_light is None else mean_light
    return float(np.clip(MIDDLE_GREY / max(mean, 1e-6), 1 / MAX_AUTO_GAIN, MAX_AUTO_GAIN) ** strength)


def blurred(image: np.ndarray, finish: Finish) -> np.ndarray:
    """The picture out of focus and in motion; the same array if it is neither."""
    side = min(image.shape[:2])
    if finish.defocus_rel * side > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), finish.defocus_rel * side)
    if finish.motion_rel * side > 1.0:
        image = cv2.filter2D(image, -1, motion_kernel(finish.motion_rel * side, finish.motion_angle_rad))
    return image


def vignetting_terms(camera: Camera, strength: float) -> tuple[np.ndarray, float]:
    """The fall-off cos(angle)^(4 strength) as a polynomial in t, highest power first, float32, and the t of one squared
    pixel of distance from the axis, such that t is 1 in the farthest corner. Empty for strength 0.

    cos^4: Horn, Robot Vision, 1986, section 10.3.
    """
    reach = [max(at, side - at) for at, side in zip(camera.principal_px, camera.size_wh, strict=True)]
    farthest2_px = float(np.dot(reach, reach))
    if strength <= 0:
        return np.zeros(0, np.float32), 1 / farthest2_px
    tangents = np.sqrt(_NODES * farthest2_px) / camera.focal_px
    radial = undistort(camera.distortion, np.stack([tangents, np.zeros_like(tangents)], axis=-1))[:, 0]
    terms = _TERMS_OF_NODES @ (1 + radial**2) ** (-2.0 * strength)
    return terms.astype(np.float32), 1 / farthest2_px


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
