"""Batches for the detector. Everything drawn depends on (seed, epoch, position) alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from photosynth.core.rng import rng_for
from photosynth.models.detect_targets import Targets, make_targets
from photosynth.train.batches import steps_per_epoch
from photosynth.train.detect_augment import augment
from photosynth.train.detect_config import DetectConfig
from photosynth.train.detect_pictures import Labelled
from photosynth.train.detect_stream import Stream

MOSAIC_OTHERS = 3


@dataclass(frozen=True, eq=False)
class DetectBatch:
    """images (n, S, S, 3) uint8, and what they show."""

    images: np.ndarray
    targets: Targets


def epoch_batches(stream: Stream, epoch: int, size_px: int, config: DetectConfig) -> Iterator[DetectBatch]:
    """An epoch's batches in order; the next one is made in a background thread while one is used."""
    pictures = iter(stream.epoch(epoch))
    with ThreadPoolExecutor(1) as pool:

        def ahead(step: int) -> object:
            first = epoch * stream.epoch_pictures + step * config.batch_size
            return pool.submit(_next_batch, pictures, first, size_px, config)

        waiting = ahead(0)
        for step in range(steps_per_epoch(stream.epoch_pictures, config.batch_size)):
            batch = waiting.result()
            waiting = ahead(step + 1)
            yield batch
        waiting.cancel()


def _next_batch(pictures: Iterator[Labelled], first: int, size_px: int, config: DetectConfig) -> DetectBatch:
    raw = list(islice(pictures, config.batch_size))
    made = [
        augment(
            picture,
            size_px,
            config.augment,
            rng_for(config.seed, first + k, "detect-augment"),
            [raw[(k + j) % len(raw)] for j in range(1, MOSAIC_OTHERS + 1)],
        )
        for k, picture in enumerate(raw)
    ]
    targets = make_targets([m.boxes_xyxy for m in made], [m.class_ids for m in made], [m.ignored_xyxy for m in made])
    images = np.stack([m.image for m in made]) if made else np.empty((0, size_px, size_px, 3), np.uint8)
    return DetectBatch(images, targets)
