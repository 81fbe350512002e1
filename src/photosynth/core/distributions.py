"""Distributions of numbers as plain values: tagged records that a recipe file can hold, and how to draw from them.

Points and rotations are in core/directions.py. A record whose numbers make no distribution raises ValueError, which
record.from_toml reports as a ConfigError with its place in the file.
"""

from __future__ import annotations

import math
from typing import Protocol, TypeAlias

import numpy as np

from photosynth.core.record import Record


class Distribution(Protocol):
    """Anything that draws: numbers here, points and rotations in core/directions.py."""

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """n independent draws along the first axis."""


class Fixed(Record, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """Always the same number."""

    value: float
    """The number."""

    def __post_init__(self) -> None:
        require_finite(value=self.value)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return self.value, self.value

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        return np.full(n, float(self.value))


class Uniform(Record, frozen=True, kw_only=True, tag_field="kind", tag="uniform"):
    """Evenly between two numbers."""

    low: float
    """Lowest value."""
    high: float
    """Highest value (never drawn itself)."""

    def __post_init__(self) -> None:
        require_ordered(self.low, self.high)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return self.low, self.high

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        return rng.uniform(self.low, self.high, n)


class LogUniform(Record, frozen=True, kw_only=True, tag_field="kind", tag="log_uniform"):
    """Evenly in the logarithm: each doubling is as likely as the next."""

    low: float
    """Lowest value, above 0."""
    high: float
    """Highest value."""

    def __post_init__(self) -> None:
        require_ordered(self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"log_uniform needs low above 0 (it has no logarithm otherwise), got low={self.low}")

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return self.low, self.high

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        drawn = np.exp(rng.uniform(math.log(self.low), math.log(self.high), n))
        return np.clip(drawn, self.low, self.high)


class Normal(Record, frozen=True, kw_only=True, tag_field="kind", tag="normal"):
    """The bell curve; it has no bounds."""

    mean: float
    """Its middle."""
    sd: float
    """Standard deviation, 0 or more."""

    def __post_init__(self) -> None:
        require_finite(mean=self.mean, sd=self.sd)
        if self.sd < 0:
            raise ValueError(f"sd must be 0 or more, got sd={self.sd}")

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return (self.mean, self.mean) if self.sd == 0 else (-math.inf, math.inf)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        return rng.normal(self.mean, self.sd, n)


class TruncatedNormal(Record, frozen=True, kw_only=True, tag_field="kind", tag="truncated_normal"):
    """The part of a bell curve that lies between two numbers, drawn by inverting its distribution function."""

    mean: float
    """Middle of the whole curve; may lie outside."""
    sd: float
    """Standard deviation of the whole curve, above 0."""
    low: float
    """Lowest value."""
    high: float
    """Highest value."""

    def __post_init__(self) -> None:
        require_finite(mean=self.mean, sd=self.sd)
        require_ordered(self.low, self.high)
        if self.sd <= 0:
            raise ValueError(f"sd must be above 0, got sd={self.sd}")
        if self.low == self.high:
            raise ValueError(f"low must be below high, got both {self.low}; use kind 'fixed'")
        a, b, _ = self._tail()
        if not 0.5 * (math.erfc(-b / math.sqrt(2)) - math.erfc(-a / math.sqrt(2))) > 1e-12:
            raise ValueError(
                f"next to nothing of normal(mean={self.mean}, sd={self.sd}) lies between {self.low} and {self.high}"
            )

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return self.low, self.high

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        from scipy.special import ndtr, ndtri

        a, b, sign = self._tail()
        drawn = self.mean + sign * self.sd * ndtri(rng.uniform(ndtr(a), ndtr(b), n))
        return np.clip(drawn, self.low, self.high)

    def _tail(self) -> tuple[float, float, float]:
        """Standardised bounds and sign, mirrored into the lower tail, where the numbers are precise."""
        a, b = (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd
        return (-b, -a, -1.0) if a > 0 else (a, b, 1.0)


class Discrete(Record, frozen=True, kw_only=True, tag_field="kind", tag="discrete"):
    """One of some numbers."""

    values: tuple[float, ...]
    """At least one."""
    weights: tuple[float, ...] = ()
    """One for each value, 0 or more, not all 0; empty means equal."""

    def __post_init__(self) -> None:
        require_weights("values", len(self.values), self.weights)
        for value in self.values:
            require_finite(values=value)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return min(self.values), max(self.values)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        return np.asarray(self.values, dtype=float)[pick(filled_weights(self.weights, len(self.values)), rng, n)]


class Whole(Record, frozen=True, kw_only=True, tag_field="kind", tag="whole"):
    """A whole number between two, each as likely."""

    low: int
    """Lowest value."""
    high: int
    """Highest value; it is drawn too."""

    def __post_init__(self) -> None:
        require_ordered(self.low, self.high)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return self.low, self.high

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        return rng.integers(self.low, self.high, n, endpoint=True).astype(float)


class Choice(Record, frozen=True, kw_only=True, tag_field="kind", tag="choice"):
    """One of some distributions, then a draw from it: a mixture."""

    options: tuple[Scalar, ...]
    """At least one."""
    weights: tuple[float, ...] = ()
    """One for each option, 0 or more, not all 0; empty means equal."""

    def __post_init__(self) -> None:
        require_weights("options", len(self.options), self.weights)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn (of options with a weight above 0)."""
        weights = filled_weights(self.weights, len(self.options))
        spans = [option.support() for option, weight in zip(self.options, weights, strict=True) if weight > 0]
        return min(low for low, _ in spans), max(high for _, high in spans)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        chosen = pick(filled_weights(self.weights, len(self.options)), rng, n)
        drawn = np.empty(n)
        for k, option in enumerate(self.options):
            mine = chosen == k
            if mine.any():
                drawn[mine] = option.draw(rng, int(mine.sum()))
        return drawn


Scalar: TypeAlias = Fixed | Uniform | LogUniform | Normal | TruncatedNormal | Discrete | Whole | Choice
"""Anything that draws one number."""


def sample_many(dist: Distribution, rng: np.random.Generator, n: int) -> np.ndarray:
    """n independent draws: (n,) for a scalar, (n, 3) for a vector, (n, 4) quaternions for a rotation."""
    return dist.draw(rng, n)


def sample(dist: Distribution, rng: np.random.Generator) -> float | np.ndarray:
    """One draw: a float for a scalar, (3,) for a vector, (4,) a unit quaternion w, x, y, z for a rotation."""
    value = dist.draw(rng, 1)[0]
    return float(value) if np.ndim(value) == 0 else value


def pick(weights: tuple[float, ...], rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,) indices drawn in proportion to weights (0 or more, not all 0)."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    last = int(np.flatnonzero(weights)[-1])
    return np.minimum(np.searchsorted(edges, rng.random(n) * edges[-1], side="right"), last)


def require_finite(**values: float) -> None:
    """Raises ValueError naming the first value that is infinite or not a number."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value}")


def require_ordered(low: float, high: float, low_name: str = "low", high_name: str = "high") -> None:
    """Raises ValueError unless both are finite and low is not above high."""
    require_finite(**{low_name: low, high_name: high})
    if low > high:
        raise ValueError(f"{low_name} must not be above {high_name}, got {low_name}={low}, {high_name}={high}")


def filled_weights(weights: tuple[float, ...], count: int) -> tuple[float, ...]:
    """The weights, or equal ones if there are none."""
    return weights or (1.0,) * count


def require_weights(name: str, count: int, weights: tuple[float, ...]) -> None:
    """Raises ValueError unless there is something to choose from and the weights (empty: equal) allow it."""
    if count == 0:
        raise ValueError(f"{name} must not be empty")
    for weight in weights:
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"weights must be 0 or more, got {weight}")
    if weights and len(weights) != count:
        raise ValueError(f"{count} {name} need {count} weights, got {len(weights)}")
    if weights and sum(weights) <= 0:
        raise ValueError(f"the weights of {name} are all 0: nothing could be drawn")
