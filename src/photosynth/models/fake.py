"""A classifier for tests that knows its classes by their mean colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.geometry import Vec3


class FakeClassifier:
    """Names a picture by the nearest of its classes' mean colours; grey-ish far-off pictures are none of these.

    Args:
        colors_srgb: class name to mean colour, R G B in 0..255.
        reach: a picture farther than this from every colour (Euclidean, in levels) is none of these.
        sharpness: larger gives more confident probabilities.
        input_px: what it says of its input; a colour is seen in a single pixel.
    """

    def __init__(
        self, colors_srgb: dict[str, Vec3], reach: float = 80.0, sharpness: float = 0.1, input_px: int = 1
    ) -> None:
        self.input_px = input_px
        self.class_names = (*colors_srgb, NONE_CLASS)
        self._colors = np.array(list(colors_srgb.values()), np.float64)
        self._reach, self._sharpness = reach, sharpness

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (n, classes + 1) float64 for (H, W, 3) uint8 pictures."""
        if not len(images):
            return np.zeros((0, len(self.class_names)))
        means = np.array([np.asarray(image).reshape(-1, 3).mean(0) for image in images])
        distance = np.linalg.norm(means[:, None] - self._colors, axis=2)
        distance = np.concatenate([distance, np.full((len(means), 1), self._reach)], axis=1)
        odds = np.exp(-self._sharpness * (distance - distance.min(1, keepdims=True)))
        return odds / odds.sum(1, keepdims=True)
