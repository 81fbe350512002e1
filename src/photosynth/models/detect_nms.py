"""Non-maximum suppression in whole-array steps: for any number of pictures at once, and for every exporter.

A graph made of these has no operator of its own for suppression, and answers of a fixed shape.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 16
"""Steps until the surviving boxes no longer change, in chains of up to so many boxes that each overlap the next."""


def select(
    boxes: Tensor, logits: Tensor, iou: float, candidates: int, max_detections: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The surest boxes, class by class without strong overlaps.

    Args:
        boxes: (n, places, 4) x0 y0 x1 y1.
        logits: (n, places, classes); a score is their sigmoid.
        iou: of two boxes of a class with more overlap than this, the surer one stays.
        candidates: pairs of place and class to look at, the surest ones.
        max_detections: boxes in an answer.

    Returns:
        boxes (n, k, 4), scores (n, k) from high to low, and class ids (n, k) int64, with k the least of
        max_detections, candidates and pairs; rows beyond the last find have score 0.
    """
    n_places, n_classes = int(logits.shape[1]), int(logits.shape[2])
    n_kept = min(candidates, n_places)
    places = logits.amax(2).topk(n_kept, 1).indices  # no other place holds one of the surest pairs
    logits = logits.gather(1, places[:, :, None].expand(-1, -1, n_classes))
    boxes = boxes.gather(1, places[:, :, None].expand(-1, -1, 4))
    n_pairs = min(candidates, n_kept * n_classes)
    best = logits.flatten(1).topk(n_pairs, 1)
    rows = torch.arange(n_kept, device=boxes.device)[:, None].expand(-1, n_classes).reshape(-1)
    place = rows[best.indices]  # Core ML divides whole numbers into fractions, which index nothing
    class_ids = best.indices - place * n_classes
    boxes = boxes.gather(1, place[:, :, None].expand(-1, -1, 4))
    scores = torch.sigmoid(best.values) * survivors(boxes, class_ids, iou)
    order = scores.topk(min(max_detections, n_pairs), 1)
    boxes = boxes.gather(1, order.indices[:, :, None].expand(-1, -1, 4))
    return boxes, order.values, class_ids.gather(1, order.indices)


def survivors(boxes: Tensor, class_ids: Tensor, iou: float, rounds: int = ROUNDS) -> Tensor:
    """Which boxes greedy suppression leaves: (n, k) float, 1 or 0.

    Whether a box stays depends on surer ones only, so that repeating "stays if none that stays suppresses it" settles
    on greedy suppression's answer, in as many rounds as the longest chain has links (Cluster-NMS, Zheng et al. 2020).

    Args:
        boxes: (n, k, 4), the surest first.
        class_ids: (n, k); boxes of other classes leave one another alone.
        iou: overlap that suppresses.
        rounds: how often.
    """
    k = int(boxes.shape[1])
    rank = torch.arange(k, device=boxes.device)
    surer = rank[:, None] < rank[None, :]
    same = class_ids[:, :, None] == class_ids[:, None, :]
    suppresses = torch.logical_and(overlaps(boxes) > iou, torch.logical_and(same, surer)).to(boxes.dtype)
    stays = torch.ones_like(boxes[:, :, 0])
    for _ in range(rounds):
        stays = ((stays[:, None, :] @ suppresses)[:, 0] < 0.5).to(boxes.dtype)
    return stays


def overlaps(boxes: Tensor) -> Tensor:
    """Intersection over union of (n, k, 4) boxes with one another: (n, k, k)."""
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    side = (high - low).clamp(min=0.0)
    shared = side[..., 0] * side[..., 1]
    own = (boxes[..., 2] - boxes[..., 0]).clamp(min=0.0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0.0)
    return shared / (own[:, :, None] + own[:, None, :] - shared).clamp(min=1e-6)
