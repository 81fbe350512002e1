"""Areas, boxes and unions of masks, computed on their run-length codes without drawing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from photosynth.core.frame import Rle
from photosynth.core.geometry import Vec4


def area_px(rle: Rle) -> int:
    """How many pixels the mask has."""
    from pycocotools import mask as coco_mask

    return int(coco_mask.area(_code(rle)))


def tight_xyxy(rle: Rle) -> Vec4:
    """The smallest box round the mask, whole pixels, x1 and y1 exclusive; (0, 0, 0, 0) for an empty mask."""
    from pycocotools import mask as coco_mask

    x, y, w, h = (float(v) for v in coco_mask.toBbox(_code(rle)))
    return (x, y, x + w, y + h) if w > 0 and h > 0 else (0.0, 0.0, 0.0, 0.0)


def is_inside(inner: Rle, outer: Rle) -> bool:
    """Whether every pixel of `inner` is one of `outer`; both of one size."""
    return _merged_area_px((inner, outer), intersect=True) == area_px(inner)


def are_disjoint(masks: Sequence[Rle]) -> bool:
    """Whether no pixel belongs to two of the masks; all of one size."""
    return len(masks) < 2 or _merged_area_px(masks, intersect=False) == sum(area_px(m) for m in masks)


def _merged_area_px(masks: Sequence[Rle], intersect: bool) -> int:
    from pycocotools import mask as coco_mask

    return int(coco_mask.area(coco_mask.merge([_code(m) for m in masks], intersect=intersect)))


def _code(rle: Rle) -> dict[str, Any]:
    return {"size": list(rle.size), "counts": rle.counts.encode("ascii")}
