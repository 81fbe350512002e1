"""Room: whether a disk can hold what a stage is about to write."""

from __future__ import annotations

import shutil
from pathlib import Path

from photosynth.core.errors import ConfigError
from photosynth.core.progress import Progress


def check_room(folder: Path, expected_bytes: float, what: str, progress: Progress | None = None) -> None:
    """Say so if what is about to be written will hardly fit.

    Args:
        folder: where it goes; need not exist yet.
        expected_bytes: about how much it is.
        what: it, for people, as in ``"3000 pictures"``.
        progress: is told when it exceeds the free space.

    Raises:
        ConfigError: if it exceeds the whole disk.
    """
    there = Path(folder).absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    disk = shutil.disk_usage(there)
    said = f"{what} take about {in_gb(expected_bytes)}"
    if expected_bytes > disk.total:
        raise ConfigError(
            f"{said}, but the whole disk of {folder} has {in_gb(disk.total)}; ask for fewer or smaller ones"
        )
    if progress is not None and expected_bytes > disk.free:
        progress.note(f"{said}, but only {in_gb(disk.free)} are free on the disk of {folder}")


def in_gb(n_bytes: float) -> str:
    """A size for people, in units of 10^9 bytes."""
    gb = n_bytes / 1e9
    return f"{gb:,.0f} GB" if gb >= 10 else f"{gb:.1f} GB" if gb >= 0.1 else f"{n_bytes / 1e6:.1f} MB"
