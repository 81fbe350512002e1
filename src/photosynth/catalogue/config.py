"""CatalogueConfig: how 3D models become assets."""

from __future__ import annotations

import math
import unicodedata
from typing import Literal

import msgspec

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record

UpAxis = Literal["auto", "y", "z"]


class CatalogueConfig(Record, frozen=True, kw_only=True):
    """Settings of the catalogue stage."""

    seed: int = 0
    """Of the distractors; 0 is a seed like any other."""
    size_m: dict[str, float] = msgspec.field(default_factory=dict)
    """Class name -> length in metres of the longest side of its bounding box, as a ruler would measure it.
    Overrides whatever unit the file claims; applies to every model of the class."""
    up_axis: UpAxis = "auto"
    """Which axis of plain OBJ and PLY files points up. ``"auto"`` takes +z. Formats that say it themselves (GLB and
    glTF, DAE) or by convention (`.model`: +y) do not ask this setting."""
    max_faces: int = 20_000
    """Meshes with more triangles are simplified to this many."""
    max_texture_px: int = 2048
    """Textures with a longer side are scaled down to it."""
    debris_fraction: float = 0.001
    """Separate pieces with less than this share of the surface are dropped; 0 keeps everything."""
    n_distractors: int = 200
    """How many made-up packages, heaps of produce and primitive bodies to add under NONE_CLASS."""
    primitive_share: float = 0.1
    """Share of these that are primitive bodies (boxes, balls, rings, cones) with random patterns, in place of
    packages; at most 0.75, as a quarter of them are heaps of produce."""
    lookalikes_per_object: int = 3
    """How many copies of each object with another print to add under NONE_CLASS: they teach the model to read the
    print, not the shape."""
    distractor_texture_px: int = 1024
    """Longest side of the look-alikes' textures."""
    allow_missing_classes: bool = False
    """Go on when every model of some class failed. Without it that is an error: a class must not vanish silently."""
    preview_engine: str = "raster"
    """Render engine of the preview strips; ``"none"`` makes none."""
    preview_distractors: bool = False
    """Make preview strips of distractors, too."""
    preview_px: int = 160
    """Height and width of one view in a preview strip."""


def check_config(config: CatalogueConfig) -> None:
    """Refuse settings that cannot work. Raises ConfigError naming the setting."""
    for name, least in (
        ("seed", 0),
        ("max_faces", 12),
        ("max_texture_px", 16),
        ("n_distractors", 0),
        ("lookalikes_per_object", 0),
        ("distractor_texture_px", 16),
        ("preview_px", 16),
    ):
        if getattr(config, name) < least:
            raise ConfigError(f"catalogue {name} must be {least} or more, got {getattr(config, name)}")
    if not 0.0 <= config.debris_fraction < 0.5:
        raise ConfigError(f"catalogue debris_fraction must be in [0, 0.5), got {config.debris_fraction}")
    if not 0.0 <= config.primitive_share <= 0.75:
        raise ConfigError(f"catalogue primitive_share must be in [0, 0.75], got {config.primitive_share}")
    for class_name, size in config.size_m.items():
        if not (math.isfinite(size) and size > 0):
            raise ConfigError(f"catalogue size_m of {class_name!r} must be a positive length in metres, got {size}")


def size_of_class(config: CatalogueConfig, class_name: str) -> float | None:
    """The longest side asked for, in metres; None where the setting does not name the class."""
    for name, size in config.size_m.items():
        if unicodedata.normalize("NFC", name.strip()) == class_name:
            return float(size)
    return None
