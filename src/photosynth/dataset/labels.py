"""From a rendered frame to its labels, or to the reason why it has none.

An object is labelled when at least `min_visible_fraction` of its whole area and at least `min_visible_px` pixels of
it are seen. A picture's class is that of the object with the most visible pixels; without any object in it, it is
"none of these". Between the two lie pictures that would teach a classifier a contradiction, and those are dropped:

- ``barely_visible``: the object with the most visible pixels is below the thresholds. Calling it by its class asks
  for the impossible; calling the picture "none of these" is false.
- ``hidden``: a picture made to show an object shows no pixel of one.

A picture whose largest object is labelled stays when smaller objects in it are barely visible; those get no label
and are counted. Distractors never get one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from photosynth.core.codec import mask_from_rle
from photosynth.core.errors import ArtifactError, QualityError
from photosynth.core.frame import FrameInstance, FrameRecord
from photosynth.core.instances import Instances
from photosynth.core.items import Item, ItemInstance
from photosynth.core.record import Record
from photosynth.dataset.config import DatasetConfig
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


def label_frame(frame: FrameRecord, class_ids: Mapping[str, int], config: DatasetConfig) -> tuple[Item | Dropped, int]:
    """The labelled picture, or why it is dropped; and how many seen objects in it got no label.

    Args:
        frame: one rendered picture.
        class_ids: class id of each class name.
        config: its thresholds.

    Raises:
        ArtifactError: for an object of an unknown class.
        QualityError: for an object whose areas contradict one another.
    """
    labelled: list[ItemInstance] = []
    unlabelled = 0
    largest_px, largest = 0, None  # of all seen objects, labelled or not
    for position, instance in enumerate(frame.instances):
        if instance.role != "object":
            continue
        if instance.class_name not in class_ids:
            raise ArtifactError(
                f"{frame.image_file}: object {position + 1} is of class {instance.class_name!r}, which is not in the "
                f"render's class list ({', '.join(class_ids)}); render again"
            )
        visible_px = area_px(instance.visible)
        if visible_px == 0:
            continue
        made = _labelled(frame, instance, class_ids[instance.class_name], visible_px)
        kept = made.visible_fraction >= config.min_visible_fraction and visible_px >= config.min_visible_px
        if kept:
            labelled.append(made)
        unlabelled += not kept
        if visible_px > largest_px:
            largest_px, largest = visible_px, (made, kept)
    if largest is None:
        if frame.kind == "object":
            return _dropped(frame, "hidden", "no pixel of an object is seen"), unlabelled
        return _item(frame, len(class_ids), labelled), unlabelled
    made, kept = largest
    if not kept:
        detail = f"its largest object shows {largest_px} px, {made.visible_fraction:.3f} of its area"
        return _dropped(frame, "barely_visible", detail), unlabelled
    return _item(frame, made.class_id, labelled), unlabelled


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


def _item(frame: FrameRecord, label: int, instances: list[ItemInstance]) -> Item:
    return Item(
        index=frame.index,
        image_file=frame.image_file,
        size_wh=frame.size_wh,
        kind=frame.kind,
        label=label,
        instances=tuple(instances),
    )


def _dropped(frame: FrameRecord, reason: Literal["barely_visible", "hidden"], detail: str) -> Dropped:
    return Dropped(index=frame.index, image_file=frame.image_file, kind=frame.kind, reason=reason, detail=detail)


def _stack(masks: list[np.ndarray], size_wh: tuple[int, int]) -> np.ndarray:
    return np.array(masks, bool).reshape(len(masks), size_wh[1], size_wh[0])
