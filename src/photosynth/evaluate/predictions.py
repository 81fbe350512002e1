"""Predictions: the classifier's answers, one record for each picture, made in blocks that survive an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.engine import Classifier
from photosynth.core.errors import EngineError
from photosynth.core.geometry import Vec4
from photosynth.core.progress import Progress
from photosynth.core.record import Record
from photosynth.evaluate.blocks import Failure, answer_in_blocks, read_pictures
from photosynth.evaluate.photos import Picture

TOP = 5


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


class Block(Record, frozen=True, kw_only=True):
    """A run of pictures, answered together."""

    predictions: tuple[Prediction, ...]
    """In order."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read, twice."""

    def __len__(self) -> int:
        return len(self.predictions)


def predict_in_blocks(
    name: str,
    pictures: Sequence[Picture],
    classifier: Classifier,
    writer: ArtifactWriter,
    progress: Progress,
    block_size: int = 64,
) -> tuple[tuple[Prediction, ...], tuple[Failure, ...]]:
    """The answers for all pictures, in order; see `answer_in_blocks`.

    Args:
        name: of the set, such as ``"real"``.
        pictures: what to answer.
        classifier: answers them.
        writer: of the artifact.
        progress: told of each block.
        block_size: pictures answered before their answers are written.

    Raises:
        EngineError: if the classifier's answer has the wrong shape or is not made of probabilities.
    """
    blocks = answer_in_blocks(
        name, pictures, Block, lambda part: _answer(part, classifier), writer, progress, block_size
    )
    return tuple(p for b in blocks for p in b.predictions), tuple(f for b in blocks for f in b.failures)


def _answer(pictures: Sequence[Picture], classifier: Classifier) -> Block:
    predictions: list[Prediction] = []
    failures: list[Failure] = []
    for readable, images in read_pictures(pictures, failures):
        rows = _checked(classifier.predict(images), readable, classifier.class_names)
        predictions += [prediction(p, row, classifier.class_names) for p, row in zip(readable, rows, strict=True)]
    return Block(predictions=tuple(predictions), failures=tuple(failures))


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
