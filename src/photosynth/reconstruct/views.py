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
    translation. centre (3,): the optical centre in the world. mask (H, W) bool: where the object may be; None where
    that is not known.
    """

    file: str
    image: np.ndarray
    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    mask: np.ndarray | None = None

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


def load_view(folder: Path, file: str, camera: Camera, scale: float = 1.0, masks: Path | None = None) -> View:
    """Read one photo, straighten it and shrink it; its mask too.

    Args:
        folder: of the capture.
        file: the photo, relative to it.
        camera: its camera, with the distortion that it really has.
        scale: of the result, at most 1; the same scale is kept in x and y to a fraction of a pixel.
        masks: a folder with FILE.png for photos; where they are black is nothing of the object.

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
    mask = read_mask(masks, file, (image.shape[1], image.shape[0]))
    if camera.distortion:
        image = cv2.undistort(image, matrix, np.array(camera.distortion, dtype=float))
        mask = None if mask is None else cv2.undistort(mask, matrix, np.array(camera.distortion, dtype=float))
    if scale < 1.0:
        height, width = image.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        mask = None if mask is None else cv2.resize(mask, small, interpolation=cv2.INTER_AREA)
        matrix = scaled(matrix, small[0] / width, small[1] / height)
    cam_from_world = camera.cam_from_world()
    shown = None if mask is None else mask > 127
    return View(file, image, matrix, cam_from_world[:3, :3].copy(), cam_from_world[:3, 3].copy(), shown)


def read_mask(masks: Path | None, file: str, size_wh: tuple[int, int]) -> np.ndarray | None:
    """The mask of a photo, (H, W) uint8 0 or 255, at the photo's size; None if there is none.

    Raises:
        ConfigError: if the mask cannot be read.
    """
    import cv2

    path = Path(masks) / f"{Path(file).name}.png" if masks is not None else None
    if path is None or not path.is_file():
        return None
    grey = read_photo(path).max(axis=2)
    return cv2.resize(np.where(grey > 0, 255, 0).astype(np.uint8), size_wh, interpolation=cv2.INTER_NEAREST)


def scaled(intrinsics: np.ndarray, x: float, y: float) -> np.ndarray:
    """Intrinsics (3, 3) of a picture resized by factors x and y; pixel centres at whole numbers before and after."""
    matrix = np.array(intrinsics, dtype=float)
    matrix[0] *= x
    matrix[1] *= y
    matrix[0, 2] += (x - 1) / 2
    matrix[1, 2] += (y - 1) / 2
    return matrix
