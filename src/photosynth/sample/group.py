"""Groups: which things share an arrangement, and how large they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.distributions import Discrete, Fixed, LogUniform, Scalar, sample
from photosynth.core.record import Record
from photosynth.sample.arrange.arrangement import Shape
from photosynth.sample.arrange.shapes import Shapes
from photosynth.sample.placement import choose_distractor, choose_object
from photosynth.sample.ranges import require_count, require_support

MAX_OBJECTS = 12
MAX_REUSE = 64


class GroupRecipe(Record, frozen=True, kw_only=True):
    """Which things share an arrangement.

    Things have their true sizes. The box of one whose asset has no known scale gets a diagonal of `common_diagonal_m`
    times a factor drawn for it; and so does every thing's if none of the catalogue's objects has a known scale.
    """

    objects: Scalar = Discrete(values=(1, 2, 3, 4, 5, 6, 8, 10, 12), weights=(3, 3, 3, 2, 2, 1.5, 1, 0.5, 0.5))
    """How many of the user's objects, a count of 1 to 12."""
    clutter: Scalar = Discrete(values=(0, 1, 2, 3, 4, 6), weights=(3, 2, 2, 1.5, 1, 0.5))
    """How many distractors among them, a count of 0 to 12."""
    copies: Scalar = Fixed(value=1)
    """How many of one asset come in a row, as on a shelf, a count of 1 to 12; they count as that many objects, or as
    that much clutter."""
    reuse: int = 1
    """How many scenes in a row look at one arrangement, 1 to 64, each from elsewhere, in another light, on other
    surfaces. More save time where arranging is slow, and show less: n scenes hold n / reuse arrangements, so a few of
    them may lack a kind of arrangement, or an object, that thousands hold often."""
    mingled: bool = False
    """Whether objects and clutter are arranged in any order. Otherwise the objects come first: on a full table they
    find a place more often, in a pile they lie at the bottom."""
    common_diagonal_m: float = 0.2
    """Diagonal in metres of the box of a thing of factor 1, where sizes are unknown: about that of a grocery."""
    size_factor: Scalar = LogUniform(low=0.6, high=1.6)
    """Ratio of a thing's diagonal to that, drawn for each thing, where sizes are unknown."""

    def __post_init__(self) -> None:
        require_count("objects", self.objects, 1, MAX_OBJECTS)
        require_count("clutter", self.clutter, 0, MAX_OBJECTS)
        require_count("copies", self.copies, 1, MAX_OBJECTS)
        require_support("size_factor", self.size_factor, 0.05, 20.0)
        if not 1 <= self.reuse <= MAX_REUSE:
            raise ValueError(f"reuse must lie in 1..{MAX_REUSE} scenes, got {self.reuse}")
        if not self.common_diagonal_m > 0:
            raise ValueError(f"common_diagonal_m must be above 0, got {self.common_diagonal_m:g}")


def choose_group(
    recipe: GroupRecipe, assets: tuple[Asset, ...], kind: str, seed: int, number: int, rng: np.random.Generator
) -> tuple[Asset, ...]:
    """The things of arrangement `number`: the objects first, then the clutter.

    The objects are those whose turn it is (see choose_object) from scene number * reuse on, so that over the scenes
    of a run every class is as often the subject as any other. In a ``"lookalike"`` all are distractors.
    """
    objects = tuple(asset for asset in assets if asset.role == "object")
    others = tuple(asset for asset in assets if asset.role == "distractor")
    n_objects, n_clutter = round(sample(recipe.objects, rng)), round(sample(recipe.clutter, rng))
    first = number * recipe.reuse
    if kind == "lookalike":
        chosen = _filled(recipe.copies, n_objects, lambda _: choose_distractor(others, rng), rng)
    else:
        chosen = _filled(recipe.copies, n_objects, lambda k: choose_object(objects, seed, first + k), rng)
    clutter = _filled(recipe.copies, n_clutter if others else 0, lambda _: choose_distractor(others, rng), rng)
    return (*chosen, *clutter)


def _filled(copies: Scalar, count: int, choose: Callable[[int], Asset], rng: np.random.Generator) -> list[Asset]:
    """`count` assets, each chosen by its number and repeated as drawn."""
    chosen: list[Asset] = []
    k = 0
    while len(chosen) < count:
        chosen += [choose(k)] * round(sample(copies, rng))
        k += 1
    return chosen[:count]


def true_sized(assets: tuple[Asset, ...]) -> frozenset[str]:
    """Ids of a catalogue's assets that have their true sizes in every group: those with a known scale; none if no
    object has one, for then made-up packages are no measure of them."""
    if not any(asset.scale_known for asset in assets if asset.role == "object"):
        return frozenset()
    return frozenset(asset.asset_id for asset in assets if asset.scale_known)


def shapes_of(
    recipe: GroupRecipe, group: tuple[Asset, ...], true_ids: frozenset[str], shapes: Shapes, rng: np.random.Generator
) -> list[Shape]:
    """The shapes of a group at the sizes that they have in the scene; `true_ids` are those of true_sized."""
    found = []
    for asset in group:
        factor = sample(recipe.size_factor, rng)  # drawn for all, so that one more known size changes no other
        scale = 1.0 if asset.asset_id in true_ids else recipe.common_diagonal_m * factor / asset.diagonal_m()
        found.append(shapes.shape(asset, scale))
    return found
