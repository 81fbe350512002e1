"""Occlusion: how deep the mesh is in each pixel of a photo, drawn by the render engine."""

from __future__ import annotations

import msgspec
import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.registry import render_engine
from photosynth.core.scene import Background, Placement, PlainFill, Scene
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.views import View

PLACEMENT = Placement(asset_id="surface", part="whole", class_name="surface")


class DepthOfMesh:
    """Draws one mesh for many views."""

    def __init__(self, surface: Surface, normals: np.ndarray) -> None:
        mesh = Mesh(
            vertices_m=surface.vertices.astype(np.float32),
            normals=normals.astype(np.float32),
            uv=np.zeros((len(surface.vertices), 2), np.float32),
            faces=surface.faces.astype(np.int32),
            texture=np.full((4, 4, 3), 128, np.uint8),
        )
        self._engine = render_engine("raster", FixedMeshes({("surface", "whole"): mesh}))

    def seen_by(self, view: View, scale: float) -> np.ndarray:
        """(H, W) float32 depth along the axis at `scale` of the view's size; 1e9 where the mesh is not."""
        camera = resized(view.camera(), scale)
        scene = Scene(
            index=0, camera=camera, placements=(PLACEMENT,), background=Background(fill=PlainFill(color_srgb=(0, 0, 0)))
        )
        depth = self._engine.render(scene).depth_m
        return np.where(np.isfinite(depth), depth, np.float32(1e9)).astype(np.float32)


def resized(camera: Camera, scale: float) -> Camera:
    """The camera of the same picture at another size."""
    width, height = (max(1, round(side * scale)) for side in camera.size_wh)
    return msgspec.structs.replace(
        camera,
        size_wh=(width, height),
        focal_px=camera.focal_px * scale,
        principal_px=(camera.principal_px[0] * scale, camera.principal_px[1] * scale),
    )
