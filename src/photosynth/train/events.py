"""Events: what training writes for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np

GRID = 16


class EventLog:
    """Writes scalars and picture grids under a folder; a context manager.

    Args:
        folder: where the event files go.
        first_step: when training goes on after a kill, entries from this step on are replaced.
    """

    def __init__(self, folder: Path, first_step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=first_step or None)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    def scalars(self, step: int, **values: float) -> None:
        """Named numbers at a step; ``a__b`` is shown as ``a/b``."""
        for name, value in values.items():
            self._writer.add_scalar(name.replace("__", "/"), value, step)

    def pictures(self, step: int, name: str, images: np.ndarray) -> None:
        """The first 16 of (n, S, S, 3) uint8 pictures as one grid."""
        self._writer.add_image(name, grid_of(images[:GRID]), step, dataformats="HWC")

    def flush(self) -> None:
        """Bring everything to disk."""
        self._writer.flush()


def grid_of(images: np.ndarray) -> np.ndarray:
    """(n, S, S, 3) pictures side by side in a square of rows; empty places are black."""
    n, size = len(images), images.shape[1]
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    grid = np.zeros((rows * size, columns * size, 3), np.uint8)
    for k, image in enumerate(images):
        y, x = divmod(k, columns)
        grid[y * size : (y + 1) * size, x * size : (x + 1) * size] = image
    return grid
