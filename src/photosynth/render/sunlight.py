"""Sunlight: the suns of a scene's environment map as lamps, the same for every engine."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from photosynth.core.scene import Environment, Light, Scene
from photosynth.render.color import LUMINANCE
from photosynth.render.environment import load_environment
from photosynth.render.suns import Sun

FAR = 50.0
"""Suns stand this many times as far away as anything in the scene from its middle. Much farther, and the depths in a
shadow map would come near the rounding of float32."""


def with_suns(scene: Scene) -> Scene:
    """The scene with the suns of its environment map behind its own lamps.

    Raises ConfigError for an unreadable map.
    """
    environment = scene.environment
    if environment.map_file is None or environment.strength <= 0 or not (scene.placements or scene.surroundings):
        return scene
    suns = suns_of(environment.map_file)
    if not suns:
        return scene
    centre, extent_m = _middle(scene)
    return replace(scene, lights=scene.lights + tuple(_lamp(sun, environment, centre, FAR * extent_m) for sun in suns))


@lru_cache(maxsize=1024)
def suns_of(map_file: str) -> tuple[Sun, ...]:
    """The suns of a map by name; they are kept when the map is not. Raises ConfigError for an unreadable map."""
    return load_environment(map_file).suns


def _middle(scene: Scene) -> tuple[np.ndarray, float]:
    """Middle (3,) of what stands in a scene, and how far the camera or the farthest thing is from it."""
    matrices = [p.world_from_object for p in scene.placements] or [s.world_from_slab for s in scene.surroundings]
    places = np.array(matrices)[:, :3, 3]
    centre = (places.min(axis=0) + places.max(axis=0)) / 2
    eye = np.array(scene.camera.world_from_cam)[:3, 3]
    return centre, max(float(np.linalg.norm(np.vstack([places, eye]) - centre, axis=1).max()), 1e-3)


def _lamp(sun: Sun, environment: Environment, centre: np.ndarray, distance_m: float) -> Light:
    """Irradiance E makes a white Lambertian surface's radiance E / pi, a Light's power / (4 pi^2 d^2)."""
    c, s = math.cos(environment.rotation_rad), math.sin(environment.rotation_rad)
    x, y, z = sun.direction
    irradiance = environment.strength * np.array(sun.irradiance_linear)
    luminance = float(irradiance @ LUMINANCE)
    return Light(
        position_m=tuple(map(float, centre + distance_m * np.array([c * x - s * y, s * x + c * y, z]))),
        radius_m=distance_m * math.sin(sun.radius_rad),
        power_w=4 * math.pi * distance_m**2 * luminance,
        color_linear=tuple(map(float, irradiance / luminance)),
    )
