"""A model on its turntable: what registration found, brought onto rings, joined, and completed; or left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosynth.core.camera import Camera, project
from photosynth.core.capture import CapturedPhoto
from photosynth.core.geometry import as_matrix4
from photosynth.core.progress import Progress
from photosynth.reconstruct.agreement import SharedView, agreements
from photosynth.reconstruct.hull import CELLS, MASK_SIDE_PX, hull_points
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.stance import common_focus
from photosynth.reconstruct.turntable import Turntable, about_z, find_turntable
from photosynth.reconstruct.turntable_bundle import Adjusted, adjust
from photosynth.reconstruct.views import read_mask

MIN_MODEL = 5
"""Photos that a model must have to be laid onto others."""
WORSE = 1.25
"""The points may be this much farther off than in the free models, at most: a camera that moved does not fit rings."""
FILLED = 0.96
"""Share of its outline that the space inside all outlines must fill in a photo for its pose to be believed: right
poses reach 0.99, and half of a bottle turned by 15 degrees against the other 0.91 where it shows most."""
MIN_FILLED = 0.85
"""Share of the photos in which it must."""


def on_turntable(
    models: Sequence[SparseModel],
    photos: Sequence[CapturedPhoto],
    shared: Sequence[SharedView],
    masks: Path | None,
    progress: Progress,
) -> SparseModel | None:
    """One model with the poses of a turntable, if that is how the photos were taken.

    Photos that did not register get the pose that their number asks for, if their outline agrees; without outlines
    (masks) they are left out, and models are not joined.

    Args:
        models: what registration found, the largest first.
        photos: all photos in the order in which they were taken.
        shared: what pairs of them have in common.
        masks: a folder of FILE.png, the object in each photo; None if there is none.
        progress: is told.
    """
    order = taken_order(photos)
    groups = {photo.file: photo.camera_group for photo in photos}
    for some in _choices(models) if masks is not None else _choices(models[:1]):
        table = find_turntable(some, order)
        if table is None:
            continue
        adjusted = adjust(some, table, order, groups)
        free = np.median(np.concatenate([m.errors_px for m in some]))
        if np.median(adjusted.off_px) > WORSE * float(free):
            continue
        model = _completed(some, photos, order, adjusted, shared, masks)
        if model is not None and len(model.files) >= len(models[0].files):
            progress.note(_words(model, some, adjusted.turntable))
            return model
    return None


def taken_order(photos: Sequence[CapturedPhoto]) -> dict[str, int]:
    """Each file's place in the order in which the photos were taken: the number that the capture gave it, which counts
    the photos that are not used too; else its place among these."""
    stems = [Path(photo.file).stem for photo in photos]
    numbered = all(stem.isdecimal() for stem in stems) and len({int(stem) for stem in stems}) == len(stems)
    return {photo.file: int(stem) if numbered else k for k, (photo, stem) in enumerate(zip(photos, stems, strict=True))}


def _choices(models: Sequence[SparseModel]) -> list[tuple[SparseModel, ...]]:
    """All models that share no photo, then the first two of them, then the first alone."""
    apart: list[SparseModel] = []
    for model in models:
        taken = {file for other in apart for file in other.files}
        if len(model.files) >= MIN_MODEL and not taken & set(model.files):
            apart.append(model)
    found: list[tuple[SparseModel, ...]] = []
    for count in (len(apart), 2, 1):
        if 0 < count <= len(apart) and tuple(apart[:count]) not in found:
            found.append(tuple(apart[:count]))
    return found


def _completed(
    models: Sequence[SparseModel],
    photos: Sequence[CapturedPhoto],
    order: dict[str, int],
    adjusted: Adjusted,
    shared: Sequence[SharedView],
    masks: Path | None,
) -> SparseModel | None:
    """The model of all photos whose poses are known and agree with their outlines; None if too few do."""
    table = adjusted.turntable
    known = {int(number): k for k, number in enumerate(table.number)}
    lenses = dict(zip(adjusted.groups, adjusted.lenses, strict=True))
    cameras: dict[str, Camera] = {}
    for photo in photos:
        number = order[photo.file]
        pose = _pose(table, known, number) if masks is not None or number in known else None
        if pose is None or photo.camera_group not in lenses:
            continue
        focal, k1 = lenses[photo.camera_group]
        try:
            cameras[photo.file] = Camera(
                size_wh=photo.size_wh,
                focal_px=float(focal),
                principal_px=(photo.size_wh[0] / 2, photo.size_wh[1] / 2),
                world_from_cam=as_matrix4(pose),
                distortion=(float(k1), 0.0, 0.0, 0.0, 0.0),
            )
        except ValueError:  # no lens has such a coefficient
            return None
    filled = {} if masks is None else filled_shares(cameras, masks)
    if filled and np.mean([share >= FILLED for share in filled.values()]) < MIN_FILLED:
        return None
    files = tuple(sorted(f for f in cameras if filled.get(f, 1.0) >= FILLED))
    return _model(files, cameras, order, adjusted, models, shared)


def _pose(table: Turntable, known: dict[int, int], number: int) -> np.ndarray | None:
    if number in known:
        return table.pose(known[number])
    expected = table.expected(number)
    return None if expected is None else about_z(table.ring_poses[expected[0]], expected[1])


def filled_shares(cameras: dict[str, Camera], masks: Path) -> dict[str, float]:
    """How much of its outline the space inside (nearly) all outlines fills, in each photo that has a mask; all 0 if
    there is no such space."""
    import cv2

    files = tuple(sorted(cameras))
    poses = np.array([np.array(cameras[f].world_from_cam) for f in files])
    middle = common_focus(poses[:, :3, 3], poses[:, :3, 2])
    nothing = np.zeros((0, 3))
    bare = SparseModel(
        files, tuple(cameras[f] for f in files), nothing, nothing, np.zeros(0), np.zeros((0, 2), int),
        np.zeros((0, 2)), np.zeros((0, 2), int), np.zeros(0), np.zeros(0),
    )  # fmt: skip
    places = hull_points(bare, masks, middle)
    shares = {}
    for file, camera in cameras.items():
        scale = min(1.0, MASK_SIDE_PX / max(camera.size_wh))
        size = max(1, round(camera.size_wh[0] * scale)), max(1, round(camera.size_wh[1] * scale))
        mask = read_mask(masks, file, size)
        if mask is None or not mask.any():
            continue
        if places is None:
            shares[file] = 0.0
            continue
        pixels, depth = project(camera, places)
        at = np.floor(pixels[depth > 0] * size[0] / camera.size_wh[0]).astype(int)
        at = at[((at >= 0) & (at < size)).all(axis=1)]
        covered = np.zeros(size[::-1], np.uint8)
        covered[at[:, 1], at[:, 0]] = 1
        cell = np.ptp(places, axis=0).max() / CELLS * camera.focal_px * scale / float(np.median(depth))
        reach = 2 * int(np.ceil(cell)) + 1
        covered = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
        shares[file] = float(covered[mask > 0].mean())
    return shares


def _model(
    files: tuple[str, ...],
    cameras: dict[str, Camera],
    order: dict[str, int],
    adjusted: Adjusted,
    models: Sequence[SparseModel],
    shared: Sequence[SharedView],
) -> SparseModel:
    place = {file: k for k, file in enumerate(files)}
    file_of = {number: file for file, number in order.items()}
    camera_of = np.array([place.get(file_of[int(number)], -1) for number in adjusted.turntable.number])
    good = camera_of[adjusted.photo_of] >= 0
    enough = np.bincount(adjusted.point_of[good], minlength=len(adjusted.points)) >= 2
    good &= enough[adjusted.point_of]
    row = np.cumsum(enough) - 1
    tracks = np.column_stack([row[adjusted.point_of[good]], camera_of[adjusted.photo_of[good]]]).astype(np.int32)
    by_point = np.lexsort((tracks[:, 1], tracks[:, 0]))
    count = np.bincount(tracks[:, 0], minlength=int(enough.sum()))
    total = np.bincount(tracks[:, 0], weights=adjusted.off_px[good], minlength=int(enough.sum()))
    colors = np.stack([models[m].colors[k] for m, k in adjusted.origin[enough]])
    pairs, matches, agreement = agreements(files, [cameras[f] for f in files], shared)
    return SparseModel(
        files=files,
        cameras=tuple(cameras[f] for f in files),
        points=adjusted.points[enough],
        colors=colors,
        errors_px=(total / count).astype(np.float32),
        tracks=tracks[by_point],
        tracks_px=adjusted.seen_px[good][by_point].astype(np.float32),
        pairs=pairs,
        pair_matches=matches,
        pair_agreement=agreement,
    )


def _words(model: SparseModel, parts: Sequence[SparseModel], table: Turntable) -> str:
    steps = " and ".join(f"{abs(np.degrees(step)):.1f}" for step in table.step_rad)
    words = f"a turntable in steps of {steps} degrees: {len(model.files)} photos on {len(table.ring_poses)} ring(s)"
    return words + (f", {len(parts)} models joined" if len(parts) > 1 else "")
