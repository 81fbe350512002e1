"""Detection scores on validation pictures, without intervals: quick enough for every epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.average_precision import average_precisions, class_mean
from photosynth.core.instances import Instances
from photosynth.core.matching import AREA_RANGES_PX, case_of_boxes, pool_class
from photosynth.core.ranking import best_f_beta, rank
from photosynth.models.detect_info import DetectionScores

NO_THRESHOLD = 0.5
"""Stands where no threshold gives an F1 above 0."""
BETA = 0.5
"""Recall counts half as much as precision when the threshold for showing a box is chosen. Objects in rendered pictures
are smaller, darker and more hidden than in people's photos: recall there says little about photos, false alarms do."""


def detection_scores(
    truths: Sequence[Instances], ignored: Sequence[np.ndarray], found: Sequence[Instances], n_classes: int
) -> DetectionScores:
    """COCO's mAP, the best F1 and score thresholds; by the code that evaluates the finished detector.

    Args:
        truths: what each picture shows.
        ignored: (m, 4) boxes of each picture in which finds of any class do not count.
        found: what was found, with scores.
        n_classes: how many; classes that no picture shows do not count.
    """
    cases = [case_of_boxes(*one) for one in zip(truths, ignored, found, strict=True)]
    pools = [pool_class(cases, k, AREA_RANGES_PX[:1]) for k in range(n_classes)]
    once = np.ones((1, len(cases)))
    precisions = [average_precisions(pool, once)[0] for pool in pools]  # (1, IoU) of each class
    ranking = rank(pools, len(cases))
    f1, threshold = (float(value[0]) for value in best_f_beta(ranking, once))
    shown = float(best_f_beta(ranking, once, BETA)[1][0])
    return DetectionScores(
        map50_95=_or(float(class_mean(ap.mean(1) for ap in precisions)[0]), 0.0),
        map50=_or(float(class_mean(ap[:, 0] for ap in precisions)[0]), 0.0),
        f1=_or(f1, 0.0),
        f1_threshold=_or(threshold, NO_THRESHOLD),
        shown_threshold=_or(shown, NO_THRESHOLD),
        n=len(truths),
        n_objects=sum(len(truth) for truth in truths),
    )


def _or(value: float, otherwise: float) -> float:
    """The value, or the other one for NaN: nothing to be found, or nothing right."""
    return value if np.isfinite(value) else otherwise
