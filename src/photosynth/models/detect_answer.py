"""Detections as an answer about the whole picture, as a classifier gives one. Free of torch."""

from __future__ import annotations

import numpy as np

from photosynth.core.instances import Instances


def class_scores(found: Instances, n_classes: int, none_score: float) -> np.ndarray:
    """A score for each class and, last, for none of these: (n_classes + 1,) float64.

    Each class has the score of its surest box; none of these has `none_score`, the score below which a box does not
    count. The largest is the answer: the surest box's class, or none of these. They do not add up to 1.
    """
    scores = np.zeros(n_classes + 1)
    scores[n_classes] = none_score
    if len(found):
        np.maximum.at(scores, found.class_ids, found.scores)
    return scores


def top_class(found: Instances, n_classes: int, none_score: float) -> int:
    """The class of the surest box; n_classes if there is none that scores more than `none_score`."""
    scores = class_scores(found, n_classes, none_score)
    best = int(scores[:n_classes].argmax()) if n_classes else 0
    return best if n_classes and scores[best] > none_score else n_classes
