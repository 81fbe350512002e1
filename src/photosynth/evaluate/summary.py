"""Summary: the scores as short texts, for a closing table on the command line or in a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from photosynth.core.errors import ArtifactError
from photosynth.core.record import from_json
from photosynth.core.report import Metric
from photosynth.evaluate.gap import Gap

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
DETECTOR_TITLES = {
    "map50_95": "mAP50_95",
    "map50": "mAP50",
    "map75": "mAP75",
    "map_small": "mAP50_95, objects under 32² px",
    "map_medium": "mAP50_95, 32² to 96² px",
    "map_large": "mAP50_95, over 96² px",
    "recall": "objects found (recall)",
    "precision": "boxes right (precision)",
    "f1": "F1 at the detector's threshold",
    "best_f1": "best F1 of any threshold",
    "best_f1_threshold": "F1-best threshold",
    "best_f1_recall": "objects found, F1-best threshold",
    "best_f1_precision": "boxes right, F1-best threshold",
    "false_alarms": "boxes per photo without the objects",
    "false_alarms_best_f1": "boxes per such photo, F1-best threshold",
    "negatives_with_box": "photos without the objects that get a box",
    "top_box_top1": "class of the surest box is right",
    "seconds_per_photo": "time per photo",
}
"""Names for people, in the order of a table."""
DETECTOR_SHORT = (
    "map50_95",
    "map50",
    "f1",
    "false_alarms",
    "false_alarms_best_f1",
    "top_box_top1",
    "seconds_per_photo",
)
COUNTS = ("false_alarms", "false_alarms_best_f1", "best_f1_threshold")
"""Plain numbers, not shares."""
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
        ArtifactError: if the folder has neither ``gap.json`` nor ``gap_detector.json``.
    """
    lines = []
    for file, names, titles in (("gap.json", SHORT, TITLES), ("gap_detector.json", DETECTOR_SHORT, DETECTOR_TITLES)):
        path = Path(out) / file
        if path.is_file():
            rows = {row.name: row for row in from_json(path.read_bytes(), Gap, str(path)).rows}
            lines += [
                SummaryRow(titles[name], metric_text(row.synthetic), metric_text(row.real), gap_text(row.gap))
                for name, row in ((n, rows[n]) for n in names)
            ]
    if not lines:
        raise ArtifactError(f"{Path(out) / 'gap.json'} does not exist; {out} is not a finished evaluation")
    return lines


def metric_text(metric: Metric, dash: str = "-") -> str:
    """Such as ``"92 % (65-99 %)"``; NLL is in nats, all others are shares. Without a value, why."""
    if metric.value is None:
        return metric.note if metric.note.startswith("not measured") else f"not measured: {metric.note}"
    if metric.name == "nll":
        return f"{metric.value:.3f}" + _range(metric, "{:.3f}".format, "", dash)
    if metric.name in COUNTS:
        return f"{metric.value:.2f}" + _range(metric, "{:.2f}".format, "", dash)
    if metric.name == "seconds_per_photo":
        return f"{_ms(metric.value)} ms" + _range(metric, _ms, " ms", dash)
    decimals = 1 if metric.n >= FINE_N or metric.name == "ece" or "ap" in metric.name else 0
    return f"{percent(metric.value, decimals)} %" + _range(metric, lambda v: percent(v, decimals), " %", dash)


def gap_text(metric: Metric, dash: str = " to ") -> str:
    """Such as ``"+5.6 points (-2.1 to +30.0)"``: synthetic minus real; an em dash where there is no gap to give."""
    if metric.value is None:
        return "—"
    if metric.name == "nll":
        return f"{metric.value:+.3f}" + _range(metric, "{:+.3f}".format, "", dash)
    if metric.name in COUNTS:
        return f"{metric.value:+.2f}" + _range(metric, "{:+.2f}".format, "", dash)
    if metric.name == "seconds_per_photo":
        return f"{1000 * metric.value:+.0f} ms"
    return f"{_points(metric.value)} points" + _range(metric, _points, "", dash)


def percent(share: float, decimals: int = 0) -> str:
    """A share 0..1 as per cent; what is not quite 0 or 100 never reads so (``"0.4"``, ``"99.6"``, ``">99.9"``)."""
    for digits in range(decimals, 2):
        text = f"{100 * share:.{digits}f}"
        if share in (0, 1) or 0 < float(text) < 100:
            return text
    return "<0.1" if share < 0.5 else ">99.9"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}" if seconds < 0.0095 else f"{1000 * seconds:.0f}"


def _points(share: float) -> str:
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text


def _range(metric: Metric, text: Callable[[float], str], unit: str, dash: str) -> str:
    if metric.low is None or metric.high is None:
        return ""
    return f" ({text(metric.low)}{dash}{text(metric.high)}{unit})"
