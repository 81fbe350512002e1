"""Gap: how much better the classifier does on held-out synthetic pictures than on real photos."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.record import Record
from photosynth.core.report import Metric
from photosynth.evaluate.intervals import newcombe, percentile_interval
from photosynth.evaluate.measure import MEANS, NOT_MEASURED, SHARES, Measured
from photosynth.evaluate.predictions import Prediction


class AnyMeasured(Protocol):
    """A report with what its gaps are made of; see `photosynth.evaluate.measure.Measured`."""

    report: Any
    """Has ``metric(name)``."""
    counts: dict[str, tuple[int, int]]
    """Successes and pictures of each share."""
    draws: dict[str, np.ndarray]
    """Bootstrap draws of the others."""


class GapRow(Record, frozen=True, kw_only=True):
    """One metric on both sets, and the difference."""

    name: str
    """The metric's name."""
    synthetic: Metric
    """On the synthetic pictures of the compared classes."""
    real: Metric
    """On the real photos; None with a note when there are none."""
    gap: Metric
    """Synthetic minus real: positive means that the synthetic number is higher."""


class Gap(Record, frozen=True, kw_only=True):
    """``gap.json``."""

    class_names: tuple[str, ...]
    """The classes compared: those with real photos, or all when there are none."""
    left_out: tuple[str, ...]
    """Classes without real photos."""
    n_synthetic: int
    """Synthetic pictures compared."""
    n_real: int
    """Real photos compared."""
    rows: tuple[GapRow, ...]
    """Metric by metric."""


def compared_classes(real: tuple[Prediction, ...], class_names: tuple[str, ...]) -> tuple[str, ...]:
    """The object classes that have real photos; all of them if none has."""
    there = {p.truth for p in real}
    covered = tuple(c for c in class_names if c != NONE_CLASS and c in there)
    return covered or tuple(c for c in class_names if c != NONE_CLASS)


def make_gap(synthetic: Measured, real: Measured, compared: tuple[str, ...]) -> Gap:
    """The differences, metric by metric.

    Shares get Newcombe's interval for two independent proportions (see `newcombe`); the others the percentile
    interval of the differences of independent bootstrap draws (Efron and Tibshirani 1993, section 8.3), for ECE
    moved by its bias.

    Args:
        synthetic: measured on the pictures of the compared classes and those of none.
        real: measured on the real photos; may be empty.
        compared: as `compared_classes` gives them.
    """
    names = synthetic.report.class_names
    return Gap(
        class_names=compared,
        left_out=tuple(c for c in names if c != NONE_CLASS and c not in compared),
        n_synthetic=synthetic.report.n_photos,
        n_real=real.report.n_photos,
        rows=tuple(
            gap_row(name, synthetic, real, None if real.report.n_photos else NOT_MEASURED) for name in (*SHARES, *MEANS)
        ),
    )


def gap_row(name: str, synthetic: AnyMeasured, real: AnyMeasured, unmeasured: str | None) -> GapRow:
    """One metric on both sets, and their difference.

    Args:
        name: the metric's.
        synthetic: measured on comparable pictures.
        real: measured on real photos.
        unmeasured: stands for the real value, as a note, where there were no photos.
    """
    ours, theirs = synthetic.report.metric(name), real.report.metric(name)
    if unmeasured is not None:
        theirs = Metric(name=name, value=None, note=unmeasured)
    return GapRow(name=name, synthetic=ours, real=theirs, gap=_difference(name, ours, theirs, synthetic, real))


def _difference(name: str, ours: Metric, theirs: Metric, synthetic: AnyMeasured, real: AnyMeasured) -> Metric:
    n = min(ours.n, theirs.n)
    if ours.value is None or theirs.value is None:
        return Metric(name=name, value=None, note=theirs.note if theirs.value is None else ours.note)
    if name in synthetic.counts:
        value, low, high = newcombe(*synthetic.counts[name], *real.counts[name])
        return Metric(name=name, value=value, low=low, high=high, n=n, note="Newcombe interval")
    value = ours.value - theirs.value
    if name not in synthetic.draws or not len(synthetic.draws[name]) or not len(real.draws[name]):
        return Metric(name=name, value=value, n=n, note="no interval")
    draws = synthetic.draws[name] - real.draws[name]
    interval = percentile_interval(draws, value if name == "ece" or "map" in name else None)
    if interval is None:
        return Metric(name=name, value=value, n=n, note="no interval: a bootstrap of these photos never varies")
    return Metric(name=name, value=value, low=interval[0], high=interval[1], n=n, note="bootstrap interval")
