"""numba-cuda as if a GPU were there, as far as compiling and linking go; nothing can be launched.

Run as a program it compiles one kernel and prints whether it came from the cache.
"""

from types import SimpleNamespace

CAPABILITY = (8, 0)


def pretend(setattr=setattr) -> None:
    """Let numba-cuda compile for CAPABILITY without asking a driver."""
    from numba.cuda import codegen, dispatcher

    setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=CAPABILITY))
    setattr(codegen.CUDACodeLibrary, "_ensure_cc", lambda self, cc=None: CAPABILITY)
    setattr(codegen.JITCUDACodegen, "magic_tuple", lambda self: ("pretended", CAPABILITY))
    setattr(dispatcher._Kernel, "bind", lambda self: self._codelibrary.get_cubin())


if __name__ == "__main__":
    pretend()
    from numba import boolean

    from photosynth.render.cuda.slabs import unmark

    unmark.compile((boolean[:, :, ::1],))
    print("loaded" if unmark._cache_hits else "compiled")
