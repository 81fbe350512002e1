"""One photo in: upright, bounded in size, written as JPEG, measured. A unit of work of the stage."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from photosynth.capture.exif import Exif, camera_group, focal_px, read_exif
from photosynth.capture.measure import measure, pack
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ConfigError
from photosynth.core.photo import read_photo
from photosynth.core.record import Record, from_json, to_json

SCRATCH = "measured"
"""Folder inside the artifact for what an interrupted run has measured; removed at the end."""


class Unit(Record, frozen=True, kw_only=True):
    """One photo to take in."""

    source: Path
    """The user's photo."""
    name: str = ""
    """What it is called, with its side of a flip (``"lying/IMG_7.jpg"``); empty for the file's name."""
    out: Path
    """The capture folder."""
    file: str
    """Where to write it, relative to the capture folder."""
    max_side_px: int
    """Longer side at most."""
    jpeg_quality: int
    """Quality of the JPEG."""


class Taken(Record, frozen=True, kw_only=True):
    """What came of a unit: a written picture, or the reason why there is none."""

    source: str
    """Name of the user's file."""
    file: str
    """The written picture, relative; empty if there is none."""
    size_wh: tuple[int, int] = (0, 0)
    """Its size."""
    focal_px: float | None = None
    """Its focal length, as the EXIF tells."""
    camera_group: str = ""
    """Photos that share it share their intrinsics."""
    taken_s: float | None = None
    """When it was taken, on the camera's clock."""
    problem: str = ""
    """Why it could not be read."""


def take(unit: Unit) -> Taken:
    """Write and measure one photo; what an interrupted run has done is not done again."""
    record_path, _ = scratch_paths(unit.out, unit.file)
    if record_path.is_file():
        return from_json(record_path.read_bytes(), Taken, str(record_path))
    try:
        picture = read_photo(unit.source)
    except ConfigError as error:
        taken = Taken(source=unit.name or unit.source.name, file="", problem=str(error))
        write_atomic(record_path, to_json(taken))
        return taken
    taken = write_picture(picture, read_exif(unit.source), unit)
    write_atomic(record_path, to_json(taken))
    return taken


def write_picture(picture: np.ndarray, exif: Exif, unit: Unit) -> Taken:
    """Write an upright (H, W, 3) picture as the unit says, measure it, and say what is known of it.

    The focal length is that of the written pixels: the whole picture's, brought to its written size.
    """
    whole_wh = (picture.shape[1], picture.shape[0])
    picture = bounded(picture, unit.max_side_px)
    size_wh = (picture.shape[1], picture.shape[0])
    focal = focal_px(exif, whole_wh)
    write_atomic(unit.out / unit.file, jpeg_bytes(picture, unit.jpeg_quality))
    write_atomic(scratch_paths(unit.out, unit.file)[1], pack(measure(picture)))
    return Taken(
        source=unit.name or unit.source.name,
        file=unit.file,
        size_wh=size_wh,
        focal_px=round(focal * max(size_wh) / max(whole_wh), 2) if focal else None,
        camera_group=camera_group(exif, size_wh),
        taken_s=exif.taken_s,
    )


def scratch_paths(out: Path, file: str) -> tuple[Path, Path]:
    """Where a unit's record and its measurements lie until the stage is done."""
    stem = Path(file).stem
    return out / SCRATCH / f"{stem}.json", out / SCRATCH / f"{stem}.npz"


def bounded(picture: np.ndarray, max_side_px: int) -> np.ndarray:
    """The picture with a longer side of at most `max_side_px`, area-averaged; never enlarged."""
    import cv2

    h, w = picture.shape[:2]
    scale = max_side_px / max(h, w)
    if scale >= 1.0:
        return picture
    return cv2.resize(picture, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)


def jpeg_bytes(picture: np.ndarray, quality: int) -> bytes:
    """A JPEG without any EXIF: upright pixels, and nothing left that could contradict them."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality, subsampling=0)
    return data.getvalue()
