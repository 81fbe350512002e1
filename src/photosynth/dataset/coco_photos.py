"""COCO files that users bring with their own labelled photos."""

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
class CocoPhotos:
    """What a COCO file says of a set of photos.

    class_names: the categories by ascending id; class id k is the k-th.
    photos: file name, as written in the file -> boxes and classes (no scores: they are the truth), in file order.
    n_crowds: annotations left out because they mark a crowd and not one object.
    """

    class_names: tuple[str, ...]
    photos: dict[str, Instances]
    n_crowds: int = 0


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
    boxes: dict[int, list[Vec4]] = {image_id: [] for image_id in images}
    classes: dict[int, list[int]] = {image_id: [] for image_id in images}
    n_crowds = 0
    for place, entry in enumerate(_list(top, "annotations", where)):
        here = f"{where}: annotation {_name(entry, place)}"
        image_id, category_id = _key(entry, "image_id", here), _key(entry, "category_id", here)
        image = _look_up(images, image_id, "image_id", "image", here)
        class_id = _look_up(class_ids, category_id, "category_id", "category", here)
        if entry.get("iscrowd"):
            n_crowds += 1
            continue
        boxes[image_id].append(_box(_key(entry, "bbox", here), image[1], here))
        classes[image_id].append(class_id)
    photos = {
        file_name: Instances(
            size_wh=size_wh,
            boxes_xyxy=np.array(boxes[image_id], float).reshape(-1, 4),
            class_ids=np.array(classes[image_id], np.int64),
        )
        for image_id, (file_name, size_wh) in images.items()
    }
    return CocoPhotos(names, photos, n_crowds)


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
