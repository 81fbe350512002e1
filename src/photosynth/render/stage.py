"""Stage ``render``: scenes in, pictures and frame records out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.artifact import Artifact, ArtifactWriter, open_artifact
from photosynth.core.asset import class_names, read_assets
from photosynth.core.codec import layers_npz, read_jsonl, rle_from_mask, write_atomic, write_jsonl
from photosynth.core.engine import Executor, RenderEngine
from photosynth.core.errors import ArtifactError, EngineError, QualityError
from photosynth.core.frame import Frame, FrameInstance, FrameRecord
from photosynth.core.geometry import as_matrix4
from photosynth.core.manifest import MANIFEST_FILE
from photosynth.core.meshes import CatalogueMeshes
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, from_json, to_json
from photosynth.core.registry import render_engine
from photosynth.core.room import check_room
from photosynth.core.scene import Scene
from photosynth.core.shared import SharedArrays
from photosynth.render.config import SCHEMA, STAGE, RenderConfig, of_content, picture_bytes
from photosynth.render.cuda.device import on_device, said

SHARED = ".meshes"
"""Folder inside the unfinished artifact for what the workers share."""
CHUNK = 50
"""Scenes in one unit of work: what is lost at most, for each worker, when a run is killed."""


class RenderFailure(Record, frozen=True, kw_only=True):
    """One line of ``failures.jsonl``."""

    index: int
    """The scene's number."""
    reason: str
    """What went wrong, twice."""


class Chunk(Record, frozen=True, kw_only=True):
    """One unit of work: some consecutive lines of one scenes file."""

    scenes_file: str
    """Where the scenes are."""
    first_line: int
    """The first line, from 0."""
    n_lines: int
    """How many."""
    number: int
    """The chunk's place in the run: names its files."""


def run(
    config: RenderConfig,
    scenes: Path,
    catalogue: Path,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Render every scene of a ``sample`` artifact with the assets of a ``catalogue`` artifact.

    Writes ``images/NNN/NNNNNN.jpg``, ``frames-NNNNNN.jsonl`` (FrameRecord lines), ``classes.json`` and, if any,
    ``failures.jsonl``. On one kind of processor, bytes depend on scenes and assets alone, not on
    workers or interruptions.

    Raises:
        ConfigError: for unusable settings, or more pictures than the whole disk can hold.
        DependencyError: if the engine needs a package that is not installed, or device "cuda" a GPU that is not there.
        ArtifactError: for unusable inputs or output folder, or a full disk.
        EngineError: if a whole unit of work fails.
        QualityError: if more than `max_failed_fraction` of the scenes fail.
    """
    progress = progress or Silent()
    if executor is None:
        from photosynth.executors.local import LocalExecutor

        executor = LocalExecutor()
    sampled, assets = open_artifact(scenes, "sample"), open_artifact(catalogue, "catalogue")
    inputs = {"scenes": sampled.key, "catalogue": assets.key}
    if config.engine == "cycles":
        from photosynth.render.cycles.process import check_cycles

        check_cycles(config.cycles)
    config, choice = on_device(config, inputs, Path(out))
    if choice.surprising and not choice.cuda:
        progress.note(f"rendering on the CPU: {choice.reason}")
    if overwrite or not (Path(out) / MANIFEST_FILE).is_file():
        _check_room(config, sampled.folder, Path(out), progress)
    with ArtifactWriter(out, STAGE, SCHEMA, of_content(config), None, inputs, overwrite) as writer:
        if writer.finished:
            return writer.finished
        chunks = list(_chunks(sampled.folder))
        total = sum(chunk.n_lines for chunk in chunks)
        progress.start(STAGE, total, "images")
        names = class_names(read_assets(assets.folder))
        writer.write("classes.json", to_json(names))
        open_chunks = []
        for chunk in chunks:
            if (writer.folder / _frames_file(chunk)).is_file():
                progress.advance(chunk.n_lines)
            else:
                open_chunks.append(chunk)
        shared = SharedArrays(writer.folder / SHARED)
        setup_args = (str(assets.folder), str(writer.folder), config, executor.workers > 1)
        for result in executor.map(render_chunk, open_chunks, setup_worker, setup_args):
            if result.error is not None:
                first = open_chunks[result.position]
                raise EngineError(config.engine, f"scenes from line {first.first_line} on", result.error)
            progress.advance(open_chunks[result.position].n_lines)
        shared.remove()
        n_failed = _collect_failures(writer, config.max_failed_fraction, total)
        progress.finish()
        summary = {"images": total - n_failed, "failed": n_failed, "classes": len(names), "engine": config.engine}
        return writer.finish(summary | said(config, choice))


def _check_room(config: RenderConfig, scenes: Path, out: Path, progress: Progress) -> None:
    chunks = [chunk for chunk in _chunks(scenes) if not (out / _frames_file(chunk)).is_file()]
    if not chunks:
        return
    with open(chunks[0].scenes_file, "rb") as file:
        size_wh = from_json(file.readline(), Scene, chunks[0].scenes_file).camera.size_wh
    count = sum(chunk.n_lines for chunk in chunks)
    check_room(out, count * picture_bytes(size_wh, config.keep_layers), f"{count} pictures", progress)


def _chunks(folder: Path) -> Iterator[Chunk]:
    number = 0
    files = sorted(folder.glob("scenes-*.jsonl"))
    if not files:
        raise ArtifactError(f"{folder} has no scenes-*.jsonl; sample it again")
    for path in files:
        with open(path, "rb") as file:
            lines = sum(1 for _ in file)
        for first in range(0, lines, CHUNK):
            yield Chunk(scenes_file=str(path), first_line=first, n_lines=min(CHUNK, lines - first), number=number)
            number += 1


def _frames_file(chunk: Chunk) -> str:
    return f"frames-{chunk.number:06d}.jsonl"


def _failures_file(chunk: Chunk) -> str:
    return f"failed-{chunk.number:06d}.jsonl"


def _collect_failures(writer: ArtifactWriter, max_failed_fraction: float, total: int) -> int:
    files = sorted(writer.folder.glob("failed-*.jsonl"))
    failures = [failure for path in files for failure in read_jsonl(path, RenderFailure)]
    if len(failures) > max_failed_fraction * total:
        raise QualityError(
            f"{len(failures)} of {total} scenes failed (at most {max_failed_fraction:.0%} may); the first: scene "
            f"{failures[0].index}: {failures[0].reason}. See {writer.folder}/failed-*.jsonl."
        )
    if failures:
        write_jsonl(writer.folder / "failures.jsonl", failures)
    for path in files:
        path.unlink()
    return len(failures)


class _Worker:
    """What one worker process keeps between units."""

    engine: RenderEngine
    out: Path
    config: RenderConfig
    assets: dict[str, Any]


_worker = _Worker()


def setup_worker(catalogue: str, out: str, config: RenderConfig, shared: bool = False) -> None:
    """Make this process's engine; runs once in each worker. `shared`: there are others."""
    import cv2

    cv2.setNumThreads(1)
    meshes = CatalogueMeshes(Path(catalogue), Path(out) / SHARED if shared else None)
    options = config.cycles if config.engine == "cycles" else None
    _worker.engine = render_engine(config.engine, meshes, options)
    _worker.out, _worker.config, _worker.assets = Path(out), config, meshes.assets


def render_chunk(chunk: Chunk) -> int:
    """Render one unit of work into the output folder; returns how many scenes failed."""
    frames, failures = [], []
    with open(chunk.scenes_file, "rb") as file:
        lines = file.readlines()[chunk.first_line : chunk.first_line + chunk.n_lines]
    for line in lines:
        scene = from_json(line, Scene, chunk.scenes_file)
        result = _try_twice(scene)
        (frames if isinstance(result, FrameRecord) else failures).append(result)
    if failures:
        write_jsonl(_worker.out / _failures_file(chunk), failures)
    write_jsonl(_worker.out / _frames_file(chunk), frames)
    return len(failures)


def _try_twice(scene: Scene) -> FrameRecord | RenderFailure:
    reason = ""
    for _ in range(2):
        try:
            return render_scene(scene)
        except ArtifactError:
            raise  # a full disk is not this scene's fault
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
    return RenderFailure(index=scene.index, reason=reason)


def render_scene(scene: Scene) -> FrameRecord:
    """Render, compose and write one scene with this worker's engine."""
    import simplejpeg

    from photosynth.core.seen import check_seen
    from photosynth.render.compose import compose
    from photosynth.render.lens import render_through_lens

    check_seen(scene, _worker.assets)
    frame = compose(scene, render_through_lens(_worker.engine, scene))
    image_file = f"images/{scene.index // 1000:03d}/{scene.index:06d}.jpg"
    data = simplejpeg.encode_jpeg(
        np.ascontiguousarray(frame.color), quality=scene.finish.jpeg_quality, colorspace="RGB", colorsubsampling="420"
    )
    write_atomic(_worker.out / image_file, data)
    layers_file = None
    if _worker.config.keep_layers:
        layers_file = image_file.replace("images/", "layers/").replace(".jpg", ".npz")
        write_atomic(_worker.out / layers_file, layers_npz(frame.depth_m, frame.instance_ids, frame.normals))
    return frame_record(scene, frame, image_file, layers_file)


def frame_record(scene: Scene, frame: Frame, image_file: str, layers_file: str | None = None) -> FrameRecord:
    """The record of a finished frame: masks as run-length codes."""
    cam_from_world = scene.camera.cam_from_world()
    visible_px = np.bincount(frame.instance_ids.ravel(), minlength=len(scene.placements) + 1)
    instances = tuple(
        FrameInstance(
            asset_id=placement.asset_id,
            class_name=placement.class_name,
            role=placement.role,
            visible=rle_from_mask(frame.instance_ids == k + 1),
            amodal=rle_from_mask(frame.amodal_masks[k]),
            full_area_px=float(frame.full_area_px[k]),
            visible_fraction=min(1.0, float(visible_px[k + 1]) / max(float(frame.full_area_px[k]), 1.0)),
            cam_from_object=as_matrix4(cam_from_world @ np.array(placement.world_from_object)),
        )
        for k, placement in enumerate(scene.placements)
    )
    return FrameRecord(
        index=scene.index,
        image_file=image_file,
        size_wh=scene.camera.size_wh,
        kind=scene.kind,
        instances=instances,
        camera=scene.camera,
        layers_file=layers_file,
    )
