"""Average precision at IoU 0.5 as COCO counts it, for judging an exported detector. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.instances import Instances

LEAST_IOU = 0.5
RECALLS = np.linspace(0.0, 1.0, 101)
"""Where precision is read, as pycocotools does."""


@dataclass(frozen=True)
class Truth:
    """Of one picture, in the finds' pixels.

    objects: what it shows, without scores.
    ignored_xyxy: (m, 4); a find that lies there by half or more is neither right nor wrong.
    """

    objects: Instances
    ignored_xyxy: np.ndarray


def map50(truths: Sequence[Truth], found: Sequence[Instances]) -> float:
    """Mean over the classes that occur of their average precision at IoU 0.5, 0..1; 0 if no picture shows an object.

    Args:
        truths: of each picture.
        found: in each picture, with scores.
    """
    classes = sorted({int(c) for truth in truths for c in truth.objects.class_ids})
    return float(np.mean([_average_precision(c, truths, found) for c in classes])) if classes else 0.0


def _average_precision(class_id: int, truths: Sequence[Truth], found: Sequence[Instances]) -> float:
    scores, right, n_objects = [np.zeros(0)], [np.zeros(0, bool)], 0
    for truth, one in zip(truths, found, strict=True):
        objects = truth.objects.boxes_xyxy[truth.objects.class_ids == class_id]
        n_objects += len(objects)
        order = np.argsort(-one.scores, kind="stable")
        order = order[one.class_ids[order] == class_id]
        hits, counts = _matched(one.boxes_xyxy[order], objects, truth.ignored_xyxy)
        scores.append(one.scores[order][counts])
        right.append(hits[counts])
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.cumsum(np.concatenate(right)[order])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)  # of this recall or a higher one
    at = np.searchsorted(hits / n_objects, RECALLS, side="left")
    return float(precision[at].mean())


def _matched(boxes: np.ndarray, objects: np.ndarray, ignored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of one picture's finds of a class, the surest first: which are right, and which count."""
    shared = _shared(boxes, objects)
    iou = shared / np.maximum(_area(boxes)[:, None] + _area(objects)[None] - shared, 1e-12)
    apart = (_shared(boxes, ignored) / np.maximum(_area(boxes)[:, None], 1e-12) < LEAST_IOU).all(1)
    right, free = np.zeros(len(boxes), bool), np.ones(len(objects), bool)
    for k, row in enumerate(iou):
        row = np.where(free, row, -1.0)
        best = int(row.argmax()) if len(row) else -1
        if best >= 0 and row[best] >= LEAST_IOU:
            right[k], free[best] = True, False
    return right, right | apart


def _shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Area that boxes (n, 4) and (m, 4) have in common, (n, m)."""
    side = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    return np.maximum(side, 0.0).prod(2)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0).prod(1)
