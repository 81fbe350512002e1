"""Recipes of arrangements. Lengths are in mean diagonals of the things' bounding boxes: scans may lack a scale."""

from __future__ import annotations

from typing import TypeAlias

from msgspec.structs import replace

from photosynth.core.directions import Rotation, UniformRotation
from photosynth.core.distributions import Discrete, LogUniform, Normal, Scalar, Uniform, require_weights
from photosynth.core.record import Record
from photosynth.sample.ranges import require_count, require_share, require_support


class FloatRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="float"):
    """Things hang in space round the first one, which is at the origin; nothing is under them."""

    rotation: Rotation = UniformRotation()
    """How each is turned: a unit quaternion, world axes from the thing's."""
    gap_diagonals: Scalar = Uniform(low=0.0, high=0.3)
    """Between the bounding sphere of a thing and the nearest of those before it, in mean diagonals."""

    def __post_init__(self) -> None:
        require_support("gap_diagonals", self.gap_diagonals, 0.0, 10.0)


class TableRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="table"):
    """Things lie and stand apart from one another on a table top whose surface is at z = 0."""

    upright_share: float = 0.6
    """Probability that a thing stands as it was scanned, if it can; else it rests as if it had been dropped."""
    density: Scalar = Uniform(low=0.08, high=0.5)
    """Share of the round part of the table where the things are that their outlines from above cover, by area."""
    side_diagonals: Scalar = LogUniform(low=2.5, high=30.0)
    """Shorter side of the table top in mean diagonals; never too small for the things."""
    aspect: Scalar = Uniform(low=1.0, high=2.2)
    """Longer side over shorter side, a ratio: 1 is square, 2.2 a dining table."""
    thickness_diagonals: Scalar = LogUniform(low=0.06, high=0.4)
    """Of the table top, in mean diagonals: 12 to 80 mm under things of 0.2 m."""

    def __post_init__(self) -> None:
        require_share(upright_share=self.upright_share)
        require_support("density", self.density, 0.001, 0.9)
        _require_slab(self.side_diagonals, self.aspect, self.thickness_diagonals)


class ShelfRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="shelf"):
    """Things stand in rows and stacks on boards that are open towards +x; the lowest board's top is at z = 0."""

    boards: Scalar = Discrete(values=(1, 2, 3), weights=(0.2, 0.5, 0.3))
    """How many boards, 1 to 6; the things are shared out among them from below."""
    clearance: Scalar = Uniform(low=1.06, high=1.6)
    """Height between two boards, as a multiple of the height of the tallest stack."""
    depth_diagonals: Scalar = Uniform(low=0.9, high=2.4)
    """Of the boards, from front to back, in mean diagonals; never too small for the things."""
    spare_diagonals: Scalar = LogUniform(low=0.05, high=4.0)
    """Length of the boards beyond the longest row, in mean diagonals."""
    thickness_diagonals: Scalar = LogUniform(low=0.04, high=0.15)
    """Of boards and walls, in mean diagonals: 8 to 30 mm round things of 0.2 m."""
    gap_diagonals: Scalar = LogUniform(low=0.01, high=0.3)
    """Between neighbours in a row, in mean diagonals."""
    setback_diagonals: Scalar = Uniform(low=0.02, high=0.3)
    """From the board's front edge to the row, in mean diagonals, for the whole shelf."""
    jitter_diagonals: Scalar = Normal(mean=0.0, sd=0.02)
    """Of each thing out of line, to the front or the back, and of a stacked one both ways, in mean diagonals."""
    disorder_deg: Scalar = Normal(mean=0.0, sd=4.0)
    """Turn of each thing about the vertical away from straight ahead, in degrees."""
    upright_share: float = 0.85
    """As in TableRecipe; copies of one asset rest alike."""
    narrow_share: float = 0.25
    """Probability that an asset turns the narrower side of its footprint to the front."""
    stack_share: float = 0.35
    """Probability that a thing is put on the one before it, if it stands there."""
    behind_share: float = 0.3
    """Probability that a thing that is not stacked is put behind the one before it, if there is room."""
    back_share: float = 0.7
    """Probability of a back wall."""
    sides_share: float = 0.5
    """Probability of side walls."""
    top_share: float = 0.6
    """Probability of one more board over all the others."""
    settled: bool = False
    """Whether stacks come to rest by rigid-body physics after they were put up. Needs the extra ``physics``; recipes
    loaded without it leave stacks as they were put."""

    def __post_init__(self) -> None:
        require_count("boards", self.boards, 1, 6)
        require_support("clearance", self.clearance, 1.01, 10.0)
        for name in ("depth_diagonals", "thickness_diagonals"):
            require_support(name, getattr(self, name), 0.0, 20.0, above=0.0)
        for name in ("spare_diagonals", "gap_diagonals", "setback_diagonals"):
            require_support(name, getattr(self, name), 0.0, 100.0)
        require_share(
            upright_share=self.upright_share,
            narrow_share=self.narrow_share,
            stack_share=self.stack_share,
            behind_share=self.behind_share,
            back_share=self.back_share,
            sides_share=self.sides_share,
            top_share=self.top_share,
        )


class BinRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="bin"):
    """An open box that things were dropped into: a floor, whose upper side is at z = 0, and four walls.

    Needs the extra ``physics``.
    """

    fill: Scalar = Uniform(low=0.15, high=0.5)
    """Volume of the things' convex hulls as a share of the box's volume; the box is never too narrow for the things."""
    height_diagonals: Scalar = Uniform(low=0.4, high=1.1)
    """Of the walls above the floor, in mean diagonals."""
    aspect: Scalar = Uniform(low=1.0, high=1.7)
    """Longer side of the floor over its shorter side, a ratio: 1 is square, 1.7 a shoe box."""
    thickness_diagonals: Scalar = LogUniform(low=0.02, high=0.08)
    """Of the floor and the walls, in mean diagonals: 4 to 16 mm round things of 0.2 m."""
    friction: Scalar = Uniform(low=0.35, high=0.8)
    """Coulomb's coefficient between any two surfaces, tangential over normal force: about 0.35 for plastic on plastic,
    0.8 for rubber."""

    def __post_init__(self) -> None:
        require_support("fill", self.fill, 0.01, 1.0)
        require_support("height_diagonals", self.height_diagonals, 0.05, 10.0)
        require_support("aspect", self.aspect, 1.0, 10.0)
        require_support("thickness_diagonals", self.thickness_diagonals, 0.01, 1.0)
        require_support("friction", self.friction, 0.05, 2.0)


class PileRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="pile"):
    """A heap that was poured onto a table top whose surface is at z = 0. Needs the extra ``physics``."""

    width_diagonals: Scalar = Uniform(low=0.7, high=1.4)
    """Side of the square shaft that the things are poured through, for one thing, in mean diagonals; it grows with the
    cube root of their number. When it is taken away the heap slumps."""
    side_diagonals: Scalar = LogUniform(low=3.0, high=30.0)
    """As in TableRecipe."""
    aspect: Scalar = Uniform(low=1.0, high=2.2)
    """As in TableRecipe."""
    thickness_diagonals: Scalar = LogUniform(low=0.06, high=0.4)
    """As in TableRecipe."""
    friction: Scalar = Uniform(low=0.35, high=0.8)
    """As in BinRecipe."""

    def __post_init__(self) -> None:
        require_support("width_diagonals", self.width_diagonals, 0.3, 10.0)
        require_support("friction", self.friction, 0.05, 2.0)
        _require_slab(self.side_diagonals, self.aspect, self.thickness_diagonals)


def _require_slab(side: Scalar, aspect: Scalar, thickness: Scalar) -> None:
    require_support("side_diagonals", side, 0.0, 1000.0, above=0.0)
    require_support("aspect", aspect, 1.0, 10.0)
    require_support("thickness_diagonals", thickness, 0.0, 10.0, above=0.0)


OneArrangement: TypeAlias = FloatRecipe | TableRecipe | ShelfRecipe | BinRecipe | PileRecipe
"""One way to arrange things."""


class MixRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="mix"):
    """One of some arrangements, drawn anew for each picture."""

    options: tuple[OneArrangement, ...]
    """At least one."""
    weights: tuple[float, ...] = ()
    """One for each option, 0 or more, not all 0; empty means equal."""

    def __post_init__(self) -> None:
        require_weights("options", len(self.options), self.weights)


ArrangementRecipe: TypeAlias = OneArrangement | MixRecipe
"""How things are arranged."""


def options_of(recipe: ArrangementRecipe) -> tuple[OneArrangement, ...]:
    """The ways to arrange things that a recipe may draw."""
    return recipe.options if isinstance(recipe, MixRecipe) else (recipe,)


def is_settled(recipe: OneArrangement) -> bool:
    """Whether physics has the last word on what was put up by geometry."""
    return isinstance(recipe, ShelfRecipe) and recipe.settled


def without_settling(recipe: ArrangementRecipe) -> ArrangementRecipe:
    """The same, but stacks stay as they are put up."""
    if isinstance(recipe, MixRecipe):
        return replace(recipe, options=tuple(without_settling(option) for option in recipe.options))
    return replace(recipe, settled=False) if is_settled(recipe) else recipe
