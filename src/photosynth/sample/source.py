"""Source of arrangements: those of a run by number, the last few kept."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.rng import rng_for
from photosynth.sample.arrange.arrange import arrange
from photosynth.sample.arrange.posed import slab_hull
from photosynth.sample.arrange.shapes import Shapes
from photosynth.sample.group import choose_group, shapes_of, true_sized
from photosynth.sample.kind import sample_kind
from photosynth.sample.meshes import BoxMeshes
from photosynth.sample.recipe import Recipe
from photosynth.sample.staged import Staged, placed_things
from photosynth.sample.surroundings import with_ground

KEPT = 4
"""Arrangements kept: scenes come in order, so the last one is the one that is asked for again."""


class ArrangementSource:
    """The arrangements of a run; scene i looks at number i // reuse, which depends on (recipe, assets, seed) alone.

    Args:
        recipe: with an arrangement, or a blend that has parts with one.
        assets: the catalogue's.
        seed: the run's.
        shapes: of the assets; None takes each for its box.
    """

    def __init__(self, recipe: Recipe, assets: tuple[Asset, ...], seed: int, shapes: Shapes | None = None) -> None:
        self.recipe, self.assets, self.seed = recipe, assets, seed
        self.shapes = shapes or Shapes(BoxMeshes(assets))
        self.true_ids = true_sized(assets)
        self._kept: OrderedDict[int, Staged] = OrderedDict()
        self._parts: dict[int, ArrangementSource] = {}

    def of_part(self, part: Recipe) -> ArrangementSource:
        """The source of one of the recipes in ``recipe.blend``, with the same shapes; of `recipe` itself, this one."""
        if part is self.recipe:
            return self
        if id(part) not in self._parts:
            self._parts[id(part)] = ArrangementSource(part, self.assets, self.seed, self.shapes)
        return self._parts[id(part)]

    def of_scene(self, index: int) -> Staged:
        """What scene `index` looks at; the last few are kept."""
        number = index // self.recipe.group.reuse
        if number not in self._kept:
            self._kept[number] = self._stage(number)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[number]

    def _stage(self, number: int) -> Staged:
        recipe, group_recipe = self.recipe, self.recipe.group
        kind_rng, rng = rng_for(self.seed, number, "kind"), rng_for(self.seed, number, "group")
        kind = sample_kind(recipe.kinds, any(asset.role == "distractor" for asset in self.assets), kind_rng)
        group = choose_group(group_recipe, self.assets, kind, self.seed, number, rng)
        shapes = shapes_of(group_recipe, group, self.true_ids, self.shapes, rng)
        order = rng.permutation(len(group)) if recipe.group.mingled else np.arange(len(group))
        placed = arrange(recipe.arrangement, [shapes[k] for k in order], rng_for(self.seed, number, "arrangement"))
        placed = with_ground(recipe.surfaces, placed, rng)
        n_leading = len(group) if kind == "lookalike" else sum(asset.role == "object" for asset in group)
        things = placed_things(placed, group, shapes, [int(k) for k in order])
        return Staged(kind, placed, things, tuple(slab_hull(box) for box in placed.slabs), n_leading)
