"""Preprocess: the one way a picture of any size becomes the network's square input, in training and prediction.

The rule, so that other languages can follow it: the whole picture is squashed to S x S, each axis for itself.

- An axis of n >= S pixels is shrunk by area: output pixel i is the mean of the source over [i n/S, (i+1) n/S),
  pixels cut by an end counting by the part inside (OpenCV's INTER_AREA).
- An axis of n < S pixels is enlarged linearly: output pixel i is read at source position (i + 0.5) n/S - 0.5,
  between the two nearest pixel centres, positions outside clamped to the edge (OpenCV's INTER_LINEAR).
- Shrinking comes first; each step is rounded to 8 bits. OpenCV's fixed-point arithmetic may differ by one level.

Then x = (value / 255 - mean) / std per channel, R G B, planes first. Squashing keeps every pixel of the picture, which
cropping would not, and spends no pixels on bars, as letterboxing would; training pictures get aspect jitter that
covers 4:3 and 3:4.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec3

CORNER_SHARE = 0.7
"""Side of a corner view / side of the picture."""


def resize_square(image: np.ndarray, size_px: int) -> np.ndarray:
    """Squash a (H, W, 3) uint8 picture to (size_px, size_px, 3) uint8.

    Raises:
        ConfigError: if it is not a uint8 picture with three channels and at least one pixel.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ConfigError(
            f"a picture must be an (H, W, 3) uint8 array in RGB order; this one is {image.shape} {image.dtype}"
        )
    height, width = image.shape[:2]
    shrunk = (min(width, size_px), min(height, size_px))
    if shrunk != (width, height):
        image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (size_px, size_px):
        image = cv2.resize(image, (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    return image


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
