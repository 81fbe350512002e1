"""Dense: from registered photos to the object's points, its surface and its texture."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photosynth.core.geometry import transform_points
from photosynth.core.progress import Progress
from photosynth.core.record import Record
from photosynth.reconstruct.checkpoint import kept
from photosynth.reconstruct.depth import DepthConfig, Subject, estimate_depth, subject_of, view_angles, working_scale
from photosynth.reconstruct.fusion import FusionConfig, PointCloud, fuse, merge_on_grid
from photosynth.reconstruct.hull import hull_points
from photosynth.reconstruct.isolate import seen_elevations_deg
from photosynth.reconstruct.joining import JoinConfig, Joint, find_features, join, matched_points
from photosynth.reconstruct.model import vertex_normals
from photosynth.reconstruct.patchmatch import DepthMap
from photosynth.reconstruct.predict import Predicted, predict, psnr
from photosynth.reconstruct.sides import Side
from photosynth.reconstruct.sparse import SparseModel, merged
from photosynth.reconstruct.surface import Surface, SurfaceConfig, build_surface, object_points
from photosynth.reconstruct.texture import Texture, TextureConfig, bake
from photosynth.reconstruct.views import View, load_view

MISJUDGED = 0.15
"""A diagonal that dense points correct by more than this share is used to fuse once more."""
LOW_DEG = -8.0
"""Cameras that look up at the object from lower than this have seen what it stands on."""
LOWEST_PERCENT = 0.3
"""Share of its points that lie below the ground of an object whose support cannot be seen."""
HELD_OUT = 2
"""Photos left out of a first texture and predicted from it."""


class DenseConfig(Record, frozen=True, kw_only=True):
    """How registered photos become a textured mesh."""

    depth: DepthConfig = DepthConfig()
    """Matching them densely."""
    fusion: FusionConfig = FusionConfig()
    """Putting the depths together."""
    join: JoinConfig = JoinConfig()
    """Laying two sides of an object onto each other."""
    surface: SurfaceConfig = SurfaceConfig()
    """The mesh."""
    texture: TextureConfig = TextureConfig()
    """The texture."""


@dataclass(frozen=True, eq=False)
class Matched:
    """One side after dense matching. sparse: its cameras, in its world; views: photos at the depths' size; confirmed:
    (H, W) depths of each that others confirm; cloud: the object's points; diagonal: of the object; ground: the height
    at which it stands on something; None if not known. masks: a folder of masks for the views, if there is one."""

    sparse: SparseModel
    views: list[View]
    confirmed: list[np.ndarray]
    cloud: PointCloud
    diagonal: float
    ground: float | None
    masks: Path | None = None


MEASURED_REL = 0.02
"""A part of the surface counts as measured if points lie this near, in diagonals of the object."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A photo that the texture did not see, and what was predicted for it."""

    file: str
    image: np.ndarray
    predicted: Predicted
    psnr_db: float


@dataclass(frozen=True, eq=False)
class Dense:
    """What the dense steps made: a mesh, its texture, and the photos that were predicted."""

    surface: Surface
    texture: Texture
    held_out: tuple[HeldOut, ...]
    measured: np.ndarray
    """(V,) bool: vertices near which photos agreed on a depth; the others lie where the surface was only closed."""

    @property
    def held_out_db(self) -> float:
        """Mean PSNR of the predicted photos; NaN without any."""
        return float(np.mean([h.psnr_db for h in self.held_out])) if self.held_out else float("nan")


def match_side(config: DenseConfig, folder: Path, side: Side, progress: Progress) -> Matched:
    """Match the photos of one side densely and keep the object's points.

    Raises:
        QualityError: if too little could be matched.
    """
    found, sparse = side.found, side.world()
    assert found is not None  # world() refuses a side without a model
    subject = _subject(side, sparse)
    seeds = found.object_points[: found.n_points] if found.n_points >= 8 else found.object_points
    views, depths = _depths(config.depth, folder, sparse, subject, side, progress)
    angles = view_angles(views, subject.centre)
    progress.note("fusing depths")
    diagonal = subject.diagonal
    for _ in range(2):
        cloud, confirmed = fuse(config.fusion, views, depths, angles, diagonal)
        points = object_points(config.surface, cloud, seeds, diagonal, found.has_table)
        before, diagonal = diagonal, subject_of(points.points, found.has_table).diagonal
        if abs(np.log(diagonal / before)) < MISJUDGED:
            break
        seeds = points.points[:: max(1, len(points) // 2000)]
    return Matched(sparse, views, confirmed, points, diagonal, _ground(side, points.points), side.masks)


def _subject(side: Side, sparse: SparseModel) -> Subject:
    """What is to be matched: from sparse points, or from the outlines in the masks, which leave no part out."""
    found = side.found
    assert found is not None
    hull = None
    if side.masks is not None and not found.has_table:
        hull = hull_points(sparse, side.masks, np.median(found.object_points, axis=0))
    return subject_of(found.object_points if hull is None else hull, found.has_table)


def _ground(side: Side, points: np.ndarray) -> float | None:
    """The table; or, for an object alone before a plain background that nobody saw from below, its lowest points."""
    found = side.found
    assert found is not None  # a side that was matched has a model
    assert side.model is not None
    if found.has_table:
        return 0.0
    if side.masks is None or seen_elevations_deg(side.model, found).min() < LOW_DEG:
        return None
    return float(np.percentile(points[:, 2], LOWEST_PERCENT))


def _depths(
    config: DepthConfig, folder: Path, sparse: SparseModel, subject: Subject, side: Side, progress: Progress
) -> tuple[list[View], list[DepthMap]]:
    distances = np.linalg.norm(sparse.centres() - subject.centre, axis=1)
    scale = working_scale(config, subject, [(c.focal_px, d) for c, d in zip(sparse.cameras, distances, strict=True)])
    views = [load_view(folder, f, c, scale, side.masks) for f, c in zip(sparse.files, sparse.cameras, strict=True)]
    angles = view_angles(views, subject.centre)
    progress.start("depth", len(views), "photos")

    def one(k: int) -> DepthMap:
        def make() -> dict[str, np.ndarray]:
            found = estimate_depth(config, views, k, subject, angles)
            return {
                "depth": found.depth,
                "normals": found.normals.astype(np.float16),
                "cost": found.cost.astype(np.float16),
            }

        stored = kept(side.work / f"depth-{k:04d}.npz", make)
        progress.advance()
        return DepthMap(stored["depth"], stored["normals"].astype(np.float32), stored["cost"].astype(np.float32))

    return views, _in_threads(one, len(views))


def _in_threads(function: Callable[[int], DepthMap], count: int) -> list[DepthMap]:
    """Kernels let go of the interpreter, so threads share the photos' memory."""
    with ThreadPoolExecutor(max(1, min(count, os.cpu_count() or 1))) as pool:
        futures = [pool.submit(function, k) for k in range(count)]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def join_sides(
    config: DenseConfig, folder: Path, sides: Sequence[Matched], progress: Progress
) -> tuple[Matched, Joint]:
    """Two sides as one, in the world of the first, complete from below too.

    Raises:
        QualityError: if they have too little in common.
    """
    progress.note("laying the sides onto each other")
    features = []
    for side in sides:
        full = [load_view(folder, v.file, side.sparse.camera(v.file)) for v in side.views]
        features.append(
            [
                find_features(config.join, big, small, depth, side.cloud)
                for big, small, depth in zip(full, side.views, side.confirmed, strict=True)
            ]
        )
    first, second = sides
    pairs = matched_points(config.join, *features)
    joint = join(config.join, pairs, (first.cloud, second.cloud), first.diagonal)
    turn = joint.first_from_second[:3, :3] / np.cbrt(np.linalg.det(joint.first_from_second[:3, :3]))
    moved = replace(
        second.cloud,
        points=transform_points(joint.first_from_second, second.cloud.points),
        normals=second.cloud.normals @ turn.T,
    )
    both = PointCloud(
        *(
            np.concatenate([getattr(c, f) for c in (first.cloud, moved)])
            for f in ("points", "normals", "colors", "weights")
        )
    )
    cloud = merge_on_grid(both, first.diagonal / config.fusion.voxels)
    diagonal = subject_of(cloud.points, False).diagonal
    sparse = merged([first.sparse, second.sparse.transformed(joint.first_from_second)])
    return Matched(sparse, [], [], cloud, diagonal, None, first.masks), joint


def mesh_and_texture(config: DenseConfig, folder: Path, matched: Matched, work: Path, progress: Progress) -> Dense:
    """The surface through the points, and the photos on it.

    Raises:
        QualityError: if the points make no surface.
    """

    def make() -> dict[str, np.ndarray]:
        surface = build_surface(config.surface, matched.cloud, matched.diagonal, matched.ground)
        return {"vertices": surface.vertices, "faces": surface.faces, "closed": np.array(surface.closed)}

    progress.note(f"surface through {len(matched.cloud)} points")
    stored = kept(work / "surface.npz", make)
    return textured(
        config, folder, matched, Surface(stored["vertices"], stored["faces"], bool(stored["closed"])), progress
    )


def textured(config: DenseConfig, folder: Path, matched: Matched, surface: Surface, progress: Progress) -> Dense:
    """The photos on a surface; two of them are left out of a first texture and predicted."""
    progress.note("texture")
    sparse = matched.sparse
    masks = matched.masks
    views = [load_view(folder, f, c, masks=masks) for f, c in zip(sparse.files, sparse.cameras, strict=True)]
    normals = vertex_normals(surface)
    held: list[HeldOut] = []
    left_out = held_out(len(views))
    if left_out:
        rest = [view for k, view in enumerate(views) if k not in left_out]
        first = bake(config.texture, surface, normals, rest, matched.diagonal)
        for view in (views[k] for k in left_out):
            shown = predict(view, surface, first)
            held.append(HeldOut(view.file, view.image, shown, psnr(shown, view.image)))
    texture = bake(config.texture, surface, normals, views, matched.diagonal)
    return Dense(surface, texture, tuple(held), measured_vertices(surface, matched.cloud, matched.diagonal))


def measured_vertices(surface: Surface, cloud: PointCloud, diagonal: float) -> np.ndarray:
    """(V,) bool: vertices with a point of the cloud within MEASURED_REL diagonals."""
    from scipy.spatial import cKDTree

    reach = MEASURED_REL * diagonal
    return np.isfinite(cKDTree(cloud.points).query(surface.vertices, distance_upper_bound=reach)[0])


def held_out(count: int) -> tuple[int, ...]:
    """Which of `count` photos are left out of the first texture: none of fewer than 8, else two that are far apart."""
    return () if count < 8 else (count // 4, (3 * count) // 4)[:HELD_OUT]
