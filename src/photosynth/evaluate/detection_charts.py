"""Charts of a detector: the numbers behind the page's drawings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from photosynth.core.average_precision import RECALLS
from photosynth.evaluate.detection_report import DetectorReport
from photosynth.evaluate.tide import KINDS

MOST_CURVES = 6
"""Classes whose curves are drawn beside the mean."""
WORDS = {
    "classification": ("wrong class", "The box fits an object, but the class is another's."),
    "localisation": ("poor box", "The class is right, but the box overlaps the object too little."),
    "both": ("wrong class and poor box", "The box touches an object, and neither class nor box is right."),
    "duplicate": ("found twice", "One more box on an object that already has one."),
    "background": ("false alarm", "A box where none of the objects is."),
    "missed": ("missed", "An object that no box comes close to."),
}
"""Names for people, and what they mean."""
ADVICE = {
    "classification": "fewer objects taken for one another: look at the pairs in the confusion table and at the "
    "sides of the objects that the photos show, and train at a larger input size if small print tells them apart",
    "localisation": "boxes that fit better: look whether the photos show the objects larger, smaller or more hidden "
    "than the training pictures do",
    "both": "fewer boxes that touch an object without fitting it: often parts of an object, or two objects as one",
    "duplicate": "one box for each object: train with a lower nms_iou",
    "background": "fewer false alarms: train with more look-alikes, distractors and backgrounds like those of the "
    "photos below",
    "missed": "finding objects that are overlooked: look at size, light and what hides them in the photos below, and "
    "let the recipe show more of that",
}
"""What removing a kind of error would mean, and what to try."""


class Line(NamedTuple):
    """One precision-recall curve."""

    name: str
    points: str
    """``x,y`` pairs in the view box of 60..400 x 20..280."""
    ap50: float
    color: int = 0
    """Which of the page's colours."""


class Curves(NamedTuple):
    """The curves of one set."""

    mean: Line | None
    classes: tuple[Line, ...]
    left_out: int


class KindBar(NamedTuple):
    """One kind of error on both sets."""

    kind: str
    name: str
    meaning: str
    sides: tuple[tuple[str, float | None, int, float], ...]
    """(set, mAP50 gain, count, bar length 0..100) of real and synthetic; gain None where not measured."""


def worst_classes(report: DetectorReport) -> tuple[str, ...]:
    """The classes with the lowest AP50, the lowest first; none if there is only one."""
    own = [(c.metric("ap50").value, c.class_name) for c in report.per_class if c.curve50]
    return tuple(name for _, name in sorted(own)[:MOST_CURVES]) if len(own) > 1 else ()


def curves(report: DetectorReport, drawn: tuple[str, ...]) -> Curves:
    """Precision against recall at IoU 0.5: the mean over classes, and the classes `drawn`, in their order."""
    own = {c.class_name: (np.array(c.curve50), c.metric("ap50").value) for c in report.per_class if c.curve50}
    if not own:
        return Curves(None, (), 0)
    values = np.mean([v for v, _ in own.values()], axis=0)
    mean = Line("all classes", _points(values), float(np.mean([ap for _, ap in own.values()])))
    lines = tuple(
        Line(name, _points(own[name][0]), own[name][1], place) for place, name in enumerate(drawn) if name in own
    )
    return Curves(mean, lines, len(own) - len(lines) if drawn else 0)


def _points(values: np.ndarray) -> str:
    reached = np.flatnonzero(values > 0)
    last = int(reached[-1]) + 1 if len(reached) else 1
    xs, ys = 60 + 340 * RECALLS[:last], 280 - 260 * values[:last]
    line = [f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True)]
    kept = [
        point for k, point in enumerate(line) if k in (0, last - 1) or not values[k - 1] == values[k] == values[k + 1]
    ]
    if last < len(values):
        kept.append(f"{xs[-1]:.1f},280")
    return " ".join(kept)


def kind_bars(real: DetectorReport, synthetic: DetectorReport) -> tuple[KindBar, ...]:
    """TIDE's kinds, the costliest on real photos (or, without boxes there, on synthetic pictures) first."""
    sides = {name: {e.kind: e for e in report.errors} for name, report in (("real", real), ("synthetic", synthetic))}
    longest = max((e.ap50_gain for errors in sides.values() for e in errors.values()), default=0.0) or 1.0
    lead = sides["real"] or sides["synthetic"]
    order = sorted(KINDS, key=lambda kind: (-lead[kind].ap50_gain, KINDS.index(kind))) if lead else []
    bars = []
    for kind in order:
        row = []
        for name, errors in sides.items():
            one = errors.get(kind)
            row.append((name, one.ap50_gain, one.count, 100 * one.ap50_gain / longest) if one else (name, None, 0, 0.0))
        bars.append(KindBar(kind, *WORDS[kind], tuple(row)))
    return tuple(bars)


def what_would_help(reports: Sequence[DetectorReport]) -> str | None:
    """One sentence on the costliest kind of error of the first report that has errors measured.

    Such as ``"Fewer false alarms: train with ... . Without this kind of error: +4.2 points of mAP50 on real photos."``
    """
    for report in reports:
        if not report.errors:
            continue
        where = {"real": "real photos", "synthetic": "held-out synthetic pictures (no boxes on real photos)"}
        worst = max(report.errors, key=lambda e: e.ap50_gain)
        if worst.ap50_gain < 0.0005:
            return f"On {where[report.source]} no kind of error costs anything: mAP50 would not rise."
        text = f"{100 * worst.ap50_gain:.1f} points of mAP50 on {where[report.source]}"
        return f"{ADVICE[worst.kind][0].upper()}{ADVICE[worst.kind][1:]}. Without this kind of error: +{text}."
    return None
