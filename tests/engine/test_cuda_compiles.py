"""Every kernel of the CUDA engine compiles to PTX for the argument types it is launched with; no GPU is needed."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "render_raster"))
from raster_scenes import box, camera, lamp, placement, scene, slab, source

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed (extra cuda)"
)

CAPABILITY = (8, 0)


class Room(np.ndarray):
    """An array of the CPU that can be sent to a GPU as far as the engine can tell."""

    def copy_to_device(self, array):
        self[...] = array

    def copy_to_host(self, array=None):
        return np.array(self) if array is None else np.copyto(array, self)


class Compiled:
    """A kernel that is compiled for what it is launched with, and does nothing."""

    def __init__(self, kernel, after=None):
        self.kernel, self.after, self.ptx = kernel, after, {}

    def __getitem__(self, grid):
        return self._launch

    def _launch(self, *args):
        from numba import cuda, typeof

        types = tuple(typeof(np.asarray(a) if isinstance(a, np.ndarray) else a) for a in args)
        if types not in self.ptx:
            self.ptx[types], _ = cuda.compile(
                self.kernel.py_func, types, device=False, abi="numba", cc=CAPABILITY, output="ptx"
            )
        if self.after:
            self.after(*args)


def one_fragment_each(keys, x0, y0, x1, y1, width, height, named, ends, pixels, triangles, weights, *_):
    ends += 1
    pixels[:], triangles[:], weights[:] = 0, 0, 12


def test_all_kernels_compile_without_calls_to_code_outside(monkeypatch):
    from numba import cuda
    from numba.cuda import dispatcher

    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=CAPABILITY))
    from photosynth.render.cuda import engine, fragments, shading, shadow, slabs, visibility

    monkeypatch.setattr(cuda, "to_device", lambda array: np.array(array).view(Room))
    monkeypatch.setattr(cuda, "device_array", lambda count, kind: np.zeros(count, kind).view(Room))
    kernels = {}
    for module in (fragments, shading, shadow, slabs, visibility):
        for name, value in list(vars(module).items()):
            if isinstance(value, dispatcher.CUDADispatcher) and not value.targetoptions.get("device"):
                if value.py_func.__module__ == module.__name__:
                    kernels[name] = Compiled(value, one_fragment_each if name == "emit" else None)
                    monkeypatch.setattr(module, name, kernels[name])
    made = engine.CudaEngine(source(box=box()))
    for surroundings in ((), (slab(),)):
        made.render(scene([placement("box")], [lamp()], surroundings=surroundings, cam=camera(size_wh=(24, 18))))
    assert set(kernels) == {
        "clear", "draw_triangles", "mark_alone", "clear_texels", "draw_depth", "emit", "shade", "unmark",
        "mark_nodes", "light_nodes", "shade_slab",
    }  # fmt: skip
    for name, kernel in kernels.items():
        assert len(kernel.ptx) == 1, f"{name} was compiled for {list(kernel.ptx)}"
        for ptx in kernel.ptx.values():
            assert ".visible .entry" in ptx
            assert ".extern .func" not in ptx, f"{name} calls a function that is not part of it"
