"""Intervals against published values."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.rng import rng_for
from photosynth.evaluate.intervals import newcombe, percentile_interval, resample_weights, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe, Stat. Med. 17 (1998) 857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_the_published_table(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # Newcombe, Stat. Med. 17 (1998) 873, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_matches_the_published_table(first, second, low, high):
    difference, *interval = newcombe(*first, *second)
    assert difference == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert interval == pytest.approx([low, high], abs=6e-5)


def test_edges_of_wilson():
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(12, 12)[1] == 1.0
    assert wilson(3, 10)[0] == pytest.approx(1 - wilson(7, 10)[1])
    with pytest.raises(ValueError, match="4 of 3"):
        wilson(4, 3)


def test_newcombe_changes_sign_with_the_order():
    one, other = newcombe(9, 10, 3, 10), newcombe(3, 10, 9, 10)
    assert one == pytest.approx((-other[0], -other[2], -other[1]))
    with pytest.raises(ValueError, match="not empty"):
        newcombe(1, 2, 0, 0)


def test_resampling_keeps_the_size_of_each_class():
    groups = np.array([0, 0, 0, 1, 1, 4])
    weights = np.concatenate(list(resample_weights(groups, 500, rng_for(0, 0, "test"))))
    assert weights.shape == (500, 6)
    for g, size in ((0, 3), (1, 2), (4, 1)):
        assert (weights[:, groups == g].sum(axis=1) == size).all()
    # each photo of a class of 3 is drawn Binomial(3, 1/3) times: variance 2/3
    assert weights[:, 0].var() == pytest.approx(2 / 3, abs=0.12)
    assert next(resample_weights(np.empty(0, int), 3, rng_for(0, 0, "test"))).shape == (3, 0)


def test_bootstrap_of_a_mean_agrees_with_the_normal_interval():
    values = rng_for(0, 0, "values").normal(size=400)
    weights = next(resample_weights(np.zeros(400, int), 4000, rng_for(1, 0, "test")))
    low, high = percentile_interval(weights @ values / 400)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.012)


def test_percentile_interval_moves_by_its_bias_and_stays_in_range():
    draws = np.linspace(0.04, 0.12, 201)
    low, high = percentile_interval(draws)
    assert low > 0.03
    low, high = percentile_interval(draws, 0.03, 0.0, 1.0)
    assert low == 0.0
    assert low < 0.03 < high
    assert percentile_interval(np.full(50, 0.7)) is None
    assert percentile_interval(np.empty(0)) is None
    assert percentile_interval(np.array([np.nan, np.nan])) is None
