"""Item: one labelled picture of a dataset, as the trainer and the evaluation read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from photosynth.core.codec import read_jsonl
from photosynth.core.errors import ArtifactError
from photosynth.core.frame import Rle
from photosynth.core.geometry import Vec4
from photosynth.core.record import Record, from_json

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class ItemInstance(Record, frozen=True, kw_only=True):
    """One labelled object in a picture."""

    class_id: int
    """Index into the dataset's class names."""
    visible_xyxy: Vec4
    """Box round the pixels that are seen (x1, y1 exclusive)."""
    amodal_xyxy: Vec4
    """Box round the object inside the picture, as if nothing stood before it."""
    visible: Rle
    """Mask of the pixels that are seen."""
    amodal: Rle
    """Mask of the object inside the picture, as if nothing stood before it."""
    visible_fraction: float
    """Seen pixels / area of the whole object if the picture had no edges, 0..1."""
    truncation: float
    """Share of the whole object's area that lies outside the picture, 0..1."""


class Item(Record, frozen=True, kw_only=True):
    """One line of a dataset's ``items-SPLIT.jsonl``."""

    index: int
    """The scene's number."""
    image_file: str
    """The picture, relative to the dataset folder."""
    size_wh: tuple[int, int]
    """Its size."""
    kind: str
    """The scene's kind: ``"object"``, ``"empty"`` or ``"lookalike"``."""
    label: int
    """The class of its largest visible object; len(class names) means none of these."""
    instances: tuple[ItemInstance, ...]
    """Its objects, distractors left out."""
    ignored_xyxy: tuple[Vec4, ...] = ()
    """Boxes round what is seen of objects that show too little for a label: a detector that finds one is not wrong."""


class DatasetInfo(Record, frozen=True, kw_only=True):
    """``dataset.json``."""

    class_names: tuple[str, ...]
    """Class id k is the k-th; none of these is not among them."""
    counts: dict[str, int]
    """Pictures in each split."""


def read_dataset_info(dataset: Path) -> DatasetInfo:
    """The classes and counts of a dataset folder. Raises ArtifactError if absent."""
    path = Path(dataset) / "dataset.json"
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; {dataset} is not a finished dataset")
    return from_json(path.read_bytes(), DatasetInfo, str(path))


def read_items(dataset: Path, split: Split) -> Iterator[Item]:
    """The items of one split, one at a time."""
    yield from read_jsonl(Path(dataset) / f"items-{split}.jsonl", Item)
