"""Every field of every recipe says what it is, with a unit, a scale or a source where it is a number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import photosynth.sample

UNIT = re.compile(
    r"degrees|metres|kelvin|\bstops\b|mired|electrons|pixels|\bISO\b|diagonals|radii|widths|roots|"
    r"fraction|share|ratio|multiple|factor|exponent|logarithm|standard deviation|probability|count|how many|"
    r"weight|coefficient|quality|turns|quaternion|across one repeat|as in|the same|"
    r"\b0 |0\.\.1|\b1 (is|makes)\s|1 to \d",
    re.IGNORECASE,
)
NUMBERS = {"Scalar", "Scalar | None", "float", "int", "FillWeights", "tuple[int, ...]", "Rotation"}


def fields() -> list[tuple[str, str, str]]:
    """Name, annotation and docstring of each field of each recipe."""
    found = []
    for path in sorted(Path(photosynth.sample.__file__).parent.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or not re.search("Recipe|FillWeights", node.name):
                continue
            for field, following in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign):
                    text = isinstance(following, ast.Expr) and ast.literal_eval(following.value)
                    found.append((f"{node.name}.{field.target.id}", ast.unparse(field.annotation), text or ""))
    return found


FIELDS = fields()


def test_they_are_found() -> None:
    assert len(FIELDS) > 150
    assert any(name == "ShelfRecipe.boards" for name, *_ in FIELDS)


@pytest.mark.parametrize(
    ("name", "text"), [pytest.param(name, text, id=name) for name, kind, text in FIELDS if kind in NUMBERS]
)
def test_numbers_have_a_unit_or_a_scale(name, text) -> None:
    assert UNIT.search(text), f"{name}: {text!r}"
    assert "see above" not in text.lower()


def test_every_field_has_words() -> None:
    assert not [name for name, _, text in FIELDS if not text]
