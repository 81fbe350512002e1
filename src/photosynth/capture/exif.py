"""What a camera wrote into a photo's EXIF, and the focal length in pixels that follows from it."""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from photosynth.core.photo import open_picture
from photosynth.core.record import Record

EXIF_IFD = 0x8769
MAKE, MODEL = 0x010F, 0x0110
TAKEN, TAKEN_FRACTION = 0x9003, 0x9291
FOCAL_MM, FOCAL_35MM, ZOOM, LENS = 0x920A, 0xA405, 0xA404, 0xA434
PLANE_X, PLANE_Y, PLANE_UNIT = 0xA20E, 0xA20F, 0xA210
EXIF_W, EXIF_H = 0xA002, 0xA003
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
DIAGONAL_35MM = math.hypot(36.0, 24.0)
ASPECT_TOLERANCE = 0.02
PLAUSIBLE_FOCAL = (0.3, 12.0)
"""Focal length over the longer side: from a fisheye to a long telephoto; outside, the EXIF is nonsense."""


class Exif(Record, frozen=True, kw_only=True):
    """The fields that matter; None where the photo does not tell."""

    make: str = ""
    """Who made the camera."""
    model: str = ""
    """Its model."""
    lens: str = ""
    """The lens's name."""
    focal_mm: float | None = None
    """Real focal length."""
    focal_35mm: float | None = None
    """Focal length that has the same diagonal angle of view on 36 x 24 mm film."""
    zoom: float | None = None
    """Digital zoom ratio."""
    plane_px_per_mm: float | None = None
    """Pixels of the picture as taken for each millimetre of the sensor."""
    taken_wh: tuple[int, int] | None = None
    """Size as taken, unturned; editors that shrink a photo often leave this as it was."""
    taken_s: float | None = None
    """When it was taken, seconds since 1970 on the camera's clock."""


def read_exif(path: Path) -> Exif:
    """The EXIF of a JPEG, TIFF, PNG, WebP or HEIC; an empty record if there is none or it is broken."""
    try:
        with open_picture(path) as image:
            tags = image.getexif()
            inner = tags.get_ifd(EXIF_IFD)
    except Exception:  # Pillow raises many kinds for broken tags, and a photo without EXIF is still a photo
        return Exif()
    unit = UNIT_MM.get(inner.get(PLANE_UNIT, 2), 25.4)
    densities = [d / unit for d in (_number(inner.get(PLANE_X)), _number(inner.get(PLANE_Y))) if d]
    size = (_number(inner.get(EXIF_W)), _number(inner.get(EXIF_H)))
    return Exif(
        make=_text(tags.get(MAKE)),
        model=_text(tags.get(MODEL)),
        lens=_text(inner.get(LENS)),
        focal_mm=_number(inner.get(FOCAL_MM)),
        focal_35mm=_number(inner.get(FOCAL_35MM)),
        zoom=_number(inner.get(ZOOM)),
        plane_px_per_mm=densities[0] if densities else None,
        taken_wh=(int(size[0]), int(size[1])) if size[0] and size[1] else None,
        taken_s=_seconds(inner.get(TAKEN), inner.get(TAKEN_FRACTION)),
    )


def focal_px(exif: Exif, size_wh: tuple[int, int]) -> float | None:
    """Focal length in pixels of a whole picture of this size, upright or not; None if it cannot be told.

    From the 35 mm equivalent, which CIPA DCG-001 defines by the diagonal; else from the real focal length and the
    sensor's pixel density, brought from the size as taken to this size. A picture whose shape is not that of the
    photo as taken has been cropped: then nothing is known.
    """
    long_px, short_px = max(size_wh), min(size_wh)
    scale = 1.0
    if exif.taken_wh is not None:
        taken_long, taken_short = max(exif.taken_wh), min(exif.taken_wh)
        scale = long_px / taken_long
        if abs(short_px / (scale * taken_short) - 1.0) > ASPECT_TOLERANCE:
            return None
    found = None
    if exif.focal_35mm:
        found = exif.focal_35mm / DIAGONAL_35MM * math.hypot(long_px, short_px)
    elif exif.focal_mm and exif.plane_px_per_mm and exif.taken_wh:
        found = exif.focal_mm * exif.plane_px_per_mm * scale
    low, high = PLAUSIBLE_FOCAL
    return found if found is not None and low * long_px <= found <= high * long_px else None


def camera_group(exif: Exif, size_wh: tuple[int, int]) -> str:
    """A name that photos with the same camera, lens, zoom and size share, held upright or on its side."""
    zoom = exif.zoom if exif.zoom and exif.zoom > 1.0 else None
    parts = [exif.make, exif.model, exif.lens]
    parts += [f"{exif.focal_mm:.4g}mm" if exif.focal_mm else "", f"{exif.focal_35mm:.4g}eq" if exif.focal_35mm else ""]
    parts += [f"x{zoom:.3g}" if zoom else "", f"{max(size_wh)}x{min(size_wh)}"]
    return re.sub(r"[^a-z0-9.]+", "-", " ".join(p for p in parts if p).lower()).strip("-")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _text(value: Any) -> str:
    return str(value).replace("\0", " ").strip() if value is not None else ""


def _seconds(taken: Any, fraction: Any) -> float | None:
    try:
        base = datetime.strptime(_text(taken), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    digits = re.sub(r"\D", "", _text(fraction))
    return (base - datetime(1970, 1, 1)).total_seconds() + (float(f"0.{digits}") if digits else 0.0)
