"""TIDE: what kinds of errors a detector makes, and how much average precision each kind costs.

Bolya, Foley, Hays and Hoffman, TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV 2020, with the
paper's thresholds: a box is right from IoU 0.5 on, and touches an object from IoU 0.1 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from photosynth.core.average_precision import area_under
from photosynth.core.matching import Case, Pool, overlaps

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
"""Right box but wrong class; right class but poor box; both wrong; an object found once more; nothing is there; an
object that no find comes close to."""
RIGHT_IOU, TOUCHING_IOU = 0.5, 0.1


class Error(NamedTuple):
    """One error: a find that is no object, or an object that was not found."""

    kind: str
    photo: int
    """Which case."""
    class_id: int
    """Of the find; of the object, if missed."""
    score: float
    """Of the find; 0 if missed."""
    find: int | None
    """Which of the case's finds; None if missed."""
    truth: int | None
    """Which of the case's objects the find was meant for, or is missed; None for "both" and "background"."""


class Cost(NamedTuple):
    """What one kind of error costs."""

    kind: str
    count: int
    ap_gain: float
    """By how much mAP50 would rise without these errors, 0..1."""


def find_errors(cases: Sequence[Case], pools: Sequence[Pool]) -> list[Error]:
    """Every error at IoU 0.5, by the first rule that fits: localisation, classification, duplicate, background, both.

    Finds that do not count (in crowds, say) are no errors. A missed object is one that no find matches and that no
    localisation or classification error was meant for.

    Args:
        cases: the pictures.
        pools: of each class, as `pool_class` gives them.
    """
    by_case: list[list[tuple[float, int, int]]] = [[] for _ in cases]
    taken: list[dict[int, int]] = [{} for _ in cases]
    for class_id, pool in enumerate(pools):
        matched, wrong = pool.matched[0, 0], ~pool.right(0, 0) & ~pool.ignored[0, 0]
        for d in np.flatnonzero(pool.right(0, 0)):
            taken[pool.photo[d]][int(matched[d])] = int(pool.place[d])
        for d in np.flatnonzero(wrong):
            by_case[pool.photo[d]].append((float(pool.scores[d]), class_id, int(pool.place[d])))
    errors: list[Error] = []
    for photo, (case, finds) in enumerate(zip(cases, by_case, strict=True)):
        finds.sort(key=lambda f: -f[0])
        errors += _errors_of(photo, case, finds, np.isin(np.arange(len(case.truth)), list(taken[photo])))
    return errors


def _errors_of(photo: int, case: Case, finds: list[tuple[float, int, int]], taken: np.ndarray) -> list[Error]:
    places = np.array([place for _, _, place in finds], np.int64)
    ious = overlaps(case.found.boxes_xyxy[places], case.truth.boxes_xyxy, np.zeros(len(case.truth), bool))
    errors, meant_for = [], set()
    for (score, class_id, place), row in zip(finds, ious, strict=True):
        kind, truth = _judge(row, case.truth.class_ids == class_id, taken)
        errors.append(Error(kind, photo, class_id, score, place, truth))
        if kind in ("classification", "localisation"):
            meant_for.add(truth)
    for truth in np.flatnonzero(~taken):
        if int(truth) not in meant_for:
            errors.append(Error("missed", photo, int(case.truth.class_ids[truth]), 0.0, None, int(truth)))
    return errors


def _judge(ious: np.ndarray, same: np.ndarray, taken: np.ndarray) -> tuple[str, int | None]:
    """The kind of one wrong find, from its overlaps (g,) with the objects, and the object it was meant for."""
    if not len(ious):
        return "background", None
    own, other = np.where(same, ious, 0.0), np.where(same, 0.0, ious)
    if TOUCHING_IOU <= own.max() <= RIGHT_IOU:
        return "localisation", int(own.argmax())
    if other.max() >= RIGHT_IOU:
        return "classification", int(other.argmax())
    again = np.where(taken, own, 0.0)
    if again.max() >= RIGHT_IOU:
        return "duplicate", int(again.argmax())
    return ("background" if ious.max() <= TOUCHING_IOU else "both"), None


def mean_ap50(pools: Sequence[Pool]) -> float:
    """mAP50 over the classes that have objects; NaN if none has."""
    return _mean_ap([_Finds(pool) for pool in pools])


def error_costs(cases: Sequence[Case], pools: Sequence[Pool], errors: Sequence[Error]) -> list[Cost]:
    """How much mAP50 would rise if one kind of error were set right, each kind on its own; never less than 0.

    Set right means: wrong classes and poor boxes become right ones if the object has not been found, once for each
    object and by the surest such find, and else vanish; other wrong finds vanish; missed objects are not asked for
    (a class that has no others counts as 1).

    Args:
        cases: the pictures.
        pools: of each class.
        errors: as `find_errors` gives them.
    """
    before = mean_ap50(pools)
    best = _best_finds(cases, pools, errors)
    costs = []
    for kind in KINDS:
        some = [e for e in errors if e.kind == kind]
        finds = [_Finds(pool) for pool in pools]
        for error in some:
            _set_right(error, cases[error.photo], finds, best)
        gain = _mean_ap(finds) - before if some else 0.0
        costs.append(Cost(kind, len(some), max(0.0, gain) if np.isfinite(gain) else 0.0))
    return costs


class _Finds:
    """The finds of one class that count, while errors are set right."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.kept = ~pool.ignored[0, 0]
        self.right = pool.right(0, 0).copy()
        self.moved: list[float] = []
        """Scores of right finds that came from another class."""
        self.asked = int(pool.counted[0].sum())
        self.objects = self.asked
        self._index = {(int(p), int(k)): d for d, (p, k) in enumerate(zip(pool.photo, pool.place, strict=True))}

    def at(self, error: Error) -> int:
        """Where the error's find is."""
        return self._index[error.photo, error.find]

    def ap(self) -> float:
        """AP50; NaN without objects."""
        if not self.asked:
            return np.nan
        if not self.objects:
            return 1.0
        scores = np.concatenate([self.pool.scores[self.kept], self.moved])
        right = np.concatenate([self.right[self.kept], np.ones(len(self.moved), bool)])
        return area_under(right[np.argsort(-scores, kind="stable")], self.objects)


def _set_right(error: Error, case: Case, finds: Sequence[_Finds], best: dict[tuple[int, int], int]) -> None:
    own = finds[error.class_id]
    if error.kind == "missed":
        own.objects -= 1
        return
    d = own.at(error)
    becomes_right = error.truth is not None and best.get((error.photo, error.truth)) == error.find
    if error.kind == "localisation" and becomes_right:
        own.right[d] = True
        return
    own.kept[d] = False
    if error.kind == "classification" and becomes_right:
        finds[int(case.truth.class_ids[error.truth])].moved.append(error.score)


def _best_finds(cases: Sequence[Case], pools: Sequence[Pool], errors: Sequence[Error]) -> dict[tuple[int, int], int]:
    """(photo, object) that was not found -> the surest find that was meant for it."""
    found = {
        (int(pool.photo[d]), int(pool.matched[0, 0, d])) for pool in pools for d in np.flatnonzero(pool.right(0, 0))
    }
    best: dict[tuple[int, int], Error] = {}
    for error in errors:
        key = (error.photo, error.truth)
        if error.kind in ("classification", "localisation") and key not in found:
            if key not in best or error.score > best[key].score:
                best[key] = error
    return {key: error.find for key, error in best.items()}


def _mean_ap(finds: Sequence[_Finds]) -> float:
    values = [value for value in (one.ap() for one in finds) if np.isfinite(value)]
    return float(np.mean(values)) if values else np.nan
