"""Targets: what a batch of pictures shows, in arrays of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Targets:
    """n pictures, each padded to g objects and i ignored ones.

    boxes_xyxy (n, g, 4) float32 in input pixels; class_ids (n, g) int64; valid (n, g) bool, False where padded;
    ignored_xyxy (n, i, 4) float32: what lies there is neither right nor wrong; padding has no area.
    """

    boxes_xyxy: Tensor
    class_ids: Tensor
    valid: Tensor
    ignored_xyxy: Tensor

    def to(self, device: torch.device) -> Targets:
        """The same on another device."""
        return Targets(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def make_targets(
    boxes: Sequence[np.ndarray], class_ids: Sequence[np.ndarray], ignored: Sequence[np.ndarray]
) -> Targets:
    """Pad and stack: boxes (g_k, 4), class ids (g_k,) and ignored boxes (i_k, 4) of each picture k."""
    padded, valid = _padded(boxes)
    ids = torch.zeros(valid.shape, dtype=torch.int64)
    for row, own in zip(ids, class_ids, strict=True):
        row[: len(own)] = torch.from_numpy(np.asarray(own, np.int64))
    return Targets(padded, ids, valid, _padded(ignored)[0])


def _padded(boxes: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    longest = max((len(own) for own in boxes), default=0)
    padded = torch.zeros((len(boxes), longest, 4))
    valid = torch.zeros((len(boxes), longest), dtype=torch.bool)
    for k, own in enumerate(boxes):
        padded[k, : len(own)] = torch.from_numpy(np.asarray(own, np.float32).reshape(-1, 4))
        valid[k, : len(own)] = True
    return padded, valid
