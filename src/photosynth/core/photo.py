"""Photo: one picture on disk, read upright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record

HEIC_SUFFIXES = (".heic", ".heif")
"""Formats of Apple's phones: Pillow reads them with the decoder of pi-heif."""
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", *HEIC_SUFFIXES)
MAX_PHOTO_PIXELS = 150_000_000


class Photo(Record, frozen=True, kw_only=True):
    """One photo and what is known of it."""

    path: Path
    """Where it is."""
    size_wh: tuple[int, int]
    """Upright size in pixels (EXIF orientation applied)."""
    class_name: str | None = None
    """The class it shows; None when unknown or when it shows none of them."""


def list_photos(folder: Path) -> Iterator[Path]:
    """The photos directly inside `folder`, by name; hidden files are left out."""
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path


def open_picture(path: Path) -> Any:
    """A PIL image, not decoded yet, of any format in PHOTO_SUFFIXES; HEIC is already upright, others may not be.

    Raises:
        OSError: as Pillow does, if the file is missing or not a picture.
    """
    from PIL import Image

    if Path(path).suffix.lower() in HEIC_SUFFIXES:
        import pi_heif

        pi_heif.register_heif_opener()
    return Image.open(path)


def read_photo(path: Path, min_side_px: int | None = None) -> np.ndarray:
    """The photo as (H, W, 3) uint8 sRGB, upright, alpha dropped over white.

    Args:
        path: JPEG, PNG, WebP, BMP, TIFF or HEIC.
        min_side_px: if given, a JPEG may be decoded at a smaller scale whose shorter side is at least this.

    Raises:
        ConfigError: if the file is missing, is not a picture, is truncated or has more than 150 megapixels.
    """
    from PIL import Image, ImageOps

    try:
        with open_picture(path) as image:
            if image.width * image.height > MAX_PHOTO_PIXELS:
                raise ConfigError(
                    f"{path} has {image.width} x {image.height} pixels; at most {MAX_PHOTO_PIXELS // 10**6} "
                    "megapixels are read. Make it smaller."
                )
            if min_side_px:
                image.draft("RGB", (min_side_px, min_side_px))
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                rgba = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            return np.asarray(upright.convert("RGB"))
    except ConfigError:
        raise
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist") from error
    except Exception as error:  # Pillow raises many kinds for broken files
        raise ConfigError(f"{path} cannot be read as a picture ({error}); replace or remove it") from error
