"""Things that hang in space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.directions import UniformSphere, matrix_from_quaternion
from photosynth.core.distributions import sample
from photosynth.sample.arrange.arrangement import Arrangement, Shape
from photosynth.sample.arrange.facing import common_azimuth_rad, facing
from photosynth.sample.arrange.posed import Posed, arrangement_of, mean_diagonal_m
from photosynth.sample.arrange.recipe import FloatRecipe


def hang(recipe: FloatRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> Arrangement:
    """The first thing at the origin, each further one beside those before it, in any direction from the origin."""
    unit = mean_diagonal_m(shapes)
    azimuth = common_azimuth_rad(shapes, rng)
    centres, radii = np.zeros((0, 3)), np.zeros(0)
    placed = []
    for shape in shapes:
        rotation = facing(shape, azimuth, lambda: matrix_from_quaternion(sample(recipe.rotation, rng)))
        middle = (shape.points_m.min(axis=0) + shape.points_m.max(axis=0)) / 2
        radius = float(np.linalg.norm(shape.points_m - middle, axis=1).max())
        towards, gap = UniformSphere().draw(rng, 1)[0], unit * sample(recipe.gap_diagonals, rng)
        centre = towards * _clear_m(towards, centres, radii + radius + gap)
        placed.append(Posed(shape, rotation, centre - rotation @ middle))
        centres, radii = np.concatenate([centres, centre[None]]), np.append(radii, radius)
    return arrangement_of(placed, ())


def _clear_m(towards: np.ndarray, centres: np.ndarray, reaches_m: np.ndarray) -> float:
    """The least distance along a ray from the origin beyond which all spheres are left behind; 0 without spheres."""
    along = centres @ towards
    under = reaches_m**2 - (np.einsum("ij,ij->i", centres, centres) - along**2)
    ends = along + np.sqrt(np.maximum(under, 0.0))
    return float(np.maximum(ends[under > 0], 0.0).max(initial=0.0))
