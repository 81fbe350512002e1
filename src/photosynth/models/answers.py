"""Answers: what a predictor says of a picture, as records: JSON lines and COCO results."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.geometry import Vec4
from photosynth.core.instances import Instances
from photosynth.core.record import Record
from photosynth.models.predictor import OnnxClassifier, OnnxDetector
from photosynth.models.second_look import SecondLook

Finder = OnnxDetector | SecondLook
"""What finds objects."""


class Found(Record, frozen=True, kw_only=True):
    """One object in a picture."""

    class_name: str
    """What it is."""
    score: float
    """How sure, 0..1."""
    sure: bool
    """Whether the score reaches the model's threshold."""
    box_xyxy: Vec4
    """Where, in pixels of the upright picture; the whole picture from a classifier."""


class Answer(Record, frozen=True, kw_only=True):
    """One line of ``predictions.jsonl``."""

    file: str
    """The picture: its path in the folder, or ``VIDEO#FRAME``."""
    size_wh: tuple[int, int]
    """Its upright size."""
    found: tuple[Found, ...]
    """The objects, surest first; none from a classifier that answers "none of these"."""
    probabilities: dict[str, float] = msgspec.field(default_factory=dict)
    """From a classifier: every class and its probability."""
    second_look: bool = False
    """Whether a classifier looked again at each of a detector's finds: then the scores are of both."""


def answer_of(predictor: OnnxClassifier | Finder, name: str, image: np.ndarray, min_score: float | None) -> Answer:
    """Ask about one (H, W, 3) uint8 picture.

    Args:
        predictor: answers.
        name: the picture's.
        image: the picture.
        min_score: leave out what scores less; None leaves out what is below a detector's threshold, and nothing of a
            classifier's.
    """
    height, width = image.shape[:2]
    if not isinstance(predictor, OnnxClassifier):
        return _answer(name, predictor.detect([image], min_score)[0], predictor)
    row = predictor.predict([image])[0]
    best = int(row.argmax())
    given = predictor.class_names[best] != NONE_CLASS and row[best] >= (min_score or 0.0)
    whole = np.array([[0.0, 0.0, width, height]])[: int(given)]
    instances = Instances((width, height), whole, np.array([best])[: int(given)], row[[best]][: int(given)])
    probabilities = {name: round(float(p), 6) for name, p in zip(predictor.class_names, row, strict=True)}
    return _answer(name, instances, predictor, probabilities)


def _answer(
    name: str,
    instances: Instances,
    predictor: OnnxClassifier | Finder,
    probabilities: dict[str, float] | None = None,
) -> Answer:
    found = tuple(
        Found(
            class_name=predictor.class_names[int(class_id)],
            score=round(float(score), 6),
            sure=bool(score >= predictor.answer_threshold),
            box_xyxy=tuple(round(float(v), 2) for v in box),
        )
        for box, class_id, score in zip(instances.boxes_xyxy, instances.class_ids, instances.scores, strict=True)
    )
    twice = isinstance(predictor, SecondLook)
    return Answer(
        file=name, size_wh=instances.size_wh, found=found, probabilities=probabilities or {}, second_look=twice
    )


def coco_images(answers: list[Answer], class_names: tuple[str, ...]) -> dict[str, Any]:
    """What COCO results refer to: pictures and categories, both counted from 1, none of these left out."""
    names = [name for name in class_names if name != NONE_CLASS]
    return {
        "images": [
            {"id": k, "file_name": a.file, "width": a.size_wh[0], "height": a.size_wh[1]}
            for k, a in enumerate(answers, start=1)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(names, start=1)],
    }


def coco_results(answers: list[Answer], class_names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The finds in the COCO results format: ``bbox`` is x, y, width, height."""
    ids = {name: k for k, name in enumerate((n for n in class_names if n != NONE_CLASS), start=1)}
    results = []
    for number, answer in enumerate(answers, start=1):
        for found in answer.found:
            x0, y0, x1, y1 = found.box_xyxy
            box = [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)]
            category = ids[found.class_name]
            results.append({"image_id": number, "category_id": category, "bbox": box, "score": found.score})
    return results
