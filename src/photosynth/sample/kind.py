"""Kinds of pictures: of the user's objects, of nothing, or of other things alone."""

from __future__ import annotations

import numpy as np

from photosynth.core.record import Record
from photosynth.sample.ranges import require_share


class KindRecipe(Record, frozen=True, kw_only=True):
    """Pictures without any of the user's objects. All others show at least one."""

    empty_share: float = 0.08
    """Share of pictures with nothing in them but background, surroundings, clutter and occluders."""
    lookalike_share: float = 0.3
    """Share of pictures of distractors alone; they are empty if the catalogue has no distractors."""

    def __post_init__(self) -> None:
        require_share(empty_share=self.empty_share, lookalike_share=self.lookalike_share)
        if self.empty_share + self.lookalike_share >= 1.0:
            raise ValueError(
                f"empty_share {self.empty_share:g} and lookalike_share {self.lookalike_share:g} leave no pictures "
                "of objects; their sum must be below 1"
            )


def sample_kind(recipe: KindRecipe, has_distractors: bool, rng: np.random.Generator) -> str:
    """``"object"``, ``"empty"`` or ``"lookalike"``; without distractors, what would be a lookalike is empty."""
    at = rng.random()
    if at < recipe.empty_share:
        return "empty"
    if at < recipe.empty_share + recipe.lookalike_share:
        return "lookalike" if has_distractors else "empty"
    return "object"
