"""Folder names and the classes they mean."""

from __future__ import annotations

import unicodedata

import pytest

from photosynth.core.asset import NONE_CLASS
from photosynth.evaluate.class_match import match_folder


@pytest.mark.parametrize(
    ("folder", "classes", "expected", "noted"),
    [
        ("", ("a",), None, False),
        ("a", (), None, False),
        ("cheese", ("cheese", "Cheese"), "cheese", False),
        ("CHEESE", ("cheese",), "cheese", True),
        ("CHEESE", ("cheese", "Cheese"), None, True),
        (unicodedata.normalize("NFD", "crème"), ("crème",), "crème", True),
        ("creme", ("crème",), "crème", True),
        ("STRASSE", ("Straße",), "Straße", True),
        ("Biscuit Box", ("biscuit_box",), "biscuit_box", True),
        ("biscuit-box!", ("biscuit_box",), "biscuit_box", True),
        ("biscuit_box", ("003_biscuit_box", "004_flour_box"), "003_biscuit_box", True),
        ("003_biscuit_box", ("biscuit_box",), "biscuit_box", True),
        ("Biscuit box", ("003_biscuit_box",), "003_biscuit_box", True),
        ("biscuit_box", ("003_biscuit_box", "017_biscuit_box"), None, True),
        ("004_biscuit_box", ("003_biscuit_box",), None, False),
        ("7up", ("up",), None, False),
        ("007", ("008",), None, False),
        ("超市", ("超市", "x"), "超市", False),
        ("!!!", ("???",), None, False),
        ("none", ("a",), NONE_CLASS, False),
        ("Negatives", ("a",), NONE_CLASS, False),
        (NONE_CLASS, ("a",), NONE_CLASS, False),
        ("None of these", ("a",), NONE_CLASS, False),
        ("none", ("none",), "none", False),
        ("teapot", ("kettle",), None, False),
    ],
)
def test_match(folder, classes, expected, noted):
    match = match_folder(folder, classes)
    assert match.class_name == expected
    assert bool(match.note) == noted
    if noted:
        assert repr(folder) in match.note
