"""Kernels and windows of the compositor against slow whole-picture twins."""

import cv2
import numpy as np
import pytest

from photosynth.core.scene import EnvironmentFill, Patch, PlainFill
from photosynth.render.environment import load_environment, sample_directions
from photosynth.render.fills import draw_fill
from photosynth.render.paint import WRAP, blend, darken, light_skin, raise_limbs
from photosynth.render.patches import paste_patch, shifted_blur

SHAPE = (40, 60)


def maps(seed, count):
    return np.random.default_rng(seed).uniform(0, 1, (count, *SHAPE)).astype(np.float32)


def light(seed):
    return np.random.default_rng(seed).uniform(0, 2, (*SHAPE, 3)).astype(np.float32)


def test_darken_and_blend_on_a_window():
    canvas, (shadow, alpha) = light(0), maps(1, 2)
    expected = canvas * (1 - 0.4 * shadow[..., None])
    darken(canvas, shadow, np.float32(0.4))
    np.testing.assert_allclose(canvas, expected, rtol=1e-5)
    window = (slice(5, 30), slice(10, 50))
    color = light(2)[window]
    expected[window] = expected[window] * (1 - alpha[window][..., None]) + 1.5 * color * alpha[window][..., None]
    blend(canvas[window], color, alpha[window], np.float32(1.5))
    np.testing.assert_allclose(canvas, expected, rtol=1e-5)


def test_limbs():
    limbs = np.array(
        [(10, 12, 6, 40, 25, 3, 0.8), (-500, 5, 4, 20, 5, 4, 1.0), (30, 30, 2, 30, 30, 2, 0.5)], np.float32
    )
    relief, mask = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    raise_limbs(limbs, relief, mask)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    heights, covers = [], []
    for ax, ay, ar, bx, by, br, thick in limbs.astype(np.float64):
        length2 = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
        t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2, 0, 1)
        away, radius = np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)), ar + t * (br - ar)
        covers.append(np.clip(radius - away + 0.5, 0, 1))
        heights.append(thick * np.sqrt(np.maximum(radius**2 - away**2, 0)))
    np.testing.assert_allclose(mask, np.max(covers, axis=0), atol=1e-2)
    np.testing.assert_allclose(relief, np.max(heights, axis=0), atol=5e-2)
    assert 0.1 < mask.mean() < 0.9


def test_skin():
    rng, (relief, gain) = np.random.default_rng(3), maps(4, 2)
    lamps = rng.normal(0, 1, (2, 6)).astype(np.float32)
    lamps[:, :3] /= np.linalg.norm(lamps[:, :3], axis=1, keepdims=True)
    lamps[:, 3:] = np.abs(lamps[:, 3:])
    ambient, slant = np.array([0.3, 0.2, 0.1], np.float32), rng.normal(0, 0.3, (3, 3)).astype(np.float32)
    albedo = np.array([0.5, 0.3, 0.2], np.float32)
    padded = np.pad(relief, 1, mode="edge")
    slope_x, slope_y = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    normals = np.stack([-slope_x, -slope_y, -np.ones(SHAPE)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    expected = np.maximum(ambient + normals @ slant.T, 0)
    for lamp in lamps:
        expected += np.maximum((normals @ lamp[:3] + WRAP) / (1 + WRAP), 0)[..., None] * lamp[3:]
    skin = np.empty((*SHAPE, 3), np.float32)
    light_skin(skin, relief, gain, lamps, ambient, slant, albedo)
    np.testing.assert_allclose(skin, expected * gain[..., None] * albedo, rtol=1e-3, atol=1e-5)


def patch_slowly(canvas, patch):
    """With the mask of the whole picture."""
    height, width = canvas.shape[:2]
    side = min(height, width)
    corners = np.array(patch.outline_rel) * (width, height)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint((corners - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), patch.softness_rel * side)
    shadow = shifted_blur(mask, np.array(patch.shadow_offset_rel) * side, patch.shadow_blur_rel * side)
    canvas = canvas * (1 - patch.shadow_strength * shadow[..., None])
    color = draw_fill(patch.fill, (1, 1))[0, 0]
    return canvas * (1 - mask[..., None]) + color * mask[..., None], mask


@pytest.mark.parametrize("at", [(0.5, 0.5), (0.02, 0.1), (0.97, 0.95), (1.3, 0.5)])
@pytest.mark.parametrize("blur", [0.02, 0.06])
def test_a_patch_is_that_of_the_whole_picture(at, blur):
    x, y = at
    patch = Patch(
        outline_rel=((x - 0.1, y - 0.05), (x + 0.12, y - 0.1), (x + 0.05, y + 0.15)),
        fill=PlainFill(color_srgb=(0.9, 0.2, 0.4)),
        softness_rel=0.006,
        shadow_strength=0.6,
        shadow_offset_rel=(0.03, -0.02),
        shadow_blur_rel=blur,
    )
    canvas = np.ones((160, 200, 3), np.float32)
    expected, mask = patch_slowly(canvas, patch)
    covered = paste_patch(canvas, patch, 1.0)
    np.testing.assert_allclose(canvas, expected, atol=0.02)
    np.testing.assert_allclose(covered, mask, atol=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_the_environment_is_looked_at_as_its_module_does(seed):
    rng = np.random.default_rng(seed)
    yaw, pitch, roll, fov = rng.uniform((-4, -1.5, -3, 0.3), (4, 1.5, 3, 1.7))
    fill = EnvironmentFill(
        map_file="package:lobby.exr", yaw_rad=yaw, pitch_rad=pitch, roll_rad=roll, fov_rad=fov, exposure=0.7
    )
    fast = draw_fill(fill, (100, 80))
    y, x = (np.mgrid[:80, :100] + 0.5 - np.array([40, 50])[:, None, None]) * (np.tan(fov / 2) / 40)
    right, down = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    forward = np.array([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)])
    beside = np.array([np.sin(yaw), -np.cos(yaw), 0])
    rays = forward + right[..., None] * beside + down[..., None] * np.cross(forward, beside)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    slow = np.clip(sample_directions(load_environment(fill.map_file), rays) * 0.7, 0, 64)
    assert np.abs(fast - slow).mean() < 1e-3
    assert np.percentile(np.abs(fast - slow) / (slow + 0.05), 99.5) < 0.05
