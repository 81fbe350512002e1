"""Measure: from predictions to a report with intervals.

Photos that show one of the objects decide top1, recall, NLL, ECE and the mean confidence. Photos without any object
are counted apart (none_recall, negatives_given_class); they enter the confusion matrix and precision, because a
class given to them is a wrong answer too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.report import ClassScore, Metric, Report
from photosynth.core.rng import rng_for
from photosynth.evaluate.intervals import percentile_interval, resample_weights, wilson
from photosynth.evaluate.predictions import Prediction
from photosynth.evaluate.scores import calibration_error, confusion_matrix, log_loss, macro_scores

SHARES = ("top1", "right_and_sure", "none_share", "none_recall", "negatives_given_class")
"""Metrics that are shares of photos: their intervals are Wilson's and their gaps Newcombe's."""
MEANS = ("macro_precision", "macro_recall", "macro_f1", "ece", "nll", "mean_confidence")
"""Metrics with bootstrap intervals."""
NOT_MEASURED = "not measured: add your photos"


@dataclass(frozen=True, eq=False)
class Measured:
    """A report and what its gaps are made of."""

    report: Report
    """The scores."""
    counts: dict[str, tuple[int, int]]
    """Successes and photos of each of SHARES."""
    draws: dict[str, np.ndarray]
    """Bootstrap draws (resamples,) of each of MEANS; NaN where it could not be measured."""


@dataclass(frozen=True, eq=False)
class _Table:
    """Predictions as arrays, (n,): ids into the class names, NONE_CLASS last."""

    truth: np.ndarray
    answer: np.ndarray
    confidence: np.ndarray
    truth_probability: np.ndarray
    none_id: int

    @property
    def shown(self) -> np.ndarray:
        """Which photos show one of the objects, bool."""
        return self.truth != self.none_id

    @property
    def right(self) -> np.ndarray:
        """Which were answered rightly, bool."""
        return self.truth == self.answer


def measure(
    predictions: Sequence[Prediction],
    class_names: tuple[str, ...],
    source: str,
    answer_threshold: float = 0.5,
    ece_bins: int = 15,
    resamples: int = 1000,
    seed: int = 0,
    skipped: tuple[str, ...] = (),
) -> Measured:
    """Score a set of predictions.

    Args:
        predictions: may be empty: every metric is then None with a note.
        class_names: NONE_CLASS last.
        source: ``"real"`` or ``"synthetic"``.
        answer_threshold: from which probability on a class counts as given confidently.
        ece_bins: of the calibration error.
        resamples: bootstrap samples, stratified by true class.
        seed: of the bootstrap.
        skipped: what was left out, copied into the report.
    """
    table = _table(predictions, class_names)
    confusion = confusion_matrix(table.truth, table.answer, len(class_names))
    counts = _counts(table, answer_threshold)
    values = {name: float(v[0]) for name, v in _means(table, np.ones((1, len(table.truth))), ece_bins).items()}
    draws = _draws(table, ece_bins, resamples, rng_for(seed, 0, f"bootstrap/{source}"))
    metrics = [_share(name, *counts[name]) for name in SHARES]
    metrics += [_mean(name, values[name], draws[name], int(table.shown.sum())) for name in MEANS]
    report = Report(
        source=source,
        class_names=class_names,
        metrics=tuple(metrics),
        per_class=tuple(_class_score(k, name, confusion) for k, name in enumerate(class_names)),
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        n_photos=len(predictions),
        skipped=skipped,
    )
    return Measured(report, counts, draws)


def _table(predictions: Sequence[Prediction], class_names: tuple[str, ...]) -> _Table:
    ids = {name: k for k, name in enumerate(class_names)}
    return _Table(
        truth=np.array([ids[p.truth] for p in predictions], np.int64),
        answer=np.array([ids[p.answer] for p in predictions], np.int64),
        confidence=np.array([p.probability for p in predictions], float),
        truth_probability=np.array([p.truth_probability for p in predictions], float),
        none_id=ids[NONE_CLASS],
    )


def _counts(table: _Table, threshold: float) -> dict[str, tuple[int, int]]:
    shown, none = table.shown, table.answer == table.none_id
    n_shown, n_without = int(shown.sum()), int((~shown).sum())
    given = ~shown & ~none & (table.confidence >= threshold)
    return {
        "top1": (int((shown & table.right).sum()), n_shown),
        "right_and_sure": (int((shown & table.right & (table.confidence >= threshold)).sum()), n_shown),
        "none_share": (int((shown & none).sum()), n_shown),
        "none_recall": (int((~shown & none).sum()), n_without),
        "negatives_given_class": (int(given.sum()), n_without),
    }


def _means(table: _Table, weights: np.ndarray, bins: int) -> dict[str, np.ndarray]:
    """Each of MEANS under weights (b, n), as (b,)."""
    k = table.none_id + 1
    shown = table.shown
    cells = np.eye(k * k)[table.truth * k + table.answer] if k * k <= 4096 else None
    if cells is not None:
        confusion = (weights @ cells).reshape(-1, k, k)
    else:
        confusion = np.stack([np.bincount(table.truth * k + table.answer, w, k * k).reshape(k, k) for w in weights])
    classes = np.unique(table.truth[shown])
    precision, recall, f1 = macro_scores(confusion, classes)
    inside = weights[:, shown]
    total = inside.sum(axis=1)
    total = np.where(total > 0, total, np.nan)
    return {
        "macro_precision": precision,
        "macro_recall": recall,
        "macro_f1": f1,
        "ece": calibration_error(table.confidence[shown], table.right[shown], bins, inside),
        "nll": inside @ log_loss(table.truth_probability[shown]) / total,
        "mean_confidence": inside @ table.confidence[shown] / total,
    }


def _draws(table: _Table, bins: int, resamples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    parts: dict[str, list[np.ndarray]] = {name: [np.empty(0)] for name in MEANS}
    if len(table.truth):
        for weights in resample_weights(table.truth, resamples, rng):
            for name, values in _means(table, weights, bins).items():
                parts[name].append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def _share(name: str, successes: int, n: int) -> Metric:
    if n == 0:
        shows = (
            "shows one of the objects"
            if name in ("top1", "right_and_sure", "none_share")
            else "shows none of the objects"
        )
        return Metric(name=name, value=None, note=f"no photo {shows}")
    low, high = wilson(successes, n)
    return Metric(name=name, value=successes / n, low=low, high=high, n=n, note=f"{successes} of {n}; Wilson interval")


def _mean(name: str, value: float, draws: np.ndarray, n: int) -> Metric:
    if n == 0:
        return Metric(name=name, value=None, note="no photo shows one of the objects")
    if name == "ece":
        interval, note = percentile_interval(draws, value, 0.0, 1.0), "bootstrap interval, moved by its bias"
    else:
        interval, note = percentile_interval(draws), "bootstrap interval, stratified by class"
    if interval is None:
        return Metric(name=name, value=value, n=n, note="no interval: a bootstrap of these photos never varies")
    return Metric(name=name, value=value, low=interval[0], high=interval[1], n=n, note=note)


def _class_score(k: int, name: str, confusion: np.ndarray) -> ClassScore:
    right, there, answered = int(confusion[k, k]), int(confusion[k].sum()), int(confusion[:, k].sum())
    return ClassScore(
        class_name=name,
        precision=_ratio("precision", right, answered, there, "never answered"),
        recall=_ratio("recall", right, there, there, ""),
    )


def _ratio(name: str, right: int, of: int, there: int, nothing: str) -> Metric:
    if there == 0:
        note = f"no photos of it; given to {of} others" if name == "precision" and of else "no photos of it"
        return Metric(name=name, value=None, n=0, note=note)
    if of == 0:
        return Metric(name=name, value=None, n=0, note=nothing)
    low, high = wilson(right, of)
    return Metric(name=name, value=right / of, low=low, high=high, n=of, note=f"{right} of {of}; Wilson interval")
