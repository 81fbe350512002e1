"""What the detector's training begins with: device and frozen parts."""

from __future__ import annotations

import torch
from torch import nn

from photosynth.core.errors import ConfigError


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
