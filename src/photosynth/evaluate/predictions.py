"""Predictions: the classifier's answers, one record for each picture, made in blocks that survive an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.engine import Classifier
from photosynth.core.errors import ConfigError, EngineError
from photosynth.core.geometry import Vec4
from photosynth.core.photo import read_photo
from photosynth.core.progress import Progress
from photosynth.core.record import Record, from_json, to_json
from photosynth.evaluate.photos import Picture

TOP = 5
BLOCK_FOLDER = "blocks"
IN_MEMORY = 16
"""Pictures decoded at a time."""


class Guess(Record, frozen=True, kw_only=True):
    """A class and its probability."""

    class_name: str
    """The class, or NONE_CLASS."""
    probability: float
    """Calibrated, 0..1."""


class Prediction(Record, frozen=True, kw_only=True):
    """One line of ``predictions_*.jsonl``."""

    folder: Literal["photos", "negatives", "dataset"]
    """Which folder the picture lies in."""
    file: str
    """Its path inside that folder."""
    truth: str
    """The class it shows, or NONE_CLASS."""
    answer: str
    """The most probable class, or NONE_CLASS."""
    probability: float
    """Of the answer."""
    truth_probability: float
    """Of the truth."""
    top: tuple[Guess, ...]
    """The five most probable, the answer first."""
    boxes_rel: tuple[Vec4, ...] = ()
    """Where the object is, as fractions of the upright picture, when known; the largest first."""

    @property
    def right(self) -> bool:
        """Whether the answer is the truth."""
        return self.answer == self.truth


class Failure(Record, frozen=True, kw_only=True):
    """One line of ``failures.jsonl``: a picture that could not be read."""

    folder: str
    """Which folder it lies in."""
    file: str
    """Its path inside that folder."""
    error: str
    """Why."""


class Block(Record, frozen=True, kw_only=True):
    """A run of pictures, answered together."""

    predictions: tuple[Prediction, ...]
    """In order."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read, twice."""


def predict_in_blocks(
    name: str,
    pictures: Sequence[Picture],
    classifier: Classifier,
    writer: ArtifactWriter,
    progress: Progress,
    block_size: int = 64,
) -> tuple[tuple[Prediction, ...], tuple[Failure, ...]]:
    """The answers for all pictures, in order; blocks that an interrupted run finished are read, not made again.

    Args:
        name: of the set, such as ``"real"``: part of the block files' names.
        pictures: what to answer.
        classifier: answers them.
        writer: of the artifact; blocks go to ``blocks/NAME-00000.json``.
        progress: told of each block.
        block_size: pictures answered before their answers are written. They are decoded in full, as browsers and
            phones decode them, a few at a time.

    Raises:
        EngineError: if the classifier's answer has the wrong shape or is not made of probabilities.
    """
    predictions: list[Prediction] = []
    failures: list[Failure] = []
    for start in range(0, len(pictures), block_size):
        part = pictures[start : start + block_size]
        relative = f"{BLOCK_FOLDER}/{name}-{start // block_size:05d}.json"
        block = _read_block(writer, relative, len(part))
        if block is None:
            block = _answer(part, classifier)
            writer.write(relative, to_json(block))
        predictions += block.predictions
        failures += block.failures
        progress.advance(len(part))
    return tuple(predictions), tuple(failures)


def _read_block(writer: ArtifactWriter, relative: str, count: int) -> Block | None:
    try:
        block = from_json(writer.path(relative).read_bytes(), Block, relative)
    except (OSError, ConfigError):
        return None
    return block if len(block.predictions) + len(block.failures) == count else None


def _answer(pictures: Sequence[Picture], classifier: Classifier) -> Block:
    predictions: list[Prediction] = []
    failures: list[Failure] = []
    for start in range(0, len(pictures), IN_MEMORY):
        readable, images = [], []
        for picture in pictures[start : start + IN_MEMORY]:
            image = _read_twice(picture)
            if isinstance(image, str):
                failures.append(Failure(folder=picture.folder, file=picture.file, error=image))
            else:
                readable.append(picture)
                images.append(image)
        if images:
            rows = _checked(classifier.predict(images), readable, classifier.class_names)
            predictions += [prediction(p, row, classifier.class_names) for p, row in zip(readable, rows, strict=True)]
    return Block(predictions=tuple(predictions), failures=tuple(failures))


def _read_twice(picture: Picture) -> np.ndarray | str:
    """The picture, or what went wrong the second time."""
    problem = ""
    for _ in range(2):
        try:
            return read_photo(picture.path)
        except (ConfigError, MemoryError) as error:
            problem = str(error) or type(error).__name__
    return problem


def _checked(probabilities: np.ndarray, pictures: Sequence[Picture], class_names: tuple[str, ...]) -> np.ndarray:
    rows = np.asarray(probabilities, dtype=float)
    unit = f"{pictures[0].file} and {len(pictures) - 1} more pictures"
    if rows.shape != (len(pictures), len(class_names)):
        raise EngineError("classifier", unit, f"expected ({len(pictures)}, {len(class_names)}), got {rows.shape}")
    if not np.isfinite(rows).all() or rows.min() < 0 or np.abs(rows.sum(axis=1) - 1).max() > 1e-3:
        raise EngineError("classifier", unit, "its rows are not probabilities that add up to 1; train it again")
    return rows


def prediction(picture: Picture, probabilities: np.ndarray, class_names: tuple[str, ...]) -> Prediction:
    """The record of one answer; `probabilities` (classes,) in the order of `class_names`. Ties go to the first."""
    order = np.argsort(-probabilities, kind="stable")
    top = tuple(Guess(class_name=class_names[k], probability=float(probabilities[k])) for k in order[:TOP])
    return Prediction(
        folder=picture.folder,
        file=picture.file,
        truth=picture.truth,
        answer=top[0].class_name,
        probability=top[0].probability,
        truth_probability=float(probabilities[class_names.index(picture.truth)]),
        top=top,
        boxes_rel=picture.boxes_rel,
    )
