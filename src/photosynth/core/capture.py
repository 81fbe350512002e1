"""Capture: the photos of one walk round an object, judged one by one, as the reconstruction reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from photosynth.core.errors import ArtifactError
from photosynth.core.record import Record, from_json

PHOTOS_FILE = "photos.json"
"""Where a capture folder keeps its record."""

Verdict = Literal["good", "blurred", "too dark", "too bright", "duplicate", "too little overlap", "unreadable"]
"""What is said of a photo; only good ones are used, but for little overlap, which registration alone can settle."""


class Exposure(Record, frozen=True, kw_only=True):
    """How light a photo is, as it is stored (sRGB, 0..1)."""

    mean: float
    """Mean brightness."""
    dark_share: float
    """Share of pixels at the black end (below 2 %)."""
    bright_share: float
    """Share of pixels at the white end (above 98 %)."""


class CapturedPhoto(Record, frozen=True, kw_only=True):
    """One photo or video frame of a capture."""

    file: str
    """The written picture, relative to the capture folder; empty if it could not be read."""
    source: str
    """The name of the user's file; a video frame is NAME@SECONDS."""
    size_wh: tuple[int, int]
    """Size of the written picture in pixels; it is upright."""
    focal_px: float | None
    """Focal length in pixels of the written picture, as the camera's EXIF tells; None when it does not."""
    camera_group: str
    """Photos with the same make, model, lens, zoom and size carry the same name and share their intrinsics."""
    exposure: Exposure
    """How light it is."""
    sharpness: float
    """Detail against that of comparable photos of the set: 1 is usual, below about 0.5 is blurred."""
    time_s: float | None
    """When it was taken, seconds since the first; None when unknown."""
    verdict: Verdict
    """What is said of it."""
    reason: str
    """Why, in words for people; empty when good."""
    used: bool
    """Whether the reconstruction is to use it."""


class Capture(Record, frozen=True, kw_only=True):
    """``photos.json`` of a capture folder."""

    kind: Literal["photos", "video"]
    """Where the pictures come from."""
    ordered: bool
    """Whether neighbours in the list were taken one after another."""
    photos: tuple[CapturedPhoto, ...]
    """All pictures, in the order in which they were taken as far as that is known."""
    advice: tuple[str, ...]
    """What to do for a better capture, in words for people."""

    def used(self) -> tuple[CapturedPhoto, ...]:
        """The photos that the reconstruction is to use."""
        return tuple(p for p in self.photos if p.used)


def read_capture(folder: Path) -> Capture:
    """The record of a finished capture folder.

    Raises:
        ArtifactError: if `folder` holds no capture.
    """
    path = Path(folder) / PHOTOS_FILE
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; {folder} is not a finished capture. Make one: photosynth capture")
    return from_json(path.read_bytes(), Capture, str(path))
