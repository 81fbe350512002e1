"""Which class a folder's name means."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from photosynth.core.asset import NONE_CLASS

NONE_SLUGS = ("none_of_these", "none", "negative", "negatives")
"""Folder names, as slugs, that hold photos with none of the objects."""


@dataclass(frozen=True)
class FolderMatch:
    """What a folder's name was taken for."""

    class_name: str | None
    """The class, NONE_CLASS, or None if no class has such a name."""
    note: str = ""
    """What a person should know: the match was not exact, or more than one class could be meant."""


def match_folder(name: str, class_names: tuple[str, ...]) -> FolderMatch:
    """The class that a folder's name means.

    Tried in this order: the exact name; the same after Unicode NFC and case folding; the same as slugs (accents,
    spaces and punctuation dropped); the same slugs but for a leading number that only one of them has
    (``biscuit_box`` and ``003_biscuit_box``). A step that finds several classes decides for none of them. Names
    such as ``none`` and ``negatives`` mean NONE_CLASS unless a class is called so.
    """
    if name in class_names:
        return FolderMatch(name)
    if name == NONE_CLASS:
        return FolderMatch(NONE_CLASS)
    for same in (_same_folded, _same_slug, _same_but_for_a_number):
        found = tuple(c for c in class_names if same(name, c))
        if len(found) == 1:
            return FolderMatch(found[0], f"folder {name!r} was taken for class {found[0]!r}")
        if found:
            listed = ", ".join(repr(c) for c in found)
            return FolderMatch(None, f"folder {name!r} could mean {listed}; name it exactly as the class")
    if _slug(name) in NONE_SLUGS:
        return FolderMatch(NONE_CLASS)
    return FolderMatch(None)


def _same_folded(name: str, class_name: str) -> bool:
    return _folded(name) == _folded(class_name)


def _same_slug(name: str, class_name: str) -> bool:
    return bool(_slug(name)) and _slug(name) == _slug(class_name)


def _same_but_for_a_number(name: str, class_name: str) -> bool:
    """Equal slugs when the leading number of one of them, not of both, is left out."""
    one, other = _slug(name), _slug(class_name)
    return bool(one and other) and (_without_number(one) == other or one == _without_number(other))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _slug(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return "_".join("".join(c if c.isalnum() else " " for c in plain).split())


def _without_number(slug: str) -> str:
    return re.sub(r"^\d+_(?=.)", "", slug)
