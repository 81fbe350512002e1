"""CPU or GPU for the rasteriser: decided when a job begins, with the reason in words.

Nothing of CUDA is imported unless the package numba-cuda is installed, so a machine without it decides in no time.
"""

from __future__ import annotations

import json
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from msgspec.structs import replace

from photosynth.core.errors import ConfigError, DependencyError
from photosynth.core.manifest import MANIFEST_FILE, STARTED_FILE
from photosynth.core.record import Record
from photosynth.render.config import RenderConfig, key_of

EXTRA = 'uv sync --extra cuda, or pip install "photosynth[cuda]"'
"""How to install it."""
DRIVER_FILE = Path("/proc/driver/nvidia/version")
"""On Linux, this is there where NVIDIA's driver is."""


class Choice(Record, frozen=True, kw_only=True):
    """Where pictures are rendered."""

    cuda: bool
    """On a GPU; else on the CPU."""
    reason: str = ""
    """Why not on a GPU."""
    surprising: bool = False
    """A person may have expected a GPU: there is one, or the extra that needs one is installed."""


def on_device(config: RenderConfig, inputs: dict[str, str], out: Path) -> tuple[RenderConfig, Choice]:
    """The settings with engine "cuda" if "raster" is to work on a GPU, and the choice.

    With device "auto", a folder that was begun on the CPU with these settings is gone on with there, and a finished
    one is taken as it is, whatever drew it.
    """
    if config.engine not in ("raster", "cuda") or (config.engine, config.device) == ("cuda", "cpu"):
        if config.device == "cuda" or config.engine == "cuda":
            raise ConfigError(f"device {config.device} is not for engine {config.engine}; device is for engine raster")
        return config, Choice(cuda=False)
    on_cpu, on_gpu = replace(config, engine="raster"), replace(config, engine="cuda")
    known, finished = _key_in(out)
    if config.engine == "raster" and config.device == "auto" and finished:
        if known == key_of(on_gpu, inputs):
            return on_gpu, Choice(cuda=True)
        if known == key_of(on_cpu, inputs):
            return on_cpu, Choice(cuda=False)
    choice = choose_device("cuda" if config.engine == "cuda" else config.device)
    if choice.cuda and config.device == "auto" and known == key_of(on_cpu, inputs):
        choice = Choice(cuda=False, reason="the folder was begun on the CPU")
    return (on_gpu if choice.cuda else on_cpu), choice


def _key_in(out: Path) -> tuple[str | None, bool]:
    """The key of the artifact that a folder holds, and whether it is finished; None if none can be read."""
    for name in (MANIFEST_FILE, STARTED_FILE):
        try:
            return json.loads((out / name).read_bytes())["key"], name == MANIFEST_FILE
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None, False


def said(config: RenderConfig, choice: Choice) -> dict[str, str]:
    """What the summary says of the device."""
    if config.engine not in ("raster", "cuda"):
        return {}
    return {"device": "cuda" if choice.cuda else f"cpu: {choice.reason}"}


def choose_device(wanted: str) -> Choice:
    """Where to render if `wanted` is "auto", "cpu" or "cuda".

    Raises:
        DependencyError: for "cuda", if there is no GPU to use; says why and what to do.
    """
    if wanted == "cpu":
        return Choice(cuda=False, reason="it was asked for")
    choice = probe_cuda()
    if wanted == "cuda" and not choice.cuda:
        raise DependencyError(
            f"device cuda cannot be used: {choice.reason}. It needs an NVIDIA GPU with its driver and the extra cuda "
            f"({EXTRA}); device auto renders on the CPU without them"
        )
    return choice


@cache
def probe_cuda() -> Choice:
    """Is there a GPU that renders what the CPU does? Asked once in a process."""
    if find_spec("numba_cuda") is None:
        there = DRIVER_FILE.exists()
        return Choice(cuda=False, reason="the extra cuda is not installed", surprising=there)
    if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0"):
        return Choice(cuda=False, reason="NUMBA_ENABLE_CUDASIM is set: CUDA is only simulated", surprising=True)
    reason = _why_no_gpu() or _why_no_trust()
    return Choice(cuda=reason is None, reason=reason or "", surprising=reason is not None)


def _why_no_gpu() -> str | None:
    os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")  # shadows of small meshes are small launches
    try:
        from numba import cuda

        cuda.current_context()
    except Exception as error:  # the driver's, numba's or the loader's: whatever it is, there is no GPU to use
        return f"no CUDA GPU was found ({_line(error)})"
    return None


def _why_no_trust() -> str | None:
    try:
        from photosynth.render.cuda.check import disagreement
        from photosynth.render.cuda.engine import CudaEngine

        return disagreement(CudaEngine)
    except Exception as error:  # a kernel that does not compile or run
        return f"the GPU failed its check ({_line(error)})"


def _line(error: Exception) -> str:
    """The first line that says something, after numba's heading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if not line.endswith(":")), lines[0] if lines else "")
    return f"{type(error).__name__}: {said.rstrip('.')}" if said else type(error).__name__
