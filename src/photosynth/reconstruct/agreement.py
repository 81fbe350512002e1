"""Do the poses of a model agree with what pairs of pictures show when looked at alone?

A model glued together wrongly (two halves of a ring on top of each other, a repeated label taken for one) has small
reprojection errors, because the points that would contradict it were left out. The pairs that were matched before
there was a model have not forgotten them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.camera import Camera

TOLERANCE_PX = 6.0
"""Distance from the epipolar line that still agrees, at a picture 1600 px long."""
REFERENCE_SIDE_PX = 1600.0


@dataclass(frozen=True, eq=False)
class SharedView:
    """Points that two pictures have in common: pixels_a and pixels_b, (n, 2) each."""

    a: str
    b: str
    pixels_a: np.ndarray
    pixels_b: np.ndarray


def agreements(
    files: Sequence[str], cameras: Sequence[Camera], shared: Sequence[SharedView]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (k, 2) of the cameras, their numbers of common points (k,), and the shares that agree (k,)."""
    index = {file: k for k, file in enumerate(files)}
    rows = [(index[s.a], index[s.b], s) for s in shared if s.a in index and s.b in index]
    pairs = np.array([(a, b) for a, b, _ in rows], np.int32).reshape(-1, 2)
    matches = np.array([len(s.pixels_a) for *_, s in rows], np.int32)
    agreement = [agreeing_share(cameras[a], cameras[b], s.pixels_a, s.pixels_b) for a, b, s in rows]
    return pairs, matches, np.array(agreement, np.float32)


def agreeing_share(first: Camera, second: Camera, pixels_a: np.ndarray, pixels_b: np.ndarray) -> float:
    """Share of common points that lie near their epipolar lines and before both cameras.

    The distance is Sampson's (Hartley and Zisserman, Multiple View Geometry, eq. 11.9); which side a point is on
    follows from its triangulation by the two rays.
    """
    rays_a, rays_b = (undistorted_rays(c, p) for c, p in ((first, pixels_a), (second, pixels_b)))
    b_from_a = second.cam_from_world() @ np.array(first.world_from_cam)
    rotation, t = b_from_a[:3, :3], b_from_a[:3, 3]
    cross = np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]])
    essential = cross @ rotation / max(float(np.linalg.norm(t)), 1e-12)
    lines_b, lines_a = rays_a @ essential.T, rays_b @ essential
    numerator = np.abs((rays_b * lines_b).sum(axis=1))
    distance = numerator / np.sqrt((lines_b[:, :2] ** 2).sum(axis=1) + (lines_a[:, :2] ** 2).sum(axis=1) + 1e-18)
    side = max(first.size_wh) / REFERENCE_SIDE_PX
    focal = 0.5 * (first.focal_px + second.focal_px)
    near = distance * focal <= TOLERANCE_PX * max(side, 0.4)
    return float((near & _before_both(rays_a @ rotation.T, rays_b, t)).mean())


def undistorted_rays(camera: Camera, pixels: np.ndarray) -> np.ndarray:
    """Viewing rays (n, 3) with z = 1 in camera coordinates, the lens's distortion removed."""
    import cv2

    cx, cy = camera.principal_px
    matrix = np.array([[camera.focal_px, 0, cx], [0, camera.focal_px, cy], [0, 0, 1]])
    lens = np.array(camera.distortion or (0.0,) * 5)
    flat = cv2.undistortPoints(np.asarray(pixels, np.float64).reshape(-1, 1, 2), matrix, lens).reshape(-1, 2)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)


def _before_both(rays_a: np.ndarray, rays_b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Whether the point nearest to both rays lies before both cameras; rays_a are turned into b's axes.

    Solves s a + t = u b in the least-squares sense for each row.
    """
    aa, bb, ab = (rays_a**2).sum(1), (rays_b**2).sum(1), (rays_a * rays_b).sum(1)
    at, bt = rays_a @ t, rays_b @ t
    determinant = np.maximum(aa * bb - ab**2, 1e-15)
    depth_a = (ab * bt - bb * at) / determinant
    depth_b = (aa * bt - ab * at) / determinant
    return (depth_a > 0) & (depth_b > 0)
