"""Scalar distributions: what they draw, and what they refuse."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from scipy import stats

from photosynth.core.distributions import (
    Choice,
    Discrete,
    Fixed,
    LogUniform,
    Normal,
    Scalar,
    TruncatedNormal,
    Uniform,
    Whole,
    pick,
    sample,
    sample_many,
)
from photosynth.core.errors import ConfigError
from photosynth.core.record import Record, from_plain, from_toml, to_plain

N = 20_000


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


class Holder(Record, frozen=True, kw_only=True):
    dist: Scalar


@pytest.mark.parametrize(
    ("dist", "reference"),
    [
        (Uniform(low=-2, high=3), stats.uniform(-2, 5)),
        (LogUniform(low=0.01, high=100), stats.loguniform(0.01, 100)),
        (Normal(mean=1, sd=2), stats.norm(1, 2)),
        (TruncatedNormal(mean=0, sd=1, low=-0.5, high=2), stats.truncnorm(-0.5, 2)),
        (TruncatedNormal(mean=0, sd=1, low=5, high=7), stats.truncnorm(5, 7)),
        (TruncatedNormal(mean=0, sd=1, low=-7, high=-5), stats.truncnorm(-7, -5)),
        (TruncatedNormal(mean=3, sd=2, low=0, high=4), stats.truncnorm(-1.5, 0.5, loc=3, scale=2)),
    ],
)
def test_draws_follow_the_distribution(dist, reference) -> None:
    assert stats.kstest(sample_many(dist, rng(), N), reference.cdf).pvalue > 0.01


def test_discrete_follows_its_weights() -> None:
    dist = Discrete(values=(5, 7, 9, 11), weights=(1, 0, 2, 5))
    drawn = sample_many(dist, rng(), N)
    assert (drawn == 7).sum() == 0
    counts = [(drawn == value).sum() for value in (5, 9, 11)]
    assert stats.chisquare(counts, np.array([1, 2, 5]) * N / 8).pvalue > 0.01


def test_discrete_without_weights_is_even() -> None:
    drawn = sample_many(Discrete(values=(0, 1, 2)), rng(), N)
    assert stats.chisquare([(drawn == value).sum() for value in (0, 1, 2)]).pvalue > 0.01


def test_whole_numbers_are_even_with_both_ends() -> None:
    drawn = sample_many(Whole(low=2, high=5), rng(), N)
    assert stats.chisquare([(drawn == value).sum() for value in (2, 3, 4, 5)]).pvalue > 0.01
    assert set(drawn) == {2, 3, 4, 5}


def test_choice_mixes_its_options() -> None:
    dist = Choice(options=(Fixed(value=9.0), Uniform(low=0, high=1)), weights=(1, 3))
    drawn = sample_many(dist, rng(), N)
    assert stats.binomtest(int((drawn == 9).sum()), N, 0.25).pvalue > 0.01
    assert stats.kstest(drawn[drawn != 9], "uniform").pvalue > 0.01


def test_pick_never_takes_a_weight_of_zero() -> None:
    assert set(pick((0.0, 1.0, 0.0, 2.0, 0.0), rng(), N)) == {1, 3}


def test_one_draw_is_the_first_of_many() -> None:
    dist = Choice(options=(Normal(mean=0, sd=1), LogUniform(low=1, high=2)))
    assert sample(dist, rng()) == sample_many(dist, rng(), 1)[0]
    assert isinstance(sample(dist, rng()), float)


@pytest.mark.parametrize(
    ("dist", "expected"),
    [
        (Fixed(value=2), (2, 2)),
        (Uniform(low=1, high=4), (1, 4)),
        (Normal(mean=1, sd=0), (1, 1)),
        (Normal(mean=1, sd=1), (-math.inf, math.inf)),
        (Discrete(values=(3, -1, 2)), (-1, 3)),
        (Whole(low=-2, high=3), (-2, 3)),
        (Choice(options=(Fixed(value=-5), Uniform(low=0, high=1))), (-5, 1)),
        (Choice(options=(Fixed(value=-5), Uniform(low=0, high=1)), weights=(0, 1)), (0, 1)),
    ],
)
def test_support(dist, expected) -> None:
    assert dist.support() == expected


@pytest.mark.parametrize("dist", [Uniform(low=0.5, high=0.5), LogUniform(low=2, high=2)])
def test_a_range_of_one_point_draws_it(dist) -> None:
    assert sample_many(dist, rng(), 3) == pytest.approx([dist.low] * 3)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"kind": "uniform", "low": 3, "high": 1}, "low must not be above high.*3.*1"),
        ({"kind": "log_uniform", "low": 0, "high": 1}, "log_uniform needs low above 0"),
        ({"kind": "log_uniform", "low": -1, "high": 1}, "above 0"),
        ({"kind": "normal", "mean": 0, "sd": -1}, "sd must be 0 or more"),
        ({"kind": "truncated_normal", "mean": 0, "sd": 0, "low": 0, "high": 1}, "sd must be above 0"),
        ({"kind": "truncated_normal", "mean": 0, "sd": 1, "low": 1, "high": 1}, "low must be below high"),
        ({"kind": "truncated_normal", "mean": 0, "sd": 1, "low": 40, "high": 41}, "next to nothing"),
        ({"kind": "discrete", "values": []}, "values must not be empty"),
        ({"kind": "discrete", "values": [1, 2], "weights": [1]}, "2 values need 2 weights, got 1"),
        ({"kind": "discrete", "values": [1, 2], "weights": [0, 0]}, "all 0"),
        ({"kind": "discrete", "values": [1, 2], "weights": [1, -1]}, "weights must be 0 or more"),
        ({"kind": "choice", "options": []}, "options must not be empty"),
        ({"kind": "fixed", "value": math.nan}, "finite"),
        ({"kind": "uniform", "low": 0, "high": math.inf}, "finite"),
        ({"kind": "whole", "low": 3, "high": 2}, "low must not be above high"),
        ({"kind": "whole", "low": 0.5, "high": 2}, "int"),
        ({"kind": "zipf"}, "zipf"),
        ({"kind": "fixed", "value": 1, "valeu": 2}, "valeu"),
    ],
)
def test_what_makes_no_distribution_is_refused_by_name(value, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        from_plain({"dist": value}, Holder)


def test_the_error_names_file_and_place(tmp_path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('dist = {kind="choice", options=[{kind="fixed", value=1}, {kind="uniform", low=2, high=1}]}')
    with pytest.raises(ConfigError, match=r"wrong\.toml.*dist\.options\[1\]"):
        from_toml(path, Holder)


def test_records_come_back_from_plain_values() -> None:
    holder = Holder(dist=Choice(options=(Discrete(values=(1, 2), weights=(1, 3)), Normal(mean=0, sd=1))))
    assert from_plain(to_plain(holder), Holder) == holder
    assert msgspec.json.decode(msgspec.json.encode(holder), type=Holder) == holder
