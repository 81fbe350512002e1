"""Augment for detection: a labelled picture changed at random, its boxes with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.models.resize import PADDING, fit_square, resize
from photosynth.train.augment import erase, recolour
from photosynth.train.detect_config import DetectAugmentConfig
from photosynth.train.detect_pictures import Labelled

MOSAIC_SHARE = (0.35, 0.65)
"""Where a mosaic's four parts meet, as a share of its sides."""
MIN_SIDE_PX = 3.0
"""Objects whose box ends up with a shorter side than this are neither right nor wrong."""


def augment(
    picture: Labelled, size_px: int, config: DetectAugmentConfig, rng: np.random.Generator, others: Sequence[Labelled]
) -> Labelled:
    """Crop or shrink or join, turn, recolour, erase.

    Args:
        picture: any size.
        size_px: side of the result.
        config: how much.
        rng: the picture's own generator.
        others: three more pictures for a mosaic; with less, none is made.

    Returns:
        a picture of (size_px, size_px, 3).
    """
    if len(others) >= 3 and rng.random() < config.mosaic_probability:
        picture = mosaic([picture, *others[:3]], size_px, config, rng)
    else:
        if rng.random() < config.crop_probability:
            picture = crop(picture, random_window(picture.image.shape, config, rng), config.keep_visible)
        shrink = 1.0
        if rng.random() < config.zoom_out_probability:
            shrink = rng.uniform(1.0, config.zoom_out)
        picture = fit(picture, size_px, shrink, rng)
    if config.quarter_turns:
        picture = quarter_turns(picture, int(rng.integers(4)))
    if config.flip and rng.random() < 0.5:
        picture = mirrored(picture)
    image = recolour(np.ascontiguousarray(picture.image), config, rng)
    if rng.random() < config.erase_probability:
        erase(image, config, rng)
    return without_specks(Labelled(image, picture.boxes_xyxy, picture.class_ids, picture.ignored_xyxy))


def random_window(
    shape: tuple[int, ...], config: DetectAugmentConfig, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A random part of a (H, W, 3) picture: x0, y0, x1, y1 in whole pixels."""
    height, width = shape[:2]
    area, aspect = rng.uniform(*config.crop_area), config.crop_aspect ** rng.uniform(-1.0, 1.0)
    w = max(1, min(width, round(width * np.sqrt(area * aspect))))
    h = max(1, min(height, round(height * np.sqrt(area / aspect))))
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return x, y, x + w, y + h


def crop(picture: Labelled, window: tuple[int, int, int, int], keep_visible: float) -> Labelled:
    """The part of a picture in a window; objects of which too little is left become ignored."""
    x0, y0, x1, y1 = window
    shift, end = np.array([x0, y0, x0, y0]), np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0], np.float64)
    boxes = np.clip(picture.boxes_xyxy - shift, 0.0, end)
    ignored = np.clip(picture.ignored_xyxy - shift, 0.0, end)
    left, whole = _area(boxes), _area(picture.boxes_xyxy)
    kept = left >= keep_visible * whole
    partly = boxes[~kept & (left > 0)]
    ignored = np.concatenate([ignored[_area(ignored) > 0], partly])
    return Labelled(picture.image[y0:y1, x0:x1], boxes[kept], picture.class_ids[kept], ignored)


def fit(picture: Labelled, size_px: int, shrink: float, rng: np.random.Generator) -> Labelled:
    """Letterbox into a square as prediction does, or `shrink` times smaller at a random place on an empty ground."""
    inner_px = max(1, round(size_px / shrink))
    square, (scale_x, scale_y) = fit_square(picture.image, inner_px, "letterbox")
    factor = 1.0 / np.array([scale_x, scale_y, scale_x, scale_y])
    shift = np.zeros(4)
    if inner_px < size_px:
        x, y = (int(v) for v in rng.integers(0, size_px - inner_px + 1, 2))
        ground = np.full((size_px, size_px, 3), PADDING, np.uint8)
        ground[y : y + inner_px, x : x + inner_px] = square
        square, shift = ground, np.array([x, y, x, y], np.float64)
    return Labelled(
        square, picture.boxes_xyxy * factor + shift, picture.class_ids, picture.ignored_xyxy * factor + shift
    )


def mosaic(
    pictures: Sequence[Labelled], size_px: int, config: DetectAugmentConfig, rng: np.random.Generator
) -> Labelled:
    """Random parts of four pictures, one in each corner of the result."""
    across, down = (round(size_px * v) for v in rng.uniform(*MOSAIC_SHARE, 2))
    image = np.empty((size_px, size_px, 3), np.uint8)
    boxes, ignored, class_ids = [], [], []
    for k, picture in enumerate(pictures):
        x0, x1 = (0, across) if k % 2 == 0 else (across, size_px)
        y0, y1 = (0, down) if k < 2 else (down, size_px)
        part = crop(picture, _tile_window(picture.image.shape, (x1 - x0, y1 - y0), config, rng), config.keep_visible)
        height, width = part.image.shape[:2]
        image[y0:y1, x0:x1] = resize(part.image, (x1 - x0, y1 - y0))
        factor = np.array([(x1 - x0) / width, (y1 - y0) / height] * 2)
        shift = np.array([x0, y0, x0, y0])
        boxes.append(part.boxes_xyxy * factor + shift)
        ignored.append(part.ignored_xyxy * factor + shift)
        class_ids.append(part.class_ids)
    return Labelled(image, *(np.concatenate(rows) for rows in (boxes, class_ids, ignored)))


def quarter_turns(picture: Labelled, turns: int) -> Labelled:
    """Turned to the left by so many right angles."""
    boxes, ignored, width = picture.boxes_xyxy, picture.ignored_xyxy, picture.image.shape[1]
    for k in range(turns % 4):
        side = width if k % 2 == 0 else picture.image.shape[0]
        boxes, ignored = (_turned(b, side) for b in (boxes, ignored))
    return Labelled(np.rot90(picture.image, turns), boxes, picture.class_ids, ignored)


def mirrored(picture: Labelled) -> Labelled:
    """Left for right."""
    width = picture.image.shape[1]
    boxes, ignored = (
        np.stack([width - b[:, 2], b[:, 1], width - b[:, 0], b[:, 3]], 1)
        for b in (picture.boxes_xyxy, picture.ignored_xyxy)
    )
    return Labelled(picture.image[:, ::-1], boxes, picture.class_ids, ignored)


def without_specks(picture: Labelled) -> Labelled:
    """Objects too small to be seen become ignored."""
    side = (picture.boxes_xyxy[:, 2:] - picture.boxes_xyxy[:, :2]).min(1, initial=np.inf)
    kept = side >= MIN_SIDE_PX
    ignored = np.concatenate([picture.ignored_xyxy, picture.boxes_xyxy[~kept]])
    return Labelled(picture.image, picture.boxes_xyxy[kept], picture.class_ids[kept], ignored)


def _tile_window(
    shape: tuple[int, ...], tile_wh: tuple[int, int], config: DetectAugmentConfig, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A part of a (H, W, 3) picture of the tile's aspect."""
    height, width = shape[:2]
    share = np.sqrt(rng.uniform(*config.crop_area))
    scale = share * min(width / tile_wh[0], height / tile_wh[1])
    w, h = (max(1, int(side * scale)) for side in tile_wh)
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return x, y, x + w, y + h


def _turned(boxes: np.ndarray, width: float) -> np.ndarray:
    """Boxes after their picture of this width is turned to the left once: (x, y) goes to (y, width - x)."""
    return np.stack([boxes[:, 1], width - boxes[:, 2], boxes[:, 3], width - boxes[:, 0]], 1)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
