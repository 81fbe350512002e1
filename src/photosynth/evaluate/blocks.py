"""Blocks: pictures are read and answered a few at a time, and the answers survive an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.errors import ConfigError
from photosynth.core.photo import read_photo
from photosynth.core.progress import Progress
from photosynth.core.record import Record, from_json, to_json
from photosynth.evaluate.photos import Picture

BLOCK_FOLDER = "blocks"
IN_MEMORY = 16
"""Pictures decoded at a time."""


class Failure(Record, frozen=True, kw_only=True):
    """One line of ``failures.jsonl``: a picture that could not be read."""

    folder: str
    """Which folder it lies in."""
    file: str
    """Its path inside that folder."""
    error: str
    """Why."""


class Block(Protocol):
    """A record of the answers to a run of pictures."""

    failures: tuple[Failure, ...]
    """Pictures that could not be read, twice."""

    def __len__(self) -> int:
        """Pictures answered."""


B = TypeVar("B", bound=Block)


def answer_in_blocks(
    name: str,
    pictures: Sequence[Picture],
    kind: type[B],
    answer: Callable[[Sequence[Picture]], B],
    writer: ArtifactWriter,
    progress: Progress,
    block_size: int,
) -> list[B]:
    """Answer all pictures, in order; blocks that an interrupted run finished are read, not made again.

    Args:
        name: part of the block files' names: they go to ``blocks/NAME-00000.json``.
        pictures: what to answer.
        kind: the blocks' record.
        answer: makes a block.
        writer: of the artifact.
        progress: told of each block.
        block_size: pictures answered before their answers are written.
    """
    blocks = []
    for start in range(0, len(pictures), block_size):
        part = pictures[start : start + block_size]
        relative = f"{BLOCK_FOLDER}/{name}-{start // block_size:05d}.json"
        block = _read_block(writer, relative, kind, len(part))
        if block is None:
            block = answer(part)
            writer.write(relative, to_json(block))
        blocks.append(block)
        progress.advance(len(part))
    return blocks


def read_pictures(
    pictures: Sequence[Picture], failures: list[Failure]
) -> Iterator[tuple[list[Picture], list[np.ndarray]]]:
    """The pictures decoded in full, as browsers and phones decode them, a few at a time.

    Those that cannot be read, twice, are added to `failures` and left out.
    """
    for start in range(0, len(pictures), IN_MEMORY):
        readable, images = [], []
        for picture in pictures[start : start + IN_MEMORY]:
            image = _read_twice(picture)
            if isinstance(image, str):
                failures.append(Failure(folder=picture.folder, file=picture.file, error=image))
            else:
                readable.append(picture)
                images.append(image)
        if images:
            yield readable, images


def _read_block(writer: ArtifactWriter, relative: str, kind: type[B], count: int) -> B | None:
    try:
        block = from_json(writer.path(relative).read_bytes(), kind, relative)
    except (OSError, ConfigError):
        return None
    return block if len(block) + len(block.failures) == count else None


def _read_twice(picture: Picture) -> np.ndarray | str:
    """The picture, or what went wrong the second time."""
    problem = ""
    for _ in range(2):
        try:
            return read_photo(picture.path)
        except (ConfigError, MemoryError) as error:
            problem = str(error) or type(error).__name__
    return problem
