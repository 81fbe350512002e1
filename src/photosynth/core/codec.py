"""How layers and lists of records become files, and come back."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.frame import KeptLayers, Rle
from photosynth.core.record import from_json, to_json

T = TypeVar("T")

DEPTH_STEPS_M = (1e-4, 1e-5, 1e-3, 1e-2)
"""Steps that depth may be counted in; the first that keeps DEPTH_PRECISION is taken."""
DEPTH_PRECISION = 1e-3
"""Largest error of a kept depth, as a share of it."""
NO_DEPTH = 65535
"""In place of a number of steps: nothing is there."""


def rle_from_mask(mask: np.ndarray) -> Rle:
    """A (H, W) boolean mask as COCO run-length code."""
    from pycocotools import mask as coco_mask

    code = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return Rle(size=(int(mask.shape[0]), int(mask.shape[1])), counts=code["counts"].decode("ascii"))


def mask_from_rle(rle: Rle) -> np.ndarray:
    """The (H, W) boolean mask of a code."""
    from pycocotools import mask as coco_mask

    return coco_mask.decode({"size": list(rle.size), "counts": rle.counts.encode("ascii")}).astype(bool)


def depth_step_m(depth_m: np.ndarray) -> float | None:
    """The step in which 16-bit numbers hold every depth of a picture within DEPTH_PRECISION; None if none does.

    0.1 mm holds 5 cm to 6.5 m, 0.01 mm a tenth of these, 1 mm and 1 cm ten and a hundred times as much.
    """
    given = depth_m[np.isfinite(depth_m) & (depth_m > 0)]
    if not given.size:
        return DEPTH_STEPS_M[0]
    nearest, farthest = float(given.min()), float(given.max())
    for step in DEPTH_STEPS_M:
        if step / 2 <= DEPTH_PRECISION * nearest and farthest < (NO_DEPTH - 1) * step:
            return step
    return None


def layers_npz(depth_m: np.ndarray, instance_ids: np.ndarray, normals: np.ndarray) -> bytes:
    """A picture's layers as a compressed NPZ; equal layers give equal bytes.

    Keys: ``instance_ids`` (H, W) uint16; ``normals`` (H, W, 3) int8, 127 for 1; ``depth_steps`` (H, W) uint16 with
    ``depth_step_m``, NO_DEPTH where nothing is and 0 on occluders; or, where no step is fine and large enough,
    ``depth_m`` (H, W) float32.
    """
    step = depth_step_m(depth_m)
    if step is None:
        depth = {"depth_m": np.asarray(depth_m, np.float32)}
    else:
        steps = np.rint(np.where(np.isfinite(depth_m), depth_m, NO_DEPTH * step) / step)
        depth = {"depth_steps": steps.astype(np.uint16), "depth_step_m": np.float64(step)}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        instance_ids=np.asarray(instance_ids, np.uint16),
        normals=np.rint(np.asarray(normals) * 127).astype(np.int8),
        **depth,
    )
    return buffer.getvalue()


def read_layers(path: Path) -> KeptLayers:
    """The layers of one picture, from the file that its record names. Raises ArtifactError if it cannot be read."""
    try:
        with np.load(path) as kept:
            ids, normals = kept["instance_ids"], kept["normals"].astype(np.float32) / np.float32(127)
            if "depth_m" in kept:
                return KeptLayers(kept["depth_m"], ids, normals, None)
            steps, step = kept["depth_steps"], float(kept["depth_step_m"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ArtifactError(f"{path} cannot be read as a picture's layers ({error}); render again") from error
    depth = np.where(steps == NO_DEPTH, np.float32(np.inf), (steps * step).astype(np.float32))
    return KeptLayers(depth, ids, normals, step)


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
