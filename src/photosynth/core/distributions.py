"""Distributions as plain values: tagged records that a recipe file can hold, and functions that draw from them.

Scalars draw numbers, vectors draw (3,) points or directions, rotations draw unit quaternions (w, x, y, z). A record
whose numbers make no distribution raises ValueError, which record.from_toml reports with its place in the file.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np

from photosynth.core.geometry import Vec3
from photosynth.core.record import Record

Axis: TypeAlias = Literal["x", "y", "z"]
FULL_TURN_DEG = 360.0


class Fixed(Record, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """Always the same number."""

    value: float
    """The number."""

    def __post_init__(self) -> None:
        _finite(value=self.value)

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
        _ordered(self.low, self.high)

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
        _ordered(self.low, self.high)
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
        _finite(mean=self.mean, sd=self.sd)
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
        _finite(mean=self.mean, sd=self.sd)
        _ordered(self.low, self.high)
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
        _weighted("values", len(self.values), self.weights)
        for value in self.values:
            _finite(values=value)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn."""
        return min(self.values), max(self.values)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        return np.asarray(self.values, dtype=float)[pick(_weights(self.weights, len(self.values)), rng, n)]


class Choice(Record, frozen=True, kw_only=True, tag_field="kind", tag="choice"):
    """One of some distributions, then a draw from it: a mixture."""

    options: tuple[Scalar, ...]
    """At least one."""
    weights: tuple[float, ...] = ()
    """One for each option, 0 or more, not all 0; empty means equal."""

    def __post_init__(self) -> None:
        _weighted("options", len(self.options), self.weights)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can be drawn (of options with a weight above 0)."""
        weights = _weights(self.weights, len(self.options))
        spans = [option.support() for option, weight in zip(self.options, weights, strict=True) if weight > 0]
        return min(low for low, _ in spans), max(high for _, high in spans)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n,) draws."""
        chosen = pick(_weights(self.weights, len(self.options)), rng, n)
        drawn = np.empty(n)
        for k, option in enumerate(self.options):
            mine = chosen == k
            if mine.any():
                drawn[mine] = option.draw(rng, int(mine.sum()))
        return drawn


Scalar: TypeAlias = Fixed | Uniform | LogUniform | Normal | TruncatedNormal | Discrete | Choice
"""Anything that draws one number."""


class UniformSphere(Record, frozen=True, kw_only=True, tag_field="kind", tag="sphere"):
    """Unit vectors, uniform by area over the sphere or over a band of it (Archimedes: z is uniform)."""

    low_elevation_deg: float = -90.0
    """Lower edge of the band, angle above the xy plane."""
    high_elevation_deg: float = 90.0
    """Upper edge."""

    def __post_init__(self) -> None:
        _ordered(self.low_elevation_deg, self.high_elevation_deg, "low_elevation_deg", "high_elevation_deg")
        if self.low_elevation_deg < -90 or self.high_elevation_deg > 90:
            raise ValueError(
                f"elevations lie in -90..90, got low_elevation_deg={self.low_elevation_deg}, "
                f"high_elevation_deg={self.high_elevation_deg}"
            )

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 3) draws."""
        low, high = math.sin(math.radians(self.low_elevation_deg)), math.sin(math.radians(self.high_elevation_deg))
        z = rng.uniform(low, high, n)
        azimuth = rng.uniform(0.0, 2 * math.pi, n)
        level = np.sqrt(np.maximum(0.0, 1.0 - z * z))
        return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), z], axis=1)


class UniformShell(Record, frozen=True, kw_only=True, tag_field="kind", tag="shell"):
    """Points between two spheres round the origin, in any direction."""

    low_radius: float
    """Inner radius, 0 or more."""
    high_radius: float
    """Outer radius."""
    by: Literal["volume", "radius"] = "volume"
    """Uniform by volume (far points are likelier) or uniform in the radius."""

    def __post_init__(self) -> None:
        _ordered(self.low_radius, self.high_radius, "low_radius", "high_radius")
        if self.low_radius < 0:
            raise ValueError(f"low_radius must be 0 or more, got {self.low_radius}")

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 3) draws."""
        power = 3.0 if self.by == "volume" else 1.0
        radius = rng.uniform(self.low_radius**power, self.high_radius**power, n) ** (1.0 / power)
        return UniformSphere().draw(rng, n) * radius[:, None]


class RingOnShell(Record, frozen=True, kw_only=True, tag_field="kind", tag="ring"):
    """Points near the great circle about one axis: uniform round the axis, normal away from the circle.

    The camera positions of the 2018 pipeline.
    """

    axis: Axis
    """The axis the ring goes round."""
    deviation_sd_deg: float = 20.0
    """Standard deviation of the angle away from the great circle."""
    radius: Scalar = Fixed(value=1.0)
    """Distance from the origin, above 0."""

    def __post_init__(self) -> None:
        _ring(self.deviation_sd_deg, self.radius)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 3) draws."""
        k = "xyz".index(self.axis)
        deviation = np.radians(rng.normal(0.0, self.deviation_sd_deg, n))
        azimuth = rng.uniform(0.0, 2 * math.pi, n)
        points = np.empty((n, 3))
        points[:, k] = np.sin(deviation)
        points[:, (k + 1) % 3] = np.cos(deviation) * np.cos(azimuth)
        points[:, (k + 2) % 3] = np.cos(deviation) * np.sin(azimuth)
        return points * self.radius.draw(rng, n)[:, None]


class CompositeRings(Record, frozen=True, kw_only=True, tag_field="kind", tag="rings"):
    """A mixture of the rings about x, y and z."""

    weights_xyz: Vec3 = (1.0, 1.0, 1.0)
    """How often each ring is used, 0 or more, not all 0."""
    deviation_sd_deg: float = 20.0
    """As in RingOnShell."""
    radius: Scalar = Fixed(value=1.0)
    """As in RingOnShell."""

    def __post_init__(self) -> None:
        _weighted("weights_xyz", 3, self.weights_xyz)
        _ring(self.deviation_sd_deg, self.radius)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 3) draws."""
        chosen = pick(self.weights_xyz, rng, n)
        points = np.empty((n, 3))
        for k, axis in enumerate(("x", "y", "z")):
            mine = chosen == k
            if mine.any():
                ring = RingOnShell(axis=axis, deviation_sd_deg=self.deviation_sd_deg, radius=self.radius)
                points[mine] = ring.draw(rng, int(mine.sum()))
        return points


Vector: TypeAlias = UniformSphere | UniformShell | RingOnShell | CompositeRings
"""Anything that draws a point or a direction."""


class UniformRotation(Record, frozen=True, kw_only=True, tag_field="kind", tag="uniform_rotation"):
    """Any rotation, uniform by Haar measure (Shoemake, "Uniform random rotations", Graphics Gems III, 1992)."""

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 4) unit quaternions."""
        u, a, b = rng.random(n), rng.uniform(0, 2 * math.pi, n), rng.uniform(0, 2 * math.pi, n)
        s, c = np.sqrt(1.0 - u), np.sqrt(u)
        return np.stack([c * np.cos(b), s * np.sin(a), s * np.cos(a), c * np.sin(b)], axis=1)


class AxisRotation(Record, frozen=True, kw_only=True, tag_field="kind", tag="axis_rotation"):
    """A rotation about one axis by an angle."""

    axis: Vec3 = (0.0, 0.0, 1.0)
    """Not zero; its length does not matter."""
    angle_deg: Scalar = Uniform(low=0.0, high=FULL_TURN_DEG)
    """Right-handed angle about it."""

    def __post_init__(self) -> None:
        _finite(axis=float(np.sum(self.axis)))
        if not np.linalg.norm(self.axis) > 1e-9:
            raise ValueError(f"axis must not be zero, got {self.axis}")

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 4) unit quaternions."""
        half = np.radians(self.angle_deg.draw(rng, n)) / 2
        axis = np.asarray(self.axis, dtype=float) / np.linalg.norm(self.axis)
        return np.concatenate([np.cos(half)[:, None], np.sin(half)[:, None] * axis], axis=1)


Rotation: TypeAlias = UniformRotation | AxisRotation
"""Anything that draws a rotation."""


def sample_many(dist: Scalar | Vector | Rotation, rng: np.random.Generator, n: int) -> np.ndarray:
    """n independent draws: (n,) for a scalar, (n, 3) for a vector, (n, 4) quaternions for a rotation."""
    return dist.draw(rng, n)


def sample(dist: Scalar | Vector | Rotation, rng: np.random.Generator) -> float | np.ndarray:
    """One draw: a float for a scalar, (3,) for a vector, (4,) a unit quaternion w, x, y, z for a rotation."""
    value = dist.draw(rng, 1)[0]
    return float(value) if np.ndim(value) == 0 else value


def pick(weights: tuple[float, ...], rng: np.random.Generator, n: int) -> np.ndarray:
    """(n,) indices drawn in proportion to weights (0 or more, not all 0)."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    last = int(np.flatnonzero(weights)[-1])
    return np.minimum(np.searchsorted(edges, rng.random(n) * edges[-1], side="right"), last)


def matrix_from_quaternion(wxyz: np.ndarray) -> np.ndarray:
    """The (3, 3) rotation matrix of a unit quaternion."""
    w, x, y, z = (float(v) for v in wxyz)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value}")


def _ordered(low: float, high: float, low_name: str = "low", high_name: str = "high") -> None:
    _finite(**{low_name: low, high_name: high})
    if low > high:
        raise ValueError(f"{low_name} must not be above {high_name}, got {low_name}={low}, {high_name}={high}")


def _weights(weights: tuple[float, ...], count: int) -> tuple[float, ...]:
    return weights or (1.0,) * count


def _weighted(name: str, count: int, weights: tuple[float, ...]) -> None:
    if count == 0:
        raise ValueError(f"{name} must not be empty")
    for weight in weights:
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"weights must be 0 or more, got {weight}")
    if weights and len(weights) != count:
        raise ValueError(f"{count} {name} need {count} weights, got {len(weights)}")
    if weights and sum(weights) <= 0:
        raise ValueError(f"the weights of {name} are all 0: nothing could be drawn")


def _ring(deviation_sd_deg: float, radius: Scalar) -> None:
    _finite(deviation_sd_deg=deviation_sd_deg)
    if deviation_sd_deg < 0:
        raise ValueError(f"deviation_sd_deg must be 0 or more, got {deviation_sd_deg}")
    if not radius.support()[0] > 0:
        raise ValueError(f"radius must always be above 0, but may be as low as {radius.support()[0]}")
