"""Ranking: the finds of all classes together, and the best F-score that a score threshold gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.matching import Pool


@dataclass(frozen=True, eq=False)
class Ranking:
    """The finds of all classes that count at IoU 0.5, from the highest score down.

    scores (D,), right (D,) bool, photo (D,), objects (n,): objects of each picture that are to be found.
    """

    scores: np.ndarray
    right: np.ndarray
    photo: np.ndarray
    objects: np.ndarray


def rank(pools: Sequence[Pool], n_photos: int) -> Ranking:
    """All classes together; equal scores in the order of the classes."""
    kept = [~pool.ignored[0, 0] for pool in pools]
    scores = np.concatenate([np.empty(0), *(pool.scores[k] for pool, k in zip(pools, kept, strict=True))])
    right = np.concatenate([np.empty(0, bool), *(p.right(0, 0)[k] for p, k in zip(pools, kept, strict=True))])
    photo = np.concatenate([np.empty(0, int), *(p.photo[k] for p, k in zip(pools, kept, strict=True))])
    order = np.argsort(-scores, kind="stable")
    objects = np.sum([np.zeros(n_photos, int), *(pool.counted[0] for pool in pools)], axis=0)
    return Ranking(scores[order], right[order], photo[order], objects)


def best_f_beta(ranking: Ranking, weights: np.ndarray, beta: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The best F-beta of any threshold, and a threshold that gives it: half way to the next lower score.

    Args:
        ranking: of n pictures.
        weights: (b, n) how often each picture counts.
        beta: how many times as much recall counts as precision; 1 is F1 (van Rijsbergen, "Information Retrieval",
            1979, chapter 7).

    Returns:
        F-beta (b,), NaN without objects; thresholds (b,), NaN where it is NaN or 0.
    """
    objects = (weights @ ranking.objects).astype(float)
    nothing = np.where(objects > 0, 0.0, np.nan)
    if not len(ranking.scores):
        return nothing, np.full(len(weights), np.nan)
    of_find = weights[:, ranking.photo]
    hits = np.cumsum(of_find * ranking.right, axis=1)
    f_beta = (1 + beta**2) * hits / np.maximum(np.cumsum(of_find, axis=1) + beta**2 * objects[:, None], 1e-9)
    f_beta[:, :-1][:, ranking.scores[1:] == ranking.scores[:-1]] = -1.0  # equal scores cannot be parted
    place = f_beta.argmax(1)
    best = f_beta[np.arange(len(f_beta)), place]
    lower = np.append(ranking.scores[1:], 0.0)
    threshold = (ranking.scores[place] + lower[place]) / 2
    usable = (objects > 0) & (best > 0)
    return np.where(usable, best, nothing), np.where(usable, threshold, np.nan)
