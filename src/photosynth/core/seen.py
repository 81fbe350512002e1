"""The seen-surface law: a part may be shown only from where every surface in view was scanned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import elevation_rad, invert_rigid
from photosynth.core.scene import Scene

TOLERANCE_DEG = 1e-3
"""Rounding that check_seen forgives."""


def camera_elevation_deg(world_from_object: np.ndarray, camera_position_m: np.ndarray) -> float:
    """Elevation (-90..90) of a camera at a world position, seen from the object's centre in the object's frame.

    Args:
        world_from_object: (4, 4) rotation, uniform scale and translation of a placement.
        camera_position_m: (3,) in the world.
    """
    object_from_world = invert_rigid(np.asarray(world_from_object, dtype=float))
    local = object_from_world[:3, :3] @ np.asarray(camera_position_m, dtype=float) + object_from_world[:3, 3]
    return math.degrees(elevation_rad(local))


def seen_part(asset: Asset, elevation_deg: float) -> AssetPart | None:
    """The first part that may be shown to a camera at this elevation; None if the asset has no such part."""
    for part in asset.parts:
        low, high = part.elevation_deg
        if low <= elevation_deg <= high:
            return part
    return None


def check_seen(scene: Scene, assets: Mapping[str, Asset] | Iterable[Asset]) -> None:
    """Check every placement of a scene against the seen-surface law.

    Args:
        scene: the scene.
        assets: the catalogue's assets, in any order or by id.

    Raises:
        ConfigError: naming the scene, the placement and what is wrong: an asset or part the catalogue does not
            have, or a part shown to a camera outside its `elevation_deg`.
    """
    by_id = assets if isinstance(assets, Mapping) else {asset.asset_id: asset for asset in assets}
    eye = scene.camera.position_m()
    for k, placement in enumerate(scene.placements):
        where = f"scene {scene.index}, placement {k} ({placement.asset_id}, part {placement.part!r})"
        if placement.asset_id not in by_id:
            raise ConfigError(f"{where}: the catalogue has no such asset; sample again from this catalogue")
        asset = by_id[placement.asset_id]
        try:
            low, high = asset.part(placement.part).elevation_deg
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        elevation = camera_elevation_deg(np.array(placement.world_from_object), eye)
        if not low - TOLERANCE_DEG <= elevation <= high + TOLERANCE_DEG:
            raise ConfigError(
                f"{where}: the camera stands at elevation {elevation:.2f} degrees, but this part was scanned for "
                f"{low:g}..{high:g} only; choose the part by core.seen.seen_part"
            )
