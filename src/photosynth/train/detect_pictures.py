"""Labelled pictures for the detector, from a dataset on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.items import Item, Split, read_items
from photosynth.train.pictures import decode


@dataclass(frozen=True, eq=False)
class Labelled:
    """A picture and what it shows.

    image (H, W, 3) uint8; boxes_xyxy (n, 4) float64 in pixels; class_ids (n,) int64; ignored_xyxy (m, 4) float64:
    where an object is seen too little for a label.
    """

    image: np.ndarray
    boxes_xyxy: np.ndarray
    class_ids: np.ndarray
    ignored_xyxy: np.ndarray


def labelled(image: np.ndarray, item: Item) -> Labelled:
    """A decoded picture with its item's visible boxes."""
    return Labelled(
        image,
        np.array([i.visible_xyxy for i in item.instances], np.float64).reshape(-1, 4),
        np.array([i.class_id for i in item.instances], np.int64),
        np.array(item.ignored_xyxy, np.float64).reshape(-1, 4),
    )


class DetectPictures:
    """One split. Decodes every picture once at the start, to leave out those that cannot be read.

    Args:
        dataset: the dataset folder.
        split: which part.
        n_classes: number of classes.
        max_failed_fraction: the largest share that may be unreadable.
        threads: threads that decode.

    Attributes:
        items: the readable items, in the dataset's order.
        failures: one line for each picture that could not be read.

    Raises:
        ConfigError: if the split is empty or has a class that the dataset does not know.
        QualityError: if too many pictures cannot be read.
    """

    def __init__(self, dataset: Path, split: Split, n_classes: int, max_failed_fraction: float, threads: int) -> None:
        self.dataset = Path(dataset)
        items = list(read_items(self.dataset, split))
        if not items:
            raise ConfigError(f"{dataset} has no pictures in its {split!r} split; render more, or change its shares")
        for item in items:
            for instance in item.instances:
                if not 0 <= instance.class_id < n_classes:
                    raise ConfigError(
                        f"{dataset}: picture {item.index} shows class {instance.class_id}; expected 0..{n_classes - 1}"
                    )
        with ThreadPoolExecutor(threads) as pool:
            faults = list(pool.map(self._fault, items))
        self.items = [item for item, fault in zip(items, faults, strict=True) if fault is None]
        self.failures = [fault for fault in faults if fault is not None]
        if len(self.failures) > max_failed_fraction * len(items):
            raise QualityError(
                f"{len(self.failures)} of {len(items)} {split} pictures in {dataset} cannot be read (at most "
                f"{max_failed_fraction:.0%} may), such as: {self.failures[0]}. Make the dataset again."
            )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> Labelled:
        """One picture, decoded. Raises ConfigError if its file has become unreadable."""
        item = self.items[position]
        return labelled(decode(self.dataset / item.image_file), item)

    def _fault(self, item: Item) -> str | None:
        try:
            decode(self.dataset / item.image_file)
        except ConfigError as error:
            return str(error)
        return None
