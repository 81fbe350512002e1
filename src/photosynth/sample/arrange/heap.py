"""Things in heaps: poured into an open box, or onto a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from photosynth.core.distributions import sample
from photosynth.sample.arrange.arrangement import Arrangement, Shape, SlabBox
from photosynth.sample.arrange.fall import above, fallen
from photosynth.sample.arrange.physics import World
from photosynth.sample.arrange.posed import Posed, arrangement_of, mean_diagonal_m, slab, stood
from photosynth.sample.arrange.recipe import BinRecipe, PileRecipe
from photosynth.sample.arrange.table import OPEN_ELEVATION_DEG, table_top

LEAST_ELEVATION_DEG, MOST_ELEVATION_DEG = 25.0, 60.0
"""Bounds of the lowest elevation from which a bin's things are seen over its rim."""
WIDEST = 1.03
"""Least width of a bin in diagonals of its largest thing."""
REACH = 2.5
"""Things farther from a pile's middle than this many sides of the shaft have rolled away."""


def in_bin(recipe: BinRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> Arrangement:
    """A box filled with the things; those that fell out are missing."""
    unit = mean_diagonal_m(shapes)
    height, thickness = unit * sample(recipe.height_diagonals, rng), unit * sample(recipe.thickness_diagonals, rng)
    area = sum(shape.hull.volume_m3 for shape in shapes) / (sample(recipe.fill, rng) * height)
    aspect = sample(recipe.aspect, rng)
    side = max(math.sqrt(area / aspect), WIDEST * max(shape.diagonal_m for shape in shapes))
    half = np.array([side, max(side, area / side)]) / 2
    half[1] = min(half[1], half[0] * aspect)
    half = half if rng.random() < 0.5 else half[::-1]
    friction = sample(recipe.friction, rng)
    things = above(shapes, half, rng)
    walls = _walls(half, thickness, height)
    world = World(walls, _walls(half, unit, _top_m(things)), friction)
    placed = fallen(things, world, half, unit) or [stood(shapes[0], shapes[0].poses.rotations[0], np.zeros(2))]
    outer = half + thickness
    floor = slab("floor", np.array([*-outer, -thickness]), np.array([*outer, 0.0]))
    middle = float(np.mean([thing.hull.centre_m[2] for thing in placed]))
    rim_deg = math.degrees(math.atan2(max(height - middle, 0.0), half.min()))
    lowest = min(max(rim_deg, LEAST_ELEVATION_DEG), MOST_ELEVATION_DEG)
    return arrangement_of(placed, (floor, *walls), open_elevation_deg=(lowest, 90.0))


def in_pile(recipe: PileRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> Arrangement:
    """A heap on a table; the things that rolled away are missing."""
    unit = mean_diagonal_m(shapes)
    side = unit * sample(recipe.width_diagonals, rng) * len(shapes) ** (1 / 3)
    half = np.full(2, side / 2)
    friction = sample(recipe.friction, rng)
    things = above(shapes, half, rng)
    guards = _walls(half, unit, _top_m(things))
    reach = np.full(2, REACH * max(side, unit))
    placed = fallen(things, World((), guards, friction), reach, unit)
    placed = placed or [stood(shapes[0], shapes[0].poses.rotations[0], np.zeros(2))]
    top = table_top(recipe.side_diagonals, recipe.aspect, recipe.thickness_diagonals, placed, unit, rng)
    return arrangement_of(placed, (top,), open_elevation_deg=OPEN_ELEVATION_DEG)


def _walls(half_xy_m: np.ndarray, thickness_m: float, height_m: float) -> tuple[SlabBox, ...]:
    """Four walls round a rectangle about the origin; they meet at the corners without overlapping."""
    (x, y), (outer_x, outer_y) = half_xy_m, half_xy_m + thickness_m
    return (
        slab("wall", np.array([x, -outer_y, 0.0]), np.array([outer_x, outer_y, height_m])),
        slab("wall", np.array([-outer_x, -outer_y, 0.0]), np.array([-x, outer_y, height_m])),
        slab("wall", np.array([-x, y, 0.0]), np.array([x, outer_y, height_m])),
        slab("wall", np.array([-x, -outer_y, 0.0]), np.array([x, -y, height_m])),
    )


def _top_m(things: Sequence[Posed]) -> float:
    return max(float(thing.hull.points_m[:, 2].max()) for thing in things)
