"""Settings of the capture stage."""

from __future__ import annotations

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record


class CaptureConfig(Record, frozen=True, kw_only=True):
    """What is written, and when a photo is set aside."""

    max_side_px: int = 3200
    """Longer side of the written pictures at most; they are never enlarged."""
    jpeg_quality: int = 95
    """Quality of the written JPEGs, 50..100."""
    frames: int = 60
    """How many frames are picked from a video."""
    blur_ratio: float = 0.6
    """A photo is blurred if its detail is below this share of the set's median and apart from the rest."""
    duplicate_px: float = 2.0
    """Two photos are one view if their common points lie within this of each other (on a 640 px thumbnail)."""
    min_inliers: int = 15
    """A photo has too little overlap if it shares fewer points than this with every other."""


def check_config(config: CaptureConfig) -> None:
    """Raise ConfigError for a setting that cannot work."""
    if not 320 <= config.max_side_px <= 20_000:
        raise ConfigError(f"max_side_px is {config.max_side_px}; expected 320..20000")
    if not 50 <= config.jpeg_quality <= 100:
        raise ConfigError(f"jpeg_quality is {config.jpeg_quality}; expected 50..100")
    if config.frames < 3:
        raise ConfigError(f"frames is {config.frames}; at least 3 views are needed, 60 are good")
    if not 0 <= config.blur_ratio < 1:
        raise ConfigError(f"blur_ratio is {config.blur_ratio}; expected 0..1, where 0 keeps every photo")
    if config.duplicate_px < 0 or config.min_inliers < 0:
        raise ConfigError("duplicate_px and min_inliers cannot be negative")
