"""Camera: a pinhole with OpenCV axes."""

from __future__ import annotations

import numpy as np

from photosynth.core.geometry import Matrix4, Vec2, invert_rigid
from photosynth.core.record import Record


class Camera(Record, frozen=True, kw_only=True):
    """A pinhole camera: OpenCV axes (+x right, +y down, +z forward), pixel centres at +0.5."""

    size_wh: tuple[int, int]
    """Picture size in pixels, width first."""
    focal_px: float
    """Focal length in pixels; pixels are square."""
    principal_px: Vec2
    """Where the optical axis meets the picture; the centre is (w / 2, h / 2)."""
    world_from_cam: Matrix4
    """Where the camera stands: takes camera coordinates to world coordinates."""
    distortion: tuple[float, ...] = ()
    """OpenCV coefficients k1, k2, p1, p2, k3; empty means none."""

    def cam_from_world(self) -> np.ndarray:
        """The (4, 4) inverse of `world_from_cam`."""
        return invert_rigid(np.array(self.world_from_cam))

    def position_m(self) -> np.ndarray:
        """The optical centre in the world, (3,)."""
        return np.array(self.world_from_cam)[:3, 3]


def project(camera: Camera, points_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 2) and z-depths in metres (n,) of world points (n, 3); points behind get NaN pixels.

    The pinhole model of Hartley and Zisserman, Multiple View Geometry, eq. 6.2. Distortion is not applied.
    """
    matrix = camera.cam_from_world()
    local = np.asarray(points_world, dtype=float) @ matrix[:3, :3].T + matrix[:3, 3]
    depth = local[:, 2]
    safe = np.where(depth > 1e-9, depth, np.nan)
    pixels = camera.focal_px * local[:, :2] / safe[:, None] + np.array(camera.principal_px)
    return pixels, depth
