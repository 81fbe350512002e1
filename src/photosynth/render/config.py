"""Settings of stage ``render``, and which of them its pictures depend on."""

from __future__ import annotations

from typing import Literal

from photosynth.core.manifest import content_key
from photosynth.core.record import Record, to_plain
from photosynth.render.cycles.options import CyclesOptions, of_pictures

STAGE = "render"
SCHEMA = 7
RECORD_BYTES, JPEG_BYTES_PER_PX, LAYER_BYTES_PER_PX = 3000, 0.15, 0.5
"""Of one picture on disk, about: its frame's line, its JPEG, and its layers if they are kept."""


class RenderConfig(Record, frozen=True, kw_only=True):
    """How scenes become pictures."""

    engine: str = "raster"
    """The render engine."""
    keep_layers: bool = False
    """Also keep depth, instance ids and normals of every picture (NPZ; 15 KB at 256 px, 150 KB for a full 640 px)."""
    max_failed_fraction: float = 0.02
    """Share of scenes that may fail, each recorded in failures.jsonl, before the stage gives up."""
    cycles: CyclesOptions = CyclesOptions()
    """Settings of the engine "cycles"."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where engine "raster" works. "auto" takes a CUDA GPU if the extra cuda is installed and the GPU passes a check,
    and goes on where it is if the folder was begun elsewhere; the manifest says which it was and why. Pictures of the
    two differ by rounding, so they have different keys. Never yet run on a real GPU, only in numba's simulator."""


class RenderContent(Record, frozen=True, kw_only=True):
    """The settings that the pictures depend on: what the artifact's key is made of."""

    engine: str
    """The engine that drew them: "cuda" is "raster" on a GPU."""
    keep_layers: bool
    """As in RenderConfig."""
    max_failed_fraction: float
    """As in RenderConfig."""
    cycles: CyclesOptions
    """As in RenderConfig, its defaults for other engines."""


def of_content(config: RenderConfig) -> RenderContent:
    """The settings that the pictures depend on: what the artifact's key is made of."""
    return RenderContent(
        engine=config.engine,
        keep_layers=config.keep_layers,
        max_failed_fraction=config.max_failed_fraction,
        cycles=of_pictures(config.cycles) if config.engine == "cycles" else CyclesOptions(),
    )


def picture_bytes(size_wh: tuple[int, int], keep_layers: bool = False) -> float:
    """What one picture of that size takes on disk, about."""
    per_px = JPEG_BYTES_PER_PX + (LAYER_BYTES_PER_PX if keep_layers else 0)
    return RECORD_BYTES + per_px * size_wh[0] * size_wh[1]


def key_of(config: RenderConfig, inputs: dict[str, str]) -> str:
    """The key of the artifact that these settings make of those inputs."""
    return content_key(STAGE, SCHEMA, to_plain(of_content(config)), None, inputs)
