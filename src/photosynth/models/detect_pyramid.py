"""Pyramid: a backbone's features at several scales, each told of the coarser ones (FPN, Lin et al. 2017)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photosynth.models.backbones import make_backbone
from photosynth.models.detect_info import RESNET50
from photosynth.models.lite0 import EfficientNetLite0

LITE0_TAPS = {4: 40, 10: 112, 15: 320}
"""Blocks of EfficientNet-Lite0 after which features are taken (strides 8, 16, 32), and their channels."""
RESNET_TAPS = {"layer2": 512, "layer3": 1024, "layer4": 2048}
"""The same for ResNet-50."""


class Lite0Features(nn.Module):
    """EfficientNet-Lite0 up to its last block: (N, 3, H, W) to features at strides 8, 16 and 32."""

    channels = tuple(LITE0_TAPS.values())

    def __init__(self, backbone: EfficientNetLite0) -> None:
        super().__init__()
        self.stem, self.blocks = backbone.stem, backbone.blocks

    def forward(self, x: Tensor) -> list[Tensor]:
        """Three maps, fine to coarse."""
        x = self.stem(x)
        maps = []
        for k, block in enumerate(self.blocks):
            x = block(x)
            if k in LITE0_TAPS:
                maps.append(x)
        return maps

    def parts(self) -> list[nn.Module]:
        """Stem and blocks, first to last: what `frozen_blocks` counts."""
        return [self.stem, *self.blocks]


class ResNetFeatures(nn.Module):
    """ResNet-50 without its head: (N, 3, H, W) to features at strides 8, 16 and 32."""

    channels = tuple(RESNET_TAPS.values())

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
        self.layers = nn.ModuleDict({name: getattr(backbone, name) for name in names})

    def forward(self, x: Tensor) -> list[Tensor]:
        """Three maps, fine to coarse."""
        maps = []
        for name, layer in self.layers.items():
            x = layer(x)
            if name in RESNET_TAPS:
                maps.append(x)
        return maps

    def parts(self) -> list[nn.Module]:
        """Stem and layers, first to last: what `frozen_blocks` counts."""
        layers = self.layers
        return [nn.ModuleList([layers["conv1"], layers["bn1"]]), *(layers[f"layer{k}"] for k in (1, 2, 3, 4))]


class Pyramid(nn.Module):
    """Maps of one width and spread at strides 8, 16, 32 and 64 from three maps of the backbone.

    Batch normalisation brings the levels to one spread (a linear bottleneck's maps differ by an order of magnitude),
    since the head that reads them is shared.

    Args:
        channels_in: of the backbone's maps.
        channels: of the results.
        separable: see DetectorSpec.
    """

    def __init__(self, channels_in: tuple[int, ...], channels: int, separable: bool) -> None:
        super().__init__()
        self.lateral = nn.ModuleList([_normed(nn.Conv2d(c, channels, 1, bias=False), channels) for c in channels_in])
        smooth = [conv3x3(channels, channels, separable) for _ in channels_in]
        self.smooth = nn.ModuleList([_normed(conv, channels) for conv in smooth])
        self.coarsest = _normed(conv3x3(channels, channels, separable, stride=2), channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1.0)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Four maps, fine to coarse."""
        merged = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for k in range(len(merged) - 2, -1, -1):
            size = [int(n) for n in merged[k].shape[2:]]  # constants in an exported graph
            merged[k] = merged[k] + F.interpolate(merged[k + 1], size=size, mode="nearest")
        smooth = [conv(x) for conv, x in zip(self.smooth, merged, strict=True)]
        return [*smooth, self.coarsest(torch.relu(smooth[-1]))]


def _normed(conv: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(channels))


def conv3x3(channels_in: int, channels_out: int, separable: bool, stride: int = 1) -> nn.Module:
    """A 3 x 3 convolution that keeps the size (divided by the stride), or its depthwise and 1 x 1 halves."""
    if not separable:
        return nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)
    depthwise = nn.Conv2d(channels_in, channels_in, 3, stride, padding=1, groups=channels_in)
    return nn.Sequential(depthwise, nn.Conv2d(channels_in, channels_out, 1))


def make_features(backbone: str, weights: str) -> tuple[Lite0Features | ResNetFeatures, tuple[str, ...]]:
    """The backbone's part of a detector, and notes for people.

    Args:
        backbone: ``"efficientnet_lite0"`` or ``"resnet50"``.
        weights: as for `photosynth.models.backbones.make_backbone`, which says what is raised.
    """
    network, notes = make_backbone(backbone, weights)
    return (ResNetFeatures(network) if backbone == RESNET50 else Lite0Features(network)), notes
