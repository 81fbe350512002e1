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

DEPTH_STEPS_M = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-5, 2e-5, 1e-5)
"""Steps that depth may be counted in; the first that suits a picture is taken."""
DEPTH_PRECISION = 1e-3
"""Largest error of a kept depth, as a share of it."""
NO_DEPTH = 65535
"""In place of a number of steps: nothing is there."""
HALF_MAX_M = 65504.0
"""The largest number of 16-bit floats."""
LAYERS_ZIP_LEVEL = 3
"""Level 6 takes 2.5 times the time to save a quarter."""


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

    0.1 mm holds 5 cm to 6.5 m; other steps are taken for pictures that reach beyond that.
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

    Keys: ``instance_ids`` (H, W) uint16; ``normal_deltas`` (H, W, 3) uint8, of normals times 127 as int8;
    ``depth_deltas`` (H, W) uint16, of depth in steps of ``depth_step_m``, NO_DEPTH where nothing is and 0 on
    occluders. Deltas are differences from the pixel to the left, modulo their range, which pack best: a running sum
    along each row undoes them. Where no step suits, ``depth_m`` (H, W) float16 stands for depth, which is within 0.05 %
    (float32 beyond 65 km).
    """
    step = depth_step_m(depth_m)
    arrays = {
        "instance_ids": np.asarray(instance_ids, np.uint16),
        "normal_deltas": _deltas(np.rint(np.asarray(normals) * 127).astype(np.int8).view(np.uint8)),
    }
    if step is None:
        farthest = np.max(depth_m, where=np.isfinite(depth_m), initial=0.0)
        arrays["depth_m"] = np.asarray(depth_m, np.float16 if farthest < HALF_MAX_M else np.float32)
    else:
        steps = np.rint(np.where(np.isfinite(depth_m), depth_m, NO_DEPTH * step) / step)
        arrays |= {"depth_deltas": _deltas(steps.astype(np.uint16)), "depth_step_m": np.float64(step)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array, order="C"))
            info = zipfile.ZipInfo(f"{name}.npy")  # without today's date
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, LAYERS_ZIP_LEVEL)
    return buffer.getvalue()


def read_layers(path: Path) -> KeptLayers:
    """The layers of one picture, from the file that its record names. Raises ArtifactError if it cannot be read."""
    try:
        with np.load(path) as kept:
            ids = kept["instance_ids"]
            normals = _sums(kept["normal_deltas"]).view(np.int8).astype(np.float32) / np.float32(127)
            if "depth_m" in kept:
                return KeptLayers(kept["depth_m"].astype(np.float32), ids, normals, None)
            steps, step = _sums(kept["depth_deltas"]), float(kept["depth_step_m"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ArtifactError(f"{path} cannot be read as a picture's layers ({error}); render again") from error
    depth = np.where(steps == NO_DEPTH, np.float32(np.inf), (steps * step).astype(np.float32))
    return KeptLayers(depth, ids, normals, step)


def _deltas(values: np.ndarray) -> np.ndarray:
    """Each value less the one to its left, modulo its range; (H, W) or (H, W, n) of an unsigned type."""
    deltas = values.copy()
    deltas[:, 1:] -= values[:, :-1]
    return deltas


def _sums(deltas: np.ndarray) -> np.ndarray:
    return np.cumsum(deltas, axis=1, dtype=deltas.dtype)


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
