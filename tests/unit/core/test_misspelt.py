"""A misspelt field is refused with the one that was probably meant."""

import pytest

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record, from_json, from_plain, to_json
from photosynth.sample.recipe import Recipe


class Inner(Record, frozen=True, kw_only=True):
    length_m: float = 1.0


class Many(Record, frozen=True, kw_only=True):
    inners: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] | None = None
    pair: tuple[Inner, int] | None = None


@pytest.mark.parametrize(
    ("value", "kind", "meant"),
    [
        ({"camera": {"focal_rell": 1}}, Recipe, "focal_rel"),
        ({"camras": {}}, Recipe, "camera"),
        ({"lights": {"count": {"kind": "fixed", "valeu": 1}}}, Recipe, "value"),
        ({"arrangement": {"kind": "shelf", "bords": 1}}, Recipe, "boards"),
        ({"arrangement": {"kind": "mix", "options": [{"kind": "bin", "fil": 1}]}}, Recipe, "fill"),
        ({"blend": [{"recipe": {"camera": {"rol_deg": 1}}}]}, Recipe, "roll_deg"),
        ({"inners": [{}, {"lenght_m": 1}]}, Many, "length_m"),
        ({"by_name": {"a": {"lenght_m": 1}}}, Many, "length_m"),
        ({"pair": [{"lenght_m": 1}, 1]}, Many, "length_m"),
    ],
)
def test_the_nearest_field_is_named(value, kind, meant):
    with pytest.raises(ConfigError, match=rf"unknown field .*; did you mean `{meant}`\?$"):
        from_plain(value, kind)
    with pytest.raises(ConfigError, match=rf"did you mean `{meant}`\?$"):
        from_json(to_json(value), kind)


@pytest.mark.parametrize(
    "value",
    [
        {"camera": {"zzz": 1}},
        {"camera": 3},
        {"arrangement": {"kind": "table", "boards": 1}},  # a shelf has some
        {"camera": {"nearest_diagonals": 0.1}},
    ],
)
def test_nothing_is_said_where_nothing_is_near(value):
    with pytest.raises(ConfigError) as caught:
        from_plain(value, Recipe)
    assert "did you mean" not in str(caught.value)


def test_broken_json_is_complained_of_as_it_was():
    with pytest.raises(ConfigError, match="cannot be read"):
        from_json(b"{", Many)
