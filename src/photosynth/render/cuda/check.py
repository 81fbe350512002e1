"""Is a GPU to be trusted? A small scene that has a bit of everything, rendered on it and on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.engine import MeshSource, RenderEngine
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene, Slab
from photosynth.render.cuda.agreement import odd_pixels

ENLARGED = 6
"""The picture is 24 x 18 pixels, times this."""
MAX_ODD = 0.003
"""This share of the pixels may differ: where rounding puts a place on the other side of an edge."""


def disagreement(engine: Callable[[MeshSource], RenderEngine], enlarged: int = ENLARGED) -> str | None:
    """What an engine shows otherwise than the CPU's rasteriser does, in words; None if they agree."""
    from photosynth.render.raster.engine import RasterEngine

    scene, meshes = check_scene(enlarged)
    odd = odd_pixels(engine(meshes).render(scene), RasterEngine(meshes).render(scene))
    of = scene.camera.size_wh[0] * scene.camera.size_wh[1]
    if max(odd.values(), default=0) <= MAX_ODD * of:
        return None
    counts = ", ".join(f"{name} in {count}" for name, count in odd.items())
    return f"a picture differs from the CPU's ({counts} of {of} pixels)"


def check_scene(enlarged: int = ENLARGED) -> tuple[Scene, FixedMeshes]:
    """A board with two blocks on it, one before the other and partly out of the picture, under two lamps and a sky
    without suns, whose hard shadows end where rounding says."""
    textures = np.random.default_rng(0).integers(30, 220, (2, 16, 16, 3)).astype(np.uint8)
    meshes = FixedMeshes({(f"block {k}", "whole"): _block(textures[k]) for k in range(2)})
    eye = np.array([0.34, -0.3, 0.26])
    camera = Camera(
        size_wh=(24 * enlarged, 18 * enlarged), focal_px=34.0 * enlarged,
        principal_px=(12.0 * enlarged, 9.0 * enlarged),
        world_from_cam=as_matrix4(look_at(eye, np.array([0.0, 0.0, 0.03]))),
    )  # fmt: skip
    board = Slab(
        size_m=(0.5, 0.4, 0.02), world_from_slab=as_matrix4(_at(0.02, 0.01, -0.01, 0.3)), fill_size_m=0.1,
        fill=PlainFill(color_srgb=(0.9, 0.5, 0.3), end_srgb=(0.2, 0.4, 0.8), angle_rad=0.4),
    )  # fmt: skip
    lights = (
        Light(position_m=(0.4, -0.5, 0.7), radius_m=0.02, power_w=8.0),
        Light(position_m=(-0.5, -0.1, 0.5), radius_m=0.15, power_w=5.0, color_linear=(1.0, 0.7, 0.4)),
    )
    scene = Scene(
        index=0, camera=camera,
        placements=(_placed(0, _at(-0.03, 0.03, 0.05, 0.5), 0.15), _placed(1, _at(0.09, -0.1, 0.05, 1.2), 0.7)),
        surroundings=(board,), lights=lights,
        environment=Environment(map_file="package:apartment.exr", strength=0.4, rotation_rad=0.7),
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )  # fmt: skip
    return scene, meshes


def _placed(number: int, matrix: np.ndarray, roughness: float) -> Placement:
    name = f"block {number}"
    return Placement(
        asset_id=name, part="whole", class_name=name, world_from_object=as_matrix4(matrix), roughness=roughness
    )


def _at(x: float, y: float, z: float, turn_rad: float) -> np.ndarray:
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])


def _block(texture: np.ndarray) -> Mesh:
    """A cube of 10 cm whose faces show the texture, with normals that lean outward at its corners."""
    vertices, normals, uv, faces = [], [], [], []
    for axis in range(3):
        for sign in (-1, 1):
            n = sign * np.eye(3)[axis]
            u = np.roll(n, 1) * sign
            v, start = np.cross(n, u), len(vertices)
            for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = n + (2 * a - 1) * u + (2 * b - 1) * v
                vertices.append(0.05 * corner)
                normals.append((3 * n + corner) / np.linalg.norm(3 * n + corner))
                uv.append((a, b))
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return Mesh(
        vertices_m=np.array(vertices, np.float32), normals=np.array(normals, np.float32),
        uv=np.array(uv, np.float32), faces=np.array(faces, np.int32), texture=texture,
    )  # fmt: skip
