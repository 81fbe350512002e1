"""Detection loss: how far a head's answers are from a batch's targets."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from photosynth.models.anchors import anchor_boxes, boxes_from_values, grid_points
from photosynth.models.detect_assign import align_points, match_anchors
from photosynth.models.detect_info import DetectorSpec
from photosynth.models.detect_targets import Targets

FOCAL_GAMMA, FOCAL_ALPHA = 2.0, 0.25
"""Focal loss (Lin et al. 2017)."""
QUALITY_GAMMA = 2.0
"""Quality focal loss (Li et al. 2020)."""
BOX_WEIGHT = 2.0
"""Of the boxes' loss against the classes'."""


def detection_loss(
    logits: Tensor, values: Tensor, targets: Targets, size_px: int, spec: DetectorSpec
) -> tuple[Tensor, Tensor]:
    """Loss of the classes and of the boxes, each a scalar; their sum is to be minimised.

    Args:
        logits: (n, places, classes), the network's.
        values: (n, places, 4), the network's.
        targets: of the n pictures, in input pixels.
        size_px: side of the input.
        spec: the detector's shape.
    """
    logits, values = logits.float(), values.float()
    boxes = boxes_from_values(values, size_px, spec)
    if spec.head == "retinanet":
        return _retinanet_loss(logits, boxes, targets, anchor_boxes(size_px, spec.strides).to(logits.device))
    points, strides = (t.to(logits.device) for t in grid_points(size_px, spec.strides))
    return _aligned_loss(logits, boxes, targets, points, strides)


def _retinanet_loss(logits: Tensor, boxes: Tensor, targets: Targets, anchors: Tensor) -> tuple[Tensor, Tensor]:
    from torchvision.ops import sigmoid_focal_loss

    with torch.no_grad():
        matched, weight = match_anchors(anchors, targets)
        truth = torch.zeros_like(logits)
        picture, place, index = _positives(matched)
        truth[picture, place, targets.class_ids[picture, index]] = 1.0
        count = max(1, len(picture))
    focal = sigmoid_focal_loss(logits, truth, FOCAL_ALPHA, FOCAL_GAMMA)
    box_loss = _giou_loss(boxes[picture, place], targets.boxes_xyxy[picture, index]).sum()
    return (focal.sum(2) * weight).sum() / count, BOX_WEIGHT * box_loss / count


def _aligned_loss(
    logits: Tensor, boxes: Tensor, targets: Targets, points: Tensor, strides: Tensor
) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        scores = torch.sigmoid(logits)
        matched, quality, weight = align_points(scores, boxes, points, strides, targets)
        truth = torch.zeros_like(logits)
        picture, place, index = _positives(matched)
        share = quality[picture, place]
        truth[picture, place, targets.class_ids[picture, index]] = share
        total = share.sum().clamp(min=1.0)
    distance = (torch.sigmoid(logits) - truth).abs() ** QUALITY_GAMMA
    focal = distance * F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    box_loss = (_giou_loss(boxes[picture, place], targets.boxes_xyxy[picture, index]) * share).sum()
    return (focal.sum(2) * weight).sum() / total, BOX_WEIGHT * box_loss / total


def _positives(matched: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Picture, place and object of every place that learns an object."""
    picture, place = torch.nonzero(matched >= 0, as_tuple=True)
    return picture, place, matched[picture, place]


def _giou_loss(boxes: Tensor, truth: Tensor) -> Tensor:
    """1 - generalised IoU (Rezatofighi et al. 2019) of (m, 4) pairs: (m,)."""
    from torchvision.ops import generalized_box_iou_loss

    return generalized_box_iou_loss(boxes, truth, reduction="none")
