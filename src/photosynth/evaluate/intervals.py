"""Intervals: how far a measured share, mean or difference may be from the truth, given so few photos."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
MAX_WEIGHTS = 4_000_000


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (0, 1 when n is 0).

    With p = k / n: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
    Wilson, J. Am. Stat. Assoc. 22 (1927) 209; recommended by Newcombe, Stat. Med. 17 (1998) 857, method 3.

    Raises:
        ValueError: unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"expected 0 <= successes <= n, got {successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, Z95 * Z95
    centre = p + z2 / (2 * n)
    half = Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low = 0.0 if successes == 0 else (centre - half) / (1 + z2 / n)
    high = 1.0 if successes == n else (centre + half) / (1 + z2 / n)
    return low, high


def newcombe(successes_1: int, n_1: int, successes_2: int, n_2: int) -> tuple[float, float, float]:
    """p1 - p2 of two independent proportions, with its 95 % hybrid score interval: (difference, low, high).

    With Wilson's (l1, u1), (l2, u2) and d = p1 − p2:
    d − √((p1−l1)² + (u2−p2)²) .. d + √((u1−p1)² + (p2−l2)²).
    Newcombe, Stat. Med. 17 (1998) 873, method 10 (without continuity correction).

    Raises:
        ValueError: if either sample is empty or a count is out of range.
    """
    if n_1 == 0 or n_2 == 0:
        raise ValueError("a difference of proportions needs two samples that are not empty")
    p_1, p_2 = successes_1 / n_1, successes_2 / n_2
    (low_1, high_1), (low_2, high_2) = wilson(successes_1, n_1), wilson(successes_2, n_2)
    difference = p_1 - p_2
    low = difference - sqrt((p_1 - low_1) ** 2 + (high_2 - p_2) ** 2)
    high = difference + sqrt((high_1 - p_1) ** 2 + (p_2 - low_2) ** 2)
    return difference, low, high


def resample_weights(groups: np.ndarray, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each photo is drawn in each bootstrap sample, group by group with replacement.

    Group sizes stay as they are, so that no class vanishes from a sample (Efron and Tibshirani, An Introduction
    to the Bootstrap, 1993, sections 6.2 and 8.3).

    Args:
        groups: (n,) integers, the true class of each photo.
        resamples: how many samples in all.
        rng: drawn from in order.

    Yields:
        (some, n) float64 weights; the first axes add up to `resamples`.
    """
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    step = max(1, MAX_WEIGHTS // max(1, len(groups)))
    for start in range(0, resamples, step):
        weights = np.zeros((min(step, resamples - start), len(groups)))
        for member in members:
            shares = np.full(len(member), 1 / len(member))
            weights[:, member] = rng.multinomial(len(member), shares, size=len(weights))
        yield weights


def percentile_interval(
    draws: np.ndarray, value: float | None = None, lowest: float = -np.inf, highest: float = np.inf
) -> tuple[float, float] | None:
    """The 95 % percentile interval of bootstrap draws, or None where they cannot tell (fewer than 2, all equal).

    With `value`, the interval is first moved by the bootstrap's own estimate of bias, mean(draws) - value (Efron
    and Tibshirani 1993, chapter 10), for quantities such as ECE that come out too high in small samples; the
    result is kept inside lowest..highest.
    """
    draws = draws[np.isfinite(draws)]
    if len(draws) < 2 or np.ptp(draws) < 1e-12:
        return None
    low, high = np.percentile(draws, (2.5, 97.5))
    if value is not None:
        bias = float(draws.mean()) - value
        low, high = low - bias, high - bias
    return float(np.clip(low, lowest, highest)), float(np.clip(high, lowest, highest))
