"""The stage "export": a trained model as files that run without this program, each checked before it is written."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from photosynth.core.artifact import Artifact, ArtifactWriter
from photosynth.core.asset import read_assets
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.items import Item, Split, read_items
from photosynth.core.photo import read_photo
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, to_pretty_json
from photosynth.models.exported import (
    COREML_FOLDER,
    GOLDEN_FILE,
    INPUT,
    INT8_FILE,
    MODEL_FILE,
    ONNX_FILE,
    ModelFile,
    Precision,
    preview_file,
)
from photosynth.models.golden import TOLERANCE, Golden, GoldenCase, largest_difference, made_pictures, make_case
from photosynth.models.predictor import open_session
from photosynth.models.provenance import model_info
from photosynth.models.quantise import judge, quantise
from photosynth.models.resize import fit_square
from photosynth.models.trained import Parts, Trained, find_parts, load_trained

STAGE = "export"
SCHEMA = 1
Runtime = Callable[[np.ndarray], dict[str, np.ndarray]]
"""(n, S, S, 3) uint8 to outputs by name."""


class ExportConfig(Record, frozen=True, kw_only=True):
    """What is written beside the ONNX model."""

    int8: bool = True
    """Also a version in 8 bits, a quarter of the size, if it passes; needs the dataset of the run."""
    max_int8_drop: float = 0.01
    """The 8-bit version is left out if its score on rendered validation pictures falls by more than this."""
    coreml: bool = False
    """Also a Core ML package for Apple's devices; needs the extra coreml."""
    licence: str = "not stated"
    """Under which the model is given away; it goes into model.json."""
    calibration_pictures: int = 64
    """Rendered training pictures from which the 8-bit version learns its ranges."""
    score_pictures: int = 500
    """Rendered validation pictures on which the two versions are compared, at most."""
    golden_pictures: int = 4
    """Rendered validation pictures kept as golden ones, beside two that are made up."""

    def __post_init__(self) -> None:
        for name, least in (("calibration_pictures", 1), ("score_pictures", 1), ("golden_pictures", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"export: {name} must be {least} or more, got {getattr(self, name)}")
        if not 0 <= self.max_int8_drop <= 1:
            raise ConfigError(f"export: max_int8_drop must be from 0 to 1, got {self.max_int8_drop}")


def run(
    config: ExportConfig,
    model: Path,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Export a trained model: ONNX, 8 bits, Core ML, ``model.json`` and golden pictures (see models/exported.py).

    Args:
        config: which of them.
        model: a run, or the folder of a finished train or train-detector stage; the dataset, the evaluation and the
            catalogue beside it are used if they belong to it.
        out: the artifact's folder.
        executor: not used: it takes seconds.
        progress: told of each file.
        overwrite: replace another export in `out`.

    Raises:
        ArtifactError: if there is no finished model.
        DependencyError: if Core ML is asked for and coremltools is absent.
        QualityError: if the ONNX model answers differently from PyTorch.
    """
    progress = progress or Silent()
    if config.coreml:
        from photosynth.models.coreml import check_coreml

        check_coreml()
    parts = find_parts(model)
    at_hand = {"model": parts.model, "dataset": parts.dataset, "evaluation": parts.evaluation}
    keys = {name: artifact.key for name, artifact in at_hand.items() if artifact is not None}
    with ArtifactWriter(out, STAGE, SCHEMA, config, None, keys, overwrite) as writer:
        if writer.finished is not None:
            return writer.finished
        return _export(config, parts, writer, progress)


def _export(config: ExportConfig, parts: Parts, writer: ArtifactWriter, progress: Progress) -> Artifact:
    from photosynth.models.graphs import onnx_bytes

    trained = load_trained(parts.model.folder)
    progress.start(STAGE, 1 + config.int8 + config.coreml, "files")
    cases, squares = _golden(config, trained, parts, writer)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / ONNX_FILE
        plain.write_bytes(onnx_bytes(trained.graph))
        parity = checked_parity(cases, squares, _onnx_runtime(plain, trained.graph.output_names), "ONNX")
        files, notes = [_written(writer, plain, "float32", parity)], []
        progress.advance()
        if config.int8:
            small, note = _eight_bits(config, trained, parts, plain, cases, squares, writer)
            files += small
            notes.append(note)
            progress.note(note)
            progress.advance()
    if config.coreml:
        files.append(_core_ml(config, trained, cases, squares, writer))
        progress.advance()
    _previews(trained, parts, writer)
    writer.write(MODEL_FILE, to_pretty_json(model_info(trained, parts, tuple(files), config.licence)))
    progress.finish()
    summary = {"kind": trained.kind, "files": len(files), "parity": parity}
    summary |= {f"{file.precision}_mb": round(file.bytes / 1e6, 2) for file in files if file.format == "onnx"}
    return writer.finish(summary, tuple(notes))


def _previews(trained: Trained, parts: Parts, writer: ArtifactWriter) -> None:
    """The turntable picture of each class's first scan as ``previews/K.jpg``, as far as the catalogue is at hand."""
    seen: set[str] = set()
    for asset in read_assets(parts.catalogue.folder) if parts.catalogue else ():
        picture = parts.catalogue.path(f"{asset.asset_id}/preview.jpg") if parts.catalogue else None
        name = asset.class_name
        if picture is None or asset.role != "object" or name in seen or name not in trained.class_names:
            continue
        if picture.is_file():
            seen.add(name)
            writer.write(preview_file(trained.class_names.index(name)), picture.read_bytes())


def _golden(
    config: ExportConfig, trained: Trained, parts: Parts, writer: ArtifactWriter
) -> tuple[tuple[GoldenCase, ...], np.ndarray]:
    """The golden cases, written, and their pictures resized."""
    pictures = list(made_pictures())
    if parts.dataset is not None:
        pictures += [image for image, _ in _pictures(parts.dataset, "val", config.golden_pictures)]
    cases, squares = [], []
    for number, image in enumerate(pictures):
        file = f"golden/{number:02d}.png"
        writer.write(file, _png(image))
        square, _ = fit_square(image, trained.graph.input_px, trained.fit)
        outputs = {name: value[0] for name, value in trained.graph.run(square[None]).items()}
        cases.append(make_case(image, file, trained.graph.input_px, trained.fit, outputs))
        squares.append(square)
    writer.write(GOLDEN_FILE, to_pretty_json(Golden(tolerance=TOLERANCE, cases=tuple(cases))))
    return tuple(cases), np.stack(squares)


def checked_parity(
    cases: tuple[GoldenCase, ...], squares: np.ndarray, runtime: Runtime, what: str, tolerance: float = TOLERANCE
) -> float:
    """Largest difference between a runtime and PyTorch on the golden pictures, one by one and all at once.

    Raises:
        QualityError: if it is more than `tolerance`; `what` names the runtime.
    """
    difference = largest_difference(cases, squares, runtime)
    if not difference <= tolerance:
        raise QualityError(
            f"the {what} model differs from PyTorch by up to {difference:.2g} on {len(cases)} golden pictures; "
            f"expected at most {tolerance:.2g}. Nothing was exported; try another backbone"
        )
    return difference


def _onnx_runtime(model: Path, output_names: tuple[str, ...]) -> Runtime:
    session = open_session(model)
    return lambda s: dict(zip(output_names, session.run(list(output_names), {INPUT: s}), strict=True))


def _eight_bits(
    config: ExportConfig,
    trained: Trained,
    parts: Parts,
    plain: Path,
    cases: tuple[GoldenCase, ...],
    squares: np.ndarray,
    writer: ArtifactWriter,
) -> tuple[list[ModelFile], str]:
    """The 8-bit file if it was accepted, and what to say of it."""
    if parts.dataset is None:
        return [], "no 8-bit version: the dataset that the model was trained on is not beside it"
    calibration, _ = _squares(trained, parts.dataset, "train", config.calibration_pictures)
    held_out, items = _squares(trained, parts.dataset, "val", config.score_pictures)
    small = plain.with_name(INT8_FILE)
    quantise(plain, small, calibration, exact_end=trained.kind == "detector")
    verdict = judge(plain, small, lambda file: trained.score(open_session(file), held_out, items), config.max_int8_drop)
    found = f"{100 * verdict.score_before:.1f} % in float32, {100 * verdict.score_after:.1f} % in 8 bits"
    found += f" on {len(items)} rendered validation pictures"
    if not verdict.accepted:
        allowed = f"at most {100 * config.max_int8_drop:.1f} are allowed"
        return [], f"the 8-bit version was left out: it lost {verdict.drop_points:.1f} points ({found}); {allowed}"
    difference = largest_difference(cases, squares, _onnx_runtime(small, trained.graph.output_names))
    return [_written(writer, small, "int8", difference, verdict.score_after)], f"8-bit version accepted: {found}"


def _core_ml(
    config: ExportConfig,
    trained: Trained,
    cases: tuple[GoldenCase, ...],
    squares: np.ndarray,
    writer: ArtifactWriter,
) -> ModelFile:
    from photosynth.models.coreml import coreml_files

    def check(runtime: Runtime) -> None:
        checked_parity(cases, squares, runtime, "Core ML")

    files = coreml_files(trained.graph, trained.class_names, config.licence, check)
    for name, data in files.items():
        writer.write(name, data)
    size = sum(map(len, files.values()))
    return ModelFile(file=COREML_FOLDER, format="coreml", precision="float16", bytes=size, sha256="", parity=None)


def _written(
    writer: ArtifactWriter, source: Path, precision: Precision, parity: float, score: float | None = None
) -> ModelFile:
    data = source.read_bytes()
    writer.write(source.name, data)
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile(
        file=source.name,
        format="onnx",
        precision=precision,
        bytes=len(data),
        sha256=digest,
        parity=parity,
        score=score,
    )


def _squares(trained: Trained, dataset: Artifact, split: Split, most: int) -> tuple[np.ndarray, list[Item]]:
    """Pictures of a split, resized, (n, S, S, 3) uint8, and their items."""
    squares, items = [], []
    for image, item in _pictures(dataset, split, most):
        squares.append(fit_square(image, trained.graph.input_px, trained.fit)[0])
        items.append(item)
    return np.stack(squares), items


def _pictures(dataset: Artifact, split: Split, most: int) -> list[tuple[np.ndarray, Item]]:
    """At most so many readable pictures, spread evenly over the split. Raises QualityError if none can be read."""
    items = list(read_items(dataset.folder, split))
    chosen = [items[k] for k in sorted({round(p) for p in np.linspace(0, len(items) - 1, min(most, len(items)))})]
    pictures = []
    for item in chosen:
        try:
            pictures.append((read_photo(dataset.path(item.image_file)), item))
        except ConfigError:
            continue
    if chosen and not pictures:
        raise QualityError(f"none of {len(chosen)} {split} pictures in {dataset.folder} can be read; make it again")
    return pictures


def _png(image: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
