"""Checkpoint: all that training needs to go on after a kill as if nothing had happened, at the end of each epoch.

No generator's state is in it: orders, augmentations and dropout are drawn anew from (seed, epoch) in each epoch.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import torch

from photosynth.core.codec import write_atomic

FOLDER = "checkpoints"


def checkpoint_file(epoch: int) -> str:
    """Name of the checkpoint at the end of an epoch (from 1), relative to the stage's folder."""
    return f"{FOLDER}/epoch-{epoch:03d}.pt"


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Tensors and plain values to a file that torch.load(weights_only=True) reads; written atomically."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(path, buffer.getvalue())


def finished_epochs(folder: Path) -> list[int]:
    """Epochs that have a checkpoint, in order."""
    found = [re.fullmatch(r"epoch-(\d+)\.pt", p.name) for p in (Path(folder) / FOLDER).glob("epoch-*.pt")]
    return sorted(int(match[1]) for match in found if match)


def load_latest(folder: Path) -> dict[str, Any] | None:
    """The latest checkpoint, or None."""
    epochs = finished_epochs(folder)
    if not epochs:
        return None
    return torch.load(Path(folder) / checkpoint_file(epochs[-1]), map_location="cpu", weights_only=True)


def prune(folder: Path, keep: int) -> None:
    """Remove all but the latest `keep` checkpoints, and the folder if it is empty then."""
    epochs = finished_epochs(folder)
    for epoch in epochs[: len(epochs) - keep] if keep else epochs:
        (Path(folder) / checkpoint_file(epoch)).unlink()
    if not keep and (Path(folder) / FOLDER).is_dir():
        (Path(folder) / FOLDER).rmdir()
