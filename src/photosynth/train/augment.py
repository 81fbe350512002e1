"""Augment: one training picture (uint8, RGB) changed at random, about half a millisecond each on one thread."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.geometry import Vec4
from photosynth.models.resize import resize_square
from photosynth.train.config import AugmentConfig

TRIES = 16


def augment(
    image: np.ndarray, box_rel: Vec4 | None, size_px: int, config: AugmentConfig, rng: np.random.Generator
) -> np.ndarray:
    """Crop, resize, turn, recolour, erase.

    Args:
        image: (H, W, 3) uint8.
        box_rel: x0, y0, x1, y1 of the labelled object as fractions of the picture; None if there is none.
        size_px: side of the result.
        config: how much.
        rng: the picture's own generator.

    Returns:
        (size_px, size_px, 3) uint8, contiguous.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = random_crop(box_rel, config, rng)
    left, top = int(x0 * width), int(y0 * height)
    right, bottom = max(left + 1, round(x1 * width)), max(top + 1, round(y1 * height))
    image = resize_square(image[top:bottom, left:right], size_px)
    if config.quarter_turns:
        image = np.rot90(image, int(rng.integers(4)))
    if config.flip and rng.random() < 0.5:
        image = image[:, ::-1]
    image = recolour(np.ascontiguousarray(image), config, rng)
    if rng.random() < config.erase_probability:
        erase(image, config, rng)
    if config.salt_pepper > 0:
        salt_and_pepper(image, config.salt_pepper, rng)
    return image


def random_crop(box_rel: Vec4 | None, config: AugmentConfig, rng: np.random.Generator) -> Vec4:
    """A random part of the picture that keeps enough of the box, as fractions; the whole picture if none is found."""
    low, high = config.crop_area
    area = rng.uniform(low, high, TRIES)
    aspect = config.crop_aspect ** rng.uniform(-1.0, 1.0, TRIES)
    width, height = np.minimum(np.sqrt(area * aspect), 1.0), np.minimum(np.sqrt(area / aspect), 1.0)
    x0, y0 = rng.random(TRIES) * (1.0 - width), rng.random(TRIES) * (1.0 - height)
    x1, y1 = x0 + width, y0 + height
    good = 0
    if box_rel is not None:
        bx0, by0, bx1, by1 = box_rel
        overlap_w = np.clip(np.minimum(x1, bx1) - np.maximum(x0, bx0), 0.0, None)
        overlap_h = np.clip(np.minimum(y1, by1) - np.maximum(y0, by0), 0.0, None)
        kept = overlap_w * overlap_h >= config.keep_visible * (bx1 - bx0) * (by1 - by0)
        if not kept.any():
            return 0.0, 0.0, 1.0, 1.0
        good = int(kept.argmax())
    return float(x0[good]), float(y0[good]), float(x1[good]), float(y1[good])


def recolour(image: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Gamma, contrast, gain and tint through one table per channel, then saturation; a new picture."""
    gamma = np.exp(rng.uniform(-config.gamma, config.gamma))
    contrast = 1.0 + rng.uniform(-config.contrast, config.contrast)
    gain = np.exp(rng.uniform(-config.brightness, config.brightness)) * (
        1.0 + rng.uniform(-config.tint, config.tint, 3)
    )
    saturation = 1.0 + rng.uniform(-config.saturation, config.saturation)
    value = (np.arange(256) / 255.0) ** gamma
    table = ((value - 0.5) * contrast + 0.5)[:, None] * gain
    image = cv2.LUT(image, np.rint(np.clip(table, 0.0, 1.0) * 255.0).astype(np.uint8)[None])
    luma = np.array([0.299, 0.587, 0.114])
    return cv2.transform(image, saturation * np.eye(3) + (1.0 - saturation) * luma)


def erase(image: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> None:
    """Paint over a random rectangle, with one colour or with noise; in place."""
    size = image.shape[0]
    area = rng.uniform(*config.erase_area)
    aspect = np.exp(rng.uniform(-1.0, 1.0))
    w = int(np.clip(round(size * np.sqrt(area * aspect)), 1, size))
    h = int(np.clip(round(size * np.sqrt(area / aspect)), 1, size))
    x, y = int(rng.integers(size - w + 1)), int(rng.integers(size - h + 1))
    shape = (1, 1, 3) if rng.random() < 0.5 else (h, w, 3)
    image[y : y + h, x : x + w] = rng.integers(0, 256, shape, dtype=np.uint8)


def salt_and_pepper(image: np.ndarray, share: float, rng: np.random.Generator) -> None:
    """Set a share of the pixels to black or white; in place."""
    noise = rng.random(image.shape[:2])
    image[noise < share / 2] = 0
    image[noise > 1.0 - share / 2] = 255


def mix_batch(
    images: np.ndarray, targets: np.ndarray, config: AugmentConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mixup or CutMix (a coin decides if both are on) of a batch with itself in another order.

    Args:
        images: (n, S, S, 3) uint8.
        targets: (n, classes) float32.

    Returns:
        images and targets of the same shapes.
    """
    options = [name for name, on in (("mixup", config.mixup_alpha), ("cutmix", config.cutmix_alpha)) if on > 0]
    if not options:
        return images, targets
    option = options[int(rng.integers(len(options)))]
    order = rng.permutation(len(images))
    if option == "mixup":
        share = rng.beta(config.mixup_alpha, config.mixup_alpha)
        mixed = share * images.astype(np.float32) + (1.0 - share) * images[order].astype(np.float32)
        mixed = np.rint(mixed).astype(np.uint8)
    else:
        size = images.shape[1]
        side = round(float(size * np.sqrt(1.0 - rng.beta(config.cutmix_alpha, config.cutmix_alpha))))
        x, y = int(rng.integers(size - side + 1)), int(rng.integers(size - side + 1))
        mixed = images.copy()
        mixed[:, y : y + side, x : x + side] = images[order, y : y + side, x : x + side]
        share = 1.0 - side * side / (size * size)
    return mixed, (share * targets + (1.0 - share) * targets[order]).astype(np.float32)
