"""Network: a backbone and a head, and which of its parts learn."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from photosynth.core.errors import ConfigError
from photosynth.models.backbones import blocks_of, make_backbone
from photosynth.models.info import NetworkSpec


class Network(nn.Module):
    """(N, 3, S, S) normalised pictures to (N, classes) logits.

    Args:
        backbone: pictures to (N, features).
        features: how many.
        n_outputs: classes, none of these counted.
        spec: the head's shape.
    """

    def __init__(self, backbone: nn.Module, features: int, n_outputs: int, spec: NetworkSpec) -> None:
        super().__init__()
        self.backbone = backbone
        layers: list[nn.Module] = []
        if spec.hidden:
            layers += [nn.Dropout(spec.dropout), nn.Linear(features, spec.hidden), nn.ReLU()]
            features = spec.hidden
        self.head = nn.Sequential(*layers, nn.Dropout(spec.dropout), nn.Linear(features, n_outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(self.backbone(x))


def make_network(
    spec: NetworkSpec, n_outputs: int, input_px: int, weights: str = "none"
) -> tuple[Network, tuple[str, ...]]:
    """Build a network in channels_last memory order; the head is random (torch's global generator).

    Returns:
        the network and notes for people.

    Raises:
        ConfigError: if the backbone or its weights are not usable (see `make_backbone`), or if it cannot take
            pictures of `input_px`.
    """
    backbone, notes = make_backbone(spec.backbone, weights)
    backbone.eval()
    try:
        with torch.inference_mode():
            features = backbone(torch.zeros(1, 3, input_px, input_px)).shape[1]
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{spec.backbone} cannot take pictures of {input_px} px: {reason}") from error
    return Network(backbone, features, n_outputs, spec).to(memory_format=torch.channels_last), notes


def freeze(network: Network, unfrozen_blocks: int | None) -> int:
    """Let only the last blocks of the backbone learn, and the head always.

    Args:
        network: changed in place.
        unfrozen_blocks: how many of the backbone's last blocks learn; 0 none, None all of it.

    Returns:
        how many parameters learn.

    Raises:
        ConfigError: if the backbone has fewer blocks.
    """
    blocks = blocks_of(network.backbone)
    if unfrozen_blocks is not None:
        if not 0 <= unfrozen_blocks <= len(blocks):
            raise ConfigError(f"unfrozen_blocks is {unfrozen_blocks}; this backbone has {len(blocks)} blocks")
        network.backbone.requires_grad_(False)
        for block in blocks[len(blocks) - unfrozen_blocks :]:
            block.requires_grad_(True)
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def training_mode(network: Network, freeze_norm: bool) -> None:
    """Switch to training; frozen blocks, and with `freeze_norm` every batch normalisation, keep their statistics."""
    network.train()
    for block in blocks_of(network.backbone):
        if not any(p.requires_grad for p in block.parameters()):
            block.eval()
    if freeze_norm:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
