"""The rasteriser's shading for one fragment in one CUDA thread, from the source that the CPU runs.

On the CPU, kernels shade BLOCK fragments at a time, and every quantity has a lane of BLOCK numbers in a scratch array
(see raster.lanes). With lanes one number long the very same functions shade one fragment, in scratch arrays so small
that a thread has them in registers. So nothing of the shading is written twice: `on_device` takes a kernel of the
CPU and gives its source a second meaning, with other numbers for the lanes' places and device functions for the
kernels that it calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import cuda
from numba.core.dispatcher import Dispatcher

from photosynth.render.cuda.kernel import SIMULATED
from photosynth.render.raster import lanes, lighting

PLACES = {
    name: value // lanes.BLOCK for name, value in vars(lanes).items() if name.isupper() and isinstance(value, int)
}
"""The constants of raster.lanes for lanes of one number."""
FLOATS, INTEGERS = PLACES["SCRATCH"], PLACES["INTEGER_SCRATCH"]
"""Lengths of a thread's scratch arrays: float32 and int32."""


def _laid_flat(octahedral):
    """laid_flat of raster.lighting for a map that is given so: reshape would call a function outside the kernel."""
    return octahedral


INSTEAD = {lighting.laid_flat.py_func: _laid_flat}
"""Functions of the CPU that a GPU has in another form."""
_made: dict[Callable, Any] = {}


def on_device(kernel: Dispatcher) -> Any:
    """A kernel of the rasteriser as a function that CUDA kernels can call, with lanes of one number."""
    function = kernel.py_func
    if function not in _made:
        _made[function] = _compiled(INSTEAD.get(function, function))
    return _made[function]


def _compiled(function: Callable) -> Any:
    names = dict(function.__globals__)
    for name in function.__code__.co_names:
        value = names.get(name)
        if isinstance(value, Dispatcher):
            names[name] = on_device(value)
        elif type(value) is int and value == getattr(lanes, name, None):
            names[name] = PLACES[name]
        elif value is np and not SIMULATED:
            names[name] = _device_numpy
    again = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    return again if SIMULATED else cuda.jit(device=True)(again)


def _floor(x):
    return np.float32(math.floor(x))


def _numpy_on_device() -> ModuleType:
    """numpy as device functions see it: numba-cuda has no np.sqrt and np.floor."""
    module = ModuleType("numpy_on_device")
    vars(module).update({name: value for name, value in vars(np).items() if not name.startswith("__")})
    module.sqrt, module.floor = math.sqrt, cuda.jit(device=True)(_floor)
    return module


_device_numpy = None if SIMULATED else _numpy_on_device()
