"""Corrections: photos that users send with the right answer, kept as real photos to score on."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from pathlib import Path

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.record import Record, to_json
from photosynth.serve.refusal import Refusal

JPEG_QUALITY = 95
LIST_FILE = "corrections.jsonl"


class Correction(Record, frozen=True, kw_only=True):
    """One line of ``corrections.jsonl``."""

    file: str
    """The photo, relative to the folder."""
    label: str
    """The right answer."""
    answered: str
    """What the model had said; empty if the client did not tell."""
    model: str
    """The model's name; empty if the client did not tell."""
    received_s: float
    """When it came, seconds since 1970."""


class Keeper:
    """Writes corrections as ``CLASS/NAME.jpg``: a folder that ``photosynth evaluate --real`` reads as it is.

    Photos are written anew from their upright pixels, so that place, time and camera are not kept.

    Args:
        folder: made if absent.
        max_bytes: of all that is in it.

    Raises:
        ConfigError: if the folder cannot be made.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self._max_bytes, self._lock = folder, max_bytes, threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        except OSError as error:
            raise ConfigError(f"--keep {folder} cannot be used: {error.strerror or error}") from error

    def store(self, picture: np.ndarray, label: str, answered: str, model: str) -> Correction:
        """Keep a (H, W, 3) uint8 picture; the same one with the same label is kept once.

        Raises:
            Refusal: 503 if the folder is full or cannot be written.
        """
        import io

        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        data = buffer.getvalue()
        relative = f"{folder_name(label)}/{hashlib.sha256(data).hexdigest()[:16]}.jpg"
        correction = Correction(file=relative, label=label, answered=answered, model=model, received_s=time.time())
        with self._lock:
            if (self.folder / relative).is_file():
                return correction
            if self._bytes + len(data) > self._max_bytes:
                raise Refusal(503, "folder_full", "the server keeps as many corrections as it may")
            try:
                write_atomic(self.folder / relative, data)
                with open(self.folder / LIST_FILE, "ab") as file:
                    file.write(to_json(correction) + b"\n")
            except (OSError, ArtifactError) as error:
                raise Refusal(503, "folder_full", "the server cannot keep the photo") from error
            self._bytes += len(data)
        return correction


def folder_name(label: str) -> str:
    """A class name as the name of a folder that cannot lie outside its parent."""
    if label == NONE_CLASS:
        return NONE_CLASS
    name = re.sub(r'[\x00-\x1f/\\:*?"<>|]+', "_", label).strip(". ")[:100]
    return name or hashlib.sha256(label.encode()).hexdigest()[:8]
