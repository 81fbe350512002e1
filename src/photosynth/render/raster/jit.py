"""The one way kernels are compiled: no GIL, cached on disk, checked for bounds when NUMBA_BOUNDSCHECK=1.

Fast-math is limited to the flags that never assume finite numbers, so that a NaN in a scan stays where it is.
Numba's disk cache looks only at the file a kernel stands in. Our kernels call each other across files, so the
cache key here also carries a digest of every file in this folder and the bounds-check setting: an edit anywhere
recompiles, and checked and unchecked code never mix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core.caching import FunctionCache

from photosynth.core.vectors import prepare_numba

prepare_numba()

_FAST_MATH = ("arcp", "contract", "nsz", "reassoc")
_BOUNDS_CHECK = bool(config.BOUNDSCHECK)


def _sources_digest() -> str:
    digest = hashlib.sha256(repr((_FAST_MATH, _BOUNDS_CHECK)).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


SOURCES = _sources_digest()
"""Digest of the files beside this one, and of how they are compiled."""


class _DigestedCache(FunctionCache):
    """Numba's cache with our digest in every key."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple:
        return (*super()._index_key(sig, codegen), SOURCES)


def kernel(function: Callable) -> Callable:
    """Compile `function` on its first call, or load it from the cache beside this file (or in the user's cache
    folder). Where neither can be written, it is compiled in each process."""
    return _compiled(function, set(_FAST_MATH))


def exact_kernel(function: Callable) -> Callable:
    """The same with arithmetic as it is written, for decisions: what is a tie in one process is one in all. The other
    kernels may round differently from one process to the next, as it depends on what was compiled with what."""
    return _compiled(function, False)


def _compiled(function: Callable, fast_math: set[str] | bool) -> Callable:
    dispatcher = njit(nogil=True, error_model="numpy", boundscheck=_BOUNDS_CHECK, fastmath=fast_math)(function)
    try:
        dispatcher._cache = _DigestedCache(function)
    except RuntimeError:  # no writable place for a cache
        pass
    return dispatcher
