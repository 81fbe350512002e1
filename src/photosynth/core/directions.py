"""Distributions of points, directions and rotations, as tagged records that a recipe file can hold.

Vectors draw (3,) points or directions; rotations draw unit quaternions (w, x, y, z).
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np

from photosynth.core.distributions import (
    Fixed,
    Scalar,
    Uniform,
    pick,
    require_finite,
    require_ordered,
    require_weights,
)
from photosynth.core.geometry import Vec3
from photosynth.core.record import Record

Axis: TypeAlias = Literal["x", "y", "z"]
FULL_TURN_DEG = 360.0


class UniformSphere(Record, frozen=True, kw_only=True, tag_field="kind", tag="sphere"):
    """Unit vectors, uniform by area over the sphere or over a band of it (Archimedes: z is uniform)."""

    low_elevation_deg: float = -90.0
    """Lower edge of the band, angle above the xy plane."""
    high_elevation_deg: float = 90.0
    """Upper edge."""

    def __post_init__(self) -> None:
        require_ordered(self.low_elevation_deg, self.high_elevation_deg, "low_elevation_deg", "high_elevation_deg")
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
        require_ordered(self.low_radius, self.high_radius, "low_radius", "high_radius")
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
        require_weights("weights_xyz", 3, self.weights_xyz)
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
        require_finite(axis=float(np.sum(self.axis)))
        if not np.linalg.norm(self.axis) > 1e-9:
            raise ValueError(f"axis must not be zero, got {self.axis}")

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(n, 4) unit quaternions."""
        half = np.radians(self.angle_deg.draw(rng, n)) / 2
        axis = np.asarray(self.axis, dtype=float) / np.linalg.norm(self.axis)
        return np.concatenate([np.cos(half)[:, None], np.sin(half)[:, None] * axis], axis=1)


Rotation: TypeAlias = UniformRotation | AxisRotation
"""Anything that draws a rotation."""


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


def _ring(deviation_sd_deg: float, radius: Scalar) -> None:
    require_finite(deviation_sd_deg=deviation_sd_deg)
    if deviation_sd_deg < 0:
        raise ValueError(f"deviation_sd_deg must be 0 or more, got {deviation_sd_deg}")
    if not radius.support()[0] > 0:
        raise ValueError(f"radius must always be above 0, but may be as low as {radius.support()[0]}")
