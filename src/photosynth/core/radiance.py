"""Radiance files: pictures of linear light without an upper bound, OpenEXR and Radiance HDR."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from photosynth.core.errors import ConfigError

RADIANCE_SUFFIXES = (".exr", ".hdr")
MAX_WIDTH_PX = 4096
"""Wider pictures are shrunk to this."""


def read_radiance(path: Path) -> np.ndarray:
    """A file's light, (H, W, 3) float32 linear, as it is written there: perhaps infinite, negative or not a number.

    Raises ConfigError if it cannot be read.
    """
    import cv2

    suffix = path.suffix.lower()
    if suffix not in RADIANCE_SUFFIXES:
        raise ConfigError(f"environment map {path} must end in .exr or .hdr, not {suffix!r}")
    try:
        image = _read_exr(path) if suffix == ".exr" else _read_hdr(path)
    except Exception as error:
        raise ConfigError(f"environment map {path} cannot be read: {error}") from error
    if image.shape[1] > MAX_WIDTH_PX:
        size = (MAX_WIDTH_PX, max(1, round(image.shape[0] * MAX_WIDTH_PX / image.shape[1])))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image


def radiance_fault(path: Path) -> str | None:
    """Why a file cannot light anything, or None. It is read as a whole, once until it changes."""
    try:
        state = path.stat()
    except OSError as error:
        return str(error)
    return _fault(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _fault(path: Path, size_bytes: int, changed_ns: int) -> str | None:
    try:
        image = read_radiance(path)
    except ConfigError as error:
        return str(error)
    if not np.any((image > 0) & np.isfinite(image)):
        return f"environment map {path} holds no light"
    return None


def _read_exr(path: Path) -> np.ndarray:
    import OpenEXR

    with OpenEXR.File(str(path)) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    for name in ("RGB", "RGBA"):
        if name in channels:
            return np.asarray(channels[name][..., :3], dtype=np.float32)
    if {"R", "G", "B"} <= channels.keys():
        return np.stack([channels[c] for c in "RGB"], axis=-1).astype(np.float32)
    if "Y" in channels:
        return np.repeat(np.asarray(channels["Y"], dtype=np.float32)[..., None], 3, axis=2)
    raise ValueError(f"expected channels R, G and B, found {', '.join(sorted(channels))}")


def _read_hdr(path: Path) -> np.ndarray:
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("it is not a Radiance HDR picture")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.float32)
