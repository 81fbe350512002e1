"""A file that is written piece by piece and appears whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from photosynth.core.errors import ArtifactError


class AtomicStream:
    """Bytes on their way to `path`, held in ``NAME.tmp`` until the ``with`` block ends well.

    Raises:
        ArtifactError: if the disk is full or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(path.name + ".tmp")
        self._file: BinaryIO | None = None

    def __enter__(self) -> AtomicStream:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._temporary, "wb")
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        return self

    def write(self, data: bytes) -> None:
        """Append."""
        try:
            self._open_file().write(data)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def append_file(self, path: Path) -> None:
        """Append another file's content, a piece at a time."""
        try:
            with open(path, "rb") as source:
                shutil.copyfileobj(source, self._open_file(), 1 << 20)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._open_file().close()
            if kind is None:
                os.replace(self._temporary, self.path)
        except OSError as error:
            self._temporary.unlink(missing_ok=True)
            raise _cannot_write(self.path, error) from error
        if kind is not None:
            self._temporary.unlink(missing_ok=True)

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.path} is written inside a `with` block only")
        return self._file


def _cannot_write(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"cannot write {path}: {error.strerror or error}. Free space or choose another folder, then run the same "
        "command again: finished work is kept."
    )
