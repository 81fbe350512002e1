"""What the detector's training begins with: device, frozen parts, optimiser and schedule."""

from __future__ import annotations

import torch
from torch import nn

from photosynth.core.errors import ConfigError
from photosynth.train.detect_config import DetectConfig


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU if there is one. Raises ConfigError if it is absent."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is cuda, but torch sees no CUDA GPU here; choose auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def freeze_parts(network: nn.Module, count: int) -> list[nn.Module]:
    """Stop the backbone's first `count` parts from learning; returns them. Raises ConfigError if it has fewer."""
    parts = network.frozen_parts()
    if count > len(parts):
        raise ConfigError(f"frozen_parts is {count}; this backbone has {len(parts)} parts")
    for part in parts[:count]:
        part.requires_grad_(False)
    return parts[:count]


def make_optimizer(
    network: nn.Module, config: DetectConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with one rate for the backbone and one for the rest, and OneCycle over the whole training.

    The feature pyramid inside torchvision's backbone is counted as the rest, being new or trained with its head.
    """
    body = getattr(network.backbone, "body", network.backbone)
    own = {id(p) for p in body.parameters()}
    learning = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if id(p) in own], "lr": config.backbone_lr},
        {"params": [p for p in learning if id(p) not in own], "lr": config.head_lr},
    ]
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    rates = [group["lr"] for group in groups]
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rates, total_steps=steps + 1, pct_start=config.warmup_fraction
    )
    return optimizer, scheduler
