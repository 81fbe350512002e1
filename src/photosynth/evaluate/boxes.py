"""Boxes that COCO files draw on the real photos: the truth of a detector, and marks in the galleries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.coco import CocoPhoto, read_coco
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec4
from photosynth.core.instances import Instances
from photosynth.evaluate.class_match import match_folder


@dataclass(frozen=True, eq=False)
class Labels:
    """Every object of our classes in one picture.

    truth, area_px, crowds, regions_xyxy: as in `photosynth.core.matching.Case`, in pixels of `truth.size_wh`.
    others: boxes of classes that no model belongs to.
    """

    truth: Instances
    area_px: np.ndarray
    crowds: Instances
    regions_xyxy: np.ndarray
    others: int = 0

    def scaled(self, size_wh: tuple[int, int]) -> Labels:
        """The same for the picture at another size."""
        if tuple(size_wh) == tuple(self.truth.size_wh):
            return self
        scale = np.array(size_wh, float) / np.array(self.truth.size_wh, float)
        factor = np.tile(scale, 2)

        def moved(some: Instances) -> Instances:
            return Instances(size_wh, some.boxes_xyxy * factor, some.class_ids)

        area_px = self.area_px * scale.prod()
        return Labels(moved(self.truth), area_px, moved(self.crowds), self.regions_xyxy * factor, self.others)

    def boxes_rel(self, class_id: int | None = None) -> tuple[Vec4, ...]:
        """Boxes of a class, or of all, as fractions of the picture, the largest first."""
        chosen = np.ones(len(self.truth), bool) if class_id is None else self.truth.class_ids == class_id
        boxes = self.truth.boxes_xyxy[chosen] / np.tile(np.array(self.truth.size_wh, float), 2)
        order = np.argsort(-(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), kind="stable")
        return tuple(tuple(float(v) for v in box) for box in boxes[order])


def coco_files(photos: Path) -> tuple[Path, ...]:
    """The JSON files beside (``NAME.json``, ``NAME.coco.json``) and directly in a photo folder, by name."""
    photos = Path(photos).absolute()
    beside = [photos.parent / f"{photos.name}{suffix}" for suffix in (".coco.json", ".json")]
    inside = sorted(p for p in photos.glob("*.json") if not p.name.startswith("."))
    return tuple(p for p in [*beside, *inside] if p.is_file())


def read_labels(photos: Path, class_names: tuple[str, ...]) -> tuple[dict[str, Labels], tuple[str, ...]]:
    """What the COCO files draw on each photo, and notes for people.

    A category means the class that a folder of its name would mean (see `match_folder`). The first file that lists a
    photo decides. A file that cannot be used is a note.

    Args:
        photos: the folder; keys are paths relative to it (POSIX). File names in the COCO files may be relative to it
            or to the folder above.
        class_names: of the dataset, without NONE_CLASS.
    """
    found: dict[str, Labels] = {}
    notes = []
    prefix = Path(photos).absolute().name + "/"
    for path in coco_files(photos):
        try:
            read = read_coco(path)
        except ConfigError as error:
            notes.append(f"the boxes of {path.name} were not used: {str(error).replace(str(path), path.name)}")
            continue
        ids = np.array([_class_id(name, class_names, path.name, notes) for name in read.class_names], np.int64)
        for file_name, photo in read.photos.items():
            name = file_name.replace("\\", "/").removeprefix("./").removeprefix(prefix)
            found.setdefault(name, _labels(photo, ids))
    return found, tuple(notes)


def _class_id(name: str, class_names: tuple[str, ...], file: str, notes: list[str]) -> int:
    match = match_folder(name, class_names)
    if match.class_name in class_names:
        if match.class_name != name:
            notes.append(f"category {name!r} of {file} was taken for class {match.class_name!r}")
        return class_names.index(match.class_name)
    if match.class_name != NONE_CLASS:
        notes.append(f"boxes of category {name!r} of {file} are not asked for: there is no model of that class")
    return -1


def _labels(photo: CocoPhoto, ids: np.ndarray) -> Labels:
    truth_ids, crowd_ids = ids[photo.truth.class_ids], ids[photo.crowds.class_ids]
    ours, crowds = truth_ids >= 0, crowd_ids >= 0
    size_wh = photo.truth.size_wh
    return Labels(
        Instances(size_wh, photo.truth.boxes_xyxy[ours], truth_ids[ours]),
        photo.area_px[ours],
        Instances(size_wh, photo.crowds.boxes_xyxy[crowds], crowd_ids[crowds]),
        np.zeros((0, 4)),
        int((~ours).sum()) + int((~crowds).sum()),
    )
