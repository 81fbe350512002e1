"""The one way CUDA kernels are compiled: on their first launch, or loaded from numba's cache on disk.

As in raster.jit, the cache's keys carry a digest of every file of both folders: kernels are made of functions of both.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, cuda

from photosynth.render import raster

SIMULATED = bool(config.ENABLE_CUDASIM)
"""Kernels run in numba's simulator, as Python."""


def cuda_kernel(function: Callable) -> Any:
    """Compile `function` as a kernel when it is launched; without a place for a cache, again in each process."""
    kernel = cuda.jit(function)
    if not SIMULATED:
        with contextlib.suppress(RuntimeError):  # no writable place for a cache
            kernel._cache = _digested_cache(function)
    return kernel


def _digested_cache(function: Callable) -> Any:
    from numba.cuda.dispatcher import CUDACache

    class DigestedCache(CUDACache):
        """Numba's cache with our digest in every key."""

        def _index_key(self, sig: Any, codegen: Any) -> tuple:
            return (*super()._index_key(sig, codegen), sources_digest())

    return DigestedCache(function)


_digest: list[str] = []


def sources_digest() -> str:
    """A digest of all that kernels are made of and with: SHA-256, hex."""
    if not _digest:
        found = hashlib.sha256(getattr(cuda, "__version__", "").encode())
        for folder in (Path(__file__).parent, Path(raster.__file__).parent):
            for path in sorted(folder.glob("*.py")):
                found.update(path.read_bytes())
        _digest.append(found.hexdigest())
    return _digest[0]
