"""Hands: limbs in the picture plane that hold the subject at its outline, lit by the scene's lamps and environment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.frame import Layers
from photosynth.core.hand import hand_axes, hand_limbs
from photosynth.core.rng import rng_for
from photosynth.core.scene import Environment, Hand, Light, Scene
from photosynth.render.color import LUMINANCE, linear_from_srgb, luminance
from photosynth.render.environment import first_moment
from photosynth.render.finish import auto_gain
from photosynth.render.paint import blend, darken, light_skin, raise_limbs

ALBEDO, ALBEDO_POWER = 0.62, 0.75
"""Share of light that skin gives back: its colour's luminance to that power, times that. Colours are values in
pictures, too bright for the palest and too dark for the darkest: 0.6 and 0.09 of red light now, 0.36 and 0.025 of
blue."""
LEAST_FINGER_PX = 1.5
SHADOW = np.float32(0.45)
"""Darkening under the hand."""
WHITE = 0.85
"""Skin stays below this share of white after exposure, unless the subject is brighter."""
COMMON_ALBEDO = 0.25
"""Of what a background shows, about."""
BRIGHT_PERCENT = 98.0
"""The percentile of pixels that counts as the bright part of skin or subject."""


@dataclass(frozen=True, eq=False)
class SkinLight:
    """Light where the hand is, in the camera's axes.

    lamps (m, 6) float32: unit vector to each, and the radiance of a white Lambertian surface that faces it.
    ambient (3,) and slant (3, 3) float32: from all round, a white surface with normal n has radiance
        ambient + slant @ n.
    """

    lamps: np.ndarray
    ambient: np.ndarray
    slant: np.ndarray


def paste_hand(canvas: np.ndarray, hand: Hand, scene: Scene, layers: Layers) -> np.ndarray:
    """Draw a hand over (H, W, 3) linear light, in place; return its (H, W) float32 coverage, 0..1.

    It holds the subject (placement 0) at the point of its outline that is nearest to the hand's anchor.
    """
    height, width = canvas.shape[:2]
    finger = max(LEAST_FINGER_PX, hand.finger_width_rel * min(width, height))
    subject = subject_mask(layers)
    limbs = _limbs_px(hand, _contact(np.array(hand.anchor_rel) * (width, height), subject), finger)
    relief, mask = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    raise_limbs(limbs.astype(np.float32), relief, mask)
    mask = _blur(mask, 0.003 * min(width, height))
    light = skin_light(scene)
    _drop_shadow(canvas, mask, layers.coverage, light, finger)
    skin = _skin(hand, relief, light, finger)
    wanted = _bright(skin[mask > 0.5], scene)
    if wanted > 0:
        most = max(WHITE / _exposure(canvas, scene), _bright(canvas[subject & (mask < 0.5)], scene))
        gain = 1.0 if layers.coverage.any() else _gain_before(canvas, light)
        blend(canvas, skin, mask, np.float32(min(gain, most / wanted)))
    return mask


def subject_mask(layers: Layers) -> np.ndarray:
    """(H, W) bool: where placement 0 is seen; if it is hidden, where it would be; nowhere without any."""
    seen = layers.instance_ids == 1
    return layers.amodal_masks[0] if not seen.any() and len(layers.amodal_masks) else seen


def skin_light(scene: Scene) -> SkinLight:
    """The scene's light at the middle of its subject, or at the world's origin without one."""
    at = np.array(scene.placements[0].world_from_object)[:3, 3] if scene.placements else np.zeros(3)
    ambient, slant = _surrounding(scene.environment, scene.camera)
    lamps = np.array([_lamp(light, at, scene.camera) for light in scene.lights], np.float32).reshape(-1, 6)
    return SkinLight(lamps, ambient.astype(np.float32), slant.astype(np.float32))


def _lamp(light: Light, at_m: np.ndarray, camera: Camera) -> np.ndarray:
    towards = np.array(light.position_m) - at_m
    distance = max(float(np.linalg.norm(towards)), 1e-6)
    radiance = light.power_w / (4 * np.pi**2 * distance**2)
    seen = np.array(camera.world_from_cam)[:3, :3].T @ (towards / distance)
    return np.concatenate([seen, radiance * np.array(light.color_linear)])


def _surrounding(environment: Environment, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Ambient light and its slant: the first two orders of spherical harmonics (Ramamoorthi and Hanrahan, 2001), which
    give a Lambertian surface mean(L) + 2 n . mean(L w) for radiance L from directions w."""
    if environment.map_file is None:
        return np.full(3, environment.strength), np.zeros((3, 3))
    mean, moment = first_moment(environment.map_file)
    c, s = np.cos(environment.rotation_rad), np.sin(environment.rotation_rad)
    world_from_map = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    cam_from_map = np.array(camera.world_from_cam)[:3, :3].T @ world_from_map
    return environment.strength * mean, 2.0 * environment.strength * moment @ cam_from_map.T


def _contact(anchor_px: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """The middle of the subject's pixel that is nearest to the anchor; the anchor itself without any."""
    y, x = np.nonzero(subject)
    if not len(x):
        return anchor_px
    middles = np.stack([x + 0.5, y + 0.5], axis=1)
    return middles[np.argmin(((middles - anchor_px) ** 2).sum(axis=1))]


def _limbs_px(hand: Hand, contact_px: np.ndarray, finger_px: float) -> np.ndarray:
    limbs, axes = hand_limbs(hand.fingers, hand.mirrored, hand.wrist_rad), hand_axes(hand.inward_rad)
    placed = limbs.copy()
    for ends in (slice(0, 2), slice(3, 5)):
        placed[:, ends] = contact_px + finger_px * limbs[:, ends] @ axes
    placed[:, [2, 5]] *= finger_px
    return placed


def _drop_shadow(canvas: np.ndarray, mask: np.ndarray, solid: np.ndarray, light: SkinLight, finger_px: float) -> None:
    """Darken what is solid beside the hand, on the side away from the light."""
    away = -_main_direction(light)[:2] * finger_px * 0.5
    matrix = np.array([[1, 0, away[0]], [0, 1, away[1]]], np.float32)
    moved = cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_LINEAR)
    darken(canvas, _blur(moved, 0.4 * finger_px) * solid, SHADOW)


def _main_direction(light: SkinLight) -> np.ndarray:
    """About where most light comes from, (3,) of length 0 (from everywhere) to 1."""
    towards = light.lamps[:, 3:].mean(axis=1) @ light.lamps[:, :3] + light.slant.mean(axis=0)
    return towards / max(float(light.lamps[:, 3:].mean(axis=1).sum() + light.ambient.mean()), 1e-9)


def _gain_before(canvas: np.ndarray, light: SkinLight) -> float:
    """What brings the scene's light to that of a background, in a picture of nothing else."""
    level = float((light.ambient + light.lamps[:, 3:].sum(axis=0) / 2) @ LUMINANCE)
    return float(luminance(canvas).mean()) / COMMON_ALBEDO / max(level, 1e-6)


def _skin(hand: Hand, relief: np.ndarray, light: SkinLight, finger_px: float) -> np.ndarray:
    """(H, W, 3) float32 linear light of skin, wherever it may show."""
    height, width = relief.shape
    smooth = _blur(relief, 0.1 * finger_px)
    sunk = np.maximum(_blur(relief, 0.5 * finger_px) - smooth, 0.0) / np.float32(finger_px)
    open_ = np.clip(1.0 - 1.3 * sunk, 0.5, 1.0).astype(np.float32)
    step = max(2.0, 0.5 * finger_px)
    coarse = rng_for(hand.seed, 0, "hand").normal(1.0, 0.035, (int(height / step) + 2, int(width / step) + 2))
    open_ *= cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    color = linear_from_srgb(np.array(hand.skin_srgb))
    albedo = (color * ALBEDO * max(float(luminance(color)), 1e-4) ** (ALBEDO_POWER - 1)).astype(np.float32)
    skin = np.zeros((height, width, 3), np.float32)
    light_skin(skin, smooth, open_, light.lamps, light.ambient, light.slant, albedo)
    return skin


def _exposure(canvas: np.ndarray, scene: Scene) -> float:
    """The gain that the camera will give to the light, without the hand."""
    return 2.0**scene.finish.exposure_ev * auto_gain(canvas, scene.finish.auto_exposure)


def _bright(pixels: np.ndarray, scene: Scene) -> float:
    """The brightest channel of the bright part of (n, 3) pixels after white balance; 0 without any."""
    if not len(pixels):
        return 0.0
    return float(np.percentile((pixels * np.array(scene.finish.white_balance_linear)).max(axis=1), BRIGHT_PERCENT))


def _blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma_px) if sigma_px > 0.3 else image
