"""The one way kernels are compiled: no GIL, cached on disk, checked for bounds when NUMBA_BOUNDSCHECK=1.

Fast-math is limited to the flags that never assume finite numbers, so that a NaN in a scan stays where it is.
Numba's disk cache looks only at the file a kernel stands in. Our kernels call each other across files, so the
cache key here also carries a digest of every file in this folder and the bounds-check setting: an edit anywhere
recompiles, and checked and unchecked code never mix.

A kernel rounds the same in every process. Fast-math lets the compiler round as it finds best, so two copies of one
function, compiled into two callers, may differ in the last bit. Numba leaves it to the linker which copy runs: where
the function's own library is in memory, as after compiling, that one, and the caller's own where all was loaded from
the disk. Here each kernel keeps to the copies it was compiled with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite.binding import Linkage
from numba import config, njit
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

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


class _SelfContained(JITCodeLibrary):
    """A kernel whose calls of other kernels stay within its own object code."""

    def _finalize_final_module(self) -> None:
        shared = self._final_module.clone()  # what callers compile into themselves, as in _get_module_for_linking
        for function in shared.functions:
            if not function.is_declaration and function.linkage == Linkage.external:
                function.linkage = Linkage.linkonce_odr
        self._shared_module = shared
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.linkonce_odr:
                function.linkage = Linkage.internal
        super()._finalize_final_module()


class _Compiler(Compiler):
    """Numba's, into a library of ours."""

    def _compile_bytecode(self) -> Any:
        self.state.library = _SelfContained(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super()._compile_bytecode()


def kernel(function: Callable) -> Callable:
    """Compile `function` on its first call, or load it from the cache beside this file (or in the user's cache
    folder). Where neither can be written, it is compiled in each process."""
    return _compiled(function, set(_FAST_MATH))


def exact_kernel(function: Callable) -> Callable:
    """The same with arithmetic as it is written, for decisions: what is a tie in one kernel is one in all."""
    return _compiled(function, False)


def _compiled(function: Callable, fast_math: set[str] | bool) -> Callable:
    dispatcher = njit(
        nogil=True, error_model="numpy", boundscheck=_BOUNDS_CHECK, fastmath=fast_math, pipeline_class=_Compiler
    )(function)
    try:
        dispatcher._cache = _DigestedCache(function)
    except RuntimeError:  # no writable place for a cache
        pass
    return dispatcher
