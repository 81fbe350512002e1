"""Outlook: the directions that show most of an arrangement in which some things were scanned from one side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from photosynth.core.seen import goes_round, seen_part
from photosynth.sample.staged import Staged, Thing

DRAWS = 128
LEAST_KEPT = 6
"""Directions kept even if only one of them is the best: a camera there may see too little."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """directions (k, 3): unit vectors to the camera, the best first. missing: how many things the best does not show.
    shows_subject: whether the best shows the subject."""

    directions: np.ndarray
    missing: int
    shows_subject: bool


def outlook(staged: Staged, subject: Thing, draw: Callable[[], np.ndarray]) -> Outlook | None:
    """The best of DRAWS directions: those that show the subject, and of these those that show most things. None, and
    nothing is drawn, if all things may be shown from all round.

    Args:
        staged: the arrangement.
        subject: whose picture it is.
        draw: draws a direction (3,) that the arrangement leaves open.
    """
    if not is_one_sided(staged):
        return None
    drawn = np.array([draw() for _ in range(DRAWS)])
    hidden = np.array(
        [[seen_part(t.asset, d) is None for d in drawn @ t.world_from_object[:3, :3]] for t in staged.things]
    )
    lost, missing = hidden[staged.things.index(subject)], hidden.sum(axis=0)
    order = np.lexsort((missing, lost))
    best = order[0]
    kept = max(int(((missing == missing[best]) & (lost == lost[best])).sum()), LEAST_KEPT)
    return Outlook(drawn[order[:kept]], int(missing[best]), not lost[best])


def is_one_sided(staged: Staged) -> bool:
    """Whether some thing may not be shown from all round."""
    return any(not goes_round(part) for thing in staged.things for part in thing.asset.parts)
