"""How numba uses a processor's vector instructions. To be said once, before the first kernel of a process is made."""

from __future__ import annotations

WIDE_WITHOUT_COST = "avx512vbmi2"
"""A feature of the processors that run vectors of 512 bits at full clock: Ice Lake, Zen 4 and later. LLVM keeps to 256
for the sake of those before them."""


def prepare_numba() -> None:
    """Let LLVM use all of a vector register, and put copies of numbers that stand side by side into one instruction;
    numba leaves both out. NUMBA_CPU_FEATURES in the environment has the last word. What another program has compiled
    with numba in this process stays as it is, and if that came first, so does the width of ours.
    """
    import llvmlite.binding as llvm
    from numba import config

    config.SLP_VECTORIZE = 1
    if config.CPU_FEATURES is None and config.ENABLE_AVX:
        features = llvm.get_host_cpu_features()
        if features.get(WIDE_WITHOUT_COST):
            config.CPU_FEATURES = features.flatten() + ",-prefer-256-bit"
