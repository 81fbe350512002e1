"""Preview: a strip of views round the finished model, as the render engine sees it."""

from __future__ import annotations

import io

import numpy as np

from photosynth.core.asset import ALL_ROUND_DEG
from photosynth.core.camera import Camera
from photosynth.core.geometry import Vec2, as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.registry import render_engine
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene

VIEWS_ROUND = 6
PAPER_LINEAR = 0.80
DISTANCE = 2.5
"""Of the camera, in diagonals."""
FILL = 0.92
"""How much of a view the object's bounding sphere fills."""


def turntable(mesh: Mesh, elevation_deg: Vec2, azimuth_deg: Vec2 = ALL_ROUND_DEG, view_px: int = 220) -> np.ndarray:
    """Views of a mesh from round about, or from one end of its arc to the other, from above and (if it may be seen
    from there) from below.

    Args:
        mesh: what to show.
        elevation_deg, azimuth_deg: from where it may be shown, as in AssetPart.
        view_px: side of a view.

    Returns:
        (view_px, n * view_px, 3) uint8 sRGB.
    """
    low, high = elevation_deg
    round_about = float(np.clip(20.0, low, high))
    (start, end), aside = azimuth_deg, -60.0
    angles = [(k * 360.0 / VIEWS_ROUND - 90.0, round_about) for k in range(VIEWS_ROUND)]
    if end - start < 360.0:
        angles = [(float(azimuth), round_about) for azimuth in np.linspace(start, end, VIEWS_ROUND)]
        aside = 0.5 * (start + end)
    angles += [(aside, min(70.0, high))] + ([(aside, max(-60.0, low))] if low < -20 else [])
    middle = 0.5 * (mesh.vertices_m.min(axis=0) + mesh.vertices_m.max(axis=0)).astype(float)
    diagonal = float(np.linalg.norm(np.ptp(mesh.vertices_m, axis=0)))
    engine = render_engine("raster", FixedMeshes({("model", "whole"): mesh}))
    strips = []
    for azimuth, elevation in np.radians(angles):
        scene = _scene(middle, diagonal, float(azimuth), float(elevation), view_px)
        layers = engine.render(scene)
        linear = np.clip(layers.radiance + (1 - layers.coverage[..., None]) * PAPER_LINEAR, 0, 1)
        srgb = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        strips.append(np.rint(255 * srgb).astype(np.uint8))
    return np.concatenate(strips, axis=1)


def _scene(middle: np.ndarray, diagonal: float, azimuth: float, elevation: float, view_px: int) -> Scene:
    level = np.cos(elevation)
    outward = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    pose = look_at(middle + DISTANCE * diagonal * outward, middle)
    reach = DISTANCE * diagonal
    lamp = middle + reach * (outward - 0.6 * pose[:3, 0] - 0.8 * pose[:3, 1])
    distance = float(np.linalg.norm(lamp - middle))
    return Scene(
        index=0,
        camera=Camera(
            size_wh=(view_px, view_px),
            focal_px=float(FILL * view_px / 2 / np.tan(np.arcsin(0.5 / DISTANCE))),
            principal_px=(view_px / 2, view_px / 2),
            world_from_cam=as_matrix4(pose),
        ),
        placements=(Placement(asset_id="model", part="whole", class_name="model"),),
        lights=(
            Light(
                position_m=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
                radius_m=0.3 * diagonal,
                power_w=0.35 * 4 * np.pi**2 * distance**2,
            ),
        ),
        environment=Environment(strength=0.75),
        background=Background(fill=PlainFill(color_srgb=(1.0, 1.0, 1.0))),
    )


def jpeg_bytes(picture: np.ndarray, quality: int = 90) -> bytes:
    """An (H, W, 3) uint8 picture as a JPEG."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality)
    return data.getvalue()
