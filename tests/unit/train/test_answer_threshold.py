"""The probability from which an answer is worth giving."""

import numpy as np
import pytest

from photosynth.train.calibrate import fit_threshold


def logits_of(probability):
    """Two classes and none: the first class gets `probability`, none the rest."""
    p = np.asarray(probability, float)
    return np.log(np.stack([p, np.full_like(p, 1e-6), 1 - p], axis=1))


NONE = 2


def test_without_pictures_of_nothing_it_is_one_half():
    assert fit_threshold(logits_of([0.9, 0.8]), np.array([0, 0]), 1.0, 0.02) == 0.5


def test_few_false_answers_are_let_through():
    surest = np.array([0.1] * 90 + [0.725] * 8 + [0.915] * 2)
    labels = np.full(100, NONE)
    assert fit_threshold(logits_of(surest), labels, 1.0, 0.02) == pytest.approx(0.73)
    assert fit_threshold(logits_of(surest), labels, 1.0, 0.0) == 0.9
    assert fit_threshold(logits_of(surest), labels, 1.0, 0.10) == 0.5


def test_pictures_of_objects_do_not_count_and_there_is_a_ceiling():
    both = np.array([0.99] * 10 + [0.2] * 10)
    labels = np.array([0] * 10 + [NONE] * 10)
    assert fit_threshold(logits_of(both), labels, 1.0, 0.0) == 0.5
    assert fit_threshold(logits_of(both), np.full(20, NONE), 1.0, 0.0) == 0.9


def test_temperature_is_applied():
    surest, labels = logits_of(np.full(10, 0.9)), np.full(10, NONE)
    assert fit_threshold(surest, labels, 3.0, 0.0) < fit_threshold(surest, labels, 1.0, 0.0)
