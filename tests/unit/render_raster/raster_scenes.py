"""Small meshes and scenes that the rasteriser's tests share."""

from __future__ import annotations

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene, Slab


def checker(height: int = 64, width: int = 64, cells: int = 8) -> np.ndarray:
    """(height, width, 3) uint8 of coloured cells, different in every corner."""
    y, x = np.mgrid[:height, :width]
    on = ((y * cells // height) + (x * cells // width)) % 2
    return np.stack([60 + 150 * on, 40 + 160 * x // width, 40 + 160 * y // height], axis=-1).astype(np.uint8)


def box(size_m=(0.1, 0.1, 0.1), texture: np.ndarray | None = None) -> Mesh:
    """A box with one copy of the texture on each face."""
    vertices, normals, uv, faces = [], [], [], []
    for axis in range(3):
        for sign in (-1, 1):
            n = np.zeros(3)
            n[axis] = sign
            u = np.roll(n, 1) * sign
            v = np.cross(n, u)
            start = len(vertices)
            for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
                vertices.append((n + (2 * a - 1) * u + (2 * b - 1) * v) / 2 * np.array(size_m))
                normals.append(n)
                uv.append((a, b))
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return _mesh(vertices, normals, uv, faces, texture)


def sphere(radius_m: float = 0.05, rings: int = 12, texture: np.ndarray | None = None) -> Mesh:
    """A latitude-longitude sphere with smooth normals and degenerate triangles at its poles."""
    vertices, uv, faces = [], [], []
    for i in range(rings + 1):
        for j in range(2 * rings + 1):
            e, a = np.pi * (i / rings - 0.5), np.pi * j / rings
            vertices.append((np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)))
            uv.append((j / rings / 2, i / rings))
    row = 2 * rings + 1
    for i in range(rings):
        for j in range(2 * rings):
            k = i * row + j
            faces += [(k, k + 1, k + row + 1), (k, k + row + 1, k + row)]
    normals = np.array(vertices)
    return _mesh(normals * radius_m, normals, uv, faces, texture)


def ground(side_m: float = 0.4, texture: np.ndarray | None = None) -> Mesh:
    """A square in the xy plane, facing up."""
    h = side_m / 2
    vertices = [(-h, -h, 0), (h, -h, 0), (h, h, 0), (-h, h, 0)]
    return _mesh(vertices, [(0, 0, 1)] * 4, [(0, 0), (1, 0), (1, 1), (0, 1)], [(0, 1, 2), (0, 2, 3)], texture)


def plain(value: int = 255) -> np.ndarray:
    """A texture of one grey."""
    return np.full((4, 4, 3), value, np.uint8)


def _mesh(vertices, normals, uv, faces, texture) -> Mesh:
    return Mesh(
        vertices_m=np.array(vertices, np.float32),
        normals=np.array(normals, np.float32),
        uv=np.array(uv, np.float32),
        faces=np.array(faces, np.int32),
        texture=checker() if texture is None else texture,
    )


def camera(eye_m=(0.3, -0.4, 0.3), target_m=(0, 0, 0), size_wh=(48, 40), focal_px=70.0, roll_rad=0.0) -> Camera:
    """A camera that looks at the middle of the scene."""
    return Camera(
        size_wh=size_wh,
        focal_px=focal_px,
        principal_px=(size_wh[0] / 2, size_wh[1] / 2),
        world_from_cam=as_matrix4(look_at(np.array(eye_m), np.array(target_m, float), roll_rad)),
    )


def placement(name: str, at_m=(0, 0, 0), turn_rad=0.0, scale=1.0, **settings) -> Placement:
    """A mesh by name, turned about +z, scaled and moved."""
    c, s = np.cos(turn_rad) * scale, np.sin(turn_rad) * scale
    matrix = np.array([[c, -s, 0, at_m[0]], [s, c, 0, at_m[1]], [0, 0, scale, at_m[2]], [0, 0, 0, 1.0]])
    return Placement(asset_id=name, part="whole", class_name=name, world_from_object=as_matrix4(matrix), **settings)


def scene(placements, lights=(), environment=None, cam: Camera | None = None, surroundings=()) -> Scene:
    """A scene of those placements on no particular background."""
    return Scene(
        index=7,
        camera=cam or camera(),
        placements=tuple(placements),
        surroundings=tuple(surroundings),
        lights=tuple(lights),
        environment=environment or Environment(strength=0.5),
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )


def lamp(position_m=(0.5, -0.5, 0.9), power_w=12.0, radius_m=0.02, **settings) -> Light:
    """A small lamp."""
    return Light(position_m=position_m, radius_m=radius_m, power_w=power_w, **settings)


def source(**meshes: Mesh) -> FixedMeshes:
    """Meshes by name."""
    return FixedMeshes({(name, "whole"): mesh for name, mesh in meshes.items()})


def slab(size_m=(0.4, 0.4, 0.04), at_m=(0, 0, 0), turn_rad=0.0, fill=None, fill_size_m=0.15, **settings) -> Slab:
    """A board, turned about +z and moved."""
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    matrix = np.array([[c, -s, 0, at_m[0]], [s, c, 0, at_m[1]], [0, 0, 1, at_m[2]], [0, 0, 0, 1.0]])
    fill = fill or PlainFill(color_srgb=(0.9, 0.4, 0.3), end_srgb=(0.2, 0.5, 0.8), angle_rad=0.5)
    return Slab(size_m=size_m, world_from_slab=as_matrix4(matrix), fill=fill, fill_size_m=fill_size_m, **settings)
