import numpy as np
import pytest

from photosynth.core.instances import Instances
from photosynth.train.detect_score import detection_scores

NONE = np.zeros((0, 4))


def boxes(*rows, scored=False):
    """Rows x0 y0 x1 y1 class (score)."""
    table = np.array(rows, float).reshape(-1, 6 if scored else 5)
    scores = table[:, 5] if scored else None
    return Instances((100, 100), table[:, :4], table[:, 4].astype(np.int64), scores)


def test_all_found_exactly_scores_one():
    truth = [boxes((0, 0, 10, 20, 0), (30, 30, 90, 80, 1)), boxes((5, 5, 50, 50, 1))]
    found = [Instances(t.size_wh, t.boxes_xyxy, t.class_ids, np.linspace(0.9, 0.6, len(t))) for t in truth]
    scores = detection_scores(truth, [NONE, NONE], found, 3)
    assert (scores.map50_95, scores.map50, scores.f1) == pytest.approx((1.0, 1.0, 1.0))
    assert scores.f1_threshold < 0.6
    assert (scores.n, scores.n_objects) == (2, 3)


def test_a_poor_box_counts_at_low_overlap_only():
    truth = [boxes((0, 0, 100, 100, 0))]
    found = [boxes((0, 0, 100, 62, 0, 0.8), scored=True)]  # IoU 0.62: right at 0.5, 0.55, 0.6
    scores = detection_scores(truth, [NONE], found, 1)
    assert scores.map50 == pytest.approx(1.0)
    assert scores.map50_95 == pytest.approx(0.3)


def test_wrong_class_and_double_finds_are_errors():
    truth = [boxes((0, 0, 50, 50, 0), (50, 50, 99, 99, 1))]
    found = [boxes((0, 0, 50, 50, 0, 0.9), (0, 0, 50, 49, 0, 0.8), (50, 50, 99, 99, 0, 0.7), scored=True)]
    scores = detection_scores(truth, [NONE], found, 2)
    assert scores.map50 == pytest.approx(0.5)  # class 0: 1; class 1: 0
    assert scores.f1 == pytest.approx(2 * 1 / (1 + 2))
    assert scores.f1_threshold == pytest.approx(0.85)


def test_boxes_are_shown_from_where_they_are_mostly_right():
    truth = [boxes((0, 0, 20, 20, 0), (30, 0, 50, 20, 0), (60, 0, 80, 20, 0))]
    found = [
        boxes(
            (0, 0, 20, 20, 0, 0.9),
            (30, 0, 50, 20, 0, 0.8),
            (0, 60, 20, 90, 0, 0.7),
            (60, 0, 80, 20, 0, 0.6),
            scored=True,
        )
    ]
    scores = detection_scores(truth, [NONE], found, 1)
    assert scores.f1 == pytest.approx(2 * 3 / (4 + 3))  # all four; two alone would have 0.8
    assert scores.f1_threshold == pytest.approx(0.3)
    assert scores.shown_threshold == pytest.approx(0.75)  # two: 1.25 * 2 / (2 + 0.25 * 3) against 1.25 * 3 / (4 + 0.75)


def test_finds_in_ignored_boxes_count_neither_way():
    truth, ignored = [boxes((0, 0, 50, 50, 0))], [np.array([[60.0, 60, 99, 99]])]
    found = [boxes((0, 0, 50, 50, 0, 0.5), (62, 62, 95, 95, 0, 0.9), scored=True)]
    assert detection_scores(truth, ignored, found, 1).f1 == pytest.approx(1.0)
    assert detection_scores(truth, [NONE], found, 1).f1 == pytest.approx(2 / 3)


@pytest.mark.parametrize("found", [[boxes(scored=True)], [boxes((0, 0, 9, 9, 0, 0.5), scored=True)]])
def test_nothing_there_or_nothing_found_scores_nothing(found):
    assert detection_scores([boxes()], [NONE], found, 2).map50_95 == 0.0
    assert detection_scores([boxes((50, 50, 60, 60, 0))], [NONE], found, 2).f1 == 0.0


def test_crowded_pictures_score_as_cocos_own_code_says():
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(0)
    truths = [boxes(*(crowd(rng) for _ in range(rng.integers(0, 6)))) for _ in range(12)]
    found = [shaken(truth, rng) for truth in truths]
    scores = detection_scores(truths, [NONE] * 12, found, 3)
    truth, rows = COCO(), [row for k, one in enumerate(truths) for row in rows_of(k, one)]
    truth.dataset = {
        "info": {},
        "images": [{"id": k} for k in range(12)],
        "categories": [{"id": c} for c in range(3)],
        "annotations": [row | {"id": k + 1, "iscrowd": 0} for k, row in enumerate(rows)],
    }
    truth.createIndex()
    answers = truth.loadRes([row for k, one in enumerate(found) for row in rows_of(k, one)])
    evaluation = COCOeval(truth, answers, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert (scores.map50_95, scores.map50) == pytest.approx(tuple(evaluation.stats[:2]))
    assert 0.1 < scores.map50_95 < scores.map50 < 1


def crowd(rng):
    x, y, width, height = rng.uniform((0, 0, 10, 10), (60, 60, 40, 40))
    return (x, y, x + width, y + height, rng.integers(3))


def shaken(truth, rng):
    """The boxes moved a little, some of another class, with scores that say little."""
    moved = truth.boxes_xyxy + rng.normal(0, 2.5, (len(truth), 4))
    ids = np.where(rng.random(len(truth)) < 0.2, rng.integers(0, 3, len(truth)), truth.class_ids)
    return Instances(truth.size_wh, moved, ids, rng.random(len(truth)))


def rows_of(image_id, one):
    scores = np.zeros(len(one)) if one.scores is None else one.scores
    for (x0, y0, x1, y1), class_id, score in zip(one.boxes_xyxy, one.class_ids, scores, strict=True):
        row = {"image_id": image_id, "category_id": int(class_id), "bbox": [x0, y0, x1 - x0, y1 - y0]}
        yield row | {"area": (x1 - x0) * (y1 - y0), "score": float(score)}
