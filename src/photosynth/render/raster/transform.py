"""Vertices from the object to the camera and to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.camera import Camera
from photosynth.render.raster.jit import kernel

NEAR_M = 1e-3
"""Triangles are clipped at this distance in front of the camera."""


@dataclass(frozen=True, eq=False)
class View:
    """A camera in the form the kernels take.

    lens (3,) float64: focal length, principal x, principal y in pixels.
    cam_from_world, world_from_cam (4, 4) float64; rotation (3, 3) float64, world from camera; forward (3,) float32,
    the optical axis in the world.
    """

    width: int
    height: int
    lens: np.ndarray
    cam_from_world: np.ndarray
    world_from_cam: np.ndarray
    rotation: np.ndarray
    forward: np.ndarray


def view_of(camera: Camera) -> View:
    """The kernels' form of a camera. Raises ValueError for a camera that cannot take a picture."""
    width, height = camera.size_wh
    lens = np.array([camera.focal_px, *camera.principal_px], dtype=np.float64)
    world_from_cam = np.array(camera.world_from_cam, dtype=np.float64)
    if width < 1 or height < 1:
        raise ValueError(f"the picture has size {width} x {height}; both must be 1 or more")
    if not (np.isfinite(lens).all() and np.isfinite(world_from_cam).all() and lens[0] > 0):
        raise ValueError("the camera's focal length must be positive and its numbers finite")
    if any(camera.distortion):
        raise ValueError(f"lens distortion {camera.distortion} cannot be rasterised; expected none")
    rotation = np.ascontiguousarray(world_from_cam[:3, :3])
    forward = rotation[:, 2].astype(np.float32)
    return View(width, height, lens, camera.cam_from_world(), world_from_cam, rotation, forward)


@kernel
def transform_vertices(vertices, cam_from_object, lens, near, cam, screen, box):
    """Take vertices to the camera and the picture.

    Args:
        vertices: (V, 3) float32 in the object's frame.
        cam_from_object: (4, 4) float64.
        lens: (3,) float64, as in View.
        near: metres.
        cam: out (>= V, 3) float64, camera coordinates.
        screen: out (>= V, 3) float64, x and y in pixels and 1 / z; 1 / z is 0 for vertices nearer than `near`.
        box: out (5,) float64, x0, y0, x1, y1 of the vertices in front and the number of those behind.
    """
    m00, m01, m02, m03 = cam_from_object[0, 0], cam_from_object[0, 1], cam_from_object[0, 2], cam_from_object[0, 3]
    m10, m11, m12, m13 = cam_from_object[1, 0], cam_from_object[1, 1], cam_from_object[1, 2], cam_from_object[1, 3]
    m20, m21, m22, m23 = cam_from_object[2, 0], cam_from_object[2, 1], cam_from_object[2, 2], cam_from_object[2, 3]
    focal, cx, cy = lens[0], lens[1], lens[2]
    x0, y0, x1, y1 = np.inf, np.inf, -np.inf, -np.inf
    behind = 0
    for i in range(vertices.shape[0]):
        vx, vy, vz = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
        x = m00 * vx + m01 * vy + m02 * vz + m03
        y = m10 * vx + m11 * vy + m12 * vz + m13
        z = m20 * vx + m21 * vy + m22 * vz + m23
        cam[i, 0] = x
        cam[i, 1] = y
        cam[i, 2] = z
        if z < near:
            screen[i, 2] = 0.0
            behind += 1
            continue
        q = 1.0 / z
        px = focal * x * q + cx
        py = focal * y * q + cy
        screen[i, 0] = px
        screen[i, 1] = py
        screen[i, 2] = q
        x0 = min(x0, px)
        y0 = min(y0, py)
        x1 = max(x1, px)
        y1 = max(y1, py)
    box[0], box[1], box[2], box[3], box[4] = x0, y0, x1, y1, behind
