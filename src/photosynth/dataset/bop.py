"""One picture in BOP format: its depth, its masks, and its rows for the scene's JSON files.

Layout and keys: https://github.com/thodan/bop_toolkit/blob/master/docs/bop_datasets_format.md; boxes and counts as its
``calc_gt_info.py`` computes them. Lengths are in millimetres, matrices row by row, axes OpenCV's, pixel centres whole
numbers (ours lie at +0.5, so principal points are half a pixel less). Scene i goes to folder i // 1000 of its split
as image i % 1000, so that nothing is renumbered when the set grows.

BOP poses are rigid, and its cameras are pinholes. A picture is left out when one of its objects is not at its model's
size (rather than leave that object out, which would say that it is not there), when it cannot be told which half of an
object it shows, when its lens distorts, and when no object is in it. Distractors have no rows: they hide objects and
that is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.codec import DEPTH_STEPS_M, mask_from_rle, read_layers, write_atomic
from photosynth.core.errors import ArtifactError, EngineError
from photosynth.core.frame import FrameInstance, FrameRecord, KeptLayers
from photosynth.core.geometry import Vec3
from photosynth.core.items import Split
from photosynth.core.record import Record
from photosynth.dataset.bop_objects import BopObject, shown_object
from photosynth.dataset.extras import Matrix3Rows, RigidPose, cam_k, has_distortion, rigid_pose
from photosynth.dataset.link import link_or_copy

BOP_FOLDER = "bop"
HULLS_FILE = "bop-hulls.npz"
SCENE_PICTURES = 1000
"""Pictures in one BOP scene folder."""
SCALE_TOLERANCE = 1e-4
"""Poses with a scale that differs from 1 by less are rigid."""
MAX_STEPS = 65535

LeftOut = Literal["no object", "another size", "unclear half", "lens distortion"]
Box = tuple[int, int, int, int]
NO_BOX: Box = (-1, -1, -1, -1)


class BopCamera(Record, frozen=True, kw_only=True):
    """A row of ``scene_camera.json``."""

    cam_K: Matrix3Rows
    """Intrinsic matrix."""
    depth_scale: float
    """Millimetres in one step of the depth picture."""
    cam_R_w2c: Matrix3Rows
    """Camera from world: rotation."""
    cam_t_w2c: Vec3
    """Camera from world: translation in millimetres."""


class BopGt(Record, frozen=True, kw_only=True):
    """One object in a row of ``scene_gt.json``."""

    obj_id: int
    """Its model."""
    cam_R_m2c: Matrix3Rows
    """Camera from model: rotation."""
    cam_t_m2c: Vec3
    """Camera from model: translation in millimetres."""


class BopGtInfo(Record, frozen=True, kw_only=True):
    """One object in a row of ``scene_gt_info.json``."""

    bbox_obj: Box
    """x, y, width, height of the whole silhouette, also beyond the picture; width is last column - first column, as
    the toolkit has it. -1 four times if nothing of it is seen."""
    bbox_visib: Box
    """The same of the pixels that are seen."""
    px_count_all: int
    """Pixels of the whole silhouette, also beyond the picture."""
    px_count_valid: int
    """Pixels of the silhouette inside the picture that have a depth."""
    px_count_visib: int
    """Pixels that are seen."""
    visib_fract: float
    """px_count_visib / px_count_all."""


class BopImage(Record, frozen=True, kw_only=True):
    """All rows of one picture."""

    index: int
    """The scene's number."""
    split: Split
    """Where it goes."""
    size_wh: tuple[int, int]
    """Its size."""
    camera: BopCamera
    """Its row of scene_camera.json."""
    gt: tuple[BopGt, ...]
    """Its row of scene_gt.json."""
    gt_info: tuple[BopGtInfo, ...]
    """Its row of scene_gt_info.json, in the same order."""


def scene_folder(split: Split, index: int) -> str:
    """Where a picture's files are, relative to the dataset folder."""
    return f"{BOP_FOLDER}/{split}_pbr/{index // SCENE_PICTURES:06d}"


def left_out(frame: FrameRecord, objects: Sequence[BopObject]) -> LeftOut | None:
    """Why BOP has no words for the picture; None if it has."""
    present = _present(frame, objects)
    if not present:
        return "no object"
    if any(abs(pose.scale - 1.0) > SCALE_TOLERANCE for _, pose, _ in present):
        return "another size"
    if any(shown is None for *_, shown in present):
        return "unclear half"
    return "lens distortion" if has_distortion(_camera(frame)) else None


def write_bop_image(
    frame: FrameRecord, split: Split, objects: Sequence[BopObject], render: Path, out: Path, hulls_file: Path
) -> BopImage:
    """Write the picture (a link), its depth and its masks under `out`; returns its rows.

    Args:
        frame: a picture that is not left out.
        split: where it goes.
        objects: the catalogue's.
        render: the folder of the render.
        out: the dataset folder.
        hulls_file: an NPZ with the convex hull (n, 3) in metres of each model, by its number.

    Raises:
        ArtifactError: if its layers cannot be read, or the disk is full.
    """
    folder, name = out / scene_folder(split, frame.index), f"{frame.index % SCENE_PICTURES:06d}"
    if frame.layers_file is None:
        raise ArtifactError(f"{frame.image_file} has no layers; render again with --keep-layers")
    depth, depth_scale = depth_steps(read_layers(render / frame.layers_file))
    gt, gt_info = [], []
    link_or_copy(render / frame.image_file, folder / "rgb" / f"{name}.jpg")
    write_atomic(folder / "depth" / f"{name}.png", _png(depth))
    for place, (instance, pose, shown) in enumerate(_present(frame, objects)):
        amodal, visible = mask_from_rle(instance.amodal), mask_from_rle(instance.visible)
        write_atomic(folder / "mask" / f"{name}_{place:06d}.png", _png(amodal.astype(np.uint8) * 255))
        write_atomic(folder / "mask_visib" / f"{name}_{place:06d}.png", _png(visible.astype(np.uint8) * 255))
        gt.append(BopGt(obj_id=shown.obj_id, cam_R_m2c=pose.cam_R_m2c, cam_t_m2c=pose.cam_t_m2c))
        points_m = _hull(hulls_file, shown.obj_id)
        box = whole_box(amodal, points_m, pose, _camera(frame)) if visible.any() else NO_BOX
        gt_info.append(_gt_info(instance, amodal, visible, depth, box))
    return BopImage(
        index=frame.index,
        split=split,
        size_wh=frame.size_wh,
        camera=_camera_row(_camera(frame), depth_scale),
        gt=tuple(gt),
        gt_info=tuple(gt_info),
    )


def depth_steps(layers: KeptLayers) -> tuple[np.ndarray, float]:
    """Depth (H, W) uint16 and the millimetres of one step; 0 where nothing is, on occluders and beyond the last step.

    The step is the one that the layers were kept in; where they were kept without one, the first that reaches the
    farthest point.
    """
    finite = np.where(np.isfinite(layers.depth_m), layers.depth_m, 0.0)
    reaching = [step for step in DEPTH_STEPS_M if finite.max(initial=0.0) <= MAX_STEPS * step]
    step_m = layers.depth_step_m or next(iter(reaching), max(DEPTH_STEPS_M))
    steps = np.rint(finite / step_m)
    return np.where(steps <= MAX_STEPS, steps, 0).astype(np.uint16), round(step_m * 1000, 9)


def whole_box(amodal: np.ndarray, points_m: np.ndarray, pose: RigidPose, camera: Camera) -> Box:
    """Box of a whole silhouette, also beyond the picture's edges: the mask's; if the mask touches an edge, drawn out to
    the model's projection. Models that reach behind the camera do not draw it out.

    Args:
        amodal: (H, W) bool, with at least one pixel.
        points_m: (n, 3) of the model's convex hull.
        pose: the model's.
        camera: what sees it.
    """
    x0, y0, x1, y1 = _first_last(amodal)
    height, width = amodal.shape
    rotation, shift_m = np.array(pose.cam_R_m2c).reshape(3, 3), np.array(pose.cam_t_m2c) / 1000
    local = points_m @ rotation.T + shift_m
    touches = x0 == 0 or y0 == 0 or x1 == width - 1 or y1 == height - 1
    if touches and (local[:, 2] > 1e-6).all():
        pixels = camera.focal_px * local[:, :2] / local[:, 2:] + np.array(camera.principal_px)
        first, last = np.ceil(pixels.min(axis=0) - 0.5).astype(int), np.floor(pixels.max(axis=0) - 0.5).astype(int)
        x0, y0 = min(x0, int(first[0])), min(y0, int(first[1]))
        x1, y1 = max(x1, int(last[0])), max(y1, int(last[1]))
    return x0, y0, x1 - x0, y1 - y0


def _gt_info(
    instance: FrameInstance, amodal: np.ndarray, visible: np.ndarray, depth: np.ndarray, box: Box
) -> BopGtInfo:
    n_visible, n_all = int(visible.sum()), max(int(amodal.sum()), round(instance.full_area_px))
    x0, y0, x1, y1 = _first_last(visible) if n_visible else (0, 0, 0, 0)
    return BopGtInfo(
        bbox_obj=box,
        bbox_visib=(x0, y0, x1 - x0, y1 - y0) if n_visible else NO_BOX,
        px_count_all=n_all,
        px_count_valid=int(((depth > 0) & amodal).sum()),
        px_count_visib=n_visible,
        visib_fract=n_visible / n_all,
    )


def _present(
    frame: FrameRecord, objects: Sequence[BopObject]
) -> list[tuple[FrameInstance, RigidPose, BopObject | None]]:
    """The objects of which at least one pixel would be seen if nothing stood before it, their poses, and which of the
    catalogue's objects they are (None if that cannot be told)."""
    found = []
    for instance in frame.instances:
        if instance.role == "object" and mask_from_rle(instance.amodal).any():
            where = f"{frame.image_file}: {instance.asset_id}"
            if instance.cam_from_object is None:
                raise ArtifactError(f"{where} has no pose; render again")
            pose = rigid_pose(instance.cam_from_object, where)
            found.append((instance, pose, shown_object(objects, instance.asset_id, instance.cam_from_object)))
    return found


def _camera(frame: FrameRecord) -> Camera:
    if frame.camera is None:
        raise ArtifactError(f"{frame.image_file} has no camera; render again")
    return frame.camera


def _camera_row(camera: Camera, depth_scale: float) -> BopCamera:
    cam_from_world = camera.cam_from_world()
    return BopCamera(
        cam_K=cam_k(camera),
        depth_scale=depth_scale,
        cam_R_w2c=tuple(np.round(cam_from_world[:3, :3].ravel(), 9).tolist()),
        cam_t_w2c=tuple(np.round(cam_from_world[:3, 3] * 1000, 6).tolist()),
    )


def _first_last(mask: np.ndarray) -> Box:
    """First and last column and row of a mask with at least one pixel: x0, y0, x1, y1, inclusive."""
    columns, rows = mask.any(axis=0).nonzero()[0], mask.any(axis=1).nonzero()[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def _png(picture: np.ndarray) -> bytes:
    """A grey PNG of 8 or 16 bits; masks pack best by runs."""
    import cv2

    strategy = cv2.IMWRITE_PNG_STRATEGY_RLE if picture.dtype == np.uint8 else cv2.IMWRITE_PNG_STRATEGY_FILTERED
    done, data = cv2.imencode(
        ".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3, cv2.IMWRITE_PNG_STRATEGY, int(strategy)]
    )
    if not done:
        raise EngineError("OpenCV", "a PNG", "it could not be encoded")
    return data.tobytes()


def _hull(path: Path, obj_id: int) -> np.ndarray:
    return _hulls(path, path.stat().st_mtime_ns)[str(obj_id)]


@lru_cache(maxsize=1)
def _hulls(path: Path, _written_ns: int) -> dict[str, np.ndarray]:
    with np.load(path) as hulls:
        return {name: hulls[name] for name in hulls.files}
