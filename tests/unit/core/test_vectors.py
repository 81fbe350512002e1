"""Every process compiles kernels alike, whichever room is imported first."""

from __future__ import annotations

import os
import subprocess
import sys

import llvmlite.binding as llvm
import pytest

from photosynth.core.vectors import WIDE_WITHOUT_COST

FEATURES = """
from numba.core.registry import cpu_target
print(cpu_target.target_context.codegen().magic_tuple()[2].rpartition(",")[2])
"""


def last_feature(imports: str, **environment: str) -> str:
    """The last of the features that numba compiles for, in a process of its own."""
    code = imports + FEATURES
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("first", ["render.raster.visibility", "reconstruct.patchmatch"])
def test_whole_registers_are_used_where_they_cost_no_clock(first):
    wide = bool(llvm.get_host_cpu_features().get(WIDE_WITHOUT_COST))
    assert (last_feature(f"import photosynth.{first}\n") == "-prefer-256-bit") == wide


def test_the_environment_has_the_last_word():
    assert last_feature("import photosynth.render.raster.visibility\n", NUMBA_CPU_FEATURES="+sse2") == "+sse2"
