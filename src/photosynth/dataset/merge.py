"""The finished shards, streamed together into the dataset's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photosynth.core.codec import read_jsonl
from photosynth.core.errors import ArtifactError
from photosynth.core.items import SPLITS, Item, Split
from photosynth.core.record import to_json
from photosynth.dataset.coco import CocoWriter
from photosynth.dataset.config import DatasetConfig
from photosynth.dataset.contact_sheet import Picks
from photosynth.dataset.extras import ItemExtras
from photosynth.dataset.labels import Dropped
from photosynth.dataset.shard import Shard, dropped_path, extras_path, items_path
from photosynth.dataset.split import split_for
from photosynth.dataset.stream import AtomicStream
from photosynth.dataset.voc import voc_list_file, voc_name
from photosynth.dataset.yolo import DATA_FILE, yolo_data_yaml, yolo_list_line


@dataclass
class Tally:
    """What has been counted on the way; its size depends on the classes, not on the pictures."""

    class_names: tuple[str, ...]
    pictures: Counter[Split] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    labels: dict[Split, Counter[int]] = field(default_factory=lambda: {split: Counter() for split in SPLITS})
    objects: Counter[int] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item, split: Split) -> None:
        """Count one picture."""
        self.pictures[split] += 1
        self.kinds[item.kind] += 1
        self.labels[split][item.label] += 1
        self.objects.update(instance.class_id for instance in item.instances)

    def summary(self) -> dict[str, Any]:
        """Counts by name, for the manifest."""
        from photosynth.core.asset import NONE_CLASS

        names = (*self.class_names, NONE_CLASS)
        return {
            "pictures": sum(self.pictures.values()),
            "splits": {split: self.pictures[split] for split in SPLITS},
            "kinds": dict(sorted(self.kinds.items())),
            "pictures_of_class": {
                name: {split: self.labels[split][k] for split in SPLITS} for k, name in enumerate(names)
            },
            "objects_of_class": {name: self.objects[k] for k, name in enumerate(self.class_names)},
            "dropped": dict(sorted(self.dropped.items())),
        }


def merge_shards(
    shards: Sequence[Shard], out: Path, config: DatasetConfig, class_names: tuple[str, ...]
) -> tuple[Tally, Picks]:
    """Write the items of each split, the lists and the COCO files of all shards, one picture at a time.

    Raises:
        ArtifactError: if a scene number comes twice or out of order, or the disk is full.
    """
    tally, picks = Tally(class_names), Picks(config.contact_sheet_pictures, len(class_names))
    with ExitStack() as stack:
        items = {split: stack.enter_context(AtomicStream(out / f"items-{split}.jsonl")) for split in SPLITS}
        lists = _open_lists(stack, out, config)
        coco = {
            split: stack.enter_context(CocoWriter(out / "annotations" / f"{split}.coco.json", class_names))
            for split in SPLITS
            if "coco" in config.formats
        }
        for item, extras in _ascending(shards):
            split = split_for(config, item.index)
            items[split].write(to_json(item) + b"\n")
            if split in coco:
                coco[split].add(item, extras)
            for name, stream in lists[split].items():
                line = yolo_list_line(item) if name == "yolo" else voc_name(item.image_file) + "\n"
                stream.write(line.encode())
            tally.add(item, split)
            picks.offer(item)
    with AtomicStream(out / "dropped.jsonl") as stream:
        for shard in shards:
            for one in read_jsonl(dropped_path(shard), Dropped):
                tally.dropped[one.reason] += 1
                stream.write(to_json(one) + b"\n")
    if "yolo" in config.formats:
        with AtomicStream(out / DATA_FILE) as stream:
            stream.write(yolo_data_yaml(class_names).encode())
    return tally, picks


def _open_lists(stack: ExitStack, out: Path, config: DatasetConfig) -> dict[Split, dict[str, AtomicStream]]:
    lists: dict[Split, dict[str, AtomicStream]] = {split: {} for split in SPLITS}
    for split in SPLITS:
        for name, file in (("yolo", f"{split}.txt"), ("voc", voc_list_file(split))):
            if name in config.formats:
                lists[split][name] = stack.enter_context(AtomicStream(out / file))
    return lists


def _ascending(shards: Iterable[Shard]) -> Iterator[tuple[Item, ItemExtras]]:
    last = -1
    for shard in shards:
        items, extras = read_jsonl(items_path(shard), Item), read_jsonl(extras_path(shard), ItemExtras)
        for item, beside in zip(items, extras, strict=True):
            if item.index <= last:
                raise ArtifactError(
                    f"{shard.frames_file}: scene {item.index} comes after scene {last}; expected each scene once, in "
                    "ascending order; render again"
                )
            last = item.index
            yield item, beside
