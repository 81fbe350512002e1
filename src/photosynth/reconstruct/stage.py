"""The reconstruction stage: a capture in, a textured model of the object alone out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.asset import ModelFacts
from photosynth.core.capture import CapturedPhoto, read_capture
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.glb import glb_bytes
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, to_pretty_json
from photosynth.reconstruct.checkpoint import kept
from photosynth.reconstruct.colmap import SfmConfig
from photosynth.reconstruct.coverage import coverage_advice, coverage_picture
from photosynth.reconstruct.depth import DepthConfig, Subject, estimate_depth, subject_of, view_angles, working_scale
from photosynth.reconstruct.fusion import FusionConfig, PointCloud, fuse
from photosynth.reconstruct.isolate import Isolated, isolate, isolated_model
from photosynth.reconstruct.model import seen_elevations, seen_share, textured_mesh, vertex_normals
from photosynth.reconstruct.patchmatch import DepthMap
from photosynth.reconstruct.predict import predict, psnr
from photosynth.reconstruct.quality import SfmQuality, assess, require
from photosynth.reconstruct.register import register
from photosynth.reconstruct.scale import scale_from_markers
from photosynth.reconstruct.sparse import SparseModel, write_sparse
from photosynth.reconstruct.surface import Surface, SurfaceConfig, build_surface, object_points
from photosynth.reconstruct.texture import Texture, TextureConfig, bake
from photosynth.reconstruct.verdict import Verdict, verdict_of
from photosynth.reconstruct.views import View, load_view

STAGE = "reconstruction"
SCHEMA = 1
WORK = "work"
"""Intermediate results; removed when the artifact is finished."""
HELD_OUT = 2
"""Photos left out of a first texture and predicted from it."""


class ReconstructConfig(Record, frozen=True, kw_only=True):
    """How photos become a model."""

    sfm: SfmConfig = SfmConfig()
    """Where the photos were taken from."""
    depth: DepthConfig = DepthConfig()
    """Matching them densely."""
    fusion: FusionConfig = FusionConfig()
    """Putting the depths together."""
    surface: SurfaceConfig = SurfaceConfig()
    """The mesh."""
    texture: TextureConfig = TextureConfig()
    """The texture."""
    size_m: float | None = None
    """Longest side of the object in metres, as a ruler would measure it; else the marker sheet tells the scale, if it
    is in the photos."""
    accept_weak: bool = True
    """Finish with a note when the verdict is weak; off refuses it."""


@dataclass(frozen=True, eq=False)
class Dense:
    """What the dense steps made: a mesh, its texture, and the mean PSNR of photos that were predicted."""

    surface: Surface
    texture: Texture
    held_out_db: float


def run(
    config: ReconstructConfig,
    capture: Path,
    out: Path,
    *,
    masks: Path | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Reconstruct the object that the photos of a ``capture`` artifact show.

    The artifact holds ``model.glb`` (glTF, +y up), ``model.asset.json`` (a ModelFacts), ``cameras.json`` and
    ``points.npz`` (world z up, table at z = 0, metres if the scale is known), ``seen.png`` (white where a texel was
    photographed), ``coverage.png``, ``preview.jpg`` and ``quality.json``. An interrupted run goes on where it was.

    Args:
        config: settings.
        capture: the folder of a finished capture.
        out: the folder to make.
        masks: FILE.png for photos of the capture; only what is not black is used.
        progress: is told of each step.
        overwrite: replace another artifact of ours in `out`.

    Raises:
        ArtifactError: if `capture` or `out` cannot be used.
        QualityError: if the photos do not make a usable model; it names them and says what to do.
    """
    progress = progress or Silent()
    if config.size_m is not None and not config.size_m > 0:
        raise ConfigError(f"size_m must be a positive length in metres, got {config.size_m}")
    source = open_artifact(capture, "capture")
    inputs = {"capture": source.key}
    if masks is not None:
        inputs["masks"] = folder_key(masks)
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.sfm.seed, inputs, overwrite) as writer:
        if writer.finished is not None:
            return writer.finished
        photos = list(read_capture(source.folder).used())
        work = writer.path(WORK)
        work.mkdir(parents=True, exist_ok=True)
        models = register(photos, source.folder, work, config.sfm, masks=masks, progress=progress)
        found = _isolated(models, source.folder)
        quality = assess(models, photos, found)
        if models and found is not None:
            writer.write("coverage.png", coverage_picture(models[0], photos, found))
        require(quality)
        assert found is not None  # require() refuses a capture without a model
        sparse = isolated_model(models[0], found)
        subject = subject_of(found.object_points, found.has_table)
        dense = _dense(config, source.folder, sparse, subject, work, progress)
        sparse, dense, metric = _scaled(config, sparse, dense, found.metric)
        verdict = verdict_of(quality, dense.held_out_db, seen_share(dense.surface, dense.texture.seen_vertices, True))
        if verdict.grade == "retake" or (verdict.grade == "weak" and not config.accept_weak):
            raise QualityError("the model is not good enough to train on:\n  " + "\n  ".join(verdict.reasons))
        _write(writer, source, sparse, dense, metric, verdict, quality)
        advice = coverage_advice(models[0], photos, found)
        shutil.rmtree(work)
        progress.finish()
        return writer.finish(_summary(verdict, quality, dense), (*verdict.reasons, *advice))


def _isolated(models: tuple[SparseModel, ...], folder: Path) -> Isolated | None:
    if not models:
        return None
    scale = scale_from_markers(models[0], folder)
    return isolate(models[0], metres_per_unit=scale.metres_per_unit if scale else None)


def _dense(
    config: ReconstructConfig, folder: Path, sparse: SparseModel, subject: Subject, work: Path, progress: Progress
) -> Dense:
    views, depths = _depths(config, folder, sparse, subject, work, progress)
    angles = view_angles(views, subject.centre)
    progress.note("fusing depths")
    cloud = fuse(config.fusion, views, depths, angles, subject.diagonal)[0]
    kept_points = object_points(config.surface, cloud, subject.points, subject.diagonal, subject.table)

    def make() -> dict[str, np.ndarray]:
        surface = build_surface(config.surface, kept_points, subject.diagonal, subject.table)
        return {"vertices": surface.vertices, "faces": surface.faces, "closed": np.array(surface.closed)}

    progress.note(f"surface through {len(kept_points)} points")
    stored = kept(work / "surface.npz", make)
    surface = Surface(stored["vertices"], stored["faces"], bool(stored["closed"]))
    return _textured(config, folder, sparse, surface, kept_points, subject, progress)


def _depths(
    config: ReconstructConfig, folder: Path, sparse: SparseModel, subject: Subject, work: Path, progress: Progress
) -> tuple[list[View], list[DepthMap]]:
    distances = np.linalg.norm(sparse.centres() - subject.centre, axis=1)
    scale = working_scale(
        config.depth, subject, [(c.focal_px, d) for c, d in zip(sparse.cameras, distances, strict=True)]
    )
    views = [load_view(folder, f, c, scale) for f, c in zip(sparse.files, sparse.cameras, strict=True)]
    angles = view_angles(views, subject.centre)
    progress.start("depth", len(views), "photos")

    def one(k: int) -> DepthMap:
        def make() -> dict[str, np.ndarray]:
            found = estimate_depth(config.depth, views, k, subject, angles)
            return {
                "depth": found.depth,
                "normals": found.normals.astype(np.float16),
                "cost": found.cost.astype(np.float16),
            }

        stored = kept(work / f"depth-{k:04d}.npz", make)
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


def _textured(
    config: ReconstructConfig,
    folder: Path,
    sparse: SparseModel,
    surface: Surface,
    points: PointCloud,
    subject: Subject,
    progress: Progress,
) -> Dense:
    progress.note("texture")
    views = [load_view(folder, f, c) for f, c in zip(sparse.files, sparse.cameras, strict=True)]
    normals = vertex_normals(surface)
    held = held_out(len(views))
    decibels = float("nan")
    if held:
        rest = [view for k, view in enumerate(views) if k not in held]
        first = bake(config.texture, surface, normals, rest, subject.diagonal)
        decibels = float(np.mean([psnr(predict(views[k], surface, first), views[k].image) for k in held]))
    return Dense(surface, bake(config.texture, surface, normals, views, subject.diagonal), decibels)


def held_out(count: int) -> tuple[int, ...]:
    """Which of `count` photos are left out of the first texture: none of fewer than 8, else two that are far apart."""
    return () if count < 8 else (count // 4, (3 * count) // 4)[:HELD_OUT]


def _scaled(
    config: ReconstructConfig, sparse: SparseModel, dense: Dense, metric: bool
) -> tuple[SparseModel, Dense, bool]:
    if config.size_m is None:
        return sparse, dense, metric
    factor = config.size_m / float(np.ptp(dense.surface.vertices, axis=0).max())
    surface = Surface(dense.surface.vertices * factor, dense.surface.faces, dense.surface.closed)
    matrix = np.diag([factor, factor, factor, 1.0])
    return sparse.transformed(matrix), Dense(surface, dense.texture, dense.held_out_db), True


def _write(
    writer: ArtifactWriter,
    source: Artifact,
    sparse: SparseModel,
    dense: Dense,
    metric: bool,
    verdict: Verdict,
    quality: SfmQuality,
) -> None:
    import cv2

    mesh = textured_mesh(dense.surface, dense.texture)
    write_sparse(writer.folder, sparse)
    write_atomic(writer.path("seen.png"), cv2.imencode(".png", dense.texture.seen.astype(np.uint8) * 255)[1].tobytes())
    low, high = seen_elevations(dense.surface, dense.texture.seen_vertices)
    if low >= high:
        raise QualityError(
            "every view of the model shows some surface that no photo saw; go all round the object, at two heights"
        )
    facts = ModelFacts(
        elevation_deg=(low, high),
        scale_known=metric,
        source=f"photogrammetry of {len(sparse.files)} photos (capture {source.key[:12]})",
        notes=verdict.reasons,
    )
    writer.write("model.glb", glb_bytes(mesh))
    writer.write("model.asset.json", to_pretty_json(facts))
    writer.write("quality.json", to_pretty_json({"verdict": verdict, "registration": quality}))


def _summary(verdict: Verdict, quality: SfmQuality, dense: Dense) -> dict[str, object]:
    return {
        "verdict": verdict.grade,
        "photos": quality.n_photos,
        "registered": quality.n_registered,
        "faces": len(dense.surface.faces),
        "held_out_psnr_db": None if np.isnan(dense.held_out_db) else round(dense.held_out_db, 2),
        "seen_share": round(seen_share(dense.surface, dense.texture.seen_vertices, True), 4),
        "texture_px": dense.texture.image.shape[0],
    }


def used_photos(capture: Path) -> tuple[CapturedPhoto, ...]:
    """The photos of a capture that a reconstruction uses."""
    return read_capture(capture).used()
