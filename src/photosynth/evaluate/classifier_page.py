"""What the page shows of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from photosynth.core.report import Metric, Report
from photosynth.evaluate import charts, galleries
from photosynth.evaluate.classifier_side import ClassifierSide
from photosynth.evaluate.config import EvaluateConfig
from photosynth.evaluate.measure import NOT_MEASURED
from photosynth.evaluate.predictions import Prediction
from photosynth.evaluate.summary import TITLES, metric_text


def classifier_context(side: ClassifierSide, shelf: galleries.Shelf, settings: EvaluateConfig) -> dict[str, Any]:
    """The template's variables."""
    rows = {row.name: row for row in side.gap.rows}
    real, synthetic = side.real_predictions, side.synthetic_predictions
    most = settings.gallery_photos
    wrong, wrong_synthetic = galleries.mistakes(real), galleries.mistakes(synthetic)
    alarms = galleries.false_alarms(real)
    real_report, synthetic_report = side.real.report, side.synthetic.report
    return {
        "gap": side.gap,
        "rows": [(TITLES[name], rows[name]) for name in TITLES],
        "row": rows,
        "measured": real_report.n_photos > 0,
        "verdict_real": verdict(rows["top1"].real, "real"),
        "verdict_synthetic": verdict(rows["top1"].synthetic, "synthetic"),
        "whiskers": (
            charts.whisker("real", rows["top1"].real),
            charts.whisker("synthetic", rows["top1"].synthetic),
        ),
        "sides": [_side(real_report, real, settings), _side(synthetic_report, synthetic, settings)],
        "per_class": list(zip(real_report.per_class, synthetic_report.per_class, strict=True)),
        "answer_threshold": side.answer_threshold,
        "mistakes": shelf.cards(wrong, most, neighbours=True),
        "n_mistakes": len(wrong),
        "false_alarms": shelf.cards(alarms, most),
        "n_false_alarms": len(alarms),
        "right_answers": shelf.cards(galleries.right_answers(real), most // 3),
        "synthetic_mistakes": shelf.cards(wrong_synthetic, most // 2, neighbours=True),
        "n_synthetic_mistakes": len(wrong_synthetic),
    }


def verdict(metric: Metric, source: str) -> str:
    """The score in plain words, such as ``"11 of 12 real photos right (92 %, 65–99 %)"``."""
    if metric.value is None:
        return NOT_MEASURED
    right = round(metric.value * metric.n)
    things = {"real": "real photos", "synthetic": "held-out synthetic pictures"}[source]
    text = metric_text(metric, "–").replace(" (", ", ").removesuffix(")")
    return f"{right} of {metric.n} {things} right ({text})"


def _side(report: Report, predictions: Sequence[Prediction], settings: EvaluateConfig) -> dict[str, Any]:
    return {
        "title": {"real": "Real photos", "synthetic": "Held-out synthetic pictures"}[report.source],
        "n": report.n_photos,
        "matrix": charts.matrix(report),
        "histograms": charts.histograms(predictions),
        "dots": charts.reliability_dots(predictions, settings.ece_bins),
        "ece": report.metric("ece"),
    }
