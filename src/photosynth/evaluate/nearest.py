"""Nearest training pictures: what the classifier may have been reminded of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec4
from photosynth.core.items import Item
from photosynth.core.photo import read_photo


class TrainingPictures:
    """Training pictures that can be asked for the one most like a photo in colour and layout.

    Likeness is the distance of two descriptors (see `descriptor`): of the boxes where both have one, else of the
    whole pictures. It is not what the network sees; it helps a person to see why two things may look alike.

    Args:
        dataset: the dataset's folder.
        items: of its training split.
        class_names: of the dataset, without NONE_CLASS.
        per_class: how many pictures of each class are looked at, spread evenly.
    """

    def __init__(
        self, dataset: Path, items: tuple[Item, ...], class_names: tuple[str, ...], per_class: int = 64
    ) -> None:
        self._dataset = Path(dataset)
        self._by_class: dict[str, tuple[Item, ...]] = {}
        for k, name in enumerate((*class_names, NONE_CLASS)):
            self._by_class[name] = spread(tuple(i for i in items if i.label == k), per_class)
        self._described: dict[tuple[str, bool], tuple[tuple[Item, ...], np.ndarray]] = {}

    def nearest(self, path: Path, boxes_rel: tuple[Vec4, ...], class_name: str) -> Path | None:
        """The most similar training picture of a class; None if it has none or the photo cannot be read."""
        item = self.nearest_item(path, boxes_rel, class_name)
        return None if item is None else self._dataset / item.image_file

    def nearest_item(self, path: Path, boxes_rel: tuple[Vec4, ...], class_name: str) -> Item | None:
        """The same as its item."""
        boxed = bool(boxes_rel) and class_name != NONE_CLASS
        items, descriptors = self._descriptors(class_name, boxed)
        if not items:
            return None
        try:
            wanted = descriptor(read_photo(path, 128), boxes_rel[0] if boxed else None)
        except ConfigError:
            return None
        return items[int(np.argmin(((descriptors - wanted) ** 2).sum(axis=1)))]

    def _descriptors(self, class_name: str, boxed: bool) -> tuple[tuple[Item, ...], np.ndarray]:
        if (class_name, boxed) not in self._described:
            kept, rows = [], []
            for item in self._by_class.get(class_name, ()):
                try:
                    image = read_photo(self._dataset / item.image_file, 128)
                except ConfigError:
                    continue
                kept.append(item)
                rows.append(descriptor(image, largest_box(item) if boxed else None))
            self._described[class_name, boxed] = (tuple(kept), np.array(rows))
        return self._described[class_name, boxed]


def spread(items: tuple[Item, ...], count: int) -> tuple[Item, ...]:
    """At most `count` of the items, evenly spaced, in order."""
    if len(items) <= count:
        return items
    return tuple(items[k * len(items) // count] for k in range(count))


def largest_box(item: Item) -> Vec4 | None:
    """The visible box of the item's labelled object, as fractions of its picture; None if it shows none."""
    boxes = [i.visible_xyxy for i in item.instances if i.class_id == item.label]
    if not boxes:
        return None
    x0, y0, x1, y1 = max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    width, height = item.size_wh
    return (x0 / width, y0 / height, x1 / width, y1 / height)


def descriptor(image: np.ndarray, box_rel: Vec4 | None = None) -> np.ndarray:
    """What a picture (H, W, 3) uint8, or a box of it, looks like from afar, (236,) float64.

    The square root of a Lab colour histogram (128 bins; Swain and Ballard, Color Indexing, 1991, compared by
    Hellinger's distance) beside the mean colours of a 6 x 6 grid (108 values).
    """
    import cv2

    if box_rel is not None:
        height, width = image.shape[:2]
        x0, y0 = int(max(0, box_rel[0]) * width), int(max(0, box_rel[1]) * height)
        x1, y1 = int(np.ceil(min(1, box_rel[2]) * width)), int(np.ceil(min(1, box_rel[3]) * height))
        if x1 > x0 and y1 > y0:
            image = image[y0:y1, x0:x1]
    small = cv2.cvtColor(cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    colours, _ = np.histogramdd(
        small.reshape(-1, 3).astype(float), bins=(2, 8, 8), range=((0, 256), (64, 192), (64, 192))
    )
    grid = small.reshape(6, 8, 6, 8, 3).mean(axis=(1, 3)).ravel() / 255
    return np.concatenate([np.sqrt(colours.ravel() / 48**2), grid / 6])
