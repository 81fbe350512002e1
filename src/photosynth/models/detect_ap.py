"""Average precision at IoU 0.5 as COCO counts it, for judging an exported detector. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.average_precision import average_precisions
from photosynth.core.instances import Instances
from photosynth.core.matching import AREA_RANGES_PX, case_of_boxes, pool_class


@dataclass(frozen=True)
class Truth:
    """Of one picture, in the finds' pixels.

    objects: what it shows, without scores.
    ignored_xyxy: (m, 4); a find that lies there by half or more is neither right nor wrong.
    """

    objects: Instances
    ignored_xyxy: np.ndarray


def map50(truths: Sequence[Truth], found: Sequence[Instances]) -> float:
    """Mean over the classes that occur of their average precision at IoU 0.5, 0..1; 0 if no picture shows an object.

    Args:
        truths: of each picture.
        found: in each picture, with scores.
    """
    cases = [case_of_boxes(truth.objects, truth.ignored_xyxy, one) for truth, one in zip(truths, found, strict=True)]
    classes = sorted({int(c) for truth in truths for c in truth.objects.class_ids})
    pools = [pool_class(cases, k, AREA_RANGES_PX[:1]) for k in classes]
    once = np.ones((1, len(cases)))
    return float(np.mean([average_precisions(pool, once)[0, 0, 0] for pool in pools])) if pools else 0.0
