"""What is measured of a detector on one set of pictures, as records."""

from __future__ import annotations

from photosynth.core.record import Record
from photosynth.core.report import Metric

NOTHING = "nothing"
"""In a detector's confusion matrix: the row of finds where nothing is, the column of objects that were not found."""


class BoxClassScore(Record, frozen=True, kw_only=True):
    """One class's scores."""

    class_name: str
    """The class."""
    n_objects: int
    """How many there are to find."""
    metrics: tuple[Metric, ...]
    """``ap50_95``, ``ap50``, ``ap_small``, ``ap_medium``, ``ap_large``, and ``recall`` and ``precision`` at the score
    threshold."""
    curve50: tuple[float, ...]
    """Precision at recalls 0, 0.01 .. 1 at IoU 0.5; empty without objects."""

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises KeyError."""
        return _named(self.metrics, name)


class ErrorCost(Record, frozen=True, kw_only=True):
    """One kind of error (TIDE)."""

    kind: str
    """``"classification"``, ``"localisation"``, ``"both"``, ``"duplicate"``, ``"background"`` or ``"missed"``."""
    count: int
    """How many, at any score."""
    ap50_gain: float
    """By how much mAP50 would rise without them, 0..1."""


class DetectorReport(Record, frozen=True, kw_only=True):
    """Everything measured on one set of pictures."""

    source: str
    """``"real"`` or ``"synthetic"``."""
    class_names: tuple[str, ...]
    """Rows and columns of `confusion`, NOTHING last."""
    answer_threshold: float
    """The detector's own score threshold."""
    metrics: tuple[Metric, ...]
    """Over the whole set."""
    per_class: tuple[BoxClassScore, ...]
    """Class by class."""
    errors: tuple[ErrorCost, ...]
    """Kind by kind; empty without objects."""
    confusion: tuple[tuple[int, ...], ...]
    """confusion[truth][answer], counts of boxes from `answer_threshold` on, at IoU 0.5."""
    n_photos: int
    """Pictures whose objects all have boxes."""
    n_objects: int
    """Objects in them."""
    n_negatives: int
    """Pictures with none of the objects."""
    skipped: tuple[str, ...] = ()
    """What was left out and why, one line each."""

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises KeyError."""
        return _named(self.metrics, name)


def _named(metrics: tuple[Metric, ...], name: str) -> Metric:
    for metric in metrics:
        if metric.name == name:
            return metric
    raise KeyError(name)
