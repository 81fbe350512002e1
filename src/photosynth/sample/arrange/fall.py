"""Falling: things are poured into a world, or put up in it, and those that come to rest as they should are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from photosynth.core.directions import UniformRotation, matrix_from_quaternion
from photosynth.sample.arrange.arrangement import Shape, SlabBox
from photosynth.sample.arrange.hull import Hull
from photosynth.sample.arrange.physics import Simulation, World
from photosynth.sample.arrange.posed import Posed, slab_hull
from photosynth.sample.arrange.separate import boxes_apart, drop_m, overlap_m

MAX_DEPTH = 0.004
"""Deepest two things may be in each other, in diagonals of the smaller one."""
MAX_GAP = 0.004
"""Farthest a thing may be above what carries it, in its diagonals."""
ROUNDS = 4
"""Times that things which did not come to rest well are taken out and the others settle again."""
FALL_S, SETTLE_S = 6.0, 4.0


def above(shapes: Sequence[Shape], half_xy_m: np.ndarray, rng: np.random.Generator) -> list[Posed]:
    """The things over a rectangle round the origin, at random rotations, one above the other so far as they must be
    for their bounding spheres to be apart."""
    placed: list[Posed] = []
    spheres: list[tuple[np.ndarray, float]] = []
    for shape, quaternion in zip(shapes, UniformRotation().draw(rng, len(shapes)), strict=True):
        rotation = matrix_from_quaternion(quaternion)
        points = shape.points_m @ rotation.T
        low, high = points.min(axis=0), points.max(axis=0)
        room = np.maximum(half_xy_m - (high - low)[:2] / 2, 0.0)
        radius = float(np.linalg.norm(high - low)) / 2
        at = np.append(room * rng.uniform(-1.0, 1.0, 2), radius)
        for centre, other in spheres:
            rise = (radius + other) ** 2 - float(((centre - at)[:2] ** 2).sum())
            at[2] = max(at[2], centre[2] + math.sqrt(rise)) if rise > 0 else at[2]
        placed.append(Posed(shape, rotation, at - (low + high) / 2))
        spheres.append((at, radius))
    return placed


def fallen(things: Sequence[Posed], world: World, half_xy_m: np.ndarray, unit_m: float) -> list[Posed]:
    """Where the things come to rest: those within a rectangle round the origin, not in one another, that something
    carries; in their order. The guards are taken away once the things have come to rest between them.

    Raises DependencyError without the physics engine.
    """
    simulation = Simulation(things, world, unit_m)
    if world.guards:
        simulation.settle(FALL_S)
        simulation.drop_guards()
    walls = [slab_hull(box) for box in world.walls]
    gone = np.zeros(len(things), bool)
    for _ in range(ROUNDS):
        bad = ~simulation.settle(SETTLE_S)
        now = simulation.things()
        bad |= [bool((np.abs(thing.hull.centre_m[:2]) > half_xy_m).any()) for thing in now]
        bad = _too_deep(now, walls, bad | gone)
        if (bad <= gone).all():
            break
        simulation.remove(bad)
        gone |= bad
    return _carried([thing for thing, out in zip(now, gone, strict=True) if not out], walls)


def settled(things: Sequence[Posed], others: Sequence[Posed], walls: Sequence[SlabBox], unit_m: float) -> list[Posed]:
    """Where things come to rest that stand on boards and on one another; as they stand, all of them, if one does not
    come to rest, or would be in another or in a wall.

    Args:
        things: what is to settle, at least one.
        others: what stays; nothing may come to rest in it.
        walls: boards and walls; the ground at z = 0 carries, too.
        unit_m: the mean diagonal of all.

    Raises DependencyError without the physics engine.
    """
    simulation = Simulation(things, World(tuple(walls)), unit_m)
    rest, now = simulation.settle(SETTLE_S), simulation.things()
    everything = [*now, *others]
    deep = _too_deep(everything, [slab_hull(box) for box in walls], np.zeros(len(everything), bool))
    return now if rest.all() and not deep.any() else list(things)


def _too_deep(things: Sequence[Posed], walls: Sequence[Hull], bad: np.ndarray) -> np.ndarray:
    """`bad` and the things to take out so that no two of the others, and no wall, are too deep in each other: always
    the one that is deepest in all its neighbours together."""
    bad = bad.copy()
    count = len(things)
    depths = np.zeros((count, count + 1))
    for k in np.flatnonzero(~bad):
        mine, limit = things[k].hull, MAX_DEPTH * things[k].shape.diagonal_m
        over = [overlap_m(mine, wall, limit) for wall in walls if not boxes_apart(mine, wall)]
        depths[k, count] = max([*over, -float(mine.points_m[:, 2].min())]) / limit
        for n in np.flatnonzero(~bad[:k]):
            if not boxes_apart(mine, things[n].hull):
                least = min(limit, MAX_DEPTH * things[n].shape.diagonal_m)
                depths[k, n] = depths[n, k] = overlap_m(mine, things[n].hull, least) / least
    while (depths > 1).any():
        worst = int(np.where(depths > 1, depths, 0.0).sum(axis=1).argmax())
        bad[worst] = True
        depths[worst, :] = depths[:, worst] = 0.0
    return bad


def _carried(things: list[Posed], walls: Sequence[Hull]) -> list[Posed]:
    """Without the things that hang in the air, and without those that are then left in the air, and so on."""
    while True:
        kept = []
        for k, thing in enumerate(things):
            floor_m = float(thing.hull.points_m[:, 2].min())
            limit = MAX_GAP * thing.shape.diagonal_m
            others = [other.hull for n, other in enumerate(things) if n != k] + list(walls)
            if floor_m <= limit or drop_m(thing.hull, others, 2 * limit) <= limit:
                kept.append(thing)
        if len(kept) == len(things):
            return kept
        things = kept
