"""The reconstruction stage: a capture in, a textured model of the object alone out."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.asset import ModelFacts
from photosynth.core.capture import read_capture
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.glb import glb_bytes
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import to_pretty_json
from photosynth.reconstruct.colmap import SfmConfig
from photosynth.reconstruct.coverage import coverage_advice, coverage_picture, left_out_advice
from photosynth.reconstruct.dense import (
    Dense,
    DenseConfig,
    Matched,
    join_sides,
    match_side,
    mesh_and_texture,
    textured,
)
from photosynth.reconstruct.joining import Joint
from photosynth.reconstruct.model import share_of, textured_mesh
from photosynth.reconstruct.page import PageInputs, page_html
from photosynth.reconstruct.plain import plain_masks
from photosynth.reconstruct.preview import jpeg_bytes, turntable
from photosynth.reconstruct.quality import SfmQuality, after_registration, require
from photosynth.reconstruct.sides import Side, find_sides, quality_of
from photosynth.reconstruct.sparse import write_sparse
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.trim import trimmed
from photosynth.reconstruct.verdict import Verdict, verdict_of
from photosynth.reconstruct.window import Window, window_of, window_on_one_side

STAGE = "reconstruction"
SCHEMA = 1
WORK = "work"
"""Intermediate results; removed when the artifact is finished."""


class ReconstructConfig(DenseConfig, frozen=True, kw_only=True):
    """How photos become a model."""

    sfm: SfmConfig = SfmConfig()
    """Where the photos were taken from."""
    size_m: float | None = None
    """Longest side of the object in metres, as a ruler would measure it; else the marker sheet tells the scale, if it
    is in the photos."""
    accept_weak: bool = True
    """Finish with a note when the verdict is weak; off refuses it."""


@dataclass(frozen=True, eq=False)
class Made:
    """A finished reconstruction before it is written. joint: how two sides lie on each other; None for one. window:
    from where the model may be shown; None if there is nowhere."""

    sides: tuple[Side, ...]
    matched: Matched
    joint: Joint | None
    dense: Dense
    metric: bool
    quality: SfmQuality
    window: Window | None


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
    photographed), ``coverage.png`` (one more for the second side of an object that was turned over), ``preview.jpg``,
    ``quality.json`` and ``report.html``. An interrupted run goes on where it was.

    Args:
        config: settings.
        capture: the folder of a finished capture.
        out: the folder to make.
        masks: FILE.png for photos of the capture; only what is not black is used. Without them, photos before a
            plain background are masked by that.
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
        made = _made(config, source.folder, writer, masks, progress)
        with after_registration(made.quality):
            verdict, window = _judged(config, made)
        advice = _advice(made.sides)
        facts = _write(writer, source, made, verdict, window)
        shown = PageInputs(
            source.folder, read_capture(source.folder), made.sides, made.joint, made.dense, verdict, facts, advice
        )
        writer.write("report.html", page_html(shown, writer.folder).encode())
        shutil.rmtree(writer.path(WORK))
        progress.finish()
        return writer.finish(_summary(verdict, made), (*verdict.reasons, *advice))


def _judged(config: ReconstructConfig, made: Made) -> tuple[Verdict, Window]:
    """The verdict, and from where the model may be shown. Raises QualityError if it is not usable."""
    dense, window, one_side = made.dense, made.window, len(made.sides) == 1
    measured = None if window is None else window.measured_share
    verdict = verdict_of(
        made.quality,
        dense.held_out_db,
        share_of(dense.surface, dense.texture.seen_vertices, one_side),
        share_of(dense.surface, dense.measured, one_side) if measured is None else measured,
        360.0 if window is None else window.arc_deg,
    )
    if verdict.grade == "retake" or (verdict.grade == "weak" and not config.accept_weak):
        raise QualityError("the model is not good enough to train on:\n  " + "\n  ".join(verdict.reasons))
    if window is None:
        raise QualityError(
            "every view of the model shows some surface that no photo saw; go all round the object, at two heights"
        )
    return verdict, window


def _made(
    config: ReconstructConfig, folder: Path, writer: ArtifactWriter, masks: Path | None, progress: Progress
) -> Made:
    """Everything up to the texture; ways to see the photos as sides are tried in turn, the last must do."""
    work = writer.path(WORK)
    work.mkdir(parents=True, exist_ok=True)
    masks = masks or plain_masks(read_capture(folder).used(), folder, work, progress)
    *tries, last = find_sides(read_capture(folder).used(), folder, work, config.sfm, masks, progress)
    for sides in tries:
        try:
            return _model_of(config, folder, writer, sides, progress)
        except QualityError as error:
            progress.note(f"not two sides of one object: {error}")
    return _model_of(config, folder, writer, last, progress)


def _model_of(
    config: ReconstructConfig, folder: Path, writer: ArtifactWriter, sides: tuple[Side, ...], progress: Progress
) -> Made:
    for k, side in enumerate(sides):
        if side.model is not None and side.found is not None:
            writer.write(coverage_name(k), coverage_picture(side.model, side.photos, side.found))
    quality = quality_of(sides)
    require(quality)
    with after_registration(quality):
        parts = [match_side(config, folder, side, progress) for side in sides]
        matched, joint = (parts[0], None) if len(parts) == 1 else join_sides(config, folder, parts, progress)
        dense = mesh_and_texture(config, folder, matched, sides[0].work, progress)
        window = window_of(*_surface_and_cameras(dense, matched))
        if window is None or window.arc_deg < 360.0:
            progress.note("not seen from all round: what was not measured beyond the rim is cut off")
            surface = trimmed(dense.surface, dense.texture.seen_vertices, dense.measured)
            dense = textured(config, folder, matched, surface, progress)
            window = window_on_one_side(*_surface_and_cameras(dense, matched))
    metric = sides[0].found is not None and sides[0].found.metric
    if config.size_m is not None:
        matched, dense = _scaled(config.size_m, matched, dense)
    return Made(sides, matched, joint, dense, metric or config.size_m is not None, quality, window)


def _surface_and_cameras(dense: Dense, matched: Matched) -> tuple[Surface, np.ndarray, np.ndarray, np.ndarray]:
    """What decides from where a model may be shown."""
    return dense.surface, dense.texture.seen_vertices, dense.measured, matched.sparse.centres()


def coverage_name(side: int) -> str:
    """Where the picture of a side's coverage lies."""
    return "coverage.png" if side == 0 else f"coverage-{side + 1}.png"


def _scaled(size_m: float, matched: Matched, dense: Dense) -> tuple[Matched, Dense]:
    factor = size_m / float(np.ptp(dense.surface.vertices, axis=0).max())
    surface = Surface(dense.surface.vertices * factor, dense.surface.faces, dense.surface.closed)
    matrix = np.diag([factor, factor, factor, 1.0])
    return replace(matched, sparse=matched.sparse.transformed(matrix)), replace(dense, surface=surface)


def _advice(sides: tuple[Side, ...]) -> tuple[str, ...]:
    lines = []
    for side in sides:
        if side.model is not None and side.found is not None:
            said = coverage_advice(side.model, side.photos, side.found)
            said += left_out_advice(side.found) if side.masks is None else ()
            lines += [f"{side.name}: {line}" if side.name else line for line in said]
    return tuple(lines)


def _write(writer: ArtifactWriter, source: Artifact, made: Made, verdict: Verdict, window: Window) -> ModelFacts:
    import cv2

    dense, sparse = made.dense, made.matched.sparse
    mesh = textured_mesh(dense.surface, dense.texture)
    write_sparse(writer.folder, sparse)
    write_atomic(writer.path("seen.png"), cv2.imencode(".png", dense.texture.seen.astype(np.uint8) * 255)[1].tobytes())
    facts = ModelFacts(
        elevation_deg=window.elevation_deg,
        azimuth_deg=window.azimuth_deg,
        scale_known=made.metric,
        source=f"photogrammetry of {len(sparse.files)} photos (capture {source.key[:12]})",
        notes=verdict.reasons,
    )
    writer.write("model.glb", glb_bytes(mesh))
    writer.write("model.asset.json", to_pretty_json(facts))
    writer.write("quality.json", to_pretty_json({"verdict": verdict, "registration": made.quality}))
    writer.write("preview.jpg", jpeg_bytes(turntable(mesh, window.elevation_deg, window.azimuth_deg)))
    return facts


def _summary(verdict: Verdict, made: Made) -> dict[str, object]:
    dense = made.dense
    return {
        "verdict": verdict.grade,
        "photos": made.quality.n_photos,
        "registered": made.quality.n_registered,
        "sides": len(made.sides),
        "faces": len(dense.surface.faces),
        "held_out_psnr_db": None if np.isnan(dense.held_out_db) else round(dense.held_out_db, 2),
        "seen_share": round(verdict.seen_share, 4),
        "measured_share": round(verdict.measured_share, 4),
        "arc_deg": verdict.arc_deg,
        "texture_px": dense.texture.image.shape[0],
    }
