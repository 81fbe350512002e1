"""One scene's ambient light: sets up the sky, then hands out values at a placement's vertices and on a slab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from photosynth.core.scene import Scene
from photosynth.render.raster.ambient import LIFT, MAP_SIDE_PX, VALUES, Sky, draw_ids
from photosynth.render.raster.coat import coat_mean
from photosynth.render.raster.environment_light import REGIONS, environment_light
from photosynth.render.raster.irradiance import harmonics
from photosynth.render.raster.lattice import mark_coarse, mark_nodes, place_nodes
from photosynth.render.raster.lattice_light import fill_nodes
from photosynth.render.raster.own_shadow import add_own_shadow, mix_probes
from photosynth.render.raster.placed import Placed
from photosynth.render.raster.probes import SURFELS, fibonacci_sphere, frames_towards
from photosynth.render.raster.shadow import bounding_sphere
from photosynth.render.raster.sky_light import AWAY, light_at
from photosynth.render.raster.slab_surface import find_runs
from photosynth.render.raster.surfels import (
    FINE_CELLS,
    GRID,
    SPOTS,
    gather,
    look_round,
    over_spots,
    place_on_slabs,
    to_spots,
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
NO_HITS = np.zeros((0, REGIONS), np.int32)
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


@dataclass(frozen=True, eq=False)
class _Spots:
    """Spots of slabs: cells, starts (S + 1,), points and normals as in place_on_slabs."""

    cells: np.ndarray
    starts: np.ndarray
    points: np.ndarray
    normals: np.ndarray


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
            radiance, irradiance = np.empty((2, 9, 3), np.float32)
            turn_sh(
                self.turned[0] * self.environment.radiance_sh, self._map_from_world() @ one.rotation, _FIT_DIRECTIONS,
                _FIT, radiance, irradiance,
            )  # fmt: skip
            eye = (self.eye - one.caster.world_from_object[:3, 3]) @ one.rotation / one.scale
            add_own_shadow(
                values, probes.points, probes.normals, probes.hidden, probes.seen, eye.astype(np.float32), radiance,
                irradiance, self.back[k],
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
            np.float32(sky.lift), sky.boxes, sky.grids, sky.firsts, sky.from_objects, sky.radiance, values, NO_HITS,
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
            frames, np.float32(self.turned[0]) * light.with_luminance, light.areas.astype(np.float32), maps, from_eye,
            radius, lift, self.boxes, np.zeros((len(slabs), 6, GRID), np.float32), np.zeros((len(slabs), 6), np.int32),
            np.zeros((len(frames), max(len(self.placed), 1), 3), np.float32), np.zeros((0, 3), np.float32),
        )  # fmt: skip

    def _exchange(self, slabs: Sequence[Placed], lit: Lit) -> None:
        """Work out what objects and slabs send back: fills `sky`, and `back`: the radiance (S, 3) float32 of each
        placement's own surfels."""
        count, sky = len(self.placed), self.sky
        points, normals, seen, starts, spots = self._surfels(len(slabs))
        hidden = np.zeros((starts[count], 9), np.float32)
        rotations = np.empty((count, 3, 3))
        for k, one in enumerate(self.placed):
            hidden[starts[k] : starts[k + 1]] = one.mesh.probes.hidden[: starts[k + 1] - starts[k]]
            rotations[k] = one.rotation
        direct, around = np.empty_like(points), np.empty_like(points)
        if starts[count]:
            direct[: starts[count]] = lit(points[: starts[count]], normals[: starts[count]], -1)
        under_environment(normals, self.environment.diffuse, self.turned, around)
        albedos = np.array([_returned(p, p.gain) for p in self.placed] + [_returned(s) for s in slabs])
        each = np.repeat(albedos, np.diff(starts), axis=0).astype(np.float32)
        if sky is None:
            free, radiance = direct + (1 - seen.sum(axis=1, keepdims=True)) * around, np.zeros_like(points)
            for _ in range(ROUNDS + 1):
                radiance = each * (free + seen[:, : len(points)] @ radiance)
        else:
            lattices = spots.cells, sky.grids, sky.firsts
            lit_spots, of_spots = np.empty_like(spots.points), np.zeros_like(spots.points)
            for s in range(len(slabs)):
                these = slice(spots.starts[s], spots.starts[s + 1])
                lit_spots[these] = lit(spots.points[these], spots.normals[these], s)
            over_spots(*lattices, lit_spots, direct)
            values = np.empty((len(points), VALUES), np.float32)
            hits = np.empty((len(points), REGIONS), np.int32)
            look_round(
                points, normals, starts, count, sky.frames, sky.parts, sky.areas, sky.maps, sky.centre, sky.radius,
                np.float32(sky.lift), sky.boxes, sky.grids, sky.firsts, sky.from_objects, of_spots, values, hits,
            )  # fmt: skip
            radiance = each * direct
            for _ in range(ROUNDS):
                to_spots(*lattices, albedos, count, lit_spots, direct, radiance, of_spots)
                towards(sky.frames, normals, hidden, rotations, starts, radiance, sky.from_objects)
                gather(
                    normals, starts, count, seen, albedos, direct, around, sky.frames, sky.areas, values, hits,
                    sky.from_objects, of_spots, radiance, found := np.empty_like(radiance),
                )  # fmt: skip
                radiance = found
            to_spots(*lattices, albedos, count, lit_spots, direct, radiance, of_spots)
            towards(sky.frames, normals, hidden, rotations, starts, radiance, sky.from_objects)
            self.sky = replace(sky, radiance=of_spots)
        self.back = np.split(radiance, starts[1 : count + 1])[:count]

    def _surfels(self, n_slabs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, _Spots | None]:
        """Points, normals, seen, starts of surfels as gather takes them; lays out `grids` and `firsts` of `sky`."""
        taken, count = [one.mesh.probes.seen.shape[1] for one in self.placed], len(self.placed)
        starts = np.cumsum([0, *taken, *[0] * n_slabs])
        room = int(starts[-1]) + 6 * FINE_CELLS**2 * n_slabs
        points, normals = np.empty((room, 3), np.float32), np.empty((room, 3), np.float32)
        seen, spots = np.zeros((starts[count], SURFELS), np.float32), None
        for k, (n, one) in enumerate(zip(taken, self.placed, strict=True)):
            first, last = starts[k], starts[k + 1]
            points[first:last], normals[first:last] = self.probes[k][0][:n], self.probes[k][1][:n]
            seen[first:last, :n] = one.mesh.probes.seen[:n]
        if self.sky is not None:
            sky, ends = self.sky, np.zeros((2, n_slabs + 1), np.int64)
            at, facing = np.empty((2, 6 * (FINE_CELLS * SPOTS) ** 2 * n_slabs, 3), np.float32)
            cells = np.zeros((n_slabs, 6, 2), np.int32)
            place_on_slabs(
                self.boxes, sky.centre, np.float32(sky.radius), int(starts[-1]), sky.grids, sky.firsts, cells, ends,
                points, normals, at, facing,
            )  # fmt: skip
            starts[count:] = ends[0]
            spots = _Spots(cells, ends[1], at[: ends[1, -1]], facing[: ends[1, -1]])
        total = int(starts[-1])
        return points[:total], normals[:total], seen, starts, spots


def _returned(one: Placed, gain: tuple[float, ...] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """(3,): the part of light that a surface sends back, base and coat together."""
    coat = coat_mean(one.roughness, one.specular_f0)
    return one.mesh.albedo * gain * (1 - coat) + coat


def _unhidden(count: int) -> np.ndarray:
    """(count, VALUES) float32 where nothing is in the way."""
    values = np.zeros((count, VALUES), np.float32)
    values[:, [0, 4]] = 1
    return values
