"""Anchors: the places of a detector's boxes, and how a network's values become boxes round them."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from photosynth.models.detect_info import DetectorSpec

ANCHOR_SCALES = tuple(2.0 ** (k / 3) for k in range(3))
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
ANCHOR_BASE = 4
"""Side of a level's smallest square anchor, in strides."""
PER_PLACE = len(ANCHOR_SCALES) * len(ANCHOR_RATIOS)
POINT_REACH = 3.0
"""Distance from a point to each side of its box before training, in strides."""
MAX_LOG = math.log(1000.0 / 16)
"""Largest exponent in a box, as torchvision has it."""


def level_sizes(size_px: int, strides: tuple[int, ...]) -> tuple[int, ...]:
    """Side of each level's map for a square input."""
    return tuple(-(-size_px // stride) for stride in strides)


@lru_cache(maxsize=32)
def anchor_boxes(size_px: int, strides: tuple[int, ...]) -> Tensor:
    """(places, 4) x0 y0 x1 y1 in input pixels, as torchvision's AnchorGenerator lays them out."""
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    sizes = tuple(tuple(int(ANCHOR_BASE * s * scale) for scale in ANCHOR_SCALES) for s in strides)
    generator = AnchorGenerator(sizes, (ANCHOR_RATIOS,) * len(strides))
    grids = [[side, side] for side in level_sizes(size_px, strides)]
    steps = [[torch.tensor(s), torch.tensor(s)] for s in strides]
    return torch.cat(generator.grid_anchors(grids, steps))


@lru_cache(maxsize=32)
def grid_points(size_px: int, strides: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Centres of the maps' pixels (places, 2) x y in input pixels, and their strides (places, 1)."""
    points, steps = [], []
    for side, stride in zip(level_sizes(size_px, strides), strides, strict=True):
        axis = (torch.arange(side, dtype=torch.float32) + 0.5) * stride
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        points.append(torch.stack([x.reshape(-1), y.reshape(-1)], 1))
        steps.append(torch.full((side * side, 1), float(stride)))
    return torch.cat(points), torch.cat(steps)


def boxes_from_values(values: Tensor, size_px: int, spec: DetectorSpec) -> Tensor:
    """A head's (N, places, 4) to boxes x0 y0 x1 y1 in input pixels.

    RetinaNet's values are dx, dy in sides of the anchor and logarithms of the sides (Ren et al. 2015); the other
    head's are logarithms of the distances to left, top, right and bottom, in POINT_REACH strides (FCOS, Tian et al.
    2019).
    """
    if spec.head == "retinanet":
        return boxes_from_deltas(values, anchor_boxes(size_px, spec.strides).to(values.device))
    points, strides = (t.to(values.device) for t in grid_points(size_px, spec.strides))
    distance = torch.exp(values.clamp(-MAX_LOG, MAX_LOG)) * (strides * POINT_REACH)
    return torch.cat([points - distance[..., :2], points + distance[..., 2:]], -1)


def boxes_from_deltas(deltas: Tensor, anchors: Tensor) -> Tensor:
    """(..., places, 4) dx dy dw dh round (places, 4) anchors; torchvision's BoxCoder with weights of 1."""
    side = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + 0.5 * side + deltas[..., :2] * side
    half = 0.5 * torch.exp(deltas[..., 2:].clamp(max=MAX_LOG)) * side
    return torch.cat([centre - half, centre + half], -1)
