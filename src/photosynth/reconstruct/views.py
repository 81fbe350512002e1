"""Views: registered photos without their lens's distortion, at a working size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.photo import read_photo


@dataclass(frozen=True, eq=False)
class View:
    """One photo and its pinhole.

    file: name in the capture. image (H, W, 3) uint8 sRGB. intrinsics (3, 3) float64, pixel centres at whole numbers
    (half a pixel less than core/camera.py). rotation (3, 3) and translation (3,): x_cam = rotation @ x_world +
    translation. centre (3,): the optical centre in the world.
    """

    file: str
    image: np.ndarray
    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """The optical centre in the world, (3,)."""
        return -self.rotation.T @ self.translation

    def grey(self) -> np.ndarray:
        """(H, W) float32 in 0..1, as stored (not linear)."""
        import cv2

        return cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (n, 2), whole numbers at centres, and depths (n,) of world points (n, 3); NaN behind the camera."""
        local = np.asarray(points, dtype=float) @ self.rotation.T + self.translation
        depth = local[:, 2]
        safe = np.where(depth > 1e-9, depth, np.nan)[:, None]
        return (local @ self.intrinsics.T)[:, :2] / safe, depth

    def camera(self) -> Camera:
        """This pinhole as a Camera."""
        height, width = self.image.shape[:2]
        world_from_cam = np.eye(4)
        world_from_cam[:3, :3], world_from_cam[:3, 3] = self.rotation.T, self.centre
        k = self.intrinsics
        return Camera(
            size_wh=(width, height),
            focal_px=float(k[0, 0]),
            principal_px=(float(k[0, 2]) + 0.5, float(k[1, 2]) + 0.5),
            world_from_cam=tuple(tuple(float(v) for v in row) for row in world_from_cam),
        )


def load_view(folder: Path, file: str, camera: Camera, scale: float = 1.0) -> View:
    """Read one photo, straighten it and shrink it.

    Args:
        folder: of the capture.
        file: the photo, relative to it.
        camera: its camera, with the distortion that it really has.
        scale: of the result, at most 1; the same scale is kept in x and y to a fraction of a pixel.

    Raises:
        ConfigError: if the photo cannot be read.
    """
    import cv2

    image = read_photo(Path(folder) / file)
    matrix = np.array(
        [
            [camera.focal_px, 0.0, camera.principal_px[0] - 0.5],
            [0.0, camera.focal_px, camera.principal_px[1] - 0.5],
            [0.0, 0.0, 1.0],
        ]
    )
    if camera.distortion:
        image = cv2.undistort(image, matrix, np.array(camera.distortion, dtype=float))
    if scale < 1.0:
        height, width = image.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        matrix = scaled(matrix, small[0] / width, small[1] / height)
    cam_from_world = camera.cam_from_world()
    return View(file, image, matrix, cam_from_world[:3, :3].copy(), cam_from_world[:3, 3].copy())


def scaled(intrinsics: np.ndarray, x: float, y: float) -> np.ndarray:
    """Intrinsics (3, 3) of a picture resized by factors x and y; pixel centres at whole numbers before and after."""
    matrix = np.array(intrinsics, dtype=float)
    matrix[0] *= x
    matrix[1] *= y
    matrix[0, 2] += (x - 1) / 2
    matrix[1, 2] += (y - 1) / 2
    return matrix
