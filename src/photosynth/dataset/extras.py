"""ItemExtras: what COCO and BOP files say of a picture beyond its Item."""

from __future__ import annotations

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.errors import QualityError
from photosynth.core.geometry import Matrix4, Vec3
from photosynth.core.items import ItemInstance
from photosynth.core.record import Record

Matrix3Rows = tuple[float, float, float, float, float, float, float, float, float]
"""A 3 x 3 matrix, row by row, as BOP files hold it."""


class RigidPose(Record, frozen=True, kw_only=True):
    """Camera (OpenCV axes) from model, taken apart: x_cam = R (scale x_model) + t."""

    cam_R_m2c: Matrix3Rows
    """The rotation."""
    cam_t_m2c: Vec3
    """The translation in millimetres."""
    scale: float
    """How many times its model's size the object is; 1 unless the sampler chose its size."""


class ItemExtras(Record, frozen=True, kw_only=True):
    """Beside an Item: poses, and the objects that have no label."""

    index: int
    """The scene's number."""
    camera: Camera | None = None
    """What saw it; None in a picture that was not rendered."""
    poses: tuple[RigidPose | None, ...] = ()
    """One for each of the item's objects, in order."""
    ignored: tuple[ItemInstance, ...] = ()
    """Objects that are seen, but too little for a label."""
    n_distractors: int = 0
    """Distractors of which a pixel is seen."""


def rigid_pose(cam_from_object: Matrix4, where: str) -> RigidPose:
    """Rotation, translation and scale of a pose, rounded to 1e-9 (translation to 1e-6 mm).

    Raises:
        QualityError: naming `where`, if it is not a rotation with a uniform scale and a translation.
    """
    matrix = np.array(cam_from_object, float)
    scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
    rotation = matrix[:3, :3] / scale if scale > 0 else matrix[:3, :3]
    if not (scale > 0 and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)):
        raise QualityError(f"{where}: its pose is not a rotation, a uniform scale and a translation; render again")
    return RigidPose(
        cam_R_m2c=tuple(np.round(rotation.ravel(), 9).tolist()),
        cam_t_m2c=tuple(np.round(matrix[:3, 3] * 1000, 6).tolist()),
        scale=round(scale, 9),
    )


def cam_k(camera: Camera) -> Matrix3Rows:
    """The intrinsic matrix for whole-numbered pixel centres, as OpenCV and BOP count: ours lie at +0.5."""
    cx, cy = (round(v - 0.5, 6) for v in camera.principal_px)
    return (camera.focal_px, 0.0, cx, 0.0, camera.focal_px, cy, 0.0, 0.0, 1.0)


def has_distortion(camera: Camera) -> bool:
    """Whether its lens bends straight lines."""
    return any(camera.distortion)
