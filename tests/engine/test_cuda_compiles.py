"""Every kernel of the CUDA engine compiles for a GPU with the argument types it is launched with; no GPU is needed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "render_raster"))
from pretended_gpu import CAPABILITY, pretend
from raster_scenes import box, camera, lamp, placement, scene, slab, source

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed (extra cuda)"
)


class Pretended(np.ndarray):
    """An array of the CPU that can be sent to a GPU as far as the engine can tell."""

    def copy_to_device(self, array):
        self[...] = array

    def copy_to_host(self, array=None):
        return np.array(self) if array is None else np.copyto(array, self)


class Compiled:
    """A kernel that is compiled and linked for what it is launched with, and does nothing."""

    def __init__(self, kernel, after=None):
        from numba.cuda.core.caching import NullCache

        self.kernel, self.after, self.libraries = kernel, after, {}
        kernel._cache = NullCache()

    def __getitem__(self, grid):
        return self._launch

    def _launch(self, *args):
        from numba import typeof

        types = tuple(typeof(np.asarray(a) if isinstance(a, np.ndarray) else a) for a in args)
        self.libraries[types] = self.kernel.compile(types).library
        if self.after:
            self.after(*args)


def one_fragment_each(keys, x0, y0, x1, y1, width, height, named, charts, first, ends, pixels, triangles, weights, *_):
    ends += 1
    pixels[:], triangles[:], weights[:] = 0, 0, 12


def test_all_kernels_compile_without_calls_to_code_outside(monkeypatch):
    from numba import cuda
    from numba.cuda import dispatcher

    pretend(monkeypatch.setattr)
    from photosynth.render.cuda import engine, fragments, shading, shadow, slabs, surfels, visibility

    monkeypatch.setattr(cuda, "to_device", lambda array: np.array(array).view(Pretended))
    monkeypatch.setattr(cuda, "device_array", lambda count, kind: np.zeros(count, kind).view(Pretended))
    kernels = {}
    for module in (fragments, shading, shadow, slabs, surfels, visibility):
        for name, value in list(vars(module).items()):
            if isinstance(value, dispatcher.CUDADispatcher) and not value.targetoptions.get("device"):
                kernels[name] = Compiled(value, one_fragment_each if name == "emit" else None)
                monkeypatch.setattr(module, name, kernels[name])
    made = engine.CudaEngine(source(box=box()))
    for surroundings in ((), (slab(),)):
        made.render(scene([placement("box")], [lamp()], surroundings=surroundings, cam=camera(size_wh=(24, 18))))
    assert set(kernels) == {
        "clear", "draw_triangles", "mark_alone", "clear_texels", "draw_depth", "emit", "shade", "unmark",
        "mark_nodes", "light_nodes", "shade_slab", "light_surfels",
    }  # fmt: skip
    for name, kernel in kernels.items():
        assert len(kernel.libraries) == 1, f"{name} was compiled for {list(kernel.libraries)}"
        for library in kernel.libraries.values():
            ptx = library.get_asm_str(CAPABILITY)
            assert ".visible .entry" in ptx
            assert ".extern .func" not in ptx, f"{name} calls a function that is not part of it"
            assert library.get_cubin(CAPABILITY) is not None


def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    program = [sys.executable, str(Path(__file__).parent / "pretended_gpu.py")]
    told = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    printed = [subprocess.run(program, env=told, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert [p.strip() for p in printed] == ["compiled", "loaded"]


@pytest.mark.slow
def test_with_cuda_types_the_pictures_are_those_of_the_cpu():
    program = [sys.executable, str(Path(__file__).parent / "cuda_on_cpu.py")]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("odd {}")
