"""Metric scale from the printed marker sheet, or from a size that is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.markers import PAPER_MM, SheetLayout, sheet_layout
from photosynth.core.photo import read_photo
from photosynth.core.record import Record
from photosynth.reconstruct.agreement import undistorted_rays
from photosynth.reconstruct.sparse import SparseModel

MIN_VIEWS = 2
MIN_CORNERS = 8
MIN_ANGLE_DEG = 3.0
MAX_SPREAD = 0.02
"""The marker corners must fit the sheet within this share of its size."""


class MarkerScale(Record, frozen=True, kw_only=True):
    """What the marker sheet tells."""

    metres_per_unit: float
    """Length of the model's unit."""
    paper: str
    """Which sheet it was."""
    n_corners: int
    """Corners that were triangulated."""
    n_photos: int
    """Photos in which markers were seen."""
    error_mm: float
    """Root mean square distance of the corners from the sheet's, after the fit."""


def scale_from_markers(model: SparseModel, folder: Path) -> MarkerScale | None:
    """Find the markers in the registered photos, triangulate their corners, fit the sheet; None if it is not seen.

    Args:
        model: with `files` relative to `folder`.
        folder: the capture folder.
    """
    return scale_from_corners(model.cameras, [find_corners(read_photo(folder / f)) for f in model.files])


def find_corners(picture: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Pixels (2,), centres at +0.5, by (marker id, corner 0..3) of every AprilTag in an (H, W, 3) uint8 picture."""
    import cv2

    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, sheet_layout("a4").dictionary))
    options = cv2.aruco.DetectorParameters()
    options.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(dictionary, options)
    corners, ids, _ = detector.detectMarkers(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    found = {}
    for quad, number in zip(corners, [] if ids is None else ids.ravel(), strict=True):
        for k in range(4):
            found[int(number), k] = quad[0, k].astype(float) + 0.5
    return found


def scale_from_corners(
    cameras: Sequence[Camera], corners: Sequence[dict[tuple[int, int], np.ndarray]]
) -> MarkerScale | None:
    """The scale from the corners that each camera saw (see `find_corners`); None if they do not fit one sheet."""
    keys = sorted({key for seen in corners for key in seen})
    points = {}
    for key in keys:
        views = [(c, seen[key]) for c, seen in zip(cameras, corners, strict=True) if key in seen]
        if len(views) >= MIN_VIEWS:
            point = triangulate([c for c, _ in views], np.array([p for _, p in views]))
            if point is not None:
                points[key] = point
    best: MarkerScale | None = None
    for paper in PAPER_MM:
        fitted = _fit(sheet_layout(paper), points, sum(bool(seen) for seen in corners))
        if fitted is not None and (best is None or fitted.n_corners > best.n_corners):
            best = fitted
    return best


def triangulate(cameras: Sequence[Camera], pixels: np.ndarray) -> np.ndarray | None:
    """The point (3,) nearest to the rays of one pixel (n, 2) in each camera; None if the rays are nearly parallel."""
    rays = []
    for camera, pixel in zip(cameras, pixels, strict=True):
        ray = np.array(camera.world_from_cam)[:3, :3] @ undistorted_rays(camera, pixel[None])[0]
        rays.append(ray / np.linalg.norm(ray))
    directions = np.array(rays)
    if np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1))).max() < MIN_ANGLE_DEG:
        return None
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    centres = np.array([c.position_m() for c in cameras])
    return np.linalg.solve(across.sum(axis=0), (across @ centres[:, :, None]).sum(axis=0)[:, 0])


def _fit(layout: SheetLayout, points: dict[tuple[int, int], np.ndarray], n_photos: int) -> MarkerScale | None:
    """Similarity of the sheet's plane onto the points (Umeyama 1991), the worst fifth left out once."""
    sheet = {(m.marker_id, k): corner for m in layout.markers for k, corner in enumerate(m.corners_mm())}
    keys = [key for key in points if key in sheet]
    if len(keys) < MIN_CORNERS:
        return None
    flat = np.array([[*sheet[key], 0.0] for key in keys]) / 1000.0
    found = np.array([points[key] for key in keys])
    scale, residual = _similarity(found, flat)
    kept = residual <= np.quantile(residual, 0.8)
    if kept.sum() >= MIN_CORNERS:
        found, flat = found[kept], flat[kept]
        scale, residual = _similarity(found, flat)
    error_m = float(np.sqrt((residual**2).mean()))
    if error_m > MAX_SPREAD * float(np.linalg.norm(np.ptp(flat, axis=0))):
        return None
    return MarkerScale(
        metres_per_unit=scale,
        paper=layout.paper,
        n_corners=len(found),
        n_photos=n_photos,
        error_mm=round(1000.0 * error_m, 3),
    )


def _similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Scale of the best similarity from source to target, both (n, 3), and the distances left (n,)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, values, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = float((values * np.diag(sign)).sum() / (a**2).sum() * len(a))
    return scale, np.linalg.norm(scale * a @ rotation.T - b, axis=1)
