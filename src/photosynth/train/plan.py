"""Plan: how long training will take, before it starts."""

from __future__ import annotations

import os

from photosynth.models.info import LITE0
from photosynth.train.config import TrainConfig
from photosynth.train.processor import uses_bfloat16

TRAIN_CORE_SECONDS_PER_MEGAPIXEL = 1.15
"""One core's time to learn from a megapixel with EfficientNet-Lite0. Measured with two threads on two virtual cores
of an Intel Xeon with AVX-512 at 2.6 GHz, batch 32, torch 2.15."""
BFLOAT16_TIME = 0.72
"""Of float32's, on a processor with matrix units for bfloat16: 27.6 and 38.5 ms a picture of 192 px."""
PREDICT_CORE_SECONDS_PER_MEGAPIXEL = 0.35
"""The same without learning."""
LITE0_GFLOPS_PER_MEGAPIXEL = 0.385 / 0.224**2
LOAD_SECONDS_PER_PICTURE = 0.001
DEFAULT_CORES = 2


def estimate_seconds(config: TrainConfig, n_train: int, n_val: int = 0) -> float:
    """Expected seconds of the train stage on this computer's cores; within a factor of two on common machines.

    Other backbones than EfficientNet-Lite0 are scaled by their published arithmetic. With some blocks frozen (but
    not all) it takes less than this.
    """
    threads = config.threads or os.cpu_count() or DEFAULT_CORES
    megapixels = sum((config.epoch_px(epoch) / 1000.0) ** 2 for epoch in range(config.epochs)) * n_train
    val_megapixels = (config.input_px / 1000.0) ** 2 * config.epochs * n_val
    learn = TRAIN_CORE_SECONDS_PER_MEGAPIXEL if config.unfrozen_blocks != 0 else PREDICT_CORE_SECONDS_PER_MEGAPIXEL
    learn *= BFLOAT16_TIME if uses_bfloat16(config.precision) else 1.0
    work = learn * megapixels + PREDICT_CORE_SECONDS_PER_MEGAPIXEL * val_megapixels
    return work * relative_cost(config.backbone) / threads + LOAD_SECONDS_PER_PICTURE * (n_train + n_val)


def relative_cost(backbone: str) -> float:
    """A backbone's arithmetic for a picture, EfficientNet-Lite0 being 1. Raises ConfigError for an unknown name."""
    if backbone == LITE0:
        return 1.0
    import torchvision

    from photosynth.models.backbones import check_name

    check_name(backbone)
    published = torchvision.models.get_model_weights(backbone).DEFAULT
    crop_px = published.transforms().crop_size[0]
    return published.meta["_ops"] / (crop_px / 1000.0) ** 2 / LITE0_GFLOPS_PER_MEGAPIXEL


def time_note(config: TrainConfig, n_train: int, n_val: int = 0) -> str:
    """One line for people, such as "training: 3 epochs of 8000 pictures at 192 px, about 6 minutes"."""
    seconds = estimate_seconds(config, n_train, n_val)
    span = f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{max(1, round(seconds))} seconds"
    return f"training: {config.epochs} epochs of {n_train} pictures at {config.input_px} px, about {span}"
