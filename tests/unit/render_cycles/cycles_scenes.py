"""Small meshes and scenes for the tests of the Cycles engine."""

from __future__ import annotations

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.scene import Background, Environment, Placement, PlainFill, Scene

DARK = Environment(strength=0.0)


def quad(side_m: float = 0.4, texture=None, normal=(0.0, 0.0, 1.0)) -> Mesh:
    """A square in the xy plane that faces up, its texture upright seen from above with +y up; white at first."""
    h = side_m / 2
    return Mesh(
        vertices_m=np.array([(-h, -h, 0), (h, -h, 0), (h, h, 0), (-h, h, 0)], np.float32),
        normals=np.tile(np.array(normal, np.float32), (4, 1)),
        uv=np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32),
        faces=np.array([(0, 1, 2), (0, 2, 3)], np.int32),
        texture=np.full((4, 4, 3), 255, np.uint8) if texture is None else texture,
    )


def source(**meshes: Mesh) -> FixedMeshes:
    """Meshes by name."""
    return FixedMeshes({(name, "whole"): mesh for name, mesh in meshes.items()})


def placement(name: str, world_from_object=np.eye(4), **settings) -> Placement:
    """A Lambertian surface, if nothing else is said."""
    settings = {"specular_f0": 0.0, **settings}
    matrix = as_matrix4(np.array(world_from_object))
    return Placement(asset_id=name, part="whole", class_name=name, world_from_object=matrix, **settings)


def scene(placements, lights=(), environment=DARK, camera=None, index=3, **more) -> Scene:
    """A scene seen from above by a small camera."""
    return Scene(
        index=index,
        camera=camera or camera_at((0.0, -1e-4, 1.0)),
        placements=tuple(placements),
        lights=tuple(lights),
        environment=environment,
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
        **more,
    )


def camera_at(eye_m, size_wh=(24, 16), focal_px=60.0, roll_rad=0.0, principal_px=None) -> Camera:
    """A camera that looks at the origin."""
    return Camera(
        size_wh=size_wh,
        focal_px=focal_px,
        principal_px=principal_px or (size_wh[0] / 2, size_wh[1] / 2),
        world_from_cam=as_matrix4(look_at(np.array(eye_m, float), np.zeros(3), roll_rad)),
    )
