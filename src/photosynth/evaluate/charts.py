"""Charts: the numbers behind the page's drawings, in the units of their view boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.report import Metric, Report
from photosynth.evaluate.detection_report import DetectorReport
from photosynth.evaluate.predictions import Prediction
from photosynth.evaluate.scores import bin_ids, reliability

HISTOGRAM_BINS = 20
LARGEST_MATRIX = 22


class Bars(NamedTuple):
    """One row of the confidence histogram."""

    name: str
    total: int
    heights: tuple[float, ...]
    """Of each bin, 0..1, of the fullest bin of the row."""


class Dot(NamedTuple):
    """One bin of a reliability diagram."""

    confidence: float
    share_right: float
    count: int
    size: float
    """0..1, square root of its share of the photos in the fullest bin."""


class Cell(NamedTuple):
    """One cell of a confusion table."""

    count: int
    share: float
    """Of its row, 0..1."""
    right: bool
    truth: str
    answer: str


class Matrix(NamedTuple):
    """A confusion table that fits on a page."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[Cell, ...]], ...]
    """Truth, number of photos, cells."""
    left_out: int
    """Classes not shown."""


class Whisker(NamedTuple):
    """A value with its interval on a scale 0..100."""

    name: str
    value: float | None
    low: float | None
    high: float | None


def histograms(predictions: Sequence[Prediction]) -> tuple[Bars, ...]:
    """Probabilities of the answer: right, wrong, and classes given to photos without the objects."""
    shown = [p for p in predictions if p.truth != NONE_CLASS]
    groups = (
        ("right", [p.probability for p in shown if p.right]),
        ("wrong", [p.probability for p in shown if not p.right]),
        ("no object, yet given a class", [p.probability for p in predictions if p.truth == NONE_CLASS and not p.right]),
    )
    return tuple(_bars(name, np.array(values, float)) for name, values in groups)


def _bars(name: str, values: np.ndarray) -> Bars:
    counts = np.bincount(bin_ids(values, HISTOGRAM_BINS), minlength=HISTOGRAM_BINS)
    return Bars(name, len(values), tuple(float(c) for c in counts / max(1, counts.max())))


def reliability_dots(predictions: Sequence[Prediction], bins: int) -> tuple[Dot, ...]:
    """The bins of the reliability diagram of photos that show an object."""
    shown = [p for p in predictions if p.truth != NONE_CLASS]
    confidence = np.array([p.probability for p in shown], float)
    rows = reliability(confidence, np.array([p.right for p in shown], bool), bins)
    fullest = max((row[3] for row in rows), default=1)
    return tuple(Dot(conf, share, count, float(np.sqrt(count / fullest))) for _, conf, share, count in rows)


def matrix(report: Report | DetectorReport) -> Matrix:
    """The confusion table; with many classes, those with most mistakes (and none of these)."""
    counts = np.array(report.confusion, int).reshape(len(report.class_names), -1)
    kept = np.arange(len(report.class_names))
    if len(kept) > LARGEST_MATRIX:
        wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diagonal(counts)
        worst = np.argsort(-wrong[:-1], kind="stable")[: LARGEST_MATRIX - 1]
        kept = np.array([*sorted(worst), len(kept) - 1])
    rows = []
    for truth in kept:
        total = int(counts[truth].sum())
        names = report.class_names
        cells = tuple(
            Cell(int(counts[truth, a]), counts[truth, a] / max(1, total), bool(a == truth), names[truth], names[a])
            for a in kept
        )
        rows.append((names[truth], total, cells))
    columns = tuple(report.class_names[k] for k in kept)
    return Matrix(columns, tuple(rows), len(report.class_names) - len(kept))


def whisker(name: str, metric: Metric) -> Whisker:
    """A share as a whisker."""
    if metric.value is None:
        return Whisker(name, None, None, None)
    low = metric.value if metric.low is None else metric.low
    high = metric.value if metric.high is None else metric.high
    return Whisker(name, 100 * metric.value, 100 * low, 100 * high)
