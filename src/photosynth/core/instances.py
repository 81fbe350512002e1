"""Instances: boxes with classes, for truth and prediction alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Instances:
    """The things in one picture. No scores means truth; a class prediction is one whole-picture box.

    size_wh: the picture. boxes_xyxy (n, 4) float64 in pixels. class_ids (n,) int64. scores (n,) float64 or None.
    masks (n, H, W) bool or None. visible_fraction (n,) float64 or None.
    """

    size_wh: tuple[int, int]
    boxes_xyxy: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray | None = None
    masks: np.ndarray | None = None
    visible_fraction: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.class_ids)
        if self.boxes_xyxy.shape != (n, 4):
            raise ValueError(f"{n} class ids need boxes of shape ({n}, 4), got {self.boxes_xyxy.shape}")
        for name in ("scores", "masks", "visible_fraction"):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise ValueError(f"{n} class ids need {n} {name}, got {len(value)}")

    def __len__(self) -> int:
        return len(self.class_ids)
