"""Random and hand-made pictures for the tests of detection scores."""

from __future__ import annotations

import numpy as np

from photosynth.core.instances import Instances
from photosynth.core.matching import Case

SIZE_WH = (400, 300)


def instances(rows: list[tuple], scored: bool = False) -> Instances:
    """Instances of (class id, x0, y0, x1, y1[, score]) rows."""
    return Instances(
        size_wh=SIZE_WH,
        boxes_xyxy=np.array([row[1:5] for row in rows], float).reshape(-1, 4),
        class_ids=np.array([row[0] for row in rows], np.int64),
        scores=np.array([row[5] for row in rows], float) if scored else None,
    )


def case(truth: list[tuple], found: list[tuple], crowds: list[tuple] = (), regions: list[tuple] = ()) -> Case:
    """A picture; rows are (class id, x0, y0, x1, y1[, score]), regions (x0, y0, x1, y1)."""
    shown = instances(list(truth))
    wh = shown.boxes_xyxy[:, 2:] - shown.boxes_xyxy[:, :2]
    return Case(
        shown,
        wh[:, 0] * wh[:, 1],
        instances(list(crowds)),
        np.array(regions, float).reshape(-1, 4),
        instances(list(found), scored=True),
    )


def random_cases(seed: int, n: int = 12, n_classes: int = 3, crowds: bool = True) -> list[Case]:
    """Pictures with near misses, wrong classes, duplicates, tied scores, tied overlaps, crowds; some are empty."""
    rng = np.random.default_rng(seed)
    return [_random_case(rng, n_classes, crowds) for _ in range(n)]


def _random_case(rng: np.random.Generator, n_classes: int, with_crowds: bool) -> Case:
    truth = [(int(rng.integers(n_classes)), *_box(rng)) for _ in range(rng.integers(0, 6))]
    if truth and rng.random() < 0.3:
        truth.append(truth[0])  # two objects in one place
    found = []
    for class_id, *box in truth:
        for _ in range(rng.integers(0, 4)):
            moved = np.array(box) + rng.integers(-14, 15, 4) * (rng.random() < 0.8)
            moved[2:] = np.maximum(moved[2:], moved[:2] + 2)
            named = class_id if rng.random() < 0.8 else int(rng.integers(n_classes))
            found.append((named, *moved, round(float(rng.random()), 1)))
    found += [(int(rng.integers(n_classes)), *_box(rng), round(float(rng.random()), 1)) for _ in range(rng.integers(4))]
    crowds = []
    if with_crowds:
        crowds = [(int(rng.integers(n_classes)), *_box(rng)) for _ in range(rng.integers(0, 3))]
    return case(truth, found, crowds)


def _box(rng: np.random.Generator) -> tuple[float, float, float, float]:
    x, y = int(rng.integers(0, 280)), int(rng.integers(0, 180))
    w, h = (int(v) for v in rng.choice([8, 20, 40, 60, 110], 2))
    return (x, y, x + w, y + h)
