"""mAP50 without pycocotools: its very numbers."""

import contextlib
import io

import numpy as np
import pytest

from photosynth.core.instances import Instances
from photosynth.models.detect_ap import Truth, map50


def boxes_near(rng, n, side=100):
    corner = rng.uniform(0, side - 40, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(8, 40, (n, 2))], 1)


def made(seed, n_pictures=25, n_classes=3):
    """Truths, and finds that are the objects moved about, some of another class, beside finds of nothing."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(n_pictures):
        boxes, class_ids = boxes_near(rng, n := int(rng.integers(0, 5))), rng.integers(0, n_classes, n)
        ignored = boxes_near(rng, int(rng.integers(0, 2)))
        truths.append(Truth(Instances((100, 100), boxes, class_ids), ignored))
        twice = np.repeat(boxes, 2, 0) + rng.normal(0, 3, (2 * n, 4))
        other = boxes_near(rng, 3)
        wrong = np.where(rng.random(2 * n) < 0.3, rng.integers(0, n_classes, 2 * n), np.repeat(class_ids, 2))
        shown = np.concatenate([twice, other, ignored])
        named = np.concatenate([wrong, rng.integers(0, n_classes, 3 + len(ignored))])
        found.append(Instances((100, 100), shown, named, rng.uniform(0.01, 1, len(shown))))
    return truths, found


def by_pycocotools(truths, found, n_classes=3):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def row(image, class_id, box, **more):
        wh = [float(box[2] - box[0]), float(box[3] - box[1])]
        return {"image_id": image, "category_id": class_id, "bbox": [float(box[0]), float(box[1]), *wh]} | {
            "area": wh[0] * wh[1],
            **more,
        }

    rows = [
        row(k, int(c), box, iscrowd=0)
        for k, t in enumerate(truths)
        for box, c in zip(t.objects.boxes_xyxy, t.objects.class_ids, strict=True)
    ]
    rows += [
        row(k, c, box, iscrowd=1) for k, t in enumerate(truths) for box in t.ignored_xyxy for c in range(n_classes)
    ]
    results = [
        row(k, int(c), box, score=float(s))
        for k, one in enumerate(found)
        for box, c, s in zip(one.boxes_xyxy, one.class_ids, one.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": k} for k in range(len(truths))],
            "categories": [{"id": c} for c in range(n_classes)],
            "annotations": [one | {"id": k + 1} for k, one in enumerate(rows)],
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats[1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_numbers_of_pycocotools(seed):
    truths, found = made(seed)
    score = map50(truths, found)
    assert score == pytest.approx(by_pycocotools(truths, found), abs=1e-9)
    assert 0.2 < score < 0.95


def test_nothing_to_find_and_nothing_found():
    empty = Instances((9, 9), np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))
    thing = Instances((9, 9), np.array([[1.0, 1, 5, 5]]), np.array([0]))
    none = np.zeros((0, 4))
    assert map50([Truth(empty, none)], [empty]) == 0.0
    assert map50([Truth(thing, none)], [empty]) == 0.0
    found = Instances((9, 9), thing.boxes_xyxy, np.array([0]), np.array([0.3]))
    assert map50([Truth(thing, none)], [found]) == pytest.approx(1.0)
