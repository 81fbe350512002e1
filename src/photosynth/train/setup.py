"""What surrounds the training of any model: threads, randomness and memory; a folder left free; notes on pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Protocol

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.codec import write_jsonl
from photosynth.core.errors import ConfigError
from photosynth.core.manifest import STARTED_FILE


class ReadPictures(Protocol):
    """A split that was read."""

    failures: list[str]
    """One line for each picture that could not be."""


def thread_count(threads: int | None) -> int:
    """As many as asked for, else one for each core."""
    return threads or os.cpu_count() or 1


@contextmanager
def torch_set(threads: int | None, seed: int) -> Iterator[None]:
    """Inside, torch has so many threads, starts from the seed and keeps its memory; all is as before afterwards."""
    import torch

    from photosynth.train.memory import reused_blocks

    threads_before = torch.get_num_threads()
    torch.set_num_threads(thread_count(threads))
    try:
        with reused_blocks(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads_before)


@contextmanager
def free_if_refused(writer: ArtifactWriter) -> Iterator[None]:
    """Leave the folder free for other settings if these are refused (ConfigError) before anything was begun."""
    try:
        yield
    except ConfigError:
        if not (writer.folder / "checkpoints").exists():
            (writer.folder / STARTED_FILE).unlink(missing_ok=True)
        raise


def note_pictures(
    splits: dict[str, tuple[ReadPictures, Set[int]]], class_names: tuple[str, ...], writer: ArtifactWriter
) -> tuple[str, ...]:
    """Notes on pictures that could not be read, which go to ``failures.jsonl``, and on classes that no picture shows.

    Args:
        splits: by name for people, with the class ids that their pictures show.
        class_names: all of them.
        writer: of the artifact.
    """
    failures = [line for pictures, _ in splits.values() for line in pictures.failures]
    if failures:
        write_jsonl(writer.path("failures.jsonl"), [{"error": line} for line in failures])
    notes = []
    for split, (pictures, shown) in splits.items():
        if pictures.failures:
            notes.append(f"{len(pictures.failures)} {split} pictures could not be read; see failures.jsonl")
        absent = [name for k, name in enumerate(class_names) if k not in shown]
        if absent:
            notes.append(f"no {split} picture shows: {', '.join(absent)}")
    return tuple(notes)
