"""Memory: keep glibc from giving large blocks back to the system between steps."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
DEFAULT_TRIM_BYTES, DEFAULT_MMAP_MAX = 128 * 1024, 65536


@contextmanager
def reused_blocks() -> Iterator[None]:
    """Inside, freed memory stays with the process and is used again; afterwards it is given back.

    Each step frees and asks for the same activations of tens of MB. glibc would map and unmap them each time, and
    the page faults take a fifth of a training step. Does nothing where the C library has no mallopt.
    """
    try:
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    except (OSError, AttributeError, TypeError):
        yield
        return
    try:
        yield
    finally:
        library.mallopt(M_MMAP_MAX, DEFAULT_MMAP_MAX)
        library.mallopt(M_TRIM_THRESHOLD, DEFAULT_TRIM_BYTES)
        library.malloc_trim(0)
