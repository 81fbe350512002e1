"""Boxes seen through pixel centres, by intersecting rays: slow, short and exact frames for the tests."""

from __future__ import annotations

import numpy as np

from photosynth.core.camera import Camera


def box_depth(camera: Camera, world_from_object: np.ndarray, size_m: np.ndarray, margin_px: int = 0) -> np.ndarray:
    """(H, W) depth in metres of a box round its own origin, inf beside it; with `margin_px` more on every side."""
    width, height = camera.size_wh
    y, x = np.mgrid[-margin_px : height + margin_px, -margin_px : width + margin_px] + 0.5
    rays = np.stack([(x - camera.principal_px[0]), (y - camera.principal_px[1]), np.full_like(x, camera.focal_px)], -1)
    rays /= camera.focal_px  # depth 1
    object_from_cam = np.linalg.inv(world_from_object) @ np.array(camera.world_from_cam)
    origin, ways = object_from_cam[:3, 3], rays @ object_from_cam[:3, :3].T
    half = np.asarray(size_m) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (-half - origin) / ways, (half - origin) / ways
    near, far = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    return np.where((near <= far) & (near > 0), near, np.inf)
