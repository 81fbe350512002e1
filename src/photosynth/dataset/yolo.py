"""Items as YOLO text files, and back.

Layout, as Ultralytics reads it (https://docs.ultralytics.com/datasets/detect/): ``data.yaml`` names the classes and
``train.txt``, ``val.txt``, ``test.txt``, which list pictures; the labels of ``images/A.jpg`` are in ``labels/A.txt``,
one object on a line: class id, box centre x and y, width and height as fractions of the picture. Boxes are those of
the visible pixels; they come back to within 1e-9 of the picture's side. A picture without objects has an empty file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.instances import Instances
from photosynth.core.items import SPLITS, Item, Split
from photosynth.dataset.jpeg import jpeg_size_wh

DATA_FILE = "data.yaml"
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def yolo_text(item: Item) -> str:
    """The lines of one picture."""
    width, height = item.size_wh
    lines = []
    for instance in item.instances:
        x0, y0, x1, y1 = instance.visible_xyxy
        box = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
        lines.append(f"{instance.class_id} {' '.join(f'{v:.12g}' for v in box)}\n")
    return "".join(lines)


def instances_from_yolo(text: str, size_wh: tuple[int, int], n_classes: int, where: str = "labels") -> Instances:
    """The boxes and classes of one picture's lines.

    Raises:
        ConfigError: naming `where` and the line: not five numbers, an unknown class, a box that is empty.
    """
    boxes, class_ids = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        here = f"{where}:{number}"
        try:
            name, x, y, w, h = line.split()
            class_id, cx, cy, half_w, half_h = int(name), float(x), float(y), float(w) / 2, float(h) / 2
        except ValueError:
            raise ConfigError(f"{here} is {line!r}; expected a class id, x, y, width and height") from None
        if not 0 <= class_id < n_classes:
            raise ConfigError(f"{here}: class {class_id} is unknown; there are {n_classes}, counted from 0")
        if not (half_w > 0 and half_h > 0 and np.isfinite([cx, cy, half_w, half_h]).all()):
            raise ConfigError(f"{here}: the box of {line!r} is empty or not finite")
        boxes.append((cx - half_w, cy - half_h, cx + half_w, cy + half_h))
        class_ids.append(class_id)
    scale = np.array([*size_wh, *size_wh], float)
    return Instances(size_wh, np.array(boxes, float).reshape(-1, 4) * scale, np.array(class_ids, np.int64))


def yolo_label_file(image_file: str) -> str:
    """Where a picture's labels are: ``images/A.jpg`` -> ``labels/A.txt``."""
    inside = PurePosixPath(image_file).relative_to("images")
    return str(PurePosixPath("labels") / inside.with_suffix(".txt"))


def yolo_list_line(item: Item) -> str:
    """The picture's line in ``SPLIT.txt``."""
    return f"./{item.image_file}\n"


def yolo_data_yaml(class_names: tuple[str, ...]) -> str:
    """The text of ``data.yaml``; names are JSON strings, which YAML reads as they are."""
    names = json.dumps(list(class_names), ensure_ascii=False)
    names = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", names)
    splits = "".join(f"{split}: {split}.txt\n" for split in SPLITS)
    return f"# boxes of the visible pixels; labels/ beside images/\n{splits}nc: {len(class_names)}\nnames: {names}\n"


def class_names_from_yaml(text: str, where: str = DATA_FILE) -> tuple[str, ...]:
    """The class names of a ``data.yaml`` whose names stand as a list on one line. Raises ConfigError."""
    for line in text.split("\n"):
        if line.startswith("names:"):
            try:
                return tuple(str(name) for name in json.loads(line.removeprefix("names:")))
            except ValueError as error:
                raise ConfigError(f'{where}: names are not a list of quoted names, such as ["a", "b"]') from error
    raise ConfigError(f"{where} has no names: line")


def read_yolo(folder: Path, split: Split) -> Iterator[tuple[str, Instances]]:
    """Picture (relative to the folder) and its boxes, one at a time, sizes from the JPEG headers.

    Raises:
        ConfigError: if a file is absent or wrong.
    """
    folder = Path(folder)
    n_classes = len(class_names_from_yaml(_text(folder / DATA_FILE), str(folder / DATA_FILE)))
    for line in _text(folder / f"{split}.txt").splitlines():
        image_file = line.removeprefix("./")
        label_path = folder / yolo_label_file(image_file)
        try:
            size_wh = jpeg_size_wh(folder / image_file)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{folder / image_file} cannot be read as a picture: {error}") from error
        yield image_file, instances_from_yolo(_text(label_path), size_wh, n_classes, str(label_path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
