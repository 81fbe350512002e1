"""Pictures: one split of a dataset, decoded, with labels and the boxes that crops should keep."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.geometry import Vec4
from photosynth.core.items import Item, Split, read_items
from photosynth.models.resize import resize_square


class Pictures:
    """One split. Reads every picture once at the start; those that cannot be read are left out.

    Args:
        dataset: the dataset folder.
        split: which part.
        side_px: pictures are squashed to this side.
        n_outputs: number of labels, none of these counted.
        cache_bytes: decoded pictures are kept if they fit in this, else decoded again each time.
        max_failed_fraction: the largest share that may be unreadable.
        threads: threads that decode.

    Attributes:
        items: the readable items, in the dataset's order.
        labels: (n,) int64.
        boxes_rel: per item, the labelled object's visible box as fractions of the picture, or None.
        failures: one line for each picture that could not be read.

    Raises:
        ConfigError: if the split is empty or has a label that the dataset does not know.
        QualityError: if too many pictures cannot be read.
    """

    def __init__(
        self,
        dataset: Path,
        split: Split,
        side_px: int,
        n_outputs: int,
        cache_bytes: float,
        max_failed_fraction: float,
        threads: int,
    ) -> None:
        self.dataset, self.side_px = Path(dataset), side_px
        items = list(read_items(self.dataset, split))
        if not items:
            raise ConfigError(f"{dataset} has no pictures in its {split!r} split; render more, or change its shares")
        for item in items:
            if not 0 <= item.label < n_outputs:
                raise ConfigError(
                    f"{dataset}: picture {item.index} has label {item.label}; expected 0..{n_outputs - 1}"
                )
        keep = len(items) * side_px * side_px * 3 <= cache_bytes
        self._cache = np.empty((len(items), side_px, side_px, 3), np.uint8) if keep else None
        self.items: list[Item] = []
        self.failures: list[str] = []
        for item, result in zip(items, _in_threads(self._try_read, items, threads), strict=True):
            if isinstance(result, str):
                self.failures.append(result)
                continue
            if self._cache is not None:
                self._cache[len(self.items)] = result
            self.items.append(item)
        if len(self.failures) > max_failed_fraction * len(items):
            raise QualityError(
                f"{len(self.failures)} of {len(items)} {split} pictures in {dataset} cannot be read (at most "
                f"{max_failed_fraction:.0%} may), such as: {self.failures[0]}. Make the dataset again."
            )
        self.labels = np.array([item.label for item in self.items], np.int64)
        self.boxes_rel = [labelled_box(item) for item in self.items]

    def __len__(self) -> int:
        return len(self.items)

    def image(self, position: int) -> np.ndarray:
        """(side_px, side_px, 3) uint8; not to be written to. Raises ConfigError if its file has become unreadable."""
        if self._cache is not None:
            return self._cache[position]
        return self._read(self.items[position])

    def _try_read(self, item: Item) -> np.ndarray | str:
        try:
            return self._read(item)
        except ConfigError as error:
            return str(error)

    def _read(self, item: Item) -> np.ndarray:
        return resize_square(decode(self.dataset / item.image_file), self.side_px)


def decode(path: Path) -> np.ndarray:
    """A JPEG or PNG file as (H, W, 3) uint8 RGB. Raises ConfigError if it is missing or damaged."""
    try:
        data = path.read_bytes()
        if simplejpeg.is_jpeg(data):
            return simplejpeg.decode_jpeg(data, colorspace="RGB")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is damaged: {error}") from error
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise ConfigError(f"{path} is not a picture that can be read (JPEG or PNG)")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def labelled_box(item: Item) -> Vec4 | None:
    """The visible box, as fractions of the picture, of the largest object of the item's label; None if it has none."""
    boxes = [i.visible_xyxy for i in item.instances if i.class_id == item.label]
    if not boxes:
        return None
    x0, y0, x1, y1 = max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    width, height = item.size_wh
    return x0 / width, y0 / height, x1 / width, y1 / height


def _in_threads(function: object, items: list[Item], threads: int) -> Iterator[np.ndarray | str]:
    """Results in order, with only a few pictures in flight at a time."""
    source = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(source, 64)):
            yield from pool.map(function, chunk)
