"""Streams: the pictures of an epoch in order, from a dataset on disk or rendered while it trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from photosynth.core.engine import FrameSource
from photosynth.core.errors import QualityError
from photosynth.core.rng import rng_for
from photosynth.train.detect_pictures import DetectPictures, Labelled, labelled


class Stream(Protocol):
    """What the training loop learns from."""

    epoch_pictures: int
    """Pictures in an epoch."""

    def epoch(self, epoch: int) -> Iterator[Labelled]:
        """The pictures of an epoch (from 0), the same each time it is asked for."""


class DatasetStream:
    """A split of a dataset, in another order each epoch.

    Args:
        pictures: the split.
        seed: of the orders.
        epoch_pictures: pictures in an epoch; None for all. Fewer begin where the epoch before ended.
    """

    def __init__(self, pictures: DetectPictures, seed: int, epoch_pictures: int | None = None) -> None:
        self.pictures, self.seed = pictures, seed
        self.epoch_pictures = epoch_pictures or len(pictures)

    def epoch(self, epoch: int) -> Iterator[Labelled]:
        """See Stream."""
        n, order, turn = len(self.pictures), None, -1
        for place in range(epoch * self.epoch_pictures, (epoch + 1) * self.epoch_pictures):
            if place // n != turn:
                turn = place // n
                order = rng_for(self.seed, turn, "train-order").permutation(n)
            yield self.pictures[int(order[place % n])]


class LiveStream:
    """Pictures that are rendered while they are learnt; every epoch has new ones.

    Args:
        source: where they come from.
        first: number of the first scene.
        epoch_pictures: pictures in an epoch.
    """

    def __init__(self, source: FrameSource, first: int, epoch_pictures: int) -> None:
        self.source, self.first, self.epoch_pictures = source, first, epoch_pictures

    def epoch(self, epoch: int) -> Iterator[Labelled]:
        """See Stream; in place of a scene that gives no picture comes the picture before it.

        Raises:
            QualityError: if the epoch begins with many scenes that give none.
        """
        start = self.first + epoch * self.epoch_pictures
        last, owed = None, 0
        for made in self.source.frames(range(start, start + self.epoch_pictures)):
            last = labelled(*made) if made is not None else last
            owed += 1
            if last is not None:
                yield from [last] * owed
                owed = 0
        if owed:
            raise QualityError(f"no scene from {start} to {start + owed - 1} gave a picture to learn from")


def live_pictures(source: FrameSource, indices: Sequence[int]) -> list[Labelled]:
    """The pictures of some scenes, those that give none left out; for validation."""
    return [labelled(*made) for made in source.frames(indices) if made is not None]
