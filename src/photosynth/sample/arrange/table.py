"""Things on a table: each in a stable pose, none over another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from photosynth.core.distributions import Scalar, sample
from photosynth.sample.arrange.arrangement import Arrangement, Shape, SlabBox
from photosynth.sample.arrange.facing import common_azimuth_rad, facing
from photosynth.sample.arrange.footprint import apart_from_all
from photosynth.sample.arrange.posed import Posed, arrangement_of, mean_diagonal_m, slab, stood, yawed
from photosynth.sample.arrange.recipe import TableRecipe
from photosynth.sample.polygon import area

TRIES = 80
"""Places tried for each thing."""
SPREAD = 1.6
"""The last places tried are this much farther out than the first."""
MARGIN_DIAGONALS = 0.05
"""Least width of table round the things."""
GAP_DIAGONALS = 0.004
"""Least distance between two things."""
OPEN_ELEVATION_DEG = (5.0, 90.0)


def on_table(recipe: TableRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> Arrangement:
    """Each thing in a stable pose at a random place of a round region that the recipe's density fixes.

    One that finds no place after TRIES is left out; the first always finds one. Things that were scanned from one side
    face one azimuth, more or less.
    """
    unit = mean_diagonal_m(shapes)
    density = sample(recipe.density, rng)
    azimuth = common_azimuth_rad(shapes, rng)
    turned = [facing(s, azimuth, partial(_drawn_turn, recipe, s, rng)) for s in shapes]
    things = [stood(shape, turn, np.zeros(2)) for shape, turn in zip(shapes, turned, strict=True)]
    radius = math.sqrt(sum(area(thing.footprint_m) for thing in things) / (density * math.pi))
    order = sorted(range(len(things)), key=lambda k: (-area(things[k].footprint_m), k))  # large ones first
    found = dict(_scatter(things, order, radius, GAP_DIAGONALS * unit, rng))
    placed = [found[k] for k in sorted(found)]
    top = table_top(recipe.side_diagonals, recipe.aspect, recipe.thickness_diagonals, placed, unit, rng)
    return arrangement_of(placed, (top,), open_elevation_deg=OPEN_ELEVATION_DEG)


def _drawn_turn(recipe: TableRecipe, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    return yawed(shape.poses.draw(rng, recipe.upright_share), rng.uniform(0.0, 2 * math.pi))


def table_top(
    side_diagonals: Scalar,
    aspect: Scalar,
    thickness_diagonals: Scalar,
    placed: Sequence[Posed],
    unit_m: float,
    rng: np.random.Generator,
) -> SlabBox:
    """A slab under all the things, its top at z = 0, shifted so that they may be anywhere on it."""
    points = np.concatenate([thing.hull.points_m[:, :2] for thing in placed])
    low = points.min(axis=0) - MARGIN_DIAGONALS * unit_m
    high = points.max(axis=0) + MARGIN_DIAGONALS * unit_m
    side = unit_m * sample(side_diagonals, rng)
    size = np.array([side, side * sample(aspect, rng)])
    size = np.maximum(size if rng.random() < 0.5 else size[::-1], high - low)
    centre = (low + high) / 2 + (size - (high - low)) / 2 * rng.uniform(-1.0, 1.0, 2)
    thickness = unit_m * sample(thickness_diagonals, rng)
    return slab("table", np.array([*(centre - size / 2), -thickness]), np.array([*(centre + size / 2), 0.0]))


def _scatter(
    things: list[Posed], order: list[int], radius_m: float, gap_m: float, rng: np.random.Generator
) -> list[tuple[int, Posed]]:
    placed: list[tuple[int, Posed]] = []
    outlines: list[np.ndarray] = []
    for k in order:
        own = float(np.linalg.norm(things[k].footprint_m, axis=1).max())
        reach = np.linspace(1.0, SPREAD, TRIES) * radius_m - 0.5 * own
        distance = np.maximum(reach, 0.0) * np.sqrt(rng.random(TRIES))
        azimuth = rng.uniform(0.0, 2 * math.pi, TRIES)
        places = np.stack([distance * np.cos(azimuth), distance * np.sin(azimuth)], axis=1)
        for at in places:
            if apart_from_all(things[k].footprint_m + at, outlines, gap_m):
                placed.append((k, things[k].shifted(np.array([*at, 0.0]))))
                outlines.append(placed[-1][1].footprint_m)
                break
    return placed
