"""The CUDA kernels with CUDA's types, compiled for the CPU and run thread after thread: what a GPU would work out, but
for its own rounding. As a program it renders the self-check's scene so and prints what differs from RasterEngine's.
"""

import types
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cuda, njit
from numba.core.types import int64
from numba.cuda.dispatcher import CUDADispatcher
from numba.extending import intrinsic

_place = np.zeros(2, np.int64)
"""The running thread and the number of all: what cuda.grid and cuda.gridsize say."""
_compiled: dict[Callable, Any] = {}


def _reads(offset: int) -> Any:
    @intrinsic
    def read(typing_context):
        def generate(context, builder, signature, arguments):
            address = ir.Constant(ir.IntType(64), _place.ctypes.data + 8 * offset)
            return builder.load(builder.inttoptr(address, ir.IntType(64).as_pointer()))

        return int64(), generate

    return njit(lambda dimensions: read())


@njit
def _max(array, at, value):
    old = array[at]
    array[at] = max(old, value)
    return old


@njit
def _or(array, at, value):
    old = array[at]
    array[at] = old | value
    return old


@njit
def _add(array, at, value):
    old = array[at]
    array[at] = old + value
    return old


def _module(**names: Any) -> types.ModuleType:
    module = types.ModuleType("cuda_on_cpu")
    vars(module).update(names)
    return module


CUDA = _module(
    grid=_reads(0),
    gridsize=_reads(1),
    atomic=_module(max=_max, or_=_or, add=_add),
    local=_module(array=njit(lambda shape, kind: np.empty(shape, kind))),
)


def for_cpu(function: Callable, device_numpy: Any) -> Any:
    """A kernel's or device function's source, and all that it calls, compiled for the CPU."""
    if function not in _compiled:
        names = dict(function.__globals__)
        for name in function.__code__.co_names:
            value = names.get(name)
            if value is cuda:
                names[name] = CUDA
            elif isinstance(value, CUDADispatcher):
                names[name] = for_cpu(value.py_func, device_numpy)
            elif value is device_numpy:
                names[name] = np
            elif name in ("float32", "float64", "int32", "int64", "boolean"):
                names[name] = np.bool_ if name == "boolean" else getattr(np, name)
        again = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        _compiled[function] = njit(error_model="numpy")(again)
    return _compiled[function]


class OnCpu:
    """A kernel whose threads run one after the other."""

    def __init__(self, kernel: CUDADispatcher, device_numpy: Any) -> None:
        count = kernel.py_func.__code__.co_argcount
        names = ", ".join(f"a{k}" for k in range(count))
        source = (
            f"def loop(place, {names}):\n    for k in range(place[1]):\n        place[0] = k\n        one({names})\n"
        )
        scope = {"one": for_cpu(kernel.py_func, device_numpy)}
        exec(source, scope)
        self._loop = njit(scope["loop"])

    def __getitem__(self, grid: tuple[int, int]) -> Callable:
        def launch(*given: Any) -> None:
            _place[1] = grid[0] * grid[1]
            self._loop(_place, *(np.asarray(g) if isinstance(g, np.ndarray) else g for g in given))

        return launch


class Room(np.ndarray):
    """An array of the CPU that stands for one of the GPU."""

    def copy_to_device(self, array):
        self[...] = array

    def copy_to_host(self, array=None):
        return np.array(self) if array is None else np.copyto(array, self)


def engine_on_cpu() -> Any:
    """CudaEngine with its kernels on the CPU, in this process from now on."""
    cuda.to_device = lambda array: np.array(array).view(Room)
    cuda.device_array = lambda count, kind: np.full(count, 7, kind).view(Room)
    from photosynth.render.cuda import engine, fragments, one_lane, shading, shadow, slabs, surfels, visibility

    for module in (fragments, shading, shadow, slabs, surfels, visibility):
        for name, value in list(vars(module).items()):
            if isinstance(value, CUDADispatcher) and not value.targetoptions.get("device"):
                setattr(module, name, OnCpu(value, one_lane._device_numpy))
    return engine.CudaEngine


if __name__ == "__main__":
    from photosynth.render.cuda.agreement import odd_pixels
    from photosynth.render.cuda.check import check_scene
    from photosynth.render.raster.engine import RasterEngine

    scene, meshes = check_scene()
    print("odd", odd_pixels(engine_on_cpu()(meshes).render(scene), RasterEngine(meshes).render(scene)))
