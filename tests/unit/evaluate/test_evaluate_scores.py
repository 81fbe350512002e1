"""Scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.evaluate.scores import (
    bin_ids,
    calibration_error,
    confusion_matrix,
    log_loss,
    macro_scores,
    reliability,
)


def test_confusion_by_hand():
    truth, answer = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 2])
    expected = [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert confusion_matrix(truth, answer, 3).tolist() == expected
    assert confusion_matrix(np.empty(0, int), np.empty(0, int), 2).tolist() == [[0, 0], [0, 0]]


def test_macro_scores_by_hand():
    confusion = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 2]])
    precision, recall, f1 = macro_scores(confusion, np.arange(3))
    assert precision == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert recall == pytest.approx((1 / 2 + 1 + 2 / 3) / 3)
    assert f1 == pytest.approx((1 / 2 + 2 / 3 + 4 / 5) / 3)


def test_macro_scores_of_some_classes_and_of_a_stack():
    confusion = np.array([[3, 1, 0], [0, 0, 0], [1, 0, 1]])
    stack = np.stack([confusion, 2 * confusion])
    recall = macro_scores(stack, np.array([0, 2]))[1]
    assert recall == pytest.approx([(3 / 4 + 1 / 2) / 2] * 2)
    never_answered = macro_scores(np.array([[0, 2], [0, 2]]), np.arange(2))
    assert never_answered[0] == pytest.approx((0 + 1 / 2) / 2)
    assert all(np.isnan(v) for v in macro_scores(confusion, np.empty(0, int)))


def test_calibration_error_by_hand():
    assert np.isnan(calibration_error(np.empty(0), np.empty(0, bool)))
    sure = np.array([1.0, 1.0])
    assert calibration_error(sure, np.array([True, True])) == 0
    assert calibration_error(sure, np.array([False, False])) == 1
    # one bin of ten: 0.75 sure, half right: 0.25; another: 0.95 sure, all right: 0.05; weights 2 and 4 of 6
    confidence = np.array([0.75, 0.75, 0.95, 0.95, 0.95, 0.95])
    right = np.array([True, False, True, True, True, True])
    assert calibration_error(confidence, right, 10) == pytest.approx((2 * 0.25 + 4 * 0.05) / 6)
    # errors of opposite sign cancel inside a bin and not between bins
    assert calibration_error(confidence, right, 1) == pytest.approx(abs(5 / 6 - confidence.mean()))


def test_calibration_error_under_weights_counts_photos_so_often():
    confidence, right = np.array([0.75, 0.95, 0.55]), np.array([True, False, True])
    repeated = calibration_error(confidence[[0, 0, 2]], right[[0, 0, 2]], 10)
    weighted = calibration_error(confidence, right, 10, np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
    assert weighted == pytest.approx([repeated, calibration_error(confidence, right, 10)])


@pytest.mark.parametrize(("confidence", "bins", "expected"), [(0.0, 10, 0), (0.1, 10, 0), (0.11, 10, 1), (1.0, 10, 9)])
def test_bins_are_closed_above(confidence, bins, expected):
    assert bin_ids(np.array([confidence]), bins)[0] == expected


def test_log_loss_is_finite_and_right():
    assert log_loss(np.array([1.0, 0.5, 0.0])) == pytest.approx([0, np.log(2), 12 * np.log(10)])


def test_reliability_keeps_bins_that_hold_photos():
    rows = reliability(np.array([0.95, 0.97, 0.2]), np.array([True, False, False]), 10)
    assert [(b, n) for b, _, _, n in rows] == [(1, 1), (9, 2)]
    assert rows[1][1:3] == pytest.approx((0.96, 0.5))
    assert reliability(np.empty(0), np.empty(0, bool)) == ()
