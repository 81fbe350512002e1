"""The user's real photos: which there are, what each shows, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec4
from photosynth.core.photo import list_photos
from photosynth.evaluate.boxes import Labels, read_labels
from photosynth.evaluate.class_match import match_folder

UNREAD_SUFFIXES = (".avif", ".gif", ".dng", ".cr2", ".nef", ".arw")


@dataclass(frozen=True)
class Picture:
    """One picture to be asked about."""

    folder: Literal["photos", "negatives", "dataset"]
    """Which of the given folders it lies in."""
    file: str
    """Its path inside that folder, POSIX."""
    path: Path
    """Where it is."""
    truth: str | None
    """The class it shows; NONE_CLASS when it shows none of the objects; None when it shows several."""
    boxes_rel: tuple[Vec4, ...] = ()
    """Where the object is, as fractions of the upright picture, when known; the largest first."""
    labels: Labels | None = field(default=None, compare=False)
    """Boxes of all its objects; None where they were not drawn."""


@dataclass(frozen=True)
class RealPhotos:
    """All that was found."""

    pictures: tuple[Picture, ...] = ()
    """Those that are scored, by folder and name."""
    apart: tuple[tuple[str, int], ...] = ()
    """Folders that no model belongs to, with their number of photos: reported, not scored."""
    notes: tuple[str, ...] = ()
    """Matches that were not exact, files that were not used."""


def find_photos(photos: Path | None, negatives: Path | None, class_names: tuple[str, ...]) -> RealPhotos:
    """The photos under ``photos/CLASS/`` and anywhere under `negatives`.

    A photo shows the class that the nearest folder above it is named after (see `match_folder`), looking no
    higher than `photos` itself, whose own name counts only for photos that lie directly in it. In folders of other
    names a photo shows what its boxes say, if a COCO file lists it: their class, several, or none of the objects.
    Links to folders are not followed, hidden files are left out, and a photo in both folders counts once.

    Raises:
        ConfigError: if a given folder is missing or holds no photos, or if none of the photos can be scored.
    """
    found, apart, notes = [], {}, []
    if photos is not None:
        labels, box_notes = read_labels(_folder(photos, "photos"), class_names)
        notes += box_notes
        for folder, files in _photo_folders(Path(photos), notes):
            class_name, name = _class_of(folder, Path(photos), class_names, notes)
            for path in files:
                picture = _picture("photos", path, Path(photos), class_name, labels, class_names, notes)
                if picture is None:
                    apart[name] = apart.get(name, 0) + 1
                else:
                    found.append(picture)
        if not found and not apart:
            raise ConfigError(f"{photos} holds no photos; expected {photos}/CLASS/*.jpg, one folder for each class")
    if negatives is not None:
        seen = {p.path.resolve() for p in found}
        files = [p for _, inside in _photo_folders(_folder(negatives, "negatives"), notes) for p in inside]
        if not files:
            raise ConfigError(f"{negatives} holds no photos; expected photos with none of the objects in it")
        for path in files:
            if path.resolve() not in seen:
                found.append(Picture("negatives", _name(path, Path(negatives)), path, NONE_CLASS))
    if not found and photos is not None:
        raise ConfigError(
            f"none of the photos in {photos} can be scored: its folders are {', '.join(map(repr, sorted(apart)))} and "
            f"the classes are {', '.join(map(repr, class_names))}. Name each folder after the class it shows."
        )
    for name, count in sorted(apart.items()):
        photo = "photo" if count == 1 else "photos"
        notes.append(f"not scored, as there is no model of that class: {count} {photo} in {name!r}")
    ordered = tuple(sorted(found, key=lambda p: (p.folder != "photos", p.file)))
    return RealPhotos(ordered, tuple(sorted(apart.items())), tuple(dict.fromkeys(notes)))


def _folder(path: Path, what: str) -> Path:
    if not Path(path).is_dir():
        raise ConfigError(f"the folder of {what} {path} does not exist; expected a folder with pictures")
    return Path(path)


def _photo_folders(root: Path, notes: list[str]) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder that directly holds photos, with them, by name."""
    for top, folders, files in os.walk(root):
        for name in sorted(folders):
            if (Path(top) / name).is_symlink() and not name.startswith("."):
                notes.append(f"{_name(Path(top) / name, root)!r} is a link to a folder and was not followed")
        folders[:] = sorted(n for n in folders if not n.startswith("."))
        unread = [n for n in files if Path(n).suffix.lower() in UNREAD_SUFFIXES and not n.startswith(".")]
        if unread:
            kinds = ", ".join(sorted({Path(n).suffix.lower() for n in unread}))
            notes.append(
                f"{len(unread)} files in {_name(Path(top), root)!r} were not read ({kinds}): save them as JPEG"
            )
        inside = list(list_photos(Path(top)))
        if inside:
            yield Path(top), inside


def _class_of(folder: Path, root: Path, class_names: tuple[str, ...], notes: list[str]) -> tuple[str | None, str]:
    """The class of the photos in a folder, or None, and the folder's name for people."""
    relative = folder.relative_to(root)
    levels = [root.absolute().name] if folder == root else list(reversed(relative.parts))
    for depth, name in enumerate(levels):
        match = match_folder(name, class_names)
        if match.note:
            notes.append(match.note)
        if match.class_name is not None:
            if depth > 0:
                notes.append(f"photos in {relative.as_posix()!r} were taken for class {match.class_name!r}")
            elif folder == root:
                notes.append(f"photos directly in {name!r} were taken for class {match.class_name!r}")
            return match.class_name, name
    return None, _name(folder, root)


def _picture(
    folder: Literal["photos", "negatives"],
    path: Path,
    root: Path,
    class_name: str | None,
    labels: dict[str, Labels],
    class_names: tuple[str, ...],
    notes: list[str],
) -> Picture | None:
    """The photo with its boxes; None if nothing says what it shows."""
    name = _name(path, root)
    own = labels.get(name)
    if own is None:
        return None if class_name is None else Picture(folder, name, path, class_name)
    shown = {class_names[k] for k in (*own.truth.class_ids, *own.crowds.class_ids)}
    if class_name is None:
        if own.others and not shown:
            return None
        truth = NONE_CLASS if not shown else shown.pop() if len(shown) == 1 else None
        return Picture(folder, name, path, truth, own.boxes_rel(), own)
    if (class_name == NONE_CLASS) == bool(shown) or (shown and class_name not in shown):
        drawn = ", ".join(sorted(shown)) or "none of the objects"
        notes.append(f"the boxes of {name!r} were not used: they show {drawn}, and its folder says {class_name}")
        return Picture(folder, name, path, class_name)
    class_id = class_names.index(class_name) if shown else None
    return Picture(folder, name, path, class_name, own.boxes_rel(class_id), own)


def _name(path: Path, root: Path) -> str:
    """A path inside `root` for people and JSON; bytes that are no UTF-8 are replaced."""
    relative = root.absolute().name if path == root else path.relative_to(root).as_posix()
    return relative.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
