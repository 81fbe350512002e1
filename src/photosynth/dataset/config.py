"""The dataset stage's settings."""

from __future__ import annotations

from typing import Literal

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record

Format = Literal["coco", "yolo", "voc", "bop"]


class DatasetConfig(Record, frozen=True, kw_only=True):
    """How frames become a labelled, split dataset."""

    seed: int = 0
    """Of the split, and of nothing else."""
    val_fraction: float = 0.06
    """Expected share of the pictures that training is watched on."""
    test_fraction: float = 0.06
    """Expected share that only the evaluation sees; train has the rest."""
    min_visible_fraction: float = 0.25
    """An object that shows less of its whole area than this gets no label."""
    min_visible_px: int = 64
    """An object that shows fewer pixels than this gets no label."""
    min_box_side_px: int = 6
    """Nor does one whose visible pixels lie in a box with a shorter side than this: a sliver beside another object or
    at the picture's edge. Objects below one of the three thresholds are marked as to be ignored in COCO files."""
    formats: tuple[Format, ...] = ("coco",)
    """Which label files to write beside the items; none of them is needed for training here. ``"bop"``, for 6D poses,
    wants a render made with --keep-layers and the catalogue."""
    contact_sheet_pictures: int = 24
    """How many pictures the contact sheet shows; 0 for no sheet."""


def check_config(config: DatasetConfig) -> None:
    """Refuse settings that cannot work.

    Raises:
        ConfigError: naming the field, what was expected and what was found.
    """
    if config.seed < 0:
        raise ConfigError(f"dataset.seed must be 0 or more, got {config.seed}")
    for name in ("val_fraction", "test_fraction", "min_visible_fraction"):
        value = getattr(config, name)
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"dataset.{name} must lie in 0..1, got {value}")
    if config.val_fraction + config.test_fraction >= 1.0:
        raise ConfigError(
            f"dataset.val_fraction + dataset.test_fraction must leave something to train on (less than 1), "
            f"got {config.val_fraction} + {config.test_fraction}"
        )
    for name in ("min_visible_px", "min_box_side_px", "contact_sheet_pictures"):
        if getattr(config, name) < 0:
            raise ConfigError(f"dataset.{name} must be 0 or more, got {getattr(config, name)}")
    if len(set(config.formats)) != len(config.formats):
        raise ConfigError(f"dataset.formats names one format twice: {', '.join(config.formats)}")
