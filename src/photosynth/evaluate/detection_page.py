"""What the page shows of a detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from photosynth.core.report import Metric
from photosynth.evaluate import charts, detection_charts
from photosynth.evaluate.detection_report import DetectorReport
from photosynth.evaluate.detector_side import DetectorSide
from photosynth.evaluate.faults import fault_shelves, find_faults
from photosynth.evaluate.galleries import Shelf
from photosynth.evaluate.summary import DETECTOR_TITLES
from photosynth.models.second_look import LEAST_SCORE, MOST_LOOKED_AT


def detector_context(
    side: DetectorSide, shelf: Shelf, gallery_photos: int, top1: Mapping[str, Metric]
) -> dict[str, Any]:
    """The template's variables.

    Args:
        side: the detector's scores.
        shelf: makes the pictures.
        gallery_photos: in each gallery, at most.
        top1: the classifier's share of right answers by set; empty without a classifier.
    """
    rows = {row.name: row for row in side.gap.rows}
    real, synthetic = side.real.report, side.synthetic.report
    faults = find_faults(side.real_looked, side.class_names, side.threshold)
    shelves = fault_shelves(faults, real, shelf, max(1, gallery_photos // 3))
    synthetic_faults = find_faults(side.synthetic_looked, side.class_names, side.threshold)
    synthetic_shelves = fault_shelves(synthetic_faults, synthetic, shelf, max(1, gallery_photos // 6))
    lead = real if real.n_objects else synthetic
    return {
        "rows": [(title, rows[name]) for name, title in DETECTOR_TITLES.items()],
        "row": rows,
        "threshold": side.threshold,
        "second_look": side.second_look,
        "least_score": LEAST_SCORE,
        "most_looked_at": MOST_LOOKED_AT,
        "boxed": real.n_objects > 0,
        "headline": headline(real),
        "real": real,
        "synthetic": synthetic,
        "sides": [_side(report, detection_charts.worst_classes(lead)) for report in (real, synthetic)],
        "whiskers": tuple(
            charts.whisker(name, m)
            for name, m in (("real", rows["map50"].real), ("synthetic", rows["map50"].synthetic))
        ),
        "per_class": list(zip(real.per_class, synthetic.per_class, strict=True)),
        "kinds": detection_charts.kind_bars(real, synthetic),
        "help": detection_charts.what_would_help((real, synthetic)),
        "words": detection_charts.WORDS,
        "shelves": shelves,
        "synthetic_shelves": synthetic_shelves,
        "gap": side.gap,
        "top1": top1,
    }


def headline(real: DetectorReport) -> str:
    """The detector in one sentence, such as ``"11 of 12 objects found on real photos, 1 box too many"``."""
    counts = real.confusion
    k = len(counts) - 1
    found = sum(counts[c][c] for c in range(k))
    if not real.n_objects:
        return "Boxes not yet measured on real photos"
    extra = sum(counts[t][a] for t in range(k + 1) for a in range(k) if t != a)
    wrong = f"{extra} {'box' if extra == 1 else 'boxes'} wrong or too many" if extra else "no wrong box"
    photos = f"{real.n_photos} real {'photo' if real.n_photos == 1 else 'photos'}"
    return f"{found} of {real.n_objects} objects found on {photos}, {wrong}"


def _side(report: DetectorReport, drawn: tuple[str, ...]) -> dict[str, Any]:
    return {
        "source": report.source,
        "title": {"real": "Real photos", "synthetic": "Held-out synthetic pictures"}[report.source],
        "n": report.n_objects,
        "matrix": charts.matrix(report),
        "curves": detection_charts.curves(report, drawn),
        "best": report.metric("best_f1_threshold"),
        "point": _point(report),
    }


def _point(report: DetectorReport) -> tuple[float, float] | None:
    """Where the detector's own threshold lies in the drawing of precision against recall."""
    precision, recall = report.metric("precision").value, report.metric("recall").value
    if precision is None or recall is None:
        return None
    return 60 + 340 * recall, 280 - 260 * precision
