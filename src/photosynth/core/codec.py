"""How layers and lists of records become files, and come back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.frame import Rle
from photosynth.core.record import from_json, to_json

T = TypeVar("T")


def rle_from_mask(mask: np.ndarray) -> Rle:
    """A (H, W) boolean mask as COCO run-length code."""
    from pycocotools import mask as coco_mask

    code = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return Rle(size=(int(mask.shape[0]), int(mask.shape[1])), counts=code["counts"].decode("ascii"))


def mask_from_rle(rle: Rle) -> np.ndarray:
    """The (H, W) boolean mask of a code."""
    from pycocotools import mask as coco_mask

    return coco_mask.decode({"size": list(rle.size), "counts": rle.counts.encode("ascii")}).astype(bool)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: to ``NAME.tmp`` first, then renamed.

    Raises:
        ArtifactError: if the disk is full or the folder cannot be written; the unfinished file is removed.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ArtifactError(
            f"cannot write {path}: {error.strerror or error}. Free space or choose another folder, then run the "
            "same command again: finished work is kept."
        ) from error


def write_jsonl(path: Path, records: Iterable[object]) -> None:
    """Records as JSON, one on a line; written atomically."""
    write_atomic(path, b"".join(to_json(record) + b"\n" for record in records))


def read_jsonl(path: Path, kind: type[T]) -> Iterator[T]:
    """Records of a JSON-lines file, one at a time. Raises ArtifactError naming the file and the line."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield from_json(line, kind, f"{path}:{number}")
                except ConfigError as error:
                    raise ArtifactError(str(error)) from error
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
