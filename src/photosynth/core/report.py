"""Report: metrics with intervals, as records."""

from __future__ import annotations

from photosynth.core.record import Record


class Metric(Record, frozen=True, kw_only=True):
    """One measured number."""

    name: str
    """Such as ``"top1"``."""
    value: float | None
    """None when it could not be measured; `note` says why."""
    low: float | None = None
    """Lower end of the 95 % interval."""
    high: float | None = None
    """Upper end of the 95 % interval."""
    n: int = 0
    """How many photos it rests on."""
    note: str = ""
    """How the interval was made, or why there is no value."""


class ClassScore(Record, frozen=True, kw_only=True):
    """One class's precision and recall."""

    class_name: str
    """The class."""
    precision: Metric
    """Of the photos given this class, how many show it."""
    recall: Metric
    """Of the photos that show it, how many were given it."""


class Report(Record, frozen=True, kw_only=True):
    """Everything measured on one set of photos."""

    source: str
    """``"real"`` or ``"synthetic"``."""
    class_names: tuple[str, ...]
    """Rows and columns of `confusion`, NONE_CLASS last."""
    metrics: tuple[Metric, ...]
    """Over the whole set."""
    per_class: tuple[ClassScore, ...]
    """Class by class."""
    confusion: tuple[tuple[int, ...], ...]
    """confusion[truth][answer], counts."""
    n_photos: int
    """How many were scored."""
    skipped: tuple[str, ...] = ()
    """What was left out and why, one line each."""

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises KeyError."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)
