"""Plan of the detector's training: how many epochs, and how long they take."""

from __future__ import annotations

import os

from photosynth.models.info import LITE0
from photosynth.train.detect_config import BUDGET_MINUTES, MAX_EPOCHS, DetectConfig, epoch_px
from photosynth.train.processor import uses_bfloat16

TRAIN_CORE_SECONDS_PER_MEGAPIXEL = 1.25
"""One core's time to learn from a megapixel with the default detector, its first four parts frozen. One thread of an
Intel Xeon with AVX-512 at 2.6 GHz, batch 32, torch 2.15, used 1.0 and RetinaNet's head 1.1 on a busy machine; the rest
is what two threads lose."""
FIND_CORE_SECONDS_PER_MEGAPIXEL = 0.45
"""The same without learning, suppression and scores included."""
BFLOAT16_TIME = 0.62
"""Of float32's, on a processor with matrix units for bfloat16: 73 and 118 ms a picture of 320 px, 34 and 51 of 224."""
UNFROZEN = 1.35
"""Times more with no part frozen."""
RESNET50, TORCHVISION_RETINANET = 8.0, 20.0
"""Times more with ResNet-50, and with torchvision's retinanet_resnet50_fpn_v2."""
LIVE_CORE_SECONDS_PER_PICTURE = 0.06
"""To sample and render a picture of 320 px while it trains."""
DEFAULT_CORES = 2


def planned_epochs(config: DetectConfig, n_train: int, n_val: int, live: bool = False) -> int:
    """The epochs asked for, or as many as DEFAULT_CORES cores do in the budget, 1 .. MAX_EPOCHS.

    It does not look at this computer: the same settings and pictures give the same training everywhere.
    """
    if config.epochs is not None:
        return config.epochs
    for epochs in range(MAX_EPOCHS, 1, -1):
        if core_seconds(config, epochs, n_train, n_val, live) <= BUDGET_MINUTES * 60 * DEFAULT_CORES:
            return epochs
    return 1


def estimate_seconds(config: DetectConfig, n_train: int, n_val: int, live: bool = False) -> float:
    """Expected seconds of the train-detector stage on this computer's cores; within a factor of two."""
    threads = config.threads or os.cpu_count() or DEFAULT_CORES
    epochs = planned_epochs(config, n_train, n_val, live)
    return core_seconds(config, epochs, n_train, n_val, live, uses_bfloat16(config.precision)) / threads


def core_seconds(
    config: DetectConfig, epochs: int, n_train: int, n_val: int, live: bool = False, bfloat16: bool = False
) -> float:
    """Expected core seconds of so many epochs; with `live`, pictures are rendered meanwhile."""
    n_epoch = config.epoch_pictures or n_train
    rendering = LIVE_CORE_SECONDS_PER_PICTURE * (n_epoch * epochs + n_val) if live else 0.0
    learnt = sum((epoch_px(config, epoch, epochs) / 1000.0) ** 2 for epoch in range(epochs)) * n_epoch
    found = (config.input_px / 1000.0) ** 2 * epochs * n_val
    factor = UNFROZEN if config.frozen_parts == 0 or config.weights == "none" else 1.0
    factor *= BFLOAT16_TIME if bfloat16 else 1.0
    work = TRAIN_CORE_SECONDS_PER_MEGAPIXEL * factor * learnt + FIND_CORE_SECONDS_PER_MEGAPIXEL * found
    if config.network.backbone == LITE0:
        return work + rendering
    return work * (TORCHVISION_RETINANET if config.network.is_torchvision else RESNET50) + rendering


def time_note(config: DetectConfig, n_train: int, n_val: int, live: bool = False) -> str:
    """One line for people."""
    seconds = estimate_seconds(config, n_train, n_val, live)
    span = f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{max(1, round(seconds))} seconds"
    epochs, n_epoch = planned_epochs(config, n_train, n_val, live), config.epoch_pictures or n_train
    return f"training the detector: {epochs} epochs of {n_epoch} pictures at {config.input_px} px, about {span}"
