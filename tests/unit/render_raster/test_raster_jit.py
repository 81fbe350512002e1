"""How kernels are compiled."""

import numpy as np
from llvmlite.binding import Linkage

from photosynth.render.raster.jit import kernel


def power_sum(x, order):
    total, power = x[0] * 0, x[0] * 0 + 1
    for k in range(order):
        for i in range(x.shape[0]):
            if x[i] > power and k % 3:
                total += power * x[i] + k
            power = x[i] * power + total
    return total


def test_a_kernel_runs_its_own_copies_of_those_it_calls():
    """The linker must not swap them for those of another library: which are in memory depends on what ran before."""
    names = {"inner": kernel(power_sum)}
    exec("def outer(x):\n    return inner(x, 3) + inner(x[1:], 4) + inner(x[2:], 5)\n", names)
    inner, outer = names["inner"], kernel(names["outer"])  # which stands in no file, so it is not loaded from a cache
    x = np.linspace(0.5, 1, 9)
    assert np.isclose(outer(x), power_sum(x, 3) + power_sum(x[1:], 4) + power_sum(x[2:], 5))
    ((_, result),) = outer.overloads.items()
    copies = [f for f in result.library._final_module.functions if "power_sum" in f.name and not f.is_declaration]
    assert copies, "the callee was compiled into its caller: nothing is tested"
    assert all(f.linkage == Linkage.internal for f in copies)
    assert inner.overloads, "and has a library of its own"
