"""The one way kernels of this room are compiled: no GIL, cached on disk, fast-math that never assumes finite
numbers."""

from __future__ import annotations

from numba import njit

from photosynth.core.vectors import prepare_numba

prepare_numba()
kernel = njit(nogil=True, cache=True, error_model="numpy", fastmath={"arcp", "contract", "nsz", "reassoc"})
"""Compile a function on its first call, or load it from the cache beside its file."""
