"""Background photos: which files of a folder can be used."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.errors import ConfigError
from photosynth.core.photo import Photo, list_photos, read_photo
from photosynth.core.record import Record

MIN_SIDE_PX = 32
CHECK_SIDE_PX = 64
SWAPPED_ORIENTATIONS = (5, 6, 7, 8)
"""Values of EXIF tag 0x0112 that turn a photo by a quarter."""


class Skipped(Record, frozen=True, kw_only=True):
    """One line of ``skipped.jsonl``: a file that was left out."""

    path: Path
    """The file."""
    reason: str
    """Why."""


def open_backgrounds(folder: Path) -> tuple[tuple[Photo, ...], tuple[Skipped, ...]]:
    """The usable photos directly inside a folder, by name, with absolute paths, and the files left out.

    Each is decoded once (JPEGs at a reduced scale), so that a broken one is met now and not in the middle of a run.

    Raises:
        ConfigError: if the folder does not exist or has no usable photo.
    """
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise ConfigError(f"{folder} does not exist; expected a folder of background photos")
    photos, skipped = [], []
    for path in list_photos(folder):
        try:
            photos.append(open_photo(path))
        except ConfigError as error:
            skipped.append(Skipped(path=path, reason=str(error)))
    if not photos:
        found = f"{len(skipped)} files, none of which can be read" if skipped else "no photos"
        raise ConfigError(
            f"{folder} holds {found}; expected JPEG, PNG, WebP, BMP or TIFF files directly inside it (folders inside "
            "it are not searched). Leave the backgrounds out to do without photos."
        )
    return tuple(photos), tuple(skipped)


def open_photo(path: Path) -> Photo:
    """A photo that is sure to decode, with its upright size. Raises ConfigError if it is broken or tiny."""
    from PIL import Image

    read_photo(path, min_side_px=CHECK_SIDE_PX)
    with Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(0x0112) in SWAPPED_ORIENTATIONS:
            width, height = height, width
    if min(width, height) < MIN_SIDE_PX:
        raise ConfigError(f"{path} has {width} x {height} pixels; a background needs at least {MIN_SIDE_PX} a side")
    return Photo(path=path, size_wh=(width, height))
