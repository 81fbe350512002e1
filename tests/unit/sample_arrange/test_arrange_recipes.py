"""Recipes of arrangements: their TOML form, and what they refuse."""

from __future__ import annotations

import pytest

from photosynth.core.distributions import Fixed, Uniform
from photosynth.core.errors import ConfigError
from photosynth.core.record import from_plain, to_plain
from photosynth.sample.arrange.recipe import (
    ArrangementRecipe,
    BinRecipe,
    FloatRecipe,
    MixRecipe,
    PileRecipe,
    ShelfRecipe,
    TableRecipe,
)

KINDS = [FloatRecipe, TableRecipe, ShelfRecipe, BinRecipe, PileRecipe]


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind):
    recipe = MixRecipe(options=(kind(), TableRecipe(upright_share=0.1)), weights=(1.0, 2.0))
    assert from_plain(to_plain(kind()), ArrangementRecipe) == kind()
    assert from_plain(to_plain(recipe), ArrangementRecipe) == recipe


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        ({"kind": "tabel"}, "tabel"),
        ({"kind": "table", "densty": {"kind": "fixed", "value": 0.1}}, "densty"),
        ({"kind": "table", "density": {"kind": "fixed", "value": 1.5}}, "density"),
        ({"kind": "table", "upright_share": 1.2}, "upright_share"),
        ({"kind": "shelf", "boards": {"kind": "uniform", "low": 1, "high": 3}}, "boards"),
        ({"kind": "bin", "fill": {"kind": "normal", "mean": 0.4, "sd": 0.1}}, "fill"),
        ({"kind": "pile", "width_diagonals": {"kind": "fixed", "value": 0.0}}, "width_diagonals"),
        ({"kind": "mix", "options": []}, "options"),
        ({"kind": "mix", "options": [{"kind": "float"}], "weights": [0.0]}, "weights"),
    ],
)
def test_impossible_recipes_are_refused_by_name(plain, named):
    with pytest.raises(ConfigError, match=named):
        from_plain(plain, ArrangementRecipe)


def test_any_allowed_distribution_is_taken():
    assert TableRecipe(density=Uniform(low=0.1, high=0.2)) != TableRecipe(density=Fixed(value=0.1))
