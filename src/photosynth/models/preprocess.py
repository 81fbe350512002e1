"""Preprocess: what happens to a network's square input after `photosynth.models.resize`, and before it.

x = (value / 255 - mean) / std per channel, R G B, planes first. Exported models do this inside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.geometry import Vec3

CORNER_SHARE = 0.7
"""Side of a corner view / side of the picture."""


def normalise(images: np.ndarray, mean: Vec3, std: Vec3) -> np.ndarray:
    """(n, S, S, 3) uint8 to (n, 3, S, S) float32, zero mean and unit spread.

    The memory stays in (n, S, S, 3) order (what torch calls channels_last).
    """
    scale = (1.0 / (255.0 * np.asarray(std))).astype(np.float32)
    offset = (np.asarray(mean) / np.asarray(std)).astype(np.float32)
    out = images.astype(np.float32)
    out *= scale
    out -= offset
    return out.transpose(0, 3, 1, 2)


def views_of(image: np.ndarray, views: int) -> Sequence[np.ndarray]:
    """The picture (views = 1), or the picture and its four overlapping corners (views = 5)."""
    if views == 1:
        return [image]
    height, width = image.shape[:2]
    h, w = max(1, round(height * CORNER_SHARE)), max(1, round(width * CORNER_SHARE))
    return [image, image[:h, :w], image[:h, width - w :], image[height - h :, :w], image[height - h :, width - w :]]
