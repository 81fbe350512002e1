"""Processor: what the computer can do fast. Free of torch."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from photosynth.train.config import Precision

CPU_INFO = Path("/proc/cpuinfo")


@cache
def has_bfloat16_units() -> bool:
    """Whether the processor has matrix units for bfloat16 that the system lets programs use: Intel's AMX, under Linux.

    Elsewhere the answer is no, and training is exact and slower.
    """
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any("amx_bf16" in line.split() for line in lines if line.startswith("flags"))


def uses_bfloat16(wanted: Precision) -> bool:
    """Whether a training step on the processor computes its products in bfloat16."""
    return has_bfloat16_units() if wanted == "auto" else wanted == "bfloat16"
