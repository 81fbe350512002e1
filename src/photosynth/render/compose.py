"""Compose: an engine's layers, the background, the occluders and the camera's finish make a Frame."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.frame import OCCLUDER_ID, Frame, Layers
from photosynth.core.scene import Background, EnvironmentFill, Fill, Patch, Scene
from photosynth.render.depth_of_field import through_aperture
from photosynth.render.fills import draw_fill
from photosynth.render.film import cover, mean_luminance
from photosynth.render.finish import apply_finish
from photosynth.render.hand import paste_hand
from photosynth.render.paint import darken
from photosynth.render.patches import paste_patch, shifted_blur

MAX_MATCH_GAIN = 8.0


def compose(scene: Scene, layers: Layers) -> Frame:
    """The finished frame of a scene. Shapes as in Frame; colour is uint8 sRGB.

    Raises:
        ConfigError: if a background photo or map cannot be read.
    """
    canvas, gain = draw_background(scene.background, scene.camera, layers)
    mean_light = None
    if scene.finish.depth_of_field is not None:
        canvas = through_aperture(canvas, layers, scene.finish.depth_of_field, scene.camera.focal_px)
    else:
        rows = canvas.reshape(len(canvas), -1)
        mean_light = cover(rows, np.ascontiguousarray(layers.radiance).reshape(rows.shape), layers.coverage)
    ids, depth, normals = layers.instance_ids, layers.depth_m, layers.normals
    if scene.occluders:
        ids, depth, normals = ids.copy(), depth.copy(), normals.copy()
        for occluder in scene.occluders:
            covered = (
                paste_patch(canvas, occluder, gain)
                if isinstance(occluder, Patch)
                else paste_hand(canvas, occluder, scene, layers)
            )
            hidden = covered > 0.5
            ids[hidden], depth[hidden], normals[hidden] = OCCLUDER_ID, 0.0, 0.0
        mean_light = None
    color = apply_finish(canvas, scene.finish, scene.camera, mean_light)
    return Frame(color, depth, ids, normals, layers.amodal_masks, layers.full_area_px)


def draw_background(background: Background, camera: Camera, layers: Layers) -> tuple[np.ndarray, float]:
    """(H, W, 3) float32 linear light behind the objects, and the gain that matched its brightness to theirs."""
    canvas = np.ascontiguousarray(
        draw_fill(background.fill, camera.size_wh, _bending(background.fill, camera)), np.float32
    )
    for patch in background.clutter:
        paste_patch(canvas, patch, 1.0)
    gain = match_gain(canvas, layers, background.match_luminance)
    if gain != 1.0:
        canvas *= np.float32(gain)
    if background.contact_shadow > 0 and layers.coverage.any():
        side = min(camera.size_wh)
        offset = np.array(background.contact_offset_rel) * side
        shadow = shifted_blur(layers.coverage, offset, background.contact_blur_rel * side)
        darken(canvas, shadow, np.float32(background.contact_shadow))
    return canvas, gain


def _bending(fill: Fill, camera: Camera) -> tuple[float, ...]:
    """The camera's distortion if the fill is the environment as this camera sees it, else none."""
    if not isinstance(fill, EnvironmentFill):
        return ()
    view_rad = 2 * math.atan(min(camera.size_wh) / 2 / camera.focal_px)
    return camera.distortion if math.isclose(fill.fov_rad, view_rad, rel_tol=1e-3) else ()


def match_gain(canvas: np.ndarray, layers: Layers, ratio: float | None) -> float:
    """The gain that makes the background's mean luminance `ratio` times the objects', within 1/8..8."""
    covered = float(layers.coverage.sum())
    if ratio is None or covered < 1:
        return 1.0
    radiance = np.ascontiguousarray(layers.radiance).reshape(len(layers.radiance), -1)
    objects = mean_luminance(radiance) * layers.coverage.size / covered
    behind = mean_luminance(canvas.reshape(len(canvas), -1))
    return float(np.clip(ratio * objects / max(behind, 1e-6), 1 / MAX_MATCH_GAIN, MAX_MATCH_GAIN))
