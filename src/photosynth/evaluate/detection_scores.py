"""Detection scores at one score threshold: precision, recall, F1 and confusion. Functions of arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.matching import IOU_THRESHOLDS, Case, Pool, overlaps
from photosynth.core.ranking import Ranking


def rates(ranking: Ranking, threshold: float, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 (b,) of the finds with at least this score.

    Precision is NaN where nothing is found, recall and F1 where there are no objects.
    """
    n = len(ranking.objects)
    shown = ranking.scores >= threshold
    finds = weights @ np.bincount(ranking.photo[shown], minlength=n)[:n]
    right = weights @ np.bincount(ranking.photo[shown & ranking.right], minlength=n)[:n]
    objects = weights @ ranking.objects
    precision = right / np.where(finds > 0, finds, np.nan)
    recall = right / np.where(objects > 0, objects, np.nan)
    return precision, recall, 2 * right / np.where(objects > 0, finds + objects, np.nan)


def confusion_counts(cases: Sequence[Case], pools: Sequence[Pool], threshold: float) -> np.ndarray:
    """counts[truth, answer], (k + 1, k + 1) int64, of finds with at least this score, at IoU 0.5; the last is nothing.

    Finds first take objects of their class, as for precision; the others then take, the surest first, the object left
    over that they overlap most, of any class. What remains is a find of nothing, or an object that was not found.
    Finds that do not count are left out.
    """
    k = len(pools)
    counts = np.zeros((k + 1, k + 1), np.int64)
    taken = [np.zeros(len(case.truth), bool) for case in cases]
    others: list[tuple[float, int, int, int]] = []
    for class_id, pool in enumerate(pools):
        shown = pool.scores >= threshold
        for d in np.flatnonzero(shown & pool.right(0, 0)):
            taken[pool.photo[d]][pool.matched[0, 0, d]] = True
            counts[class_id, class_id] += 1
        for d in np.flatnonzero(shown & ~pool.right(0, 0) & ~pool.ignored[0, 0]):
            others.append((-float(pool.scores[d]), class_id, int(pool.photo[d]), int(pool.place[d])))
    for _, class_id, photo, place in sorted(others):
        truth = _left_over(cases[photo], place, taken[photo])
        if truth is None:
            counts[k, class_id] += 1
        else:
            taken[photo][truth] = True
            counts[cases[photo].truth.class_ids[truth], class_id] += 1
    for case, found in zip(cases, taken, strict=True):
        counts[:k, k] += np.bincount(case.truth.class_ids[~found], minlength=k)
    return counts


def _left_over(case: Case, place: int, taken: np.ndarray) -> int | None:
    if taken.all():
        return None
    ious = overlaps(case.found.boxes_xyxy[[place]], case.truth.boxes_xyxy, np.zeros(len(taken), bool))[0]
    best = int(np.where(taken, -1.0, ious).argmax())
    return best if ious[best] >= IOU_THRESHOLDS[0] else None
