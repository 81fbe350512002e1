"""COCO: the files in which users bring boxes for their own photos."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec4
from photosynth.core.instances import Instances


@dataclass(frozen=True, eq=False)
class CocoPhoto:
    """What a COCO file says of one photo.

    truth: its objects (no scores). area_px (n,): of each, as the file gives it, else of its box.
    crowds: boxes round many objects of a class that were not drawn one by one; areas do not matter there.
    """

    truth: Instances
    area_px: np.ndarray
    crowds: Instances


@dataclass(frozen=True, eq=False)
class CocoPhotos:
    """What a COCO file says of a set of photos.

    class_names: the categories by ascending id; class id k is the k-th.
    photos: file name, as written in the file -> what it shows, in file order.
    """

    class_names: tuple[str, ...]
    photos: dict[str, CocoPhoto]


def read_coco(path: Path) -> CocoPhotos:
    """Read the boxes of a COCO detection file.

    Photos without annotations are fine: nothing is to be found in them. Boxes that stick out of their photo are cut
    at its edge. Segmentations and unknown keys are not looked at.

    Raises:
        ConfigError: naming the file and the entry: not JSON, a missing key, an id used twice, an annotation of an
            unknown image or category, a box that is empty, not of numbers, or outside its photo.
    """
    top = _load(Path(path))
    where = str(path)
    names, class_ids = _categories(_list(top, "categories", where), where)
    images = _images(_list(top, "images", where), where)
    found: dict[int, _Boxes] = {image_id: _Boxes() for image_id in images}
    crowds: dict[int, _Boxes] = {image_id: _Boxes() for image_id in images}
    for place, entry in enumerate(_list(top, "annotations", where)):
        here = f"{where}: annotation {_name(entry, place)}"
        image_id, category_id = _key(entry, "image_id", here), _key(entry, "category_id", here)
        image = _look_up(images, image_id, "image_id", "image", here)
        class_id = _look_up(class_ids, category_id, "category_id", "category", here)
        box = _box(_key(entry, "bbox", here), image[1], here)
        (crowds if entry.get("iscrowd") else found)[image_id].add(box, class_id, entry.get("area"))
    photos = {
        file_name: CocoPhoto(
            found[image_id].instances(size_wh),
            np.array(found[image_id].areas_px, float),
            crowds[image_id].instances(size_wh),
        )
        for image_id, (file_name, size_wh) in images.items()
    }
    return CocoPhotos(names, photos)


class _Boxes:
    """The boxes of one photo while they are collected."""

    def __init__(self) -> None:
        self.boxes: list[Vec4] = []
        self.class_ids: list[int] = []
        self.areas_px: list[float] = []

    def add(self, box: Vec4, class_id: int, area_px: Any) -> None:
        """One more; an area that is no positive number is replaced by the box's."""
        given = isinstance(area_px, int | float) and math.isfinite(area_px) and area_px > 0
        self.boxes.append(box)
        self.class_ids.append(class_id)
        self.areas_px.append(float(area_px) if given else (box[2] - box[0]) * (box[3] - box[1]))

    def instances(self, size_wh: tuple[int, int]) -> Instances:
        """All of them."""
        return Instances(size_wh, np.array(self.boxes, float).reshape(-1, 4), np.array(self.class_ids, np.int64))


def _load(path: Path) -> Mapping[str, Any]:
    try:
        top = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON ({error}); expected a COCO detection file") from error
    if not isinstance(top, dict):
        raise ConfigError(f"{path} holds a JSON {type(top).__name__}; expected an object with images and annotations")
    return top


def _categories(entries: list[Any], where: str) -> tuple[tuple[str, ...], dict[Any, int]]:
    names: dict[int, str] = {}
    for place, entry in enumerate(entries):
        here = f"{where}: category {_name(entry, place)}"
        category_id, name = _id(entry, here), _key(entry, "name", here)
        if not isinstance(name, str) or not name:
            raise ConfigError(f"{here}: 'name' is {name!r}; expected a text")
        if category_id in names or name in names.values():
            raise ConfigError(f"{here}: its id or its name {name!r} is used twice; give each category one of each")
        names[category_id] = name
    ordered = sorted(names)
    return tuple(names[i] for i in ordered), {category_id: k for k, category_id in enumerate(ordered)}


def _images(entries: list[Any], where: str) -> dict[Any, tuple[str, tuple[int, int]]]:
    images: dict[Any, tuple[str, tuple[int, int]]] = {}
    file_names = set()
    for place, entry in enumerate(entries):
        here = f"{where}: image {_name(entry, place)}"
        image_id, file_name = _id(entry, here), _key(entry, "file_name", here)
        size_wh = (_key(entry, "width", here), _key(entry, "height", here))
        if not isinstance(file_name, str) or not file_name:
            raise ConfigError(f"{here}: 'file_name' is {file_name!r}; expected a path")
        if not all(isinstance(side, int) and side > 0 for side in size_wh):
            raise ConfigError(f"{here}: 'width' and 'height' are {size_wh[0]!r} and {size_wh[1]!r}; expected pixels")
        if image_id in images or file_name in file_names:
            raise ConfigError(f"{here}: its id or its file name {file_name} is used twice; list each photo once")
        file_names.add(file_name)
        images[image_id] = (file_name, size_wh)
    return images


def _box(value: Any, size_wh: tuple[int, int], here: str) -> Vec4:
    numbers = value if isinstance(value, list) and len(value) == 4 else [None]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in numbers):
        raise ConfigError(f"{here}: 'bbox' is {value!r}; expected [x, y, width, height]")
    x, y, w, h = (float(v) for v in numbers)
    if w <= 0 or h <= 0:
        raise ConfigError(f"{here}: its box {value} is empty; width and height must be more than 0")
    x0, y0 = max(x, 0.0), max(y, 0.0)
    x1, y1 = min(x + w, float(size_wh[0])), min(y + h, float(size_wh[1]))
    if x0 >= x1 or y0 >= y1:
        raise ConfigError(
            f"{here}: its box {value} lies outside its photo of {size_wh[0]} x {size_wh[1]} px; boxes are "
            "[x, y, width, height] in pixels of the upright photo"
        )
    return x0, y0, x1, y1


def _look_up(known: Mapping[Any, Any], value: Any, key: str, what: str, here: str) -> Any:
    if not isinstance(value, int | str) or value not in known:
        shown = ", ".join(str(k) for k in list(known)[:10]) or "none"
        raise ConfigError(f"{here}: {key} {value!r} is not the id of any {what}; known ids: {shown}")
    return known[value]


def _list(top: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = _key(top, key, where)
    if not isinstance(value, list):
        raise ConfigError(f"{where}: {key!r} is a JSON {type(value).__name__}; expected a list")
    return value


def _key(entry: Any, key: str, here: str) -> Any:
    if not isinstance(entry, dict):
        raise ConfigError(f"{here}: is {entry!r}; expected an object with {key!r}")
    if key not in entry:
        raise ConfigError(f"{here}: has no {key!r}; it has {', '.join(sorted(entry)) or 'no keys'}")
    return entry[key]


def _id(entry: Any, here: str) -> int:
    value = _key(entry, "id", here)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(f"{here}: 'id' is {value!r}; expected a whole number")
    return value


def _name(entry: Any, place: int) -> str:
    return str(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"at position {place}"
