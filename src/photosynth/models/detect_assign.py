"""Assignment: which of a detector's places learn which object."""

from __future__ import annotations

import torch
from torch import Tensor

from photosynth.models.detect_targets import Targets

FOREGROUND_IOU, BACKGROUND_IOU = 0.5, 0.4
"""RetinaNet: anchors above the first learn the object, below the second that there is none (Lin et al. 2017)."""
SCORE_POWER, IOU_POWER = 1.0, 6.0
"""Task alignment = score^a IoU^b (Feng et al. 2021, TOOD)."""
PLACES_PER_OBJECT = 13
"""Places that learn each object, at most (TOOD)."""
SMALL_REACH = 0.75
"""Objects are taken to reach at least this many strides from their centre, so that each holds a point."""


def match_anchors(anchors: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
    """RetinaNet's assignment by overlap.

    Args:
        anchors: (places, 4).
        targets: of n pictures.

    Returns:
        object (n, places) int64, the index of the object an anchor learns, or -1; and weight (n, places) float,
        0 where an anchor is neither object nor background.
    """
    from torchvision.ops import box_iou

    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    weight = (~_inside_any(centres, targets.ignored_xyxy)).to(anchors.dtype)
    matched = torch.full(weight.shape, -1, dtype=torch.int64, device=anchors.device)
    for k in range(len(matched)):
        boxes = targets.boxes_xyxy[k][targets.valid[k]]
        if not len(boxes):
            continue
        iou = box_iou(boxes, anchors)
        best, index = iou.max(0)
        # an object that no anchor fits well is learnt by those that fit it best
        fits_best = ((iou == iou.amax(1, keepdim=True)) & (iou > 0)).any(0)
        positive = (best >= FOREGROUND_IOU) | fits_best
        matched[k] = torch.where(positive, index, matched[k])
        weight[k] = torch.where(positive, 1.0, weight[k] * (best < BACKGROUND_IOU))
    return matched, weight


def align_points(
    scores: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, targets: Targets
) -> tuple[Tensor, Tensor, Tensor]:
    """Task-aligned assignment: an object is learnt by the points in it whose own score and box suit it best.

    Args:
        scores: (n, places, classes), as predicted now.
        boxes: (n, places, 4), as predicted now.
        points: (places, 2).
        strides: (places, 1).
        targets: of the n pictures.

    Returns:
        object (n, places) int64 or -1; quality (n, places), the score to learn: 0 without an object, the best place
        of an object its IoU; and weight (n, places), 0 for points without an object in what is ignored.
    """
    n, places = scores.shape[:2]
    weight = (~_inside_any(points, targets.ignored_xyxy)).to(boxes.dtype)
    matched = torch.full((n, places), -1, dtype=torch.int64, device=boxes.device)
    if targets.boxes_xyxy.shape[1] == 0:
        return matched, torch.zeros_like(weight), weight
    iou = pair_iou(targets.boxes_xyxy, boxes)
    own = targets.class_ids[:, None, :].expand(-1, places, -1)
    score = scores.gather(2, own).transpose(1, 2)
    able = _inside(points, strides, targets.boxes_xyxy) & targets.valid[:, :, None]
    alignment = score**SCORE_POWER * iou**IOU_POWER * able
    best = alignment.topk(min(PLACES_PER_OBJECT, places), 2).indices
    chosen = torch.zeros_like(able).scatter_(2, best, True) & (alignment > 0)
    # a point that several objects want learns the one its box overlaps most
    taken = torch.where(chosen, iou, -1.0).max(1)
    positive = taken.values >= 0
    matched = torch.where(positive, taken.indices, matched)
    chosen &= torch.arange(iou.shape[1], device=boxes.device)[None, :, None] == matched[:, None, :]
    alignment, iou = alignment * chosen, iou * chosen
    quality = alignment / alignment.amax(2, keepdim=True).clamp(min=1e-12) * iou.amax(2, keepdim=True)
    return matched, quality.amax(1), torch.where(positive, 1.0, weight)


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of (n, g, 4) and (n, m, 4) boxes: (n, g, m)."""
    low = torch.maximum(a[:, :, None, :2], b[:, None, :, :2])
    high = torch.minimum(a[:, :, None, 2:], b[:, None, :, 2:])
    shared = (high - low).clamp(min=0.0).prod(-1)
    area_a = (a[..., 2:] - a[..., :2]).prod(-1)
    area_b = (b[..., 2:] - b[..., :2]).clamp(min=0.0).prod(-1)
    return shared / (area_a[:, :, None] + area_b[:, None, :] - shared).clamp(min=1e-6)


def _inside(points: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """(n, g, places): which points lie in which of (n, g, 4) boxes, small boxes widened."""
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    half = torch.maximum((boxes[..., 2:] - boxes[..., :2])[:, :, None] / 2, strides * SMALL_REACH)
    return ((points - centre[:, :, None]).abs() < half).all(-1)


def _inside_any(points: Tensor, boxes: Tensor) -> Tensor:
    """(n, places): which points lie in any of (n, i, 4) boxes."""
    above = (points > boxes[:, :, None, :2]).all(-1)
    below = (points < boxes[:, :, None, 2:]).all(-1)
    return (above & below).any(1)
