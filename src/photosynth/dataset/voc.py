"""Items as Pascal VOC XML, and back.

Layout: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html (section 4.1). Boxes of the visible
pixels, 1-based and inclusive: a box of the pixels 0..9 has xmin 1 and xmax 10. Whole-pixel boxes, which is all that a
mask gives, are written as integers and come back equal; others are written as decimals and come back to within
1e-9 px. ``truncated`` and ``occluded`` are 1 from 1 % on; ``visible_fraction`` stands beside them.
Files are UTF-8: ``voc/Annotations/A.xml`` for ``images/A.jpg``, lists of names in ``voc/ImageSets/Main/SPLIT.txt``.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.instances import Instances
from photosynth.core.items import Item, ItemInstance, Split

VOC_FOLDER = "voc"
NOTICEABLE = 0.01
_NOT_XML = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def voc_xml(item: Item, class_names: tuple[str, ...]) -> bytes:
    """One picture's annotation. Raises ConfigError for a class name that XML cannot carry."""
    root = ET.Element("annotation")
    folder, _, file_name = item.image_file.partition("/")
    _add(root, "folder", folder)
    _add(root, "filename", file_name)
    size = ET.SubElement(root, "size")
    for name, value in zip(("width", "height", "depth"), (*item.size_wh, 3), strict=True):
        _add(size, name, value)
    _add(root, "segmented", 0)
    for instance in item.instances:
        _add_object(root, instance, class_names[instance.class_id])
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def instances_from_voc(data: bytes, class_names: tuple[str, ...], where: str = "XML") -> tuple[str, Instances]:
    """The picture (relative to the dataset folder) and its boxes, classes and, where written, visible fractions.

    Raises:
        ConfigError: naming `where`: not XML, a missing element, an unknown class, a number that is none.
    """
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise ConfigError(f"{where} is not XML: {error}") from error
    class_ids = {name: k for k, name in enumerate(class_names)}
    boxes, ids, fractions = [], [], []
    for found in root.findall("object"):
        name = _text(found, "name", where)
        if name not in class_ids:
            raise ConfigError(f"{where}: class {name!r} is unknown; known: {', '.join(class_names) or 'none'}")
        x0, y0, x1, y1 = (_number(found, f"bndbox/{corner}", where) for corner in ("xmin", "ymin", "xmax", "ymax"))
        if not (x1 > x0 - 1 and y1 > y0 - 1):
            raise ConfigError(f"{where}: the box {x0:g}, {y0:g}, {x1:g}, {y1:g} of a {name!r} is empty")
        boxes.append((x0 - 1, y0 - 1, x1, y1))
        ids.append(class_ids[name])
        fractions.append(_number(found, "visible_fraction", where) if found.find("visible_fraction") is not None else 1)
    size_wh = (int(_number(root, "size/width", where)), int(_number(root, "size/height", where)))
    image_file = f"{_text(root, 'folder', where)}/{_text(root, 'filename', where)}"
    return image_file, Instances(
        size_wh=size_wh,
        boxes_xyxy=np.array(boxes, float).reshape(-1, 4),
        class_ids=np.array(ids, np.int64),
        visible_fraction=np.array(fractions, float),
    )


def voc_name(image_file: str) -> str:
    """What a picture is called in the lists: ``images/A/B.jpg`` -> ``A/B``."""
    return str(PurePosixPath(image_file).relative_to("images").with_suffix(""))


def voc_file(image_file: str) -> str:
    """Where a picture's annotation is: ``images/A/B.jpg`` -> ``voc/Annotations/A/B.xml``."""
    return f"{VOC_FOLDER}/Annotations/{voc_name(image_file)}.xml"


def voc_list_file(split: Split) -> str:
    """Where a split's list is."""
    return f"{VOC_FOLDER}/ImageSets/Main/{split}.txt"


def read_voc(folder: Path, split: Split, class_names: tuple[str, ...]) -> Iterator[tuple[str, Instances]]:
    """Picture (relative to the folder) and its boxes, one at a time. Raises ConfigError if a file is wrong."""
    folder = Path(folder)
    try:
        names = (folder / voc_list_file(split)).read_text(encoding="utf-8").splitlines()
        for name in names:
            path = folder / VOC_FOLDER / "Annotations" / f"{name}.xml"
            yield instances_from_voc(path.read_bytes(), class_names, str(path))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror or error}") from error


def _add_object(root: ET.Element, instance: ItemInstance, class_name: str) -> None:
    if _NOT_XML.search(class_name) or class_name != class_name.strip():
        raise ConfigError(
            f"class name {class_name!r} has control characters or outer blanks, which VOC's XML cannot carry; "
            "rename the class or leave 'voc' out of dataset.formats"
        )
    found = ET.SubElement(root, "object")
    shown_of_inside = instance.visible_fraction / max(1.0 - instance.truncation, 1e-9)
    _add(found, "name", class_name)
    _add(found, "pose", "Unspecified")
    _add(found, "truncated", int(instance.truncation >= NOTICEABLE))
    _add(found, "occluded", int(1.0 - shown_of_inside >= NOTICEABLE))
    _add(found, "difficult", 0)
    _add(found, "visible_fraction", repr(instance.visible_fraction))
    x0, y0, x1, y1 = instance.visible_xyxy
    box = ET.SubElement(found, "bndbox")
    for corner, value in (("xmin", x0 + 1), ("ymin", y0 + 1), ("xmax", x1), ("ymax", y1)):
        _add(box, corner, int(value) if float(value).is_integer() else repr(float(value)))


def _add(parent: ET.Element, tag: str, value: object) -> None:
    ET.SubElement(parent, tag).text = str(value)


def _text(parent: ET.Element, path: str, where: str) -> str:
    text = parent.findtext(path)
    if text is None:
        raise ConfigError(f"{where} has no <{path}>")
    return text


def _number(parent: ET.Element, path: str, where: str) -> float:
    text = _text(parent, path, where)
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{where}: <{path}> is {text!r}; expected a number") from None
