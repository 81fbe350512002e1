"""Sides: the photos of an object that was turned over lie in a folder for each way it stood."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.photo import list_photos

MIN_PHOTOS = 5
"""A sub-folder with fewer photos is not taken for a side."""


def side_folders(folder: Path) -> tuple[Path, ...]:
    """The sub-folders of `folder` that hold photos, by name, if there are two or more; else none."""
    found = [
        path
        for path in sorted(Path(folder).iterdir())
        if path.is_dir() and not path.name.startswith((".", "__MACOSX"))
        if sum(1 for _ in list_photos(path)) >= MIN_PHOTOS
    ]
    return tuple(found) if len(found) > 1 else ()


def side_name(source: str) -> str:
    """The side that a captured photo's name tells: its folder; empty without one."""
    return source.rpartition("/")[0]
