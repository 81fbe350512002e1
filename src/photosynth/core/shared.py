"""Shared: arrays that are worked out once for several processes, and mapped into the memory of each.

A folder of such files belongs to one catalogue and one piece of work, and goes when that is done. Nothing depends on
what is in it: whatever is missing is worked out again.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record, from_json, to_json

MAX_BYTES = 4 << 30
"""A folder grows no larger than this."""
LEFT_BYTES = 1 << 30
"""And leaves so much of its disk free."""
ALIGNED = 64
"""Arrays begin at multiples of this."""
_LENGTH = 8
"""Bytes of a file that hold the length of its head."""

Arrays = dict[str, np.ndarray]


class _Place(Record, frozen=True, kw_only=True):
    """Where an array is in a file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    """From the end of the head."""


class SharedArrays:
    """A folder of named arrays.

    Args:
        folder: made when first written to.
        version: of whatever works the arrays out; what was written by another version is not seen.
    """

    def __init__(self, folder: Path, version: str = "") -> None:
        self.folder, self._version = Path(folder), version

    def get(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays of that name: mapped if a process has written them, else made, written and mapped.

        Where they cannot be written, for want of room or of leave, they are those that `make` returned. What a process
        changes in them no other one sees.
        """
        path = self.folder / f"{hashlib.sha256(f'{self._version}/{name}'.encode()).hexdigest()[:32]}.arrays"
        mapped = _mapped(path)
        if mapped is not None:
            return mapped
        made = make()
        if not self._write(path, made):
            return made
        return _mapped(path) or made

    def _write(self, path: Path, arrays: Arrays) -> bool:
        places, end = {}, 0
        for key, array in arrays.items():
            places[key] = _Place(dtype=array.dtype.str, shape=array.shape, offset=end)
            end += -(-array.nbytes // ALIGNED) * ALIGNED
        head = to_json(places)
        head += b" " * (-(len(head) + _LENGTH) % ALIGNED)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            held = sum(entry.stat().st_size for entry in os.scandir(self.folder))
            if held + end > MAX_BYTES or shutil.disk_usage(self.folder).free < end + LEFT_BYTES:
                return False
            with open(temporary, "wb") as file:
                file.write(len(head).to_bytes(_LENGTH, "little") + head)
                for array in arrays.values():
                    file.write(np.ascontiguousarray(array).tobytes())
                    file.write(bytes(-array.nbytes % ALIGNED))
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return False
        return True

    def remove(self) -> None:
        """Remove the folder and all that is in it; a process that has arrays of it keeps them."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _mapped(path: Path) -> Arrays | None:
    """The arrays of a file, copied on write; None if it is not there or not whole."""
    try:
        with open(path, "rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        start = _LENGTH + int.from_bytes(memory[:_LENGTH], "little")
        places = from_json(memory[_LENGTH:start], dict[str, _Place], str(path))
        return {k: np.ndarray(p.shape, p.dtype, buffer=memory, offset=start + p.offset) for k, p in places.items()}
    except (OSError, ValueError, TypeError, ConfigError):
        return None
