"""CyclesOptions: how Cycles renders, and how its process is kept."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record


class CyclesOptions(Record, frozen=True, kw_only=True):
    """Settings of the Cycles engine."""

    samples: int = 64
    """Light paths for each pixel."""
    bounces: int = 4
    """Most surfaces a path may meet after the first. 0 is direct light alone: lamps and environment with their
    shadows, on the surface that the camera sees; 1 adds light that another surface has sent there."""
    denoise: bool = False
    """Clean the picture with OpenImageDenoise, guided by albedo and normals."""
    threads: int = 1
    """Threads of each worker process; 0 means one for each core. 1 lets several render workers fill a machine."""
    device: Literal["cpu", "cuda", "optix", "metal", "auto"] = "cpu"
    """What computes. ``"auto"`` takes the best graphics processor there is and falls back to the CPU."""
    timeout_s: float = 600.0
    """A frame that takes longer counts as a crash."""
    frames_per_worker: int = 500
    """The process is replaced after this many frames, which bounds its memory; 0 means never."""
    blender: str | None = None
    """A Blender executable to use instead of the bpy package; None uses bpy, else a `blender` on the path."""


def check_cycles_options(options: CyclesOptions) -> None:
    """Raises ConfigError for numbers that make no picture."""
    least = {"samples": 1, "bounces": 0, "threads": 0, "frames_per_worker": 0}
    for name, low in least.items():
        if getattr(options, name) < low:
            raise ConfigError(f"cycles.{name} is {getattr(options, name)}; expected {low} or more")
    if not options.timeout_s > 0:
        raise ConfigError(f"cycles.timeout_s is {options.timeout_s}; expected more than 0")


def of_pictures(options: CyclesOptions) -> CyclesOptions:
    """The options with those at their defaults that do not change a picture: for the key of an artifact."""
    plain = CyclesOptions()
    return replace(
        options,
        threads=plain.threads,
        timeout_s=plain.timeout_s,
        frames_per_worker=plain.frames_per_worker,
        blender=plain.blender,
    )
