"""Shapes to arrange, and an arrangement's things and slabs as solids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from photosynth.sample.arrange.arrangement import Arrangement, Shape
from photosynth.sample.arrange.hull import Hull
from photosynth.sample.arrange.posed import slab_hull


def prism(radius: float, height: float, sides: int = 32) -> np.ndarray:
    """(2 sides, 3) corners of an upright prism about the origin."""
    angle = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)
    ring = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([np.column_stack([ring, np.full(sides, z)]) for z in (-height / 2, height / 2)])


def brick(x: float, y: float, z: float) -> np.ndarray:
    """(8, 3) corners of a box about the origin."""
    corners = [(a, b, c) for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)]
    return np.array(corners) * (x, y, z)


@pytest.fixture(scope="session")
def shapes() -> dict[str, Shape]:
    """A box, a flat box, a can, a bottle of odd form, a ball and a stone, of groceries' sizes."""
    rng = np.random.default_rng(7)
    height = (np.arange(60) + 0.5) / 30 - 1
    spiral = np.pi * (3 - np.sqrt(5)) * np.arange(60)  # Fibonacci's lattice on the sphere
    level = np.sqrt(1 - height**2)
    ball = np.stack([level * np.cos(spiral), level * np.sin(spiral), height], axis=1)
    points = {
        "box": brick(0.16, 0.06, 0.21),
        "flat": brick(0.09, 0.11, 0.03),
        "can": prism(0.035, 0.1),
        "bottle": np.concatenate([prism(0.04, 0.12), prism(0.012, 0.06, 12) + np.array([0.01, 0.0, 0.09])]),
        "ball": 0.04 * ball,
        "stone": rng.normal(size=(40, 3)) * (0.03, 0.02, 0.015) + (0.01, 0.0, 0.02),
    }
    return {name: Shape(name, p) for name, p in points.items()}


@pytest.fixture(scope="session")
def some_of(shapes: dict[str, Shape]) -> Callable[[np.random.Generator, int], list[Shape]]:
    """Draws shapes at scales between 0.5 and 1.5, the same ones more than once."""
    kept = {(name, factor): shapes[name].scaled(factor) for name in shapes for factor in (0.5, 0.8, 1.0, 1.5)}
    keys = list(kept)

    def draw(rng: np.random.Generator, count: int) -> list[Shape]:
        return [kept[keys[int(k)]] for k in rng.integers(len(keys), size=count)]

    return draw


@pytest.fixture(scope="session")
def solids(shapes: dict[str, Shape]) -> Callable[[Arrangement], tuple[list[Hull], list[Hull]]]:
    """The hulls of an arrangement's things and of its slabs in the world, worked out from its records alone."""

    def of(arrangement: Arrangement) -> tuple[list[Hull], list[Hull]]:
        things = []
        for item in arrangement.items:
            matrix = np.array(item.world_from_object)
            scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
            things.append(shapes[item.asset_id].hull.scaled(scale).moved(matrix[:3, :3] / scale, matrix[:3, 3]))
        return things, [slab_hull(box) for box in arrangement.slabs]

    return of
