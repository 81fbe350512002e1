import numpy as np
import pytest

from photosynth.core.instances import Instances
from photosynth.train.detect_score import best_f1, detection_scores

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


def test_finds_in_ignored_boxes_count_neither_way():
    truth, ignored = [boxes((0, 0, 50, 50, 0))], [np.array([[60.0, 60, 99, 99]])]
    found = [boxes((0, 0, 50, 50, 0, 0.5), (62, 62, 95, 95, 0, 0.9), scored=True)]
    assert detection_scores(truth, ignored, found, 1).f1 == pytest.approx(1.0)
    assert detection_scores(truth, [NONE], found, 1).f1 == pytest.approx(2 / 3)


@pytest.mark.parametrize("found", [[boxes(scored=True)], [boxes((0, 0, 9, 9, 0, 0.5), scored=True)]])
def test_nothing_there_or_nothing_found_scores_nothing(found):
    assert detection_scores([boxes()], [NONE], found, 2).map50_95 == 0.0
    assert detection_scores([boxes((50, 50, 60, 60, 0))], [NONE], found, 2).f1 == 0.0


@pytest.mark.parametrize(
    ("scores", "right", "n_objects", "expected"),
    [
        ([], [], 3, (0.0, 0.5)),
        ([0.9, 0.8, 0.2], [1, 1, 0], 2, (1.0, 0.5)),
        ([0.9, 0.9, 0.4], [0, 1, 1], 2, (0.8, 0.2)),
        ([0.7], [1], 1, (1.0, 0.35)),
    ],
)
def test_best_f1(scores, right, n_objects, expected):
    assert best_f1(np.array(scores), np.array(right, bool), n_objects) == pytest.approx(expected)
