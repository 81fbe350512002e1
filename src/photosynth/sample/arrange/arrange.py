"""Arrange: a recipe, some shapes and a generator make one arrangement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.distributions import filled_weights, pick
from photosynth.sample.arrange.arrangement import Arrangement, Shape
from photosynth.sample.arrange.hang import hang
from photosynth.sample.arrange.heap import in_bin, in_pile
from photosynth.sample.arrange.recipe import (
    ArrangementRecipe,
    BinRecipe,
    FloatRecipe,
    MixRecipe,
    PileRecipe,
    ShelfRecipe,
)
from photosynth.sample.arrange.shelf import on_shelf
from photosynth.sample.arrange.table import on_table


def arrange(recipe: ArrangementRecipe, shapes: Sequence[Shape], rng: np.random.Generator) -> Arrangement:
    """Put the things to rest. World: +z up; the surface they stand on is at z = 0 (a shelf's lowest board).

    Args:
        recipe: on what and how.
        shapes: of the things, at least one; the same asset may come more than once.
        rng: draws everything; equal states give equal arrangements.

    Raises:
        ValueError: without shapes.
        DependencyError: for a bin or a pile without the extra ``physics``.
    """
    if not shapes:
        raise ValueError("an arrangement needs at least one shape, got none")
    if isinstance(recipe, MixRecipe):
        weights = filled_weights(recipe.weights, len(recipe.options))
        recipe = recipe.options[int(pick(weights, rng, 1)[0])]
    if isinstance(recipe, FloatRecipe):
        return hang(recipe, shapes, rng)
    if isinstance(recipe, ShelfRecipe):
        return on_shelf(recipe, shapes, rng)
    if isinstance(recipe, BinRecipe):
        return in_bin(recipe, shapes, rng)
    if isinstance(recipe, PileRecipe):
        return in_pile(recipe, shapes, rng)
    return on_table(recipe, shapes, rng)
