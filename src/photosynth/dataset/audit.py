"""Whether a dataset is what it says: every picture, box and mask checked against the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from photosynth.core.artifact import open_artifact
from photosynth.core.codec import mask_from_rle
from photosynth.core.errors import PhotosynthError
from photosynth.core.frame import Rle
from photosynth.core.geometry import Vec4
from photosynth.core.items import SPLITS, Item, ItemInstance, Split, read_dataset_info, read_items
from photosynth.core.record import from_plain
from photosynth.core.rng import fraction_for
from photosynth.dataset.config import DatasetConfig
from photosynth.dataset.jpeg import check_decodes, jpeg_size_wh
from photosynth.dataset.rle import are_disjoint, area_px, is_inside, tight_xyxy
from photosynth.dataset.split import split_for

DECODED_SHARE = 0.02
"""Share of the pictures whose pixels and masks are decoded in full; headers and codes are read of all."""
MAX_PROBLEMS = 100
"""`audit` stops here: a set this broken need not be read to its end."""


def audit(folder: Path) -> list[str]:
    """Check a finished dataset; return one line for each fault, at most MAX_PROBLEMS.

    Memory stays flat. Raises ArtifactError if the folder is not a finished dataset.
    """
    artifact = open_artifact(folder, "dataset")
    problems: list[str] = []
    for problem in _problems(artifact.folder, from_plain(artifact.manifest.config, DatasetConfig, str(folder))):
        problems.append(problem)
        if len(problems) == MAX_PROBLEMS:
            problems.append(f"stopped after {MAX_PROBLEMS} faults")
            break
    return problems


def item_problems(item: Item, n_classes: int, folder: Path, thorough: bool | None = None) -> list[str]:
    """What is wrong with one picture and its labels, each line beginning with the picture's name.

    Args:
        item: what is said of it.
        n_classes: how many classes there are.
        folder: what `item.image_file` is relative to.
        thorough: decode pixels and masks too; None decides by a hash of the index.
    """
    if thorough is None:
        thorough = fraction_for(0, item.index, "audit") < DECODED_SHARE
    found = _picture_problems(item, folder / item.image_file, thorough)
    masks_usable = True
    for place, instance in enumerate(item.instances, start=1):
        try:
            faults = _instance_problems(instance, item.size_wh, n_classes, thorough)
        except (ValueError, TypeError) as error:
            faults = [f"a mask cannot be read ({error})"]
        masks_usable &= not faults
        found += [f"object {place}: {fault}" for fault in faults]
    if masks_usable:
        found += _label_problems(item, n_classes)
    return [f"{item.image_file}: {fault}" for fault in found]


def _problems(folder: Path, config: DatasetConfig) -> Iterator[str]:
    try:
        info = read_dataset_info(folder)
    except PhotosynthError as error:
        yield str(error)
        return
    for split in SPLITS:
        yield from _split_problems(folder, split, config, len(info.class_names), info.counts.get(split, 0))
    n_files = sum(len(files) for _, _, files in os.walk(folder / "images"))
    n_items = sum(info.counts.values())
    if n_files != n_items:
        yield f"images/ holds {n_files} files; the items name {n_items}"


def _split_problems(folder: Path, split: Split, config: DatasetConfig, n_classes: int, count: int) -> Iterator[str]:
    last, n_items = -1, 0
    try:
        for item in read_items(folder, split):
            if item.index <= last:
                yield f"items-{split}.jsonl: scene {item.index} comes after scene {last}; expected ascending numbers"
            if split_for(config, item.index) != split:
                yield f"items-{split}.jsonl: scene {item.index} belongs to {split_for(config, item.index)}"
            yield from item_problems(item, n_classes, folder)
            last, n_items = item.index, n_items + 1
    except PhotosynthError as error:
        yield str(error)
        return
    if n_items != count:
        yield f"items-{split}.jsonl holds {n_items} items; dataset.json says {count}"


def _picture_problems(item: Item, path: Path, thorough: bool) -> list[str]:
    try:
        size_wh = jpeg_size_wh(path)
        if thorough:
            check_decodes(path)
    except OSError as error:
        return [f"the picture cannot be opened ({error.strerror or error})"]
    except ValueError as error:
        return [f"the picture cannot be read ({error})"]
    if size_wh != item.size_wh:
        return [f"the picture is {size_wh[0]} x {size_wh[1]} px; its labels say {item.size_wh[0]} x {item.size_wh[1]}"]
    return []


def _instance_problems(instance: ItemInstance, size_wh: tuple[int, int], n_classes: int, thorough: bool) -> list[str]:
    problems = []
    if not 0 <= instance.class_id < n_classes:
        problems.append(f"class {instance.class_id} is unknown; there are {n_classes}, counted from 0")
    if not 0.0 < instance.visible_fraction <= 1.0 or not 0.0 <= instance.truncation < 1.0:
        problems.append(
            f"visible fraction {instance.visible_fraction} or truncation {instance.truncation} is outside 0..1"
        )
    for name, box, mask in (
        ("visible", instance.visible_xyxy, instance.visible),
        ("amodal", instance.amodal_xyxy, instance.amodal),
    ):
        x0, y0, x1, y1 = box
        if mask.size != (size_wh[1], size_wh[0]):
            problems.append(f"the {name} mask is {mask.size[1]} x {mask.size[0]} px, not the picture's size")
        elif not (x0 < x1 and y0 < y1):
            problems.append(f"the {name} box {box} is empty")
        elif not (x0 >= 0 and y0 >= 0 and x1 <= size_wh[0] and y1 <= size_wh[1]):
            problems.append(f"the {name} box {box} is outside the picture")
        elif (_decoded_xyxy(mask) if thorough else tight_xyxy(mask)) != box:
            problems.append(f"the {name} box {box} is not the tight box {tight_xyxy(mask)} of its mask")
    if not problems and not is_inside(instance.visible, instance.amodal):
        problems.append("the visible mask is not inside the amodal mask")
    return problems


def _label_problems(item: Item, n_classes: int) -> list[str]:
    largest = max(item.instances, key=lambda i: area_px(i.visible), default=None)
    expected = n_classes if largest is None else largest.class_id
    problems = []
    if not are_disjoint([i.visible for i in item.instances]):
        problems.append("the visible masks of two objects overlap")
    if item.label != expected:
        problems.append(f"its label is {item.label}; its largest visible object says {expected}")
    return problems


def _decoded_xyxy(mask: Rle) -> Vec4:
    """The slow readable twin of `tight_xyxy`."""
    pixels = mask_from_rle(mask)
    columns, rows = pixels.any(axis=0).nonzero()[0], pixels.any(axis=1).nonzero()[0]
    if len(columns) == 0:
        return (0.0, 0.0, 0.0, 0.0)
    return (float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1)
