"""From a rendered frame to its labels, or to the reason why it has none.

An object is labelled when at least `min_visible_fraction` of its whole area and at least `min_visible_px` pixels of
it are seen, in a box whose shorter side has at least `min_box_side_px`. A picture's class is that of the object with
the most visible pixels; without any object in it, it is "none of these". Between the two lie pictures that would teach
a classifier a contradiction, and those are dropped:

- ``barely_visible``: the object with the most visible pixels is below the thresholds. Calling it by its class asks
  for the impossible; calling the picture "none of these" is false.
- ``hidden``: a picture made to show an object shows no pixel of one.

A picture whose largest object is labelled stays when smaller objects in it are barely visible; those get no label,
and are counted and remembered as boxes to be ignored (in COCO files with ``iscrowd``): a detector that finds one is
not wrong, and one that misses it is not either. Distractors and surroundings never get a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from photosynth.core.codec import mask_from_rle
from photosynth.core.errors import ArtifactError, QualityError
from photosynth.core.frame import FrameInstance, FrameRecord
from photosynth.core.instances import Instances
from photosynth.core.items import Item, ItemInstance
from photosynth.core.record import Record
from photosynth.dataset.config import DatasetConfig
from photosynth.dataset.extras import ItemExtras, RigidPose, rigid_pose
from photosynth.dataset.rle import area_px, tight_xyxy

AREA_SLACK = 1.25
"""A mask may have this many times the whole object's computed area ..."""
AREA_SLACK_PX = 32
"""... and this many pixels more, before the frame is refused: small objects round badly to pixels."""


class Dropped(Record, frozen=True, kw_only=True):
    """One line of ``dropped.jsonl``: a picture that is not in the dataset."""

    index: int
    """The scene's number."""
    image_file: str
    """The picture, relative to the render folder."""
    kind: str
    """The scene's kind."""
    reason: Literal["barely_visible", "hidden"]
    """See the module's text."""
    detail: str
    """The numbers behind it."""


@dataclass(frozen=True)
class Labels:
    """What became of a frame.

    made: the labelled picture, or why it is dropped. extras: what formats say beyond it; None for a dropped one.
    n_unlabelled: how many objects are seen in it and got no label.
    """

    made: Item | Dropped
    extras: ItemExtras | None
    n_unlabelled: int


def label_frame(frame: FrameRecord, class_ids: Mapping[str, int], config: DatasetConfig) -> Labels:
    """The labelled picture, or why it is dropped.

    Args:
        frame: one rendered picture.
        class_ids: class id of each class name.
        config: its thresholds.

    Raises:
        ArtifactError: for an object of an unknown class.
        QualityError: for an object whose areas contradict one another, or whose pose is none.
    """
    labelled: list[ItemInstance] = []
    poses: list[RigidPose | None] = []
    ignored: list[ItemInstance] = []
    largest_px, largest = 0, None  # of all seen objects, labelled or not
    for position, instance in enumerate(frame.instances):
        visible_px = area_px(instance.visible) if instance.role == "object" else 0
        if instance.role == "object" and instance.class_name not in class_ids:
            raise ArtifactError(
                f"{frame.image_file}: object {position + 1} is of class {instance.class_name!r}, which is not in the "
                f"render's class list ({', '.join(class_ids)}); render again"
            )
        if visible_px == 0:
            continue
        made = _labelled(frame, instance, class_ids[instance.class_name], visible_px)
        kept = _is_kept(made, visible_px, config)
        if kept:
            labelled.append(made)
            poses.append(_pose(frame, position))
        else:
            ignored.append(made)
        if visible_px > largest_px:
            largest_px, largest = visible_px, (made, kept)
    if largest is None and frame.kind == "object":
        return Labels(_dropped(frame, "hidden", "no pixel of an object is seen"), None, 0)
    if largest is not None and not largest[1]:
        x0, y0, x1, y1 = largest[0].visible_xyxy
        detail = (
            f"its largest object shows {largest_px} px, {largest[0].visible_fraction:.3f} of its area, in a box of "
            f"{x1 - x0:g} x {y1 - y0:g} px"
        )
        return Labels(_dropped(frame, "barely_visible", detail), None, len(ignored))
    item = _item(frame, len(class_ids) if largest is None else largest[0].class_id, labelled, ignored)
    n_distractors = sum(one.role != "object" and area_px(one.visible) > 0 for one in frame.instances)
    extras = ItemExtras(
        index=frame.index,
        camera=frame.camera,
        poses=tuple(poses),
        ignored=tuple(ignored),
        n_distractors=n_distractors,
    )
    return Labels(item, extras, len(ignored))


def instances_from_item(item: Item, masks: bool = False) -> Instances:
    """The visible boxes (n, 4), classes and visible fractions of an item; its visible masks if asked for."""
    return Instances(
        size_wh=item.size_wh,
        boxes_xyxy=np.array([i.visible_xyxy for i in item.instances], float).reshape(-1, 4),
        class_ids=np.array([i.class_id for i in item.instances], np.int64),
        masks=_stack([mask_from_rle(i.visible) for i in item.instances], item.size_wh) if masks else None,
        visible_fraction=np.array([i.visible_fraction for i in item.instances], float),
    )


def _labelled(frame: FrameRecord, instance: FrameInstance, class_id: int, visible_px: int) -> ItemInstance:
    amodal_px, full_px = area_px(instance.amodal), instance.full_area_px
    if not full_px > 0 or max(visible_px, amodal_px) > AREA_SLACK * full_px + AREA_SLACK_PX:
        raise QualityError(
            f"{frame.image_file}: a {instance.class_name!r} has {visible_px} visible and {amodal_px} amodal pixels, "
            f"but {full_px:g} in all; the render's full_area_px is wrong"
        )
    return ItemInstance(
        class_id=class_id,
        visible_xyxy=tight_xyxy(instance.visible),
        amodal_xyxy=tight_xyxy(instance.amodal),
        visible=instance.visible,
        amodal=instance.amodal,
        visible_fraction=min(1.0, visible_px / full_px),
        truncation=max(0.0, 1.0 - amodal_px / full_px),
    )


def _is_kept(made: ItemInstance, visible_px: int, config: DatasetConfig) -> bool:
    x0, y0, x1, y1 = made.visible_xyxy
    return (
        made.visible_fraction >= config.min_visible_fraction
        and visible_px >= config.min_visible_px
        and min(x1 - x0, y1 - y0) >= config.min_box_side_px
    )


def _pose(frame: FrameRecord, position: int) -> RigidPose | None:
    cam_from_object = frame.instances[position].cam_from_object
    if cam_from_object is None:
        return None
    return rigid_pose(cam_from_object, f"{frame.image_file}: object {position + 1}")


def _item(frame: FrameRecord, label: int, instances: list[ItemInstance], ignored: list[ItemInstance]) -> Item:
    return Item(
        index=frame.index,
        image_file=frame.image_file,
        size_wh=frame.size_wh,
        kind=frame.kind,
        label=label,
        instances=tuple(instances),
        ignored_xyxy=tuple(instance.visible_xyxy for instance in ignored),
    )


def _dropped(frame: FrameRecord, reason: Literal["barely_visible", "hidden"], detail: str) -> Dropped:
    return Dropped(index=frame.index, image_file=frame.image_file, kind=frame.kind, reason=reason, detail=detail)


def _stack(masks: list[np.ndarray], size_wh: tuple[int, int]) -> np.ndarray:
    return np.array(masks, bool).reshape(len(masks), size_wh[1], size_wh[0])
