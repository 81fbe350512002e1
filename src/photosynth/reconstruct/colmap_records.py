"""COLMAP's results as our records; knows its classes by their attributes only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, invert_rigid
from photosynth.reconstruct.agreement import SharedView, agreements
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.turned import pixels_back, turned_back


def own_model(reconstruction: Any, shared: Sequence[SharedView], turned: frozenset[str] = frozenset()) -> SparseModel:
    """COLMAP's model in our records. SIMPLE_RADIAL's k is OpenCV's k1, and both put pixel centres at +0.5.

    Args:
        reconstruction: a pycolmap.Reconstruction with SIMPLE_RADIAL cameras.
        shared: what pairs of pictures were found to have in common before there was a model.
        turned: names of pictures that COLMAP was given turned by a quarter (see turned.py).

    Raises:
        ValueError: if a lens has coefficients that no lens can have.
    """
    images = sorted((reconstruction.images[i] for i in reconstruction.reg_image_ids()), key=lambda i: i.name)
    index = {image.image_id: k for k, image in enumerate(images)}
    cameras = []
    for image in images:
        lens = reconstruction.cameras[image.camera_id]
        focal, cx, cy, k1 = lens.params
        cam_from_world = np.eye(4)
        cam_from_world[:3] = image.cam_from_world().matrix()
        camera = Camera(
            size_wh=(int(lens.width), int(lens.height)),
            focal_px=float(focal),
            principal_px=(float(cx), float(cy)),
            world_from_cam=as_matrix4(invert_rigid(cam_from_world)),
            distortion=(float(k1), 0.0, 0.0, 0.0, 0.0),
        )
        cameras.append(turned_back(camera) if image.name in turned else camera)
    points = [p for _, p in sorted(reconstruction.points3D.items())]
    tracks, pixels = [], []
    for number, point in enumerate(points):
        for element in point.track.elements:
            tracks.append((number, index[element.image_id]))
            image = reconstruction.images[element.image_id]
            pixel = image.points2D[element.point2D_idx].xy
            if image.name in turned:
                pixel = pixels_back(pixel[None], reconstruction.cameras[image.camera_id].height)[0]
            pixels.append(pixel)
    files = tuple(i.name for i in images)
    pairs, matches, agreement = agreements(files, cameras, shared)
    return SparseModel(
        files=files,
        cameras=tuple(cameras),
        points=np.array([p.xyz for p in points], dtype=float).reshape(-1, 3),
        colors=np.array([p.color for p in points], dtype=np.uint8).reshape(-1, 3),
        errors_px=np.array([p.error for p in points], dtype=np.float32),
        tracks=np.array(tracks, dtype=np.int32).reshape(-1, 2),
        tracks_px=np.array(pixels, dtype=np.float32).reshape(-1, 2),
        pairs=pairs,
        pair_matches=matches,
        pair_agreement=agreement,
    )
