"""Recipes of arrangements. Lengths are in mean diagonals of the things' bounding boxes: scans may lack a scale."""

from __future__ import annotations

from typing import TypeAlias

from photosynth.core.directions import Rotation, UniformRotation
from photosynth.core.distributions import LogUniform, Scalar, Uniform, require_weights
from photosynth.core.record import Record
from photosynth.sample.ranges import require_share, require_support


class FloatRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="float"):
    """Things hang in space round the first one, which is at the origin; nothing is under them."""

    rotation: Rotation = UniformRotation()
    """How each is turned."""
    gap_diagonals: Scalar = Uniform(low=0.0, high=0.3)
    """Between the bounding sphere of a thing and the nearest of those before it."""

    def __post_init__(self) -> None:
        require_support("gap_diagonals", self.gap_diagonals, 0.0, 10.0)


class TableRecipe(Record, frozen=True, kw_only=True, tag_field="kind", tag="table"):
    """Things lie and stand apart from one another on a table top whose surface is at z = 0."""

    upright_share: float = 0.6
    """Probability that a thing stands as it was scanned, if it can; else it rests as if it had been dropped."""
    density: Scalar = Uniform(low=0.08, high=0.5)
    """Share of the round part of the table where the things are that they cover."""
    side_diagonals: Scalar = LogUniform(low=2.5, high=30.0)
    """Shorter side of the table top; never too small for the things."""
    aspect: Scalar = Uniform(low=1.0, high=2.2)
    """Longer side over shorter side."""
    thickness_diagonals: Scalar = LogUniform(low=0.06, high=0.4)
    """Of the table top."""

    def __post_init__(self) -> None:
        require_share(upright_share=self.upright_share)
        require_support("density", self.density, 0.001, 0.9)
        _require_slab(self.side_diagonals, self.aspect, self.thickness_diagonals)


def _require_slab(side: Scalar, aspect: Scalar, thickness: Scalar) -> None:
    require_support("side_diagonals", side, 0.0, 1000.0, above=0.0)
    require_support("aspect", aspect, 1.0, 10.0)
    require_support("thickness_diagonals", thickness, 0.0, 10.0, above=0.0)


OneArrangement: TypeAlias = FloatRecipe | TableRecipe


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
