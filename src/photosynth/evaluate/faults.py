"""Faults: what a detector got wrong among the boxes that it shows, the kinds that cost most first, with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from photosynth.core.geometry import Vec4
from photosynth.core.instances import Instances
from photosynth.core.matching import Case, overlaps, pool_class
from photosynth.evaluate.detection_report import DetectorReport
from photosynth.evaluate.detector_side import LookedAt
from photosynth.evaluate.galleries import Neighbour, Shelf
from photosynth.evaluate.photos import Picture
from photosynth.evaluate.thumbs import Mark
from photosynth.evaluate.tide import KINDS, find_errors

TRUTH, WRONG, OTHER = (255, 255, 255), (240, 110, 30), (70, 200, 180)
"""Colours of marks: objects, the find in question, other finds that are shown."""


class Fault(NamedTuple):
    """One error at the detector's threshold."""

    kind: str
    """As in `photosynth.evaluate.tide.KINDS`."""
    picture: Picture
    truth: str | None
    """The class of the object it is about, if any."""
    answer: str | None
    """The class of the find; None if missed."""
    score: float
    """Of the find; 0 if missed."""
    iou: float
    """Overlap of the find with that object, or of the missed object with the nearest find that is shown."""
    truth_rel: Vec4 | None
    find_rel: Vec4 | None
    marks: tuple[Mark, ...]
    """Every box to be drawn."""
    without: bool = False
    """Whether the picture shows none of the objects."""


class FaultCard(NamedTuple):
    """One fault of a gallery."""

    fault: Fault
    uri: str | None
    neighbours: tuple[Neighbour, ...]


class FaultShelf(NamedTuple):
    """The gallery of one kind."""

    kind: str
    ap50_gain: float | None
    """By how much mAP50 would rise without this kind, at any score; None if not measured."""
    count: int
    cards: tuple[FaultCard, ...]


def find_faults(looked: LookedAt, class_names: tuple[str, ...], threshold: float) -> list[Fault]:
    """Every error of the finds that score at least `threshold`, and of the objects that these leave unfound.

    The surest find first; of missed objects the one that fills most of its picture first.
    """
    shown = [_shown(case, threshold) for case in looked.cases]
    pools = [pool_class(shown, k) for k in range(len(class_names))]
    faults = []
    for error in find_errors(shown, pools):
        case, picture = shown[error.photo], looked.pictures[error.photo]
        faults.append(_fault(error.kind, picture, case, error.find, error.truth, class_names))
    for found, picture in zip(looked.negatives, looked.negative_pictures, strict=True):
        if picture.labels is None:
            case = _shown(_bare(found), threshold)
            faults += [_fault("background", picture, case, k, None, class_names) for k in range(len(case.found))]
    return sorted(faults, key=lambda f: (-f.score, -_area(f.truth_rel), f.picture.folder, f.picture.file))


def fault_shelves(faults: Sequence[Fault], report: DetectorReport, shelf: Shelf, most: int) -> tuple[FaultShelf, ...]:
    """The galleries of the kinds that occur, the costliest kind first, at most `most` cards each.

    A picture is shown once in each gallery, with its surest fault.
    """
    gains = {error.kind: error.ap50_gain for error in report.errors}
    kinds = sorted(KINDS, key=lambda kind: (-gains.get(kind, 0.0), KINDS.index(kind)))
    shelves = []
    for kind in kinds:
        own = [fault for fault in faults if fault.kind == kind]
        one_each = _one_each(own)
        cards = tuple(_card(fault, shelf) for fault in one_each[:most])
        if own:
            shelves.append(FaultShelf(kind, gains.get(kind), len(own), cards))
    return tuple(shelves)


def _one_each(faults: Sequence[Fault]) -> list[Fault]:
    """The first fault of each picture."""
    first: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.picture.folder, fault.picture.file), fault)
    return list(first.values())


def _card(fault: Fault, shelf: Shelf) -> FaultCard:
    near = []
    if fault.truth is not None:
        near.append(shelf.neighbour(fault.picture, fault.truth_rel, fault.truth))
    if fault.answer is not None and fault.answer != fault.truth:
        near.append(shelf.neighbour(fault.picture, fault.find_rel, fault.answer))
    return FaultCard(fault, shelf.marked(fault.picture, fault.marks), tuple(near))


def _shown(case: Case, threshold: float) -> Case:
    keep = case.found.scores >= threshold
    found = case.found
    some = Instances(found.size_wh, found.boxes_xyxy[keep], found.class_ids[keep], found.scores[keep])
    return Case(case.truth, case.truth_area_px, case.crowds, case.regions_xyxy, some)


def _bare(found: Instances) -> Case:
    nothing = Instances(found.size_wh, np.zeros((0, 4)), np.zeros(0, np.int64))
    return Case(nothing, np.zeros(0), nothing, np.zeros((0, 4)), found)


def _fault(
    kind: str, picture: Picture, case: Case, find: int | None, truth: int | None, class_names: tuple[str, ...]
) -> Fault:
    truths, finds = _relative(case.truth), _relative(case.found)
    ious = overlaps(case.found.boxes_xyxy, case.truth.boxes_xyxy, np.zeros(len(case.truth), bool))
    of_it = ious[find] if find is not None else ious[:, truth]
    if kind == "both" and len(of_it):
        truth = int(of_it.argmax())
    iou = float(ious[find, truth]) if find is not None and truth is not None else float(max(of_it, default=0.0))
    marks = [Mark(box, OTHER, 1) for k, box in enumerate(finds) if k != find]
    marks += [Mark(box, TRUTH, 3 if k == truth else 1) for k, box in enumerate(truths)]
    marks += [Mark(finds[find], WRONG, 4)] if find is not None else []
    return Fault(
        kind,
        picture,
        None if truth is None else class_names[case.truth.class_ids[truth]],
        None if find is None else class_names[case.found.class_ids[find]],
        0.0 if find is None else float(case.found.scores[find]),
        iou,
        None if truth is None else truths[truth],
        None if find is None else finds[find],
        tuple(marks),
        not len(case.truth),
    )


def _relative(some: Instances) -> list[Vec4]:
    scale = np.tile(np.array(some.size_wh, float), 2)
    return [tuple(float(v) for v in box) for box in some.boxes_xyxy / scale]


def _area(box: Vec4 | None) -> float:
    return 0.0 if box is None else (box[2] - box[0]) * (box[3] - box[1])
