"""Boxes that a COCO file draws on the real photos, kept for the galleries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from photosynth.core.geometry import Vec4


def coco_files(photos: Path) -> tuple[Path, ...]:
    """The JSON files beside (``NAME.json``, ``NAME.coco.json``) and directly in a photo folder, by name."""
    photos = Path(photos).absolute()
    beside = [photos.parent / f"{photos.name}{suffix}" for suffix in (".coco.json", ".json")]
    inside = sorted(p for p in photos.glob("*.json") if not p.name.startswith("."))
    return tuple(p for p in [*beside, *inside] if p.is_file())


def read_boxes(photos: Path) -> tuple[dict[str, tuple[Vec4, ...]], tuple[str, ...]]:
    """Boxes by photo, and notes about files that are no COCO files.

    Keys are photo paths relative to `photos` (POSIX); a box is (x0, y0, x1, y1) as fractions of the upright photo,
    the largest first. File names in the COCO file may be relative to the photo folder or to the folder above.
    """
    found: dict[str, list[Vec4]] = {}
    notes = []
    prefix = Path(photos).absolute().name + "/"
    for path in coco_files(photos):
        try:
            for file_name, box in _boxes(msgspec.json.decode(path.read_bytes())):
                inside = file_name[len(prefix) :] if file_name.startswith(prefix) else file_name
                found.setdefault(inside, []).append(box)
        except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            notes.append(f"{path.name} was not used: it is no COCO file ({error})")
    return {name: tuple(sorted(set(boxes), key=_area, reverse=True)) for name, boxes in found.items()}, tuple(notes)


def _boxes(coco: dict[str, Any]) -> list[tuple[str, Vec4]]:
    images = {image["id"]: image for image in coco["images"]}
    boxes = []
    for annotation in coco["annotations"]:
        image = images.get(annotation["image_id"])
        if image is None or len(annotation["bbox"]) != 4:
            continue
        width, height = float(image["width"]), float(image["height"])
        x, y, w, h = (float(v) for v in annotation["bbox"])
        if width > 0 and height > 0 and w > 0 and h > 0:
            name = str(image["file_name"]).replace("\\", "/").removeprefix("./")
            boxes.append((name, (x / width, y / height, (x + w) / width, (y + h) / height)))
    return boxes


def _area(box: Vec4) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
