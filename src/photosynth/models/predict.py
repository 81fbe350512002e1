"""The stage "predict": an exported model's answers about photos, a video or a camera. Needs no torch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, to_pretty_json
from photosynth.models.answers import Answer, Finder, answer_of, coco_images, coco_results
from photosynth.models.drawing import draw_answer
from photosynth.models.exported import Precision, find_model, read_model_info
from photosynth.models.footage import Footage, Shot, find_footage
from photosynth.models.predictor import OnnxClassifier, load_predictor, load_second_look

STAGE = "predict"
SCHEMA = 1
JPEG_QUALITY = 88


class PredictConfig(Record, frozen=True, kw_only=True):
    """How photos are answered."""

    min_score: float | None = None
    """Leave out what scores less; none given: a detector's own threshold, and nothing of a classifier's."""
    precision: Precision = "float32"
    """``"int8"`` takes the 8-bit model, if the export has one."""
    pictures: bool = True
    """Also write each picture with its answer drawn over it."""
    every: int = 1
    """Of a video or a camera, take every n-th frame."""
    frames: int | None = None
    """Stop after so many pictures; none given: at the end, or at Ctrl-C for a camera."""

    def __post_init__(self) -> None:
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise ConfigError(f"predict: min_score must be from 0 to 1, got {self.min_score}")
        for name in ("every", "frames"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"predict: {name} must be 1 or more, got {value}")


class Unread(Record, frozen=True, kw_only=True):
    """One line of ``failures.jsonl``."""

    file: str
    """The picture."""
    error: str
    """Why it could not be read."""


def answers(
    config: PredictConfig, predictor: OnnxClassifier | Finder, footage: Footage
) -> Iterator[tuple[Shot, Answer | None]]:
    """Each picture with its answer, None for one that cannot be read, as they come."""
    for number, shot in enumerate(footage.shots()):
        if config.frames is not None and number >= config.frames:
            return
        yield shot, None if shot.image is None else answer_of(predictor, shot.name, shot.image, config.min_score)


def load_asked(config: PredictConfig, model: Path, second_look: Path | None) -> OnnxClassifier | Finder:
    """The exported model, with a second look by an exported classifier if one is given; raises as `run`."""
    if second_look is None:
        return load_predictor(model, precision=config.precision)
    return load_second_look(model, second_look, precision=config.precision)


def run(
    config: PredictConfig,
    model: Path,
    photos: str | Path,
    out: Path,
    *,
    second_look: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Write ``predictions.jsonl``, ``coco_results.json`` with its ``coco_images.json``, and ``pictures/``.

    Args:
        config: how.
        model: a folder that `photosynth export` made, or a run that has one.
        photos: a folder, a photo, a video, or a camera's number.
        out: the artifact's folder. Answers of a camera are never the same again: they need a new one.
        second_look: an exported classifier that looks again at what an exported detector finds; None for none.
        executor: not used.
        progress: told of each picture; notes those that cannot be read, which go to ``failures.jsonl``.
        overwrite: replace other predictions in `out`.

    Raises:
        ArtifactError: if there is no exported model, or `out` is not usable.
        ConfigError: if there are no photos, or the two models do not make a second look.
        QualityError: if none of them can be read.
    """
    progress = progress or Silent()
    folder, footage = find_model(model), find_footage(photos, config.every)
    source = f"{time.time_ns()}" if footage.kind == "camera" else folder_key(Path(photos))
    keys = {"model": folder_key(folder), footage.kind: source}
    keys |= {} if second_look is None else {"second_look": folder_key(find_model(second_look))}
    with ArtifactWriter(out, STAGE, SCHEMA, config, None, keys, overwrite) as writer:
        if writer.finished is not None:
            return writer.finished
        predictor = load_asked(config, folder, second_look)
        progress.start(STAGE, footage.total or config.frames or 0, "pictures")
        found, unread = _answer_all(config, predictor, footage, writer, progress)
        progress.finish()
        if unread and not found:
            raise QualityError(f"none of {len(unread)} pictures can be read, such as: {unread[0].error}")
        names = read_model_info(folder).class_names
        write_jsonl(writer.path("predictions.jsonl"), found)
        writer.write("coco_images.json", to_pretty_json(coco_images(found, names)))
        writer.write("coco_results.json", to_pretty_json(coco_results(found, names)))
        if unread:
            write_jsonl(writer.path("failures.jsonl"), unread)
        sure = sum(any(f.sure for f in answer.found) for answer in found)
        summary = {"pictures": len(found), "with a sure find": sure, "unreadable": len(unread)}
        return writer.finish(summary | ({} if second_look is None else {"second_look": True}))


def _answer_all(
    config: PredictConfig,
    predictor: OnnxClassifier | Finder,
    footage: Footage,
    writer: ArtifactWriter,
    progress: Progress,
) -> tuple[list[Answer], list[Unread]]:
    found: list[Answer] = []
    unread: list[Unread] = []
    try:
        for shot, answer in answers(config, predictor, footage):
            if answer is None:
                unread.append(Unread(file=shot.name, error=shot.error))
                progress.note(f"{shot.name} was left out: {shot.error}")
            else:
                found.append(answer)
                if config.pictures:
                    drawn = draw_answer(shot.image, answer, predictor.class_names)
                    writer.write(f"pictures/{_picture_name(shot.name)}", _jpeg(drawn))
            progress.advance()
    except KeyboardInterrupt:
        if footage.kind != "camera":  # Ctrl-C is how a camera ends
            raise
    return found, unread


def _picture_name(name: str) -> str:
    """A JPEG's name that no other picture gets."""
    return name if name.lower().endswith((".jpg", ".jpeg")) else f"{name.replace('#', '-')}.jpg"


def _jpeg(image: object) -> bytes:
    import simplejpeg

    return simplejpeg.encode_jpeg(image, quality=JPEG_QUALITY, colorspace="RGB")
