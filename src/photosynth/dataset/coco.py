"""Items as COCO detection files, and back, exactly.

Layout: https://cocodataset.org/#format-data. Boxes are [x, y, width, height] from the top left corner, 0-based;
``bbox``, ``area`` and ``segmentation`` (compressed run-length code) are of the visible pixels. Category ids are class
id + 1, image ids are scene index + 1, annotation ids are image id x 1000 + place in the picture: none of them changes
when the set grows. Objects that are seen too little for a label come last in their picture with ``iscrowd`` 1, which
evaluators and most trainers leave out of account.

Beyond the standard, images carry ``kind``, ``label_id`` (a category id, 0 for none of these) and, when they were
rendered, ``cam_K`` (3 x 3, row by row, for whole-numbered pixel centres) and ``distortion`` (OpenCV, if there is
any); annotations ``amodal_bbox``, ``amodal_segmentation``, ``visible_fraction``, ``truncation`` and, when labelled,
the pose in BOP's words: ``cam_R_m2c`` (row by row), ``cam_t_m2c`` (mm, OpenCV axes) and ``scale``.

Files are plain ASCII, so that readers which trust the platform's encoding read class names right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from photosynth.core.errors import ArtifactError, QualityError
from photosynth.core.frame import Rle
from photosynth.core.geometry import Vec3, Vec4
from photosynth.core.items import Item, ItemInstance
from photosynth.core.record import Record, from_json, to_json, to_plain
from photosynth.dataset.extras import ItemExtras, Matrix3Rows, RigidPose, cam_k, has_distortion
from photosynth.dataset.rle import area_px
from photosynth.dataset.stream import AtomicStream

MAX_INSTANCES = 1000
"""Labelled objects in one picture: more would make annotation ids collide."""


class CocoCategory(Record, frozen=True, kw_only=True):
    """One class."""

    id: int
    """Class id + 1."""
    name: str
    """The class as the user wrote it."""


class CocoImage(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One picture."""

    id: int
    """Scene index + 1."""
    file_name: str
    """Relative to the dataset folder."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    kind: str
    """The scene's kind."""
    label_id: int
    """Category of its largest visible object, 0 for none of these."""
    cam_K: Matrix3Rows | None = None
    """Intrinsic matrix; absent in pictures that were not rendered."""
    distortion: tuple[float, ...] | None = None
    """OpenCV coefficients k1, k2, p1, p2, k3; absent when the lens has none."""


class CocoAnnotation(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One object in one picture."""

    id: int
    """Image id x 1000 + place in the picture."""
    image_id: int
    """Its picture."""
    category_id: int
    """Its class id + 1."""
    bbox: Vec4
    """x, y, width, height of the visible pixels."""
    area: int
    """How many pixels are visible."""
    segmentation: Rle
    """Mask of the visible pixels."""
    iscrowd: int
    """0 for a labelled object; 1 for one that is seen too little: it is to be ignored."""
    amodal_bbox: Vec4
    """x, y, width, height inside the picture as if nothing stood before it."""
    amodal_segmentation: Rle
    """Its mask."""
    visible_fraction: float
    """As in ItemInstance."""
    truncation: float
    """As in ItemInstance."""
    cam_R_m2c: Matrix3Rows | None = None
    """As in RigidPose."""
    cam_t_m2c: Vec3 | None = None
    """As in RigidPose."""
    scale: float | None = None
    """As in RigidPose."""


class CocoFile(Record, frozen=True, kw_only=True):
    """A whole file, as this module writes it."""

    info: dict[str, Any]
    """What it is."""
    licenses: tuple[Any, ...]
    """Empty."""
    categories: tuple[CocoCategory, ...]
    """The classes."""
    images: tuple[CocoImage, ...]
    """The pictures."""
    annotations: tuple[CocoAnnotation, ...]
    """The objects, picture by picture."""


def coco_image(item: Item, n_classes: int, extras: ItemExtras | None = None) -> CocoImage:
    """The picture's entry."""
    width, height = item.size_wh
    camera = extras.camera if extras else None
    return CocoImage(
        id=item.index + 1,
        file_name=item.image_file,
        width=width,
        height=height,
        kind=item.kind,
        label_id=item.label + 1 if item.label < n_classes else 0,
        cam_K=cam_k(camera) if camera else None,
        distortion=camera.distortion if camera and has_distortion(camera) else None,
    )


def coco_annotations(item: Item, extras: ItemExtras | None = None) -> tuple[CocoAnnotation, ...]:
    """The entries of the picture's objects, those to be ignored last. Raises QualityError past MAX_INSTANCES."""
    ignored = extras.ignored if extras else ()
    n_objects = len(item.instances) + len(ignored)
    if n_objects > MAX_INSTANCES:
        raise QualityError(f"{item.image_file} has {n_objects} objects; at most {MAX_INSTANCES} fit")
    poses = extras.poses if extras else (None,) * len(item.instances)
    rows = [(instance, pose, 0) for instance, pose in zip(item.instances, poses, strict=True)]
    rows += [(instance, None, 1) for instance in ignored]
    return tuple(_annotation(item, place, *row) for place, row in enumerate(rows))


def _annotation(item: Item, place: int, instance: ItemInstance, pose: RigidPose | None, crowd: int) -> CocoAnnotation:
    return CocoAnnotation(
        id=(item.index + 1) * MAX_INSTANCES + place,
        image_id=item.index + 1,
        category_id=instance.class_id + 1,
        bbox=_xywh(instance.visible_xyxy),
        area=area_px(instance.visible),
        segmentation=instance.visible,
        iscrowd=crowd,
        amodal_bbox=_xywh(instance.amodal_xyxy),
        amodal_segmentation=instance.amodal,
        visible_fraction=instance.visible_fraction,
        truncation=instance.truncation,
        cam_R_m2c=pose.cam_R_m2c if pose else None,
        cam_t_m2c=pose.cam_t_m2c if pose else None,
        scale=pose.scale if pose else None,
    )


def item_from_coco(image: CocoImage, annotations: Iterable[CocoAnnotation], n_classes: int) -> Item:
    """The item these entries were made from; boxes are equal as long as they are whole pixels."""
    annotations = sorted(annotations, key=lambda a: a.id)
    return Item(
        index=image.id - 1,
        image_file=image.file_name,
        size_wh=(image.width, image.height),
        kind=image.kind,
        label=image.label_id - 1 if image.label_id else n_classes,
        instances=tuple(
            ItemInstance(
                class_id=annotation.category_id - 1,
                visible_xyxy=_xyxy(annotation.bbox),
                amodal_xyxy=_xyxy(annotation.amodal_bbox),
                visible=annotation.segmentation,
                amodal=annotation.amodal_segmentation,
                visible_fraction=annotation.visible_fraction,
                truncation=annotation.truncation,
            )
            for annotation in annotations
            if not annotation.iscrowd
        ),
        ignored_xyxy=tuple(_xyxy(annotation.bbox) for annotation in annotations if annotation.iscrowd),
    )


class CocoWriter:
    """Streams items into one COCO file: memory and time for each item stay the same however many came before.

    Use as a context manager; the file appears under its name when the block ends well. Annotations wait in a second
    ``.tmp`` file, because the format wants all images before them.
    """

    def __init__(self, path: Path, class_names: tuple[str, ...]) -> None:
        self._class_names = class_names
        self._file = AtomicStream(path)
        self._waiting_path = path.with_name(path.name + ".annotations.tmp")
        self._waiting = AtomicStream(self._waiting_path)
        self._n_images = self._n_annotations = 0

    def __enter__(self) -> CocoWriter:
        self._file.__enter__()
        self._waiting.__enter__()
        categories = tuple(CocoCategory(id=k + 1, name=name) for k, name in enumerate(self._class_names))
        info = {"description": "made by photosynth"}
        self._file.write(b'{"info":%s,"licenses":[],\n' % _ascii_json(info))
        self._file.write(b'"categories":%s,\n"images":[' % _ascii_json(categories))
        return self

    def add(self, item: Item, extras: ItemExtras | None = None) -> None:
        """Append one picture and its objects."""
        self._file.write(_separator(self._n_images) + _ascii_json(coco_image(item, len(self._class_names), extras)))
        self._n_images += 1
        for annotation in coco_annotations(item, extras):
            self._waiting.write(_separator(self._n_annotations) + _ascii_json(annotation))
            self._n_annotations += 1

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self._waiting.__exit__(kind, *rest)
            if kind is None:
                self._file.write(b'],\n"annotations":[')
                self._file.append_file(self._waiting_path)
                self._file.write(b"]}\n")
        except BaseException as error:
            self._file.__exit__(type(error), *rest)
            raise
        finally:
            self._waiting_path.unlink(missing_ok=True)
        self._file.__exit__(kind, *rest)


def read_coco_items(path: Path) -> tuple[tuple[str, ...], tuple[Item, ...]]:
    """The class names and items of a file that CocoWriter wrote, all in memory.

    Raises:
        ArtifactError: if it is absent. ConfigError: if it is not such a file.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}") from error
    file = from_json(data, CocoFile, str(path))
    of_image: dict[int, list[CocoAnnotation]] = {image.id: [] for image in file.images}
    for annotation in file.annotations:
        if annotation.image_id not in of_image:
            raise ArtifactError(f"{path}: annotation {annotation.id} is of image {annotation.image_id}, which it lacks")
        of_image[annotation.image_id].append(annotation)
    names = tuple(category.name for category in file.categories)
    return names, tuple(item_from_coco(image, of_image[image.id], len(names)) for image in file.images)


def _separator(n_before: int) -> bytes:
    return b",\n" if n_before else b"\n"


def _ascii_json(value: Any) -> bytes:
    data = to_json(value)
    return data if data.isascii() else json.dumps(to_plain(value), sort_keys=True, separators=(",", ":")).encode()


def _xywh(xyxy: Vec4) -> Vec4:
    x0, y0, x1, y1 = xyxy
    return x0, y0, x1 - x0, y1 - y0


def _xyxy(xywh: Vec4) -> Vec4:
    x, y, w, h = xywh
    return x, y, x + w, y + h
