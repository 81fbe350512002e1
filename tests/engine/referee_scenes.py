"""Scenes that both engines render: demo objects, every kind of light, a turned camera, a table.

The objects are the built-in ones, so that the comparison runs anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from photosynth.catalogue.demo.packages import demo_object
from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, PrintFill, Scene, Slab

TEXTURE_PX = 1024
LAMP = Light(position_m=(0.5, -0.7, 0.6), radius_m=0.04, power_w=16.0)
THREE = (
    LAMP,
    Light(position_m=(-0.8, -0.3, 0.5), radius_m=0.08, power_w=9.0, color_linear=(1.2, 0.97, 0.66)),
    Light(position_m=(0.1, 0.5, 0.9), radius_m=0.03, power_w=7.0, color_linear=(0.85, 1.0, 1.45)),
)
DARK = Environment(strength=0.0)


@lru_cache
def mesh(name: str) -> Mesh:
    """One demo object, drawn once."""
    return demo_object(name, TEXTURE_PX)


class DemoMeshes:
    """A MeshSource of demo objects."""

    shared_folder = None

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The demo object of that name."""
        return mesh(asset_id)


def scene(name: str, width: int = 160) -> Scene:
    """One of SCENES, `width` pixels wide and three quarters as high."""
    return SCENES[name](width, width * 3 // 4)


def camera(width: int, height: int, eye_m, target_m, focal: float = 1.9, roll_rad: float = 0.0, off=(0.0, 0.0)):
    """A pinhole: focal length in picture widths, principal point off the centre in picture widths."""
    return Camera(
        size_wh=(width, height),
        focal_px=focal * width,
        principal_px=(width * (0.5 + off[0]), height / 2 + width * off[1]),
        world_from_cam=as_matrix4(look_at(np.array(eye_m, float), np.array(target_m, float), roll_rad)),
    )


def placed(name: str, at_m=(0.0, 0.0, 0.0), turn_rad: float = 0.4, tilt_rad: float = 0.0, **settings) -> Placement:
    """A demo object turned about +z, tilted about +x and moved."""
    c, s, ct, st = np.cos(turn_rad), np.sin(turn_rad), np.cos(tilt_rad), np.sin(tilt_rad)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, at_m
    return Placement(asset_id=name, part="whole", class_name=name, world_from_object=as_matrix4(matrix), **settings)


def standing(name: str, x_m: float, y_m: float, turn_rad: float, **settings) -> Placement:
    """A demo object upright on the plane z = 0."""
    return placed(name, (x_m, y_m, -float(mesh(name).vertices_m[:, 2].min())), turn_rad, **settings)


def table(**settings) -> Slab:
    """A printed table top whose upper side is the plane z = 0."""
    matrix = np.eye(4)
    matrix[2, 3] = -0.02
    paper = ((0.62, 0.55, 0.45), (0.5, 0.42, 0.33), (0.7, 0.66, 0.6))
    fill = PrintFill(seed=3, palette_srgb=paper, density=0.4)
    return Slab(size_m=(1.2, 0.9, 0.04), world_from_slab=as_matrix4(matrix), fill=fill, fill_size_m=0.3, **settings)


def _of(camera_: Camera, placements, lights=(), environment=DARK, surroundings=()) -> Scene:
    return Scene(
        index=1,
        camera=camera_,
        placements=tuple(placements),
        surroundings=tuple(surroundings),
        lights=tuple(lights),
        environment=environment,
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )


def _one_lamp(w: int, h: int) -> Scene:
    return _of(camera(w, h, (0.35, -0.6, 0.3), (0, 0, 0), 2.5), [placed("tomato_ketchup", roughness=0.45)], [LAMP])


def _environment(w: int, h: int) -> Scene:
    around = Environment(map_file="package:apartment.exr", rotation_rad=1.3, strength=0.6)
    return _of(camera(w, h, (0.3, -0.55, 0.35), (0, 0, 0), 2.5), [placed("oat_drink", turn_rad=-0.5)], (), around)


def _three_lamps(w: int, h: int) -> Scene:
    around = Environment(map_file="package:lobby.exr", rotation_rad=4.0, strength=0.3)
    things = [placed("golden_rings", turn_rad=0.3, tilt_rad=0.5, roughness=0.35)]
    return _of(camera(w, h, (0.1, -0.7, 0.3), (0, 0, 0), 1.9), things, THREE, around)


def _turned_camera(w: int, h: int) -> Scene:
    around = Environment(map_file="package:workshop.exr", rotation_rad=2.0, strength=0.4)
    view = camera(w, h, (0.4, -0.4, 0.25), (0.0, 0.0, 0.0), 1.9, 0.6, (0.07, -0.05))
    gained = placed("mango_juice", turn_rad=2.2, albedo_gain_linear=(0.7, 0.9, 0.8), roughness=0.7, specular_f0=0.02)
    return _of(view, [gained], THREE[:2], around)


def _table(w: int, h: int) -> Scene:
    around = Environment(map_file="package:apartment.exr", rotation_rad=0.7, strength=0.35)
    things = [
        standing("cherry_soda", -0.1, 0.02, 0.3, roughness=0.3),
        standing("chopped_tomatoes", 0.02, -0.05, 1.9),
        standing("hummus", 0.13, 0.03, 0.2, roughness=0.6),
    ]
    view = camera(w, h, (0.1, -0.65, 0.4), (0.01, 0.0, 0.055), 2.2)
    return _of(view, things, THREE, around, [table()])


SCENES: dict[str, Callable[[int, int], Scene]] = {
    "one lamp": _one_lamp,
    "environment": _environment,
    "environment and three lamps": _three_lamps,
    "turned camera": _turned_camera,
    "table": _table,
}
"""Scenes by name: functions of width and height."""
