"""Detection scores on validation pictures, by pycocotools: quick enough for every epoch."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import numpy as np

from photosynth.core.instances import Instances
from photosynth.models.detect_info import DetectionScores

MAX_DETECTIONS = 100


def detection_scores(
    truths: Sequence[Instances], ignored: Sequence[np.ndarray], found: Sequence[Instances], n_classes: int
) -> DetectionScores:
    """COCO's mAP and the best F1, with its score threshold.

    Args:
        truths: what each picture shows.
        ignored: (m, 4) boxes of each picture in which finds of any class do not count.
        found: what was found, with scores.
        n_classes: how many; classes that no picture shows do not count.
    """
    truth_rows = [row for k, truth in enumerate(truths) for row in _truth_rows(k, truth, ignored[k], n_classes)]
    n_objects = sum(len(truth) for truth in truths)
    empty = DetectionScores(map50_95=0.0, map50=0.0, f1=0.0, f1_threshold=0.5, n=len(truths), n_objects=n_objects)
    if not n_objects or not any(len(one) for one in found):
        return empty
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluated(truth_rows, _found_rows(found), len(truths), n_classes)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # IoU, recall, class
    counted = precision[..., precision[0, 0] > -1]
    f1, threshold = best_f1(*_ranked(evaluation), n_objects)
    return DetectionScores(
        map50_95=float(counted.mean()) if counted.size else 0.0,
        map50=float(counted[0].mean()) if counted.size else 0.0,
        f1=f1,
        f1_threshold=threshold,
        n=len(truths),
        n_objects=n_objects,
    )


def best_f1(scores: np.ndarray, right: np.ndarray, n_objects: int) -> tuple[float, float]:
    """The best F1 of any threshold, and a threshold that gives it: half way to the next lower score.

    Args:
        scores: (n,) of all finds.
        right: (n,) bool, whether each is an object's.
        n_objects: objects there are.
    """
    if not len(scores) or not n_objects:
        return 0.0, 0.5
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(right[order])
    last = np.append(scores[1:] < scores[:-1], True)  # equal scores cannot be parted
    f1 = np.where(last, 2.0 * hits / (np.arange(1, len(scores) + 1) + n_objects), -1.0)
    best = int(f1.argmax())
    lower = scores[best + 1] if best + 1 < len(scores) else 0.0
    return float(f1[best]), float((scores[best] + lower) / 2)


def _truth_rows(image_id: int, truth: Instances, ignored: np.ndarray, n_classes: int) -> list[dict]:
    rows = [
        _row(image_id, int(class_id), box) | {"iscrowd": 0}
        for box, class_id in zip(truth.boxes_xyxy, truth.class_ids, strict=True)
    ]
    return rows + [_row(image_id, c, box) | {"iscrowd": 1} for box in ignored for c in range(n_classes)]


def _found_rows(found: Sequence[Instances]) -> list[dict]:
    return [
        _row(k, int(class_id), box) | {"score": float(score)}
        for k, one in enumerate(found)
        for box, class_id, score in zip(one.boxes_xyxy, one.class_ids, one.scores, strict=True)
    ]


def _row(image_id: int, class_id: int, box: np.ndarray) -> dict:
    x0, y0, x1, y1 = (float(v) for v in box)
    return {
        "image_id": image_id,
        "category_id": class_id,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": (x1 - x0) * (y1 - y0),
    }


def _evaluated(truth_rows: list[dict], found_rows: list[dict], n_pictures: int, n_classes: int) -> object:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": k} for k in range(n_pictures)],
        "categories": [{"id": c, "name": str(c)} for c in range(n_classes)],
        "annotations": [row | {"id": k + 1} for k, row in enumerate(truth_rows)],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(found_rows), "bbox")
    evaluation.params.maxDets = [MAX_DETECTIONS]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = evaluation.params.areaRng[:1], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def _ranked(evaluation: object) -> tuple[np.ndarray, np.ndarray]:
    """Scores of all finds that count, and whether each is right, at IoU 0.5."""
    scores, right = [], []
    for image in evaluation.evalImgs:
        if image is None:
            continue
        counts = ~image["dtIgnore"][0].astype(bool)
        scores.append(np.asarray(image["dtScores"], float)[counts])
        right.append(image["dtMatches"][0][counts] > 0)
    return np.concatenate(scores), np.concatenate(right)
