"""Staged: an arrangement with what cameras and lights must know of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.asset import Asset
from photosynth.sample.arrange.arrangement import Arrangement, Shape
from photosynth.sample.arrange.hull import Hull
from photosynth.sample.camera import box_corners
from photosynth.sample.sight import probes_of


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing of an arrangement, placed."""

    asset: Asset
    turn: int
    """Its number in the group, objects first: whose turn it is to be the subject."""
    world_from_object: np.ndarray
    hull: Hull
    """In the world."""
    probes_m: np.ndarray
    """Points of it to look for, (n, 3)."""

    def scale(self) -> float:
        """Its uniform scale."""
        return float(np.cbrt(np.linalg.det(self.world_from_object[:3, :3])))

    def corners_m(self) -> np.ndarray:
        """(8, 3) corners of its box in the world."""
        matrix = self.world_from_object
        return box_corners(self.asset.size_m) @ matrix[:3, :3].T + matrix[:3, 3]


@dataclass(frozen=True, eq=False)
class Staged:
    """An arrangement, its things and its slabs as solids, and what kind of picture it is for."""

    kind: str
    arrangement: Arrangement
    things: tuple[Thing, ...]
    slab_hulls: tuple[Hull, ...]
    n_leading: int
    """How many of the group came first: the user's objects, or what takes their place in a ``"lookalike"``."""

    def leading(self) -> tuple[Thing, ...]:
        """The things that may be the subject, by turn; if all of them found no place, all that are there."""
        ahead = sorted((t for t in self.things if t.turn < self.n_leading), key=lambda thing: thing.turn)
        return tuple(ahead) or self.things

    def subject(self, position: int) -> Thing:
        """Whose turn it is in the scene at that position among those that share the arrangement."""
        candidates = self.leading()
        for thing in candidates:
            if thing.turn == position % self.n_leading:
                return thing
        return candidates[position % len(candidates)]


def placed_things(
    placed: Arrangement, group: tuple[Asset, ...], shapes: list[Shape], order: list[int]
) -> tuple[Thing, ...]:
    """The items of an arrangement with their assets: items come in the order of the shapes, with gaps."""
    things, at = [], iter(order)
    for item in placed.items:
        matrix = np.array(item.world_from_object)
        scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
        turn = next(
            k for k in at if shapes[k].asset_id == item.asset_id and abs(shapes[k].scale - scale) <= 1e-6 * scale
        )
        hull = shapes[turn].hull.moved(matrix[:3, :3] / scale, matrix[:3, 3])
        things.append(Thing(group[turn], turn, matrix, hull, probes_of(hull)))
    return tuple(things)
