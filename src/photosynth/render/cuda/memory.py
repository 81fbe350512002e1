"""Arrays on the GPU: what stays the same from scene to scene is sent once, the rest has room that is used again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numba import cuda

KEPT_BYTES = 2 << 30
"""Arrays kept on the GPU, all together."""


class DeviceMemory:
    """One engine's arrays on the GPU."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self.limit, self.used = kept_bytes, 0
        self._kept: OrderedDict[int, tuple[np.ndarray, Any]] = OrderedDict()
        self._rooms: dict[tuple[str, np.dtype], Any] = {}

    def keep(self, array: np.ndarray) -> Any:
        """A copy of an array that never changes; the latest asked for are kept, as many as `kept_bytes` hold."""
        number = id(array)  # the array is held, so nobody else gets this number
        if number not in self._kept:
            self._kept[number] = (array, cuda.to_device(_filled(array)))
            self.used += array.nbytes
            while self.used > self.limit and len(self._kept) > 1:
                _, (oldest, _) = self._kept.popitem(last=False)
                self.used -= oldest.nbytes
        self._kept.move_to_end(number)
        return self._kept[number][1]

    def put(self, name: str, array: np.ndarray) -> Any:
        """A copy of an array, good until `put` or `room` is asked for the same name again."""
        filled = _filled(array)
        target = self.room(name, filled.shape, filled.dtype)
        target.copy_to_device(filled)
        return target

    def room(self, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        """An array of any content, good until the same name is asked for again. A side of 0 becomes 1."""
        shape, kind = tuple(max(side, 1) for side in shape), np.dtype(dtype)
        count, key = int(np.prod(shape)), (name, np.dtype(dtype))
        if key not in self._rooms or len(self._rooms[key]) < count:
            self._rooms[key] = cuda.device_array(count + count // 4, kind)
        return self._rooms[key][:count].reshape(shape)


def _filled(array: np.ndarray) -> np.ndarray:
    """An array as it can be sent: contiguous, and zeros in place of one without numbers."""
    if not array.size:
        return np.zeros(tuple(max(side, 1) for side in array.shape), array.dtype)
    return np.ascontiguousarray(array)
