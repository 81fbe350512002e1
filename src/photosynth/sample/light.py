"""Lights: how many lamps, where, how large, how bright and of what colour."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.directions import UniformShell, Vector
from photosynth.core.distributions import Discrete, LogUniform, Scalar, Uniform, sample
from photosynth.core.record import Record
from photosynth.core.scene import Light
from photosynth.sample.color import TEMPERATURE_RANGE_K, as_vec3, linear_from_temperature
from photosynth.sample.ranges import require_count, require_share, require_support

MAX_LIGHTS = 8
NEAREST_DIAGONALS = 1.0
"""A lamp drawn nearer to the subject's centre than this is moved out to it."""


class LightRecipe(Record, frozen=True, kw_only=True):
    """Lamps. Lengths are in diagonals of the subject's box, so that toys and cupboards are lit alike."""

    count: Scalar = Discrete(values=(0, 1, 2, 3, 4, 6, 8), weights=(2, 4, 4, 3, 2, 1, 0.5))
    """How many, a count of 0 to 8."""
    position: Vector = UniformShell(low_radius=2.5, high_radius=9.0, by="radius")
    """Of a lamp's centre about the subject's centre, in the world's axes, in diagonals."""
    radius_diagonals: Scalar = LogUniform(low=0.03, high=1.2)
    """Of a lamp's sphere, in diagonals; held below 0.8 of the room between it and the subject."""
    radiance: Scalar = LogUniform(low=0.03, high=1.0)
    """What one lamp adds to the radiance of a white Lambertian surface at the subject's centre that faces it; 1 is
    white in the picture before exposure. The lamp's power in watts follows from its distance, by the inverse square."""
    temperature_k: Scalar = Uniform(low=2500.0, high=9000.0)
    """Colour temperature in kelvin of a black body (Kim et al., see sample/color.py): 2500 is a warm bulb, 6500
    daylight, 9000 open shade."""
    same_temperature_share: float = 0.6
    """Probability that all lamps of a scene have one temperature, 0..1."""

    def __post_init__(self) -> None:
        require_count("count", self.count, 0, MAX_LIGHTS)
        require_support("radius_diagonals", self.radius_diagonals, above=0.0)
        require_support("radiance", self.radiance, 0.0, 100.0)
        require_support("temperature_k", self.temperature_k, *TEMPERATURE_RANGE_K)
        require_share(same_temperature_share=self.same_temperature_share)


def sample_lights(recipe: LightRecipe, diagonal_m: float, rng: np.random.Generator) -> tuple[Light, ...]:
    """The lamps of a scene whose subject, at the origin, has a box of that diagonal."""
    count = round(sample(recipe.count, rng))
    shared_k = sample(recipe.temperature_k, rng) if rng.random() < recipe.same_temperature_share else None
    return tuple(_sample_light(recipe, diagonal_m, shared_k, rng) for _ in range(count))


def _sample_light(recipe: LightRecipe, diagonal_m: float, shared_k: float | None, rng: np.random.Generator) -> Light:
    position = np.asarray(sample(recipe.position, rng))
    distance = float(np.linalg.norm(position))
    if distance < NEAREST_DIAGONALS:
        position = position * (NEAREST_DIAGONALS / distance) if distance > 1e-9 else np.array([0, 0, NEAREST_DIAGONALS])
        distance = NEAREST_DIAGONALS
    own_k = sample(recipe.temperature_k, rng)
    temperature_k = own_k if shared_k is None else shared_k
    radius = min(sample(recipe.radius_diagonals, rng), 0.8 * (distance - 0.5))
    return Light(
        position_m=as_vec3(position * diagonal_m),
        radius_m=radius * diagonal_m,
        power_w=power_for_radiance(sample(recipe.radiance, rng), distance * diagonal_m),
        color_linear=linear_from_temperature(temperature_k),
        temperature_k=temperature_k,
    )


def power_for_radiance(radiance: float, distance_m: float) -> float:
    """Power of a lamp that gives a white Lambertian surface facing it at that distance this radiance.

    Irradiance is power / (4 pi d^2), radiance is irradiance / pi.
    """
    return 4.0 * math.pi**2 * distance_m**2 * radiance
