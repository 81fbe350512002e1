"""Preview: a strip of views round an asset, for people to look at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.camera import Camera
from photosynth.core.engine import MeshSource, RenderEngine
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.registry import render_engine
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene
from photosynth.core.seen import goes_round

VIEWS = 8
PAPER_LINEAR = 0.80
DISTANCE_DIAGONALS = 2.5
FILL = 0.92
"""How much of a view the object's bounding sphere fills."""


def turntable(meshes: MeshSource, assets: Sequence[Asset], engine: str = "raster", view_px: int = 160) -> np.ndarray:
    """Eight views of every part of every asset, one part in a row, (rows * view_px, 8 * view_px, 3) uint8 sRGB.

    Each part is shown from the side that it was scanned from: a whole one from around, above and below, a top half
    from around and above, a bottom half from around and below, one with an arc of azimuths from along that arc.

    Raises:
        ConfigError, DependencyError: if there is no such engine.
        EngineError: if it fails.
    """
    renderer = render_engine(engine, meshes)
    rows = []
    for asset in assets:
        for part in asset.parts:
            views = view_angles_deg(part)
            rows.append(np.concatenate([_view(renderer, asset, part, *v, view_px) for v in views], axis=1))
    return np.concatenate(rows, axis=0)


def view_angles_deg(part: AssetPart) -> tuple[tuple[float, float], ...]:
    """(azimuth, elevation) of the eight views of a part, within its limits."""
    low, high = part.elevation_deg
    if low < 0 < high:
        around, poles = min(20.0, high), ((30.0, min(75.0, high)), (30.0, max(-55.0, low)))
    else:
        side = 1.0 if high > 0 else -1.0
        around, poles = 20.0 * side, ((30.0, 50.0 * side), (30.0, 85.0 * side))
    count = VIEWS - len(poles)
    if goes_round(part):
        return (*((k * 360.0 / count - 90.0, around) for k in range(count)), *poles)
    start, end = part.azimuth_deg
    around, middle = float(np.clip(around, low, high)), 0.5 * (start + end)
    arc = ((start + (end - start) * k / (count - 1), around) for k in range(count))
    return (*arc, *((middle, float(np.clip(elevation, low, high))) for _, elevation in poles))


def _view(
    renderer: RenderEngine, asset: Asset, part: AssetPart, azimuth_deg: float, elevation_deg: float, view_px: int
) -> np.ndarray:
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    diagonal = asset.diagonal_m()
    distance = DISTANCE_DIAGONALS * diagonal
    flat = np.cos(elevation)
    outward = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
    world_from_cam = look_at(outward * distance, np.zeros(3))
    angle = np.arcsin(0.5 / DISTANCE_DIAGONALS)
    camera = Camera(
        size_wh=(view_px, view_px),
        focal_px=float(FILL * view_px / 2 / np.tan(angle)),
        principal_px=(view_px / 2, view_px / 2),
        world_from_cam=as_matrix4(world_from_cam),
    )
    lamp = outward * distance + world_from_cam[:3, 0] * -0.6 * distance + world_from_cam[:3, 1] * -0.8 * distance
    reach = float(np.linalg.norm(lamp))
    scene = Scene(
        index=0,
        camera=camera,
        placements=(Placement(asset_id=asset.asset_id, part=part.name, class_name=asset.class_name, role=asset.role),),
        lights=(
            Light(
                position_m=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
                radius_m=0.3 * diagonal,
                power_w=0.35 * 4 * np.pi**2 * reach**2,
            ),
        ),
        environment=Environment(strength=0.75),
        background=Background(fill=PlainFill(color_srgb=(1.0, 1.0, 1.0))),
    )
    layers = renderer.render(scene)
    linear = layers.radiance + (1.0 - layers.coverage[..., None]) * PAPER_LINEAR
    return _srgb_bytes(linear)


def _srgb_bytes(linear: np.ndarray) -> np.ndarray:
    from photosynth.catalogue.materials import as_bytes, srgb_from_linear

    return as_bytes(srgb_from_linear(np.clip(linear.astype(float), 0.0, 1.0)))
