"""Summary: the scores as short texts, for a closing table on the command line or in a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from photosynth.core.errors import ArtifactError
from photosynth.core.record import from_json
from photosynth.core.report import Metric
from photosynth.evaluate.gap import Gap
from photosynth.evaluate.measure import NOT_MEASURED

TITLES = {
    "top1": "right answers (top-1)",
    "right_and_sure": "right and above the threshold",
    "macro_f1": "macro F1",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "negatives_given_class": "without the objects, yet given a class",
    "none_recall": "without the objects, answered none",
    "none_share": "objects answered none",
    "mean_confidence": "mean confidence",
    "ece": "calibration error (ECE)",
    "nll": "negative log-likelihood (NLL)",
}
"""Names for people, in the order of a table."""
SHORT = ("top1", "right_and_sure", "macro_f1", "negatives_given_class", "ece")
FINE_N = 200
"""From so many photos on, per cents are given with one decimal, as ECE always is."""


class SummaryRow(NamedTuple):
    """One line of the closing table."""

    name: str
    synthetic: str
    real: str
    gap: str


def summary_table(out: Path) -> list[SummaryRow]:
    """The main scores of a finished evaluation as (name, synthetic, real, gap) texts.

    Raises:
        ArtifactError: if the folder has no ``gap.json``.
    """
    path = Path(out) / "gap.json"
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; {out} is not a finished evaluation")
    rows = {row.name: row for row in from_json(path.read_bytes(), Gap, str(path)).rows}
    return [
        SummaryRow(TITLES[name], metric_text(row.synthetic), metric_text(row.real), gap_text(row.gap))
        for name, row in ((n, rows[n]) for n in SHORT)
    ]


def metric_text(metric: Metric, dash: str = "-") -> str:
    """Such as ``"92 % (65-99 %)"``; NLL is in nats, all others are shares. Without a value, why."""
    if metric.value is None:
        return NOT_MEASURED if metric.note == NOT_MEASURED else f"not measured: {metric.note}"
    if metric.name == "nll":
        return f"{metric.value:.3f}" + _range(metric, "{:.3f}".format, "", dash)
    decimals = 1 if metric.n >= FINE_N or metric.name == "ece" else 0
    return f"{percent(metric.value, decimals)} %" + _range(metric, lambda v: percent(v, decimals), " %", dash)


def gap_text(metric: Metric, dash: str = " to ") -> str:
    """Such as ``"+5.6 points (-2.1 to +30.0)"``: synthetic minus real; an em dash where there is no gap to give."""
    if metric.value is None:
        return "—"
    if metric.name == "nll":
        return f"{metric.value:+.3f}" + _range(metric, "{:+.3f}".format, "", dash)
    return f"{_points(metric.value)} points" + _range(metric, _points, "", dash)


def percent(share: float, decimals: int = 0) -> str:
    """A share 0..1 as per cent; what is not quite 0 or 100 never reads so (``"0.4"``, ``"99.6"``, ``">99.9"``)."""
    for digits in range(decimals, 2):
        text = f"{100 * share:.{digits}f}"
        if share in (0, 1) or 0 < float(text) < 100:
            return text
    return "<0.1" if share < 0.5 else ">99.9"


def _points(share: float) -> str:
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text


def _range(metric: Metric, text: Callable[[float], str], unit: str, dash: str) -> str:
    if metric.low is None or metric.high is None:
        return ""
    return f" ({text(metric.low)}{dash}{text(metric.high)}{unit})"
