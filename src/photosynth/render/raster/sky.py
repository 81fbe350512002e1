"""One scene's ambient light: sets up the sky, then hands out values at a placement's vertices and on a slab."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.scene import Scene
from photosynth.render.raster.ambient import LIFT, MAP_SIDE_PX, VALUES, Sky, draw_ids
from photosynth.render.raster.environment_light import environment_light
from photosynth.render.raster.irradiance import harmonics
from photosynth.render.raster.lattice import mark_coarse, mark_nodes, place_nodes
from photosynth.render.raster.lattice_light import fill_nodes
from photosynth.render.raster.own_shadow import add_own_shadow, mix_probes
from photosynth.render.raster.placed import Placed
from photosynth.render.raster.probes import fibonacci_sphere, frames_towards
from photosynth.render.raster.sent_back import (
    mean_lights,
    sent_back_by_objects,
    sent_back_by_slabs,
    turn_probes,
    turn_sh,
)
from photosynth.render.raster.shadow import bounding_sphere
from photosynth.render.raster.sky_light import light_at
from photosynth.render.raster.slab_surface import find_runs
from photosynth.render.raster.transform import View

FINE_STEP_PX = 2
"""Pixels between the nodes of a slab at which light is added up."""
RATIOS = (3, 5)
"""Fine steps between the nodes at which ambient light is asked: for pictures up to LARGE_PX, and larger ones."""
LARGE_PX = 450
INDIRECT = 0.85
"""Objects that send light back are themselves hidden from part of the environment: they get this part of it."""
NO_NODES = np.zeros((0, 0, 0, VALUES + 1), np.float32)
_FIT_DIRECTIONS = fibonacci_sphere(24)
_FIT = np.linalg.pinv(harmonics(_FIT_DIRECTIONS, (0, 1, 2)))


class SlabNodes:
    """The fine nodes of one slab.

    shape: (6, h, w) of the lattice; wanted: from mark_nodes; runs: of its fragments, from find_runs.
    """

    def __init__(self, view: View, boxes: np.ndarray, s: int, span: tuple[int, int], pixels, triangles) -> None:
        self.view, self.boxes, self.s = view, boxes, s
        self.shape = (6, view.height // FINE_STEP_PX + 2, view.width // FINE_STEP_PX + 2)
        self.wanted = np.zeros(self.shape, np.bool_)
        self.runs = find_runs(*span, pixels, triangles, view.width)
        mark_nodes(self.runs, pixels, triangles, view.width, FINE_STEP_PX, self.wanted)

    def placed(self, wanted: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Where wanted nodes stand: the outputs of place_nodes."""
        count = int(np.count_nonzero(wanted))
        points, normals = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
        places, inside = np.empty(count, np.int64), np.empty(count, np.bool_)
        view = self.view
        place_nodes(wanted, step, view.lens, view.rotation, self.boxes, self.s, points, normals, places, inside)
        return points, normals, places, inside


def lattice_ratio(view: View) -> int:
    """Fine steps between the nodes at which ambient light is asked."""
    return RATIOS[max(view.width, view.height) > LARGE_PX]


class AmbientLight:
    """The ambient light of one scene.

    Args:
        scene: the scene.
        view: its camera.
        placed, slabs: its placements and slabs in the view.
        boxes: from box_rows.
        lights: (L, 7) float32 as add_light wants them.
    """

    def __init__(
        self, scene: Scene, view: View, placed: Sequence[Placed], slabs: Sequence[Placed], boxes, lights: np.ndarray
    ) -> None:
        self.view, self.placed, self.boxes, self.lights = view, placed, boxes, lights
        environment = scene.environment
        self.environment = environment_light(environment.map_file)
        turn = environment.rotation_rad
        self.turned = np.array([environment.strength, np.cos(turn), np.sin(turn)])
        self.eye = view.world_from_cam[:3, 3]
        self.places = np.array([p.caster.centre for p in placed]).reshape(-1, 3) - self.eye
        self.albedos = np.array([p.mesh.albedo * p.gain for p in placed]).reshape(-1, 3)
        self.sky = self._sky(slabs) if len(placed) + len(slabs) > 1 else None
        self.back = self._own_light()

    def at_vertices(self, k: int, rows: np.ndarray) -> None:
        """Put the values at the vertices of placement k into its rows, (V, ROW) float32 from pack_vertices, which stay
        as they are where nothing is hidden."""
        one = self.placed[k]
        probes = one.mesh.probes
        if not len(probes.points) or (self.sky is None and probes.convex):
            return
        if self.sky is None:
            values = np.zeros((len(probes.points), VALUES), np.float32)
            values[:, [0, 4]] = 1
        else:
            matrix = one.caster.world_from_object.copy()
            matrix[:3, 3] -= self.eye
            points, normals = np.empty_like(probes.points), np.empty_like(probes.normals)
            turn_probes(probes.points, probes.normals, matrix, one.rotation, points, normals)
            values = self._light_at(points, normals, k, -1)
        if not probes.convex:
            radiance, irradiance = np.empty(9, np.float32), np.empty(9, np.float32)
            turn_sh(
                self.environment.luminance_sh, self._map_from_world() @ one.rotation, _FIT_DIRECTIONS, _FIT, radiance,
                irradiance,
            )  # fmt: skip
            eye = (self.eye - one.caster.world_from_object[:3, 3]) @ one.rotation / one.scale
            add_own_shadow(
                values, probes.points, probes.normals, probes.hidden, eye.astype(np.float32), radiance, irradiance,
                self.back[k],
            )  # fmt: skip
        mix_probes(probes.nearest, probes.weights, values, rows)

    def _map_from_world(self) -> np.ndarray:
        _, c, s = self.turned
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])

    def _own_light(self) -> np.ndarray:
        """(N, 3) float32: radiance of each placement's own surface, of any direction; a quarter of a light's full
        strength."""
        means = np.empty((len(self.placed), 3))
        mean_lights(self.places, self.lights, self.environment.diffuse, self.turned, means)
        return (means * self.albedos).astype(np.float32)

    def on_slab(self, fine: SlabNodes) -> np.ndarray:
        """Coarse nodes of a slab as read_coarse takes them; empty where nothing is hidden."""
        if self.sky is None:
            return NO_NODES
        ratio = lattice_ratio(self.view)
        wanted = np.zeros((6, fine.shape[1] // ratio + 2, fine.shape[2] // ratio + 2), np.bool_)
        mark_coarse(fine.wanted, ratio, wanted)
        points, normals, places, inside = fine.placed(wanted, ratio * FINE_STEP_PX)
        nodes = np.zeros((*wanted.shape, VALUES + 1), np.float32)
        fill_nodes(places, self._light_at(points, normals, -1, fine.s), inside, nodes.reshape(-1, VALUES + 1))
        return nodes

    def _light_at(self, points: np.ndarray, normals: np.ndarray, own: int, own_slab: int) -> np.ndarray:
        sky = self.sky
        values = np.empty((len(points), VALUES), np.float32)
        light_at(
            points, normals, own, own_slab, sky.frames, sky.parts, sky.areas, sky.maps, sky.centre, sky.radius,
            np.float32(sky.lift), sky.boxes, sky.from_objects, sky.from_slabs, values,
        )  # fmt: skip
        return values

    def _sky(self, slabs: Sequence[Placed]) -> Sky:
        light = self.environment
        directions = light.directions @ self._map_from_world()
        frames = frames_towards(directions)
        casters = [p.caster for p in self.placed]
        centre, radius = bounding_sphere(casters) if casters else (self.eye, 1.0)
        maps = np.full((len(frames), MAP_SIDE_PX, MAP_SIDE_PX), -1, np.int32)
        from_eye = (centre - self.eye).astype(np.float32)
        for k, one in enumerate(self.placed):
            matrix = one.caster.world_from_object.copy()
            matrix[:3, 3] -= self.eye
            draw_ids(one.mesh.caster_vertices, one.mesh.caster_faces, matrix, from_eye, radius, k, frames, maps)
        lift = LIFT * sum(caster.radius for caster in casters) / len(casters) if casters else 1e-3
        from_objects = np.zeros((len(directions), max(len(self.placed), 1), 3), np.float32)
        sent_back_by_objects(
            directions, self.places, self.albedos, self.lights, light.diffuse, self.turned, INDIRECT, from_objects
        )
        from_slabs = np.zeros((len(slabs), 6, 3), np.float32)
        albedos = np.array([s.mesh.albedo for s in slabs]).reshape(-1, 3)
        sent_back_by_slabs(self.boxes, centre - self.eye, albedos, self.lights, light.diffuse, self.turned, from_slabs)
        return Sky(
            frames, light.luminances, light.areas.astype(np.float32), maps, from_eye, radius, lift, self.boxes,
            from_objects, from_slabs,
        )  # fmt: skip
