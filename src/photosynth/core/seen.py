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
POLE_DEG = 1.0
"""A camera this near to straight above or below has no azimuth worth the name, so the elevation alone decides: it sees
all but exactly what a camera at the pole sees, and the pole lies on every arc whose elevations reach it."""


def camera_direction(world_from_object: np.ndarray, camera_position_m: np.ndarray) -> np.ndarray:
    """Direction (3,) from the object's centre to a camera, in the object's frame; its length means nothing.

    Args:
        world_from_object: (4, 4) rotation, uniform scale and translation of a placement.
        camera_position_m: (3,) in the world.
    """
    object_from_world = invert_rigid(np.asarray(world_from_object, dtype=float))
    return object_from_world[:3, :3] @ np.asarray(camera_position_m, dtype=float) + object_from_world[:3, 3]


def angles_deg(direction: np.ndarray) -> tuple[float, float]:
    """Azimuth (-180..180, +x is 0, towards +y) and elevation (-90..90) of a direction (3,)."""
    return math.degrees(math.atan2(direction[1], direction[0])), math.degrees(elevation_rad(direction))


def goes_round(part: AssetPart) -> bool:
    """Whether a part may be shown from all azimuths, at the elevations that it has."""
    start, end = part.azimuth_deg
    return end - start >= 360.0


def seen_from(part: AssetPart, direction: np.ndarray, tolerance_deg: float = 0.0) -> bool:
    """Whether a part may be shown to a camera in a direction (3,) of the object's frame, of any length.

    Args:
        part: the part.
        direction: from the object's centre to the camera.
        tolerance_deg: angle by which the direction may lie outside.
    """
    azimuth, elevation = angles_deg(direction)
    low, high = part.elevation_deg
    if not low - tolerance_deg <= elevation <= high + tolerance_deg:
        return False
    if goes_round(part) or abs(elevation) > 90.0 - POLE_DEG:
        return True
    start, end = part.azimuth_deg
    outside = max((azimuth - start) % 360.0 - (end - start), 0.0)  # beyond the end; just before the start it is large
    outside = min(outside, (start - azimuth) % 360.0)
    return outside * math.cos(math.radians(elevation)) <= tolerance_deg


def seen_part(asset: Asset, direction: np.ndarray) -> AssetPart | None:
    """The first part that may be shown to a camera in a direction (3,) of the object's frame; None if there is none."""
    return next((part for part in asset.parts if seen_from(part, direction)), None)


def check_seen(scene: Scene, assets: Mapping[str, Asset] | Iterable[Asset]) -> None:
    """Check every placement of a scene against the seen-surface law.

    Args:
        scene: the scene.
        assets: the catalogue's assets, in any order or by id.

    Raises:
        ConfigError: naming the scene, the placement and what is wrong: an asset or part the catalogue does not
            have, or a part shown to a camera outside its `elevation_deg` or its `azimuth_deg`.
    """
    by_id = assets if isinstance(assets, Mapping) else {asset.asset_id: asset for asset in assets}
    eye = scene.camera.position_m()
    for k, placement in enumerate(scene.placements):
        where = f"scene {scene.index}, placement {k} ({placement.asset_id}, part {placement.part!r})"
        if placement.asset_id not in by_id:
            raise ConfigError(f"{where}: the catalogue has no such asset; sample again from this catalogue")
        try:
            part = by_id[placement.asset_id].part(placement.part)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        direction = camera_direction(np.array(placement.world_from_object), eye)
        if not seen_from(part, direction, TOLERANCE_DEG):
            azimuth, elevation = angles_deg(direction)
            (low, high), (start, end) = part.elevation_deg, part.azimuth_deg
            raise ConfigError(
                f"{where}: the camera stands at elevation {elevation:.2f} and azimuth {azimuth:.2f} degrees, but this "
                f"part was scanned for elevations {low:g}..{high:g} and azimuths {start:g}..{end:g} only; choose the "
                "part by core.seen.seen_part"
            )
