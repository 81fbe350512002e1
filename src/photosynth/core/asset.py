"""Asset: one textured 3D model of one object, and which of its surface may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.geometry import Vec2, Vec3
from photosynth.core.record import Record, from_json

NONE_CLASS = "none of these"
"""The reserved class name of everything that is not one of the user's objects."""
ALL_ROUND_DEG: Vec2 = (-180.0, 180.0)
"""The arc of azimuths of whatever may be shown from all round."""


class AssetPart(Record, frozen=True, kw_only=True):
    """One mesh of an asset. Whole scans have one; two half-scans make two, each trusted from one side only."""

    name: str
    """``"whole"``, ``"top"`` or ``"bottom"``."""
    model_file: str
    """The part's GLB, relative to the catalogue folder."""
    elevation_deg: Vec2 = (-90.0, 90.0)
    """Lowest and highest camera elevation, seen from the object's centre in the object's frame, from which
    every visible surface was scanned. A top half has (0, 90), a bottom half (-90, 0)."""
    azimuth_deg: Vec2 = ALL_ROUND_DEG
    """Start and end of the arc of camera azimuths from which the same holds, in the object's frame: 0 is +x, 90 is +y.
    The arc goes anticlockwise, seen from above, from the start (-180..180) to the end, which is greater by at most
    360; an end above 180 has passed -x: (150, 210) is 30 degrees to either side of it. 360 degrees, wherever they
    start, are the full circle."""

    def __post_init__(self) -> None:
        _require_angles(self.elevation_deg, self.azimuth_deg)


class Asset(Record, frozen=True, kw_only=True):
    """One object: class, meshes, size, origin."""

    asset_id: str
    """Folder-safe ASCII name, unique in the catalogue."""
    class_name: str
    """The class as the user wrote it; NONE_CLASS for distractors."""
    parts: tuple[AssetPart, ...]
    """At least one."""
    size_m: Vec3
    """Extent along x, y, z in metres."""
    scale_known: bool
    """False when the source had no unit and no size was given: the diagonal is then 1 m by convention."""
    role: Literal["object", "distractor"] = "object"
    """Objects are what the model learns to name; distractors teach it what they are not."""
    source: str = ""
    """Where it came from."""
    licence: str = ""
    """Its licence, when known."""
    notes: tuple[str, ...] = ()
    """What was done to it on import, for people."""

    def diagonal_m(self) -> float:
        """Length of the bounding box's diagonal."""
        return float(np.linalg.norm(self.size_m))

    def part(self, name: str) -> AssetPart:
        """The part of that name. Raises ConfigError if there is none."""
        for part in self.parts:
            if part.name == name:
                return part
        raise ConfigError(f"asset {self.asset_id} has no part {name!r}; it has {[p.name for p in self.parts]}")


class ModelFacts(Record, frozen=True, kw_only=True):
    """``STEM.asset.json`` beside a model file: what its format cannot say. The reconstruction writes it, and so may a
    person whose scan has an unseen side."""

    elevation_deg: Vec2 = (-90.0, 90.0)
    """As in AssetPart, for a model of one part."""
    azimuth_deg: Vec2 = ALL_ROUND_DEG
    """The same. For files whose format or reader turns +y up to +z, azimuths are those after that turn."""
    scale_known: bool = True
    """Off when the file's lengths are no metres."""
    source: str = ""
    """Where it came from."""
    licence: str = ""
    """Its licence."""
    notes: tuple[str, ...] = ()
    """For people."""

    def __post_init__(self) -> None:
        _require_angles(self.elevation_deg, self.azimuth_deg)


def _require_angles(elevation_deg: Vec2, azimuth_deg: Vec2) -> None:
    low, high = elevation_deg
    if not -90.0 <= low < high <= 90.0:
        raise ValueError(f"elevation_deg must be two rising angles in -90..90, got {elevation_deg}")
    start, end = azimuth_deg
    if not (-180.0 <= start <= 180.0 and start < end <= start + 360.0):
        raise ValueError(
            "azimuth_deg must be the start of an arc in -180..180 and its end, greater by at most 360, got "
            f"{azimuth_deg}"
        )


def read_model_facts(model_file: Path) -> ModelFacts | None:
    """The facts beside a model file; None if there are none. Raises ConfigError if they cannot be read."""
    path = Path(model_file).with_suffix(".asset.json")
    return from_json(path.read_bytes(), ModelFacts, str(path)) if path.is_file() else None


def read_assets(catalogue: Path) -> tuple[Asset, ...]:
    """The assets of a catalogue folder, in its order. Raises ArtifactError if the list is absent."""
    path = Path(catalogue) / "assets.json"
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; {catalogue} is not a finished catalogue")
    return from_json(path.read_bytes(), tuple[Asset, ...], str(path))


def class_names(assets: tuple[Asset, ...]) -> tuple[str, ...]:
    """The classes of the objects (distractors left out), sorted: class id k is the k-th of these."""
    return tuple(sorted({a.class_name for a in assets if a.role == "object"}))
