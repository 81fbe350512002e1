"""Class names as people write them, and folder-safe asset ids made from them."""

from __future__ import annotations

import re
import unicodedata

from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ConfigError

MAX_SLUG = 48


def class_name_of(written: str, where: str) -> str:
    """A file's or folder's name as a class name: Unicode NFC, outer blanks dropped.

    Raises:
        ConfigError: if nothing printable is left, or if the name is the reserved one.
    """
    name = unicodedata.normalize("NFC", written).strip()
    if not name or not all(c.isprintable() for c in name):
        raise ConfigError(
            f"{where}: {written!r} cannot be a class name (empty, or with control characters); rename the file or "
            "folder to what the object is called"
        )
    if name.casefold() == NONE_CLASS.casefold():
        raise ConfigError(
            f"{where}: the class name {NONE_CLASS!r} is reserved for everything that is not one of your objects; "
            "rename it (or leave the model out: look-alikes and other products are made by the stage itself)"
        )
    return name


def slug(name: str) -> str:
    """Lower-case ASCII letters, digits and single hyphens; ``"object"`` where nothing is left."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG].strip("-") or "object"


def unique_ids(names: list[str]) -> list[str]:
    """A slug for each name, in order; a slug that is taken gets ``-2``, ``-3`` and so on."""
    taken: set[str] = set()
    ids = []
    for name in names:
        base = slug(name)
        candidate, number = base, 1
        while candidate in taken:
            number += 1
            candidate = f"{base}-{number}"
        taken.add(candidate)
        ids.append(candidate)
    return ids
