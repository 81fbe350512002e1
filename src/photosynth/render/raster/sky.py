"""One scene's ambient light: sets up the sky, then hands out values at a placement's vertices and on a slab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from photosynth.core.scene import Scene
from photosynth.render.raster.ambient import LIFT, MAP_SIDE_PX, VALUES, Sky, draw_ids
from photosynth.render.raster.coat import coat_mean
from photosynth.render.raster.environment_light import environment_light
from photosynth.render.raster.irradiance import harmonics
from photosynth.render.raster.lattice import mark_coarse, mark_nodes, place_nodes
from photosynth.render.raster.lattice_light import fill_nodes
from photosynth.render.raster.own_shadow import add_own_shadow, mix_probes
from photosynth.render.raster.placed import Placed
from photosynth.render.raster.probes import SH_MEAN, fibonacci_sphere, frames_towards
from photosynth.render.raster.shadow import bounding_sphere
from photosynth.render.raster.sky_light import AWAY, light_at
from photosynth.render.raster.slab_surface import find_runs
from photosynth.render.raster.surfels import (
    FINE_CELLS,
    GRID,
    OF_OBJECT,
    gather,
    place_on_slabs,
    towards,
    under_environment,
)
from photosynth.render.raster.transform import View
from photosynth.render.raster.turn import turn_probes, turn_sh

FINE_STEP_PX = 2
"""Pixels between the nodes of a slab at which light is added up."""
RATIOS = (3, 5)
"""Fine steps between the nodes at which ambient light is asked: for pictures up to LARGE_PX, and larger ones."""
LARGE_PX = 450
ROUNDS = 3
"""Surfels are gathered for so often, from the light of lamps alone on: light comes back up to three times."""
Lit = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""Lights surfels, see AmbientLight."""
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
        lit: gives the radiance (m, 3) float32 of white surfels under the lights, from their points and normals (m, 3)
            float32 and the number of the slab on which they are, below 0 for none.
    """

    def __init__(
        self, scene: Scene, view: View, placed: Sequence[Placed], slabs: Sequence[Placed], boxes: np.ndarray, lit: Lit
    ) -> None:
        self.view, self.placed, self.boxes = view, placed, boxes
        environment = scene.environment
        self.environment = environment_light(environment.map_file)
        turn = environment.rotation_rad
        self.turned = np.array([environment.strength, np.cos(turn), np.sin(turn)])
        self.eye = view.world_from_cam[:3, 3]
        self.probes = [self._turned_probes(one) for one in placed]
        self.sky = self.back = None
        if len(placed) + len(slabs) > 1:
            self.sky = self._sky(slabs)
            self._exchange(slabs, lit)
        elif placed and not placed[0].mesh.probes.convex:
            self._exchange(slabs, lit)

    def at_vertices(self, k: int, rows: np.ndarray) -> None:
        """Put the values at the vertices of placement k into its rows, (V, ROW) float32 from pack_vertices, which stay
        as they are where nothing is hidden."""
        one = self.placed[k]
        probes = one.mesh.probes
        if not len(probes.points) or (self.sky is None and probes.convex):
            return
        if self.sky is None:
            values = _unhidden(len(probes.points))
        else:
            values = self._light_at(*self.probes[k], k, -1)
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

    def _turned_probes(self, one: Placed) -> tuple[np.ndarray, np.ndarray]:
        """Points and normals of a placement's probes, from the eye along the world's axes."""
        probes, matrix = one.mesh.probes, one.caster.world_from_object.copy()
        matrix[:3, 3] -= self.eye
        points, normals = np.empty_like(probes.points), np.empty_like(probes.normals)
        turn_probes(probes.points, probes.normals, matrix, one.rotation, points, normals)
        return points, normals

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
            points, normals, own, own_slab, AWAY, sky.frames, sky.parts, sky.areas, sky.maps, sky.centre, sky.radius,
            np.float32(sky.lift), sky.boxes, sky.grids, sky.firsts, sky.from_objects, sky.radiance, values,
        )  # fmt: skip
        return values

    def _sky(self, slabs: Sequence[Placed]) -> Sky:
        light = self.environment
        frames = frames_towards(light.directions @ self._map_from_world())
        casters = [p.caster for p in self.placed]
        centre, radius = bounding_sphere(casters) if casters else (self.eye, 1.0)
        maps = np.full((len(frames), MAP_SIDE_PX, MAP_SIDE_PX), -1, np.int32)
        from_eye = (centre - self.eye).astype(np.float32)
        for k, one in enumerate(self.placed):
            matrix = one.caster.world_from_object.copy()
            matrix[:3, 3] -= self.eye
            draw_ids(one.mesh.caster_vertices, one.mesh.caster_faces, matrix, from_eye, radius, k, frames, maps)
        lift = LIFT * sum(caster.radius for caster in casters) / len(casters) if casters else 1e-3
        return Sky(
            frames, light.luminances, light.areas.astype(np.float32), maps, from_eye, radius, lift, self.boxes,
            np.zeros((len(slabs), 6, GRID), np.float32), np.zeros((len(slabs), 6), np.int32),
            np.zeros((len(frames), max(len(self.placed), 1), 3), np.float32), np.zeros((0, 3), np.float32),
        )  # fmt: skip

    def _exchange(self, slabs: Sequence[Placed], lit: Lit) -> None:
        """Work out what objects and slabs send back: fills `sky`, and `back`, (N, 3) float32: the mean of each
        placement's own surface."""
        count, sky = len(self.placed), self.sky
        points, normals, hidden, starts = self._surfels(len(slabs))
        direct, around = np.empty_like(points), np.empty_like(points)
        spans = [(0, starts[count], -1), *[(starts[count + s], starts[count + s + 1], s) for s in range(len(slabs))]]
        for first, last, own_slab in spans:
            if last > first:
                direct[first:last] = lit(points[first:last], normals[first:last], own_slab)
        under_environment(normals, self.environment.diffuse, self.turned, around)
        albedos = np.array([_returned(p, p.gain) for p in self.placed] + [_returned(s) for s in slabs])
        each = np.repeat(albedos, np.diff(starts), axis=0).astype(np.float32)
        if sky is None:
            radiance = each * (direct + (1 - hidden)[:, None] * around)
        else:
            radiance = each * direct
            for _ in range(ROUNDS):
                towards(sky.frames, normals, starts, count, radiance, sky.from_objects)
                gather(
                    points, normals, starts, count, hidden, albedos, direct, around, sky.frames, sky.parts, sky.areas,
                    sky.maps, sky.centre, sky.radius, np.float32(sky.lift), sky.boxes, sky.grids, sky.firsts,
                    sky.from_objects, radiance, found := np.empty_like(radiance),
                )  # fmt: skip
                radiance = found
            towards(sky.frames, normals, starts, count, radiance, sky.from_objects)
            self.sky = replace(sky, radiance=radiance)
        own = np.split(radiance, starts[1 : count + 1])[:count]
        self.back = np.array([one.sum(axis=0) / max(len(one), 1) for one in own], np.float32)

    def _surfels(self, n_slabs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Points, normals, hidden, starts of surfels as gather takes them; lays out `grids` and `firsts` of `sky`."""
        taken, count = [min(len(points), OF_OBJECT) for points, _ in self.probes], len(self.placed)
        starts = np.cumsum([0, *taken, *[0] * n_slabs])
        room = int(starts[-1]) + 6 * FINE_CELLS**2 * n_slabs
        points, normals = np.empty((room, 3), np.float32), np.empty((room, 3), np.float32)
        hidden = np.zeros(room, np.float32)
        for k, (n, one) in enumerate(zip(taken, self.placed, strict=True)):
            first, last = starts[k], starts[k + 1]
            points[first:last], normals[first:last] = self.probes[k][0][:n], self.probes[k][1][:n]
            hidden[first:last] = np.clip(one.mesh.probes.hidden[:n, 0] / SH_MEAN, 0, 1)
        if n_slabs:
            sky = self.sky
            place_on_slabs(
                self.boxes, sky.centre, np.float32(sky.radius), int(starts[-1]), sky.grids, sky.firsts, starts[count:],
                points, normals,
            )  # fmt: skip
        total = int(starts[-1])
        return points[:total], normals[:total], hidden[:total], starts


def _returned(one: Placed, gain: tuple[float, ...] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """(3,): the part of light that a surface sends back, base and coat together."""
    coat = coat_mean(one.roughness, one.specular_f0)
    return one.mesh.albedo * gain * (1 - coat) + coat


def _unhidden(count: int) -> np.ndarray:
    """(count, VALUES) float32 where nothing is in the way."""
    values = np.zeros((count, VALUES), np.float32)
    values[:, [0, 4]] = 1
    return values
