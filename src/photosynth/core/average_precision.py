"""Average precision: precision-recall curves and the areas under them, for many weightings of the photos at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from photosynth.core.matching import Pool

RECALLS = np.linspace(0.0, 1.0, 101)
"""At which COCO reads precision."""


def average_precisions(pool: Pool, weights: np.ndarray) -> np.ndarray:
    """Average precision of a class for each area and IoU threshold, as COCOeval.accumulate computes it.

    Precision at a recall is the highest at that recall or any higher one; AP is its mean over 101 recalls. Only finds
    that are objects can be the first to reach a recall, so that only they are looked at: a bootstrap of thousands of
    finds costs one cumulative sum.

    Args:
        pool: the class's finds.
        weights: (b, n) how often each photo counts.

    Returns:
        (A, b, T) float64; NaN where no object counts.
    """
    n_areas, n_thresholds, _ = pool.matched.shape
    out = np.full((n_areas, len(weights), n_thresholds), np.nan)
    hits = [[np.flatnonzero(pool.right(a, t)) for t in range(n_thresholds)] for a in range(n_areas)]
    last = max((int(h[-1]) + 1 for row in hits for h in row if len(h)), default=0)
    of_find = weights[:, pool.photo[:last]]
    for a in range(n_areas):
        objects = weights @ pool.counted[a]
        there = objects > 0
        if not there.any():
            continue
        kept = ~pool.ignored[a, :, :last]
        finds = np.cumsum(of_find * kept[0], axis=1) if any(map(len, hits[a])) else of_find
        for t, hit in enumerate(hits[a]):
            all_finds = finds[:, hit] + _difference(of_find, kept[t], kept[0], hit)
            right = np.cumsum(of_find[:, hit], axis=1)
            out[a, there, t] = _area_under(right[there], all_finds[there], objects[there])
    return out


def _difference(of_find: np.ndarray, kept: np.ndarray, base: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """What the cumulative weights of kept finds differ from those of `base`, at the places `hit`, (b, h)."""
    places = np.flatnonzero(kept != base)
    if not len(places):
        return np.zeros((1, 1))
    signed = np.cumsum(of_find[:, places] * np.where(kept[places], 1.0, -1.0), axis=1)
    before = np.searchsorted(places, hit, side="right")
    return np.concatenate([np.zeros((len(signed), 1)), signed], axis=1)[:, before]


def area_under(right: np.ndarray, objects: int) -> float:
    """AP of finds from the surest down, `right` (d,) bool, of which there are `objects` to find (1 or more)."""
    hits = np.flatnonzero(right)
    return float(_area_under(np.cumsum(right)[None, hits].astype(float), hits[None] + 1.0, np.array([objects]))[0])


def curve(pool: Pool, threshold: int = 0, area: int = 0) -> np.ndarray | None:
    """Precision at each of RECALLS, (101,), 0 where it is not reached; None if no object counts."""
    objects = int(pool.counted[area].sum())
    if not objects:
        return None
    right, kept = pool.right(area, threshold), ~pool.ignored[area, threshold]
    hits = np.flatnonzero(right)
    precision = np.maximum.accumulate((np.cumsum(right)[hits] / np.cumsum(kept)[hits])[::-1])[::-1]
    reached = np.searchsorted(np.arange(1, len(hits) + 1) / objects, RECALLS, side="left")
    return np.append(precision, 0.0)[reached]


def class_mean(values: Iterable[np.ndarray]) -> np.ndarray:
    """The mean over classes of (b,) arrays, NaN left out; NaN where no class has a value."""
    stacked = np.array(list(values), float)
    if not len(stacked):
        return np.full(1, np.nan)
    known = np.isfinite(stacked)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, stacked, 0.0).sum(0) / np.maximum(count, 1), np.nan)


def _area_under(right: np.ndarray, finds: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """From (b, h) weights of right finds and of all finds up to each right one, and (b,) objects: AP (b,)."""
    recall = right / objects[:, None]
    precision = right / (finds + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(RECALLS, recall, side="right")
    new = np.diff(reached, axis=1, prepend=0)
    return (envelope * new).sum(1) / len(RECALLS)
