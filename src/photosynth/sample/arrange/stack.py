"""Stacks: one thing on another, so that neither tips over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.sample.arrange.footprint import reach_inside
from photosynth.sample.arrange.posed import Posed
from photosynth.sample.arrange.separate import drop_m
from photosynth.sample.polygon import area, clip, convex_hull

LEVEL = 0.006
"""What is this much lower than the top of a thing, in its diagonals, still belongs to its top; and so at the bottom."""
MIN_CONTACT = 0.3
"""Least area that a thing stands on, in its footprint's."""
MARGIN = 0.12
"""Least distance of the foot of the centre of mass from the rim of what carries it, in the square root of that area."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Things on one another, the lowest first; contacts[k]: outline (n, 2) of what things[k + 1] stands on."""

    things: tuple[Posed, ...]
    contacts: tuple[np.ndarray, ...] = ()

    def with_on_top(self, thing: Posed, shift_m: np.ndarray) -> Stack | None:
        """The stack with one more thing in the middle of its top, (2,) beside it; None if that would not stand.

        The thing comes turned, anywhere. Every thing of the stack must then stand over what carries it together
        with all that is above it.
        """
        top, bottom = _level(self.things[-1], 1.0), _level(thing, -1.0)
        if len(top) < 3 or len(bottom) < 3:
            return None
        across = _middle(top) - _middle(bottom) + shift_m
        lower = self.things[-1].hull
        rise = float(lower.points_m[:, 2].max() - thing.hull.points_m[:, 2].min())
        placed = thing.shifted(np.array([*across, rise]))
        contact = clip(bottom + across, top)
        if area(contact) < MIN_CONTACT * area(thing.footprint_m):
            return None
        placed = placed.shifted(np.array([0.0, 0.0, -drop_m(placed.hull, [lower], rise + thing.shape.diagonal_m)]))
        stack = Stack((*self.things, placed), (*self.contacts, convex_hull(contact)))
        return stack if stack._stands() else None

    def _stands(self) -> bool:
        foots = [_level(self.things[0], -1.0), *self.contacts]
        for k, foot in enumerate(foots):
            carried = [thing.hull for thing in self.things[k:]]
            volumes = np.array([hull.volume_m3 for hull in carried])
            centre = volumes @ np.array([hull.centre_m for hull in carried]) / volumes.sum()
            if len(foot) < 3 or not reach_inside(centre[:2], foot) > MARGIN:
                return False
        return True


def _level(thing: Posed, sign: float) -> np.ndarray:
    """Outline (n, 2) of a thing's level top (sign 1) or bottom (-1)."""
    heights = sign * thing.hull.points_m[:, 2]
    return convex_hull(thing.hull.points_m[heights > heights.max() - LEVEL * thing.shape.diagonal_m, :2])


def _middle(outline: np.ndarray) -> np.ndarray:
    return (outline.min(axis=0) + outline.max(axis=0)) / 2
