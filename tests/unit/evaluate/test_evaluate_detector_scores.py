"""F1, confusion, false alarms and the report of a detector."""

from __future__ import annotations

import numpy as np
import pytest
from detection_cases import case, random_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from photosynth.core.instances import Instances
from photosynth.core.matching import pool_class
from photosynth.core.ranking import Ranking, best_f_beta, rank
from photosynth.evaluate.detection_scores import confusion_counts, rates
from photosynth.evaluate.measure_detector import NO_BOXES, NO_OBJECTS, Answers, garwood, measure_detector

NAMES = ("a", "b", "c")


def answers(cases, negatives=(), top=(0, 0)) -> Answers:
    return Answers(cases, list(negatives), top, np.full(len(cases), 0.02))


def negative(*scores: float) -> Instances:
    boxes = np.tile([0, 0, 10, 10.0], (len(scores), 1))
    return Instances((100, 100), boxes.reshape(-1, 4), np.zeros(len(scores), int), np.array(scores, float))


def ranking(scores: list[float], right: list[bool], objects: int) -> Ranking:
    return Ranking(np.array(scores), np.array(right, bool), np.zeros(len(scores), int), np.array([objects]))


@pytest.mark.parametrize(
    ("scores", "right", "objects", "f1", "threshold"),
    [
        ([], [], 0, np.nan, np.nan),
        ([], [], 3, 0.0, np.nan),
        ([0.9], [False], 3, 0.0, np.nan),
        ([0.9], [True], 1, 1.0, 0.45),
        ([0.9, 0.5], [True, False], 1, 1.0, 0.7),
        ([0.9, 0.9], [False, True], 1, 2 / 3, 0.45),  # equal scores cannot be parted
        ([0.9, 0.8, 0.7, 0.1], [True, False, True, False], 2, 0.8, 0.4),
    ],
)
def test_the_best_f1_by_hand(scores, right, objects, f1, threshold):
    best, at = best_f_beta(ranking(scores, right, objects), np.ones((1, 1)))
    np.testing.assert_allclose([best[0], at[0]], [f1, threshold])


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=12), st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_no_threshold_beats_the_best(rows, more):
    rows = sorted(((s / 10, r) for s, r in rows), key=lambda row: -row[0])
    one = ranking([s for s, _ in rows], [r for _, r in rows], sum(r for _, r in rows) + more)
    best, at = best_f_beta(one, np.ones((1, 1)))
    if not one.objects.sum():
        assert np.isnan(best[0])
        return
    reached = [rates(one, t, np.ones((1, 1)))[2][0] for t in np.linspace(-0.05, 1, 43)]
    assert best[0] == pytest.approx(max(reached))
    if best[0] > 0:
        assert rates(one, at[0], np.ones((1, 1)))[2][0] == pytest.approx(best[0])


def test_weights_multiply_photos():
    one = Ranking(np.array([0.9, 0.8]), np.array([True, False]), np.array([0, 1]), np.array([1, 1]))
    precision, recall, f1 = rates(one, 0.5, np.array([[1.0, 1], [2, 0], [0, 2], [0, 0]]))
    np.testing.assert_allclose(precision, [0.5, 1, 0, np.nan])
    np.testing.assert_allclose(recall, [0.5, 1, 0, np.nan])
    np.testing.assert_allclose(f1, [0.5, 1, 0, np.nan])


def test_confusion_by_hand():
    truth = [(0, 0, 0, 100, 100), (1, 150, 0, 250, 100), (1, 150, 150, 250, 250), (2, 300, 200, 390, 290)]
    found = [
        (0, 0, 0, 100, 100, 0.9),  # right
        (0, 0, 0, 100, 98, 0.8),  # the same once more: nothing is left there
        (2, 150, 0, 250, 100, 0.7),  # b taken for c
        (1, 150, 150, 250, 250, 0.3),  # right, but not shown
        (1, 0, 200, 50, 250, 0.6),  # nothing there
    ]
    cases = [case(truth, found)]
    pools = [pool_class(cases, k) for k in range(3)]
    assert confusion_counts(cases, pools, 0.5).tolist() == [
        [1, 0, 0, 0],
        [0, 0, 1, 1],
        [0, 0, 0, 1],
        [1, 1, 0, 0],
    ]
    assert confusion_counts(cases, pools, 0.0)[1].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("seed", range(8))
def test_confusion_counts_every_object_and_every_find_once(seed):
    cases = random_cases(700 + seed)
    pools = [pool_class(cases, k) for k in range(3)]
    counts = confusion_counts(cases, pools, 0.35)
    truths = np.bincount(np.concatenate([c.truth.class_ids for c in cases]), minlength=3)
    shown = [int(((p.scores >= 0.35) & ~p.ignored[0, 0]).sum()) for p in pools]
    assert counts[:3].sum(1).tolist() == truths.tolist()
    assert counts[:, :3].sum(0).tolist() == shown
    precision, recall, _ = rates(rank(pools, len(cases)), 0.35, np.ones((1, len(cases))))
    assert np.trace(counts[:3, :3]) / max(1, sum(shown)) == pytest.approx(np.nan_to_num(precision[0]))
    assert np.trace(counts[:3, :3]) / truths.sum() == pytest.approx(recall[0])


def test_nothing_measured_says_why():
    report = measure_detector(answers([]), NAMES, "real", 0.5, 100).report
    assert all(m.value is None for m in report.metrics)
    assert report.metric("map50").note == NO_BOXES
    assert report.metric("false_alarms").note == "no picture shows none of the objects"
    assert report.errors == ()
    empty = measure_detector(answers([case([], [])]), NAMES, "real", 0.5, 100).report
    assert empty.metric("map50").note == NO_OBJECTS
    assert empty.metric("recall").value is None


def test_a_report_by_hand():
    cases = [
        case([(0, 0, 0, 100, 100)], [(0, 0, 0, 100, 100, 0.9)]),
        case([(1, 0, 0, 100, 100)], [(1, 200, 200, 290, 290, 0.4)]),
        case([(1, 0, 0, 20, 20)], [(1, 0, 0, 20, 20, 0.8)]),
    ]
    negatives = [negative(), negative(0.9, 0.5), negative(0.7), negative(0.1)]
    measured = measure_detector(answers(cases, negatives, (2, 3)), NAMES, "real", 0.6, 300)
    report = measured.report
    values = {m.name: m.value for m in report.metrics}
    assert values["map50"] == pytest.approx((1 + 51 / 101) / 2)
    assert values["map_small"] == pytest.approx(1)
    assert values["map_medium"] is None
    assert values["map_large"] == pytest.approx(0.5)
    assert (values["precision"], values["recall"]) == (1, pytest.approx(2 / 3))
    assert values["best_f1"] == pytest.approx(0.8)
    assert values["best_f1_threshold"] == pytest.approx(0.6)
    assert values["false_alarms"] == 0.5
    assert values["false_alarms_best_f1"] == 0.5
    assert values["negatives_with_box"] == 0.5
    assert values["top_box_top1"] == pytest.approx(2 / 3)
    assert values["seconds_per_photo"] == pytest.approx(0.02)
    assert (report.n_photos, report.n_objects, report.n_negatives) == (3, 3, 4)
    assert [c.n_objects for c in report.per_class] == [1, 2, 0]
    assert report.per_class[2].curve50 == ()
    for name in ("map50", "recall", "best_f1", "false_alarms"):
        metric = report.metric(name)
        assert metric.low <= metric.value <= metric.high, name
    assert measured.draws["map50"].shape == (300,)


def test_the_interval_of_recall_is_that_of_a_share():
    """60 photos with one object each, half of them found: the bootstrap agrees with the binomial's spread."""
    cases = [case([(0, 0, 0, 50, 50)], [(0, 0, 0, 50, 50, 0.9)] * (k % 2)) for k in range(60)]
    report = measure_detector(answers(cases), ("a",), "real", 0.5, 2000).report
    recall = report.metric("recall")
    spread = np.sqrt(0.25 / 60)
    assert recall.value == 0.5
    assert recall.low == pytest.approx(0.5 - 1.96 * spread, abs=0.02)
    assert recall.high == pytest.approx(0.5 + 1.96 * spread, abs=0.02)
    other = measure_detector(answers(cases), ("a",), "real", 0.5, 2000).report
    assert other == report


def test_no_false_alarm_is_not_never_one():
    report = measure_detector(answers([], [negative()] * 150), NAMES, "real", 0.5, 100, 0, 0.4).report
    for name in ("false_alarms", "false_alarms_best_f1"):
        metric = report.metric(name)
        assert (metric.value, metric.low) == (0, 0)
        assert metric.high == pytest.approx(3.6889 / 150, rel=1e-4)


def test_garwoods_interval_is_the_tables():
    low, high = garwood(10, 1)  # Garwood 1936, table 1
    assert (low, high) == (pytest.approx(4.795, abs=1e-3), pytest.approx(18.39, abs=1e-2))
