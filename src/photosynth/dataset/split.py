"""Which split a picture belongs to."""

from __future__ import annotations

from photosynth.core.items import Split
from photosynth.core.rng import fraction_for
from photosynth.dataset.config import DatasetConfig


def split_for(config: DatasetConfig, index: int) -> Split:
    """The split of scene `index`: a hash of (seed, index), so that neither the order of the pictures nor how many
    there are moves one of them, and a set that grows keeps its test pictures."""
    fraction = fraction_for(config.seed, index, "split")
    if fraction < config.test_fraction:
        return "test"
    return "val" if fraction < config.test_fraction + config.val_fraction else "train"
