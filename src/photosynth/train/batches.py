"""Batches: what one training step sees. Everything drawn depends on (seed, epoch, position) alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from photosynth.core.rng import rng_for
from photosynth.train.augment import augment, mix_batch
from photosynth.train.config import TrainConfig
from photosynth.train.pictures import Pictures


@dataclass(frozen=True, eq=False)
class Batch:
    """images (n, S, S, 3) uint8; targets (n, classes) float32, rows sum to 1."""

    images: np.ndarray
    targets: np.ndarray


def steps_per_epoch(n_train: int, batch_size: int) -> int:
    """Full batches in an epoch (the rest has its turn in another epoch's order), or one smaller one."""
    return max(1, n_train // batch_size)


def epoch_order(n_train: int, epoch: int, seed: int) -> np.ndarray:
    """The order of an epoch's pictures, (n_train,) int64."""
    return rng_for(seed, epoch, "train-order").permutation(n_train)


def make_batch(pictures: Pictures, epoch: int, step: int, n_outputs: int, config: TrainConfig) -> Batch:
    """The augmented pictures and smoothed targets of one step."""
    positions = epoch_order(len(pictures), epoch, config.seed)[step * config.batch_size :][: config.batch_size]
    size_px = config.epoch_px(epoch)
    images = np.stack([_augmented(pictures, int(i), epoch, size_px, config) for i in positions])
    targets = smooth_targets(pictures.labels[positions], n_outputs, config.label_smoothing)
    index = epoch * steps_per_epoch(len(pictures), config.batch_size) + step
    return Batch(*mix_batch(images, targets, config.augment, rng_for(config.seed, index, "train-mix")))


def epoch_batches(pictures: Pictures, epoch: int, n_outputs: int, config: TrainConfig) -> Iterator[Batch]:
    """An epoch's batches in order; the next one is made in a background thread while one is used."""
    steps = steps_per_epoch(len(pictures), config.batch_size)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make_batch, pictures, epoch, 0, n_outputs, config)
        for step in range(steps):
            batch = waiting.result()
            if step + 1 < steps:
                waiting = pool.submit(make_batch, pictures, epoch, step + 1, n_outputs, config)
            yield batch


def smooth_targets(labels: np.ndarray, n_outputs: int, smoothing: float) -> np.ndarray:
    """(n,) labels to (n, n_outputs) float32: 1 - smoothing on the label, smoothing spread over all (Szegedy 2016)."""
    targets = np.full((len(labels), n_outputs), smoothing / n_outputs, np.float32)
    targets[np.arange(len(labels)), labels] += 1.0 - smoothing
    return targets


def _augmented(pictures: Pictures, position: int, epoch: int, size_px: int, config: TrainConfig) -> np.ndarray:
    rng = rng_for(config.seed, epoch * len(pictures) + position, "train-augment")
    return augment(pictures.image(position), pictures.boxes_rel[position], size_px, config.augment, rng)
