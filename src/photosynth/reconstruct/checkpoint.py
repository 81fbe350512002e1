"""Checkpoints: arrays that are made once and read again after an interruption."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from photosynth.core.codec import write_atomic


def kept(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays in an NPZ file; made and written first if it is not there or cannot be read."""
    if path.is_file():
        try:
            with np.load(path) as data:
                return {name: data[name] for name in data.files}
        except (OSError, ValueError, EOFError):
            path.unlink()
    arrays = make()
    data = io.BytesIO()
    np.savez(data, **arrays)
    write_atomic(path, data.getvalue())
    return arrays
