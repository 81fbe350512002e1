"""EvaluateConfig: the settings of the stage "evaluate"."""

from __future__ import annotations

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record
from photosynth.models.exported import Precision


class EvaluateConfig(Record, frozen=True, kw_only=True):
    """How a classifier and a detector are scored."""

    seed: int = 0
    """Of the bootstrap intervals."""
    precision: Precision = "float32"
    """Of exported models: which of their ONNX files answers. A trained one that was not exported answers in float32."""
    answer_threshold: float | None = None
    """From which probability a class counts as given confidently; None takes the classifier's own, or 0.5."""
    box_threshold: float | None = None
    """From which score a box counts as shown; None takes the detector's own."""
    ece_bins: int = 15
    """Bins of the calibration error."""
    bootstrap_resamples: int = 1000
    """Resamples behind the intervals that have no formula."""
    block_photos: int = 64
    """Pictures answered at once, and lost at most by an interruption."""
    max_failed_fraction: float = 0.5
    """The stage fails when more than this share of the pictures cannot be read."""
    gallery_photos: int = 24
    """Photos in each gallery of the page, at most."""
    contact_pictures: int = 36
    """Training pictures shown on the page."""
    page_picture_bytes: int = 5_000_000
    """Budget of the page's pictures, as base64 text."""

    def __post_init__(self) -> None:
        least = {"seed": 0, "ece_bins": 1, "bootstrap_resamples": 100, "block_photos": 1}
        least |= {"gallery_photos": 0, "contact_pictures": 0, "page_picture_bytes": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ConfigError(f"evaluate: {name} must be {bound} or more, got {getattr(self, name)}")
        for name in ("answer_threshold", "box_threshold", "max_failed_fraction"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"evaluate: {name} must be from 0 to 1, got {value}")
