"""Heads: from a pyramid's maps to a class score and a box at every place."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from photosynth.models.detect_pyramid import conv3x3

PRIOR = 0.01
"""Score of everything before training (focal loss, Lin et al. 2017): else the many empty places drown the objects."""


class DenseHead(nn.Module):
    """Two towers of convolutions, shared by all levels: one for classes, one for boxes.

    Without the towers' normalisation, and with the common first spread of 0.01, the signal of a narrow tower all but
    vanishes, and a short training ends before its classes are told apart.

    Args:
        channels: of the maps and of the towers.
        convs: convolutions in each tower.
        separable: see DetectorSpec.
        n_classes: how many.
        per_place: boxes at each place.
        n_levels: maps in the pyramid; each has its own factor for the boxes' size.
    """

    def __init__(
        self, channels: int, convs: int, separable: bool, n_classes: int, per_place: int, n_levels: int
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.class_tower = Tower(channels, convs, separable, n_levels)
        self.box_tower = Tower(channels, convs, separable, n_levels)
        self.class_logits = nn.Conv2d(channels, per_place * n_classes, 3, padding=1)
        self.box_values = nn.Conv2d(channels, per_place * 4, 3, padding=1)
        self.level_gain = nn.Parameter(torch.ones(n_levels))
        nn.init.normal_(self.class_logits.weight, std=0.01)
        nn.init.constant_(self.class_logits.bias, -math.log((1.0 - PRIOR) / PRIOR))
        nn.init.normal_(self.box_values.weight, std=0.01)
        nn.init.zeros_(self.box_values.bias)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Class logits (N, places, classes) and box values (N, places, 4), level by level, row by row."""
        logits, values = [], []
        for k, x in enumerate(maps):
            logits.append(_by_place(self.class_logits(self.class_tower(x, k)), self.n_classes))
            values.append(_by_place(self.box_values(self.box_tower(x, k)), 4) * self.level_gain[k])
        return torch.cat(logits, 1), torch.cat(values, 1)


class Tower(nn.Module):
    """Convolutions that all levels share, each followed by batch normalisation of the level's own (RTMDet, Lyu et al.
    2022): levels whose maps differ in spread can share what they learn.

    Args:
        channels, convs, separable, n_levels: as for DenseHead.
    """

    def __init__(self, channels: int, convs: int, separable: bool, n_levels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([conv3x3(channels, channels, separable) for _ in range(convs)])
        self.norms = nn.ModuleList(
            [nn.ModuleList([nn.BatchNorm2d(channels) for _ in range(convs)]) for _ in range(n_levels)]
        )
        for module in self.convs.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu" if module.groups == 1 else "linear")
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, level: int) -> Tensor:
        """The same shape."""
        for conv, norm in zip(self.convs, self.norms[level], strict=True):
            x = torch.relu(norm(conv(x)))
        return x


def _by_place(x: Tensor, last: int) -> Tensor:
    """(N, per_place * last, H, W) to (N, H * W * per_place, last)."""
    n, depth, height, width = (x.shape[0], *(int(v) for v in x.shape[1:]))
    x = x.reshape(n, depth // last, last, height, width).permute(0, 3, 4, 1, 2)
    return x.reshape(n, height * width * (depth // last), last)
