"""Facing: things that were scanned from one side are turned so that one camera can show them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from photosynth.core.seen import seen_from
from photosynth.sample.arrange.arrangement import Shape

TRIES = 96
"""Draws of each kind before the best of them is taken."""
FAN_AZIMUTHS_DEG, FAN_ELEVATIONS_DEG = (-15.0, 0.0, 15.0), (10.0, 25.0, 40.0, 55.0)
"""Where cameras are likely to stand, from the common azimuth."""
ENOUGH = 0.7
"""Share of these directions from which a thing that is turned well may be shown."""


def common_azimuth_rad(shapes: Sequence[Shape], rng: np.random.Generator) -> float:
    """The azimuth that the one-sided things of a scene face; a number is drawn only if there are such things."""
    return float(rng.uniform(-np.pi, np.pi)) if any(shape.one_sided for shape in shapes) else 0.0


def facing(shape: Shape, azimuth_rad: float, *draws: Callable[[], np.ndarray]) -> np.ndarray:
    """A (3, 3) rotation, world from object, that turns what was scanned of a thing to cameras at an azimuth.

    Args:
        shape: the thing. If it may be shown from all round, the first draw is taken as it is.
        azimuth_rad: of the cameras, in the world.
        draws: each draws a rotation; the next is asked when the one before has given none that is good enough.
    """
    rotation = draws[0]()
    if not shape.one_sided:
        return rotation
    fan = _fan(azimuth_rad)
    best = (-1.0, rotation)
    for draw in draws:
        for _ in range(TRIES):
            share = float(np.mean([any(seen_from(p, d) for p in shape.one_sided) for d in fan @ rotation]))
            if share >= ENOUGH:
                return rotation
            best = max(best, (share, rotation), key=lambda found: found[0])
            rotation = draw()
    return best[1]


def _fan(azimuth_rad: float) -> np.ndarray:
    """Unit vectors (n, 3) to the likely cameras."""
    a, e = np.meshgrid(azimuth_rad + np.radians(FAN_AZIMUTHS_DEG), np.radians(FAN_ELEVATIONS_DEG))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1).reshape(-1, 3)
