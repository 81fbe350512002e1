"""One scene's ambient light: sets up the sky, then hands out values at a placement's vertices and on a slab."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.geometry import invert_rigid
from photosynth.core.scene import Scene
from photosynth.render.color import LUMINANCE
from photosynth.render.raster.ambient import (
    LIFT,
    MAP_SIDE_PX,
    VALUES,
    Sky,
    add_own_shadow,
    draw_ids,
    light_at,
    mix_probes,
)
from photosynth.render.raster.environment_light import environment_light, sh_basis
from photosynth.render.raster.lattice import fill_nodes, mark_coarse, mark_nodes, place_nodes
from photosynth.render.raster.placed import Placed
from photosynth.render.raster.probes import fibonacci_sphere, frames_towards
from photosynth.render.raster.shadow import bounding_sphere
from photosynth.render.raster.transform import View

FINE_STEP_PX = 2
"""Pixels between the nodes of a slab at which light is added up."""
RATIOS = (3, 5)
"""Fine steps between the nodes at which ambient light is asked: for pictures up to LARGE_PX, and larger ones."""
LARGE_PX = 450
INDIRECT = 0.85
"""Objects that send light back are themselves hidden from part of the environment: they get this part of it."""
NO_NODES = np.zeros((0, 0, 0, VALUES + 1), np.float32)
_SIDES = np.concatenate([np.eye(3), -np.eye(3)])
_FIT_DIRECTIONS = fibonacci_sphere(24)
_FIT = np.linalg.pinv(sh_basis(_FIT_DIRECTIONS))
_IRRADIANCE_OF_RADIANCE = np.array([1] + [2 / 3] * 3 + [1 / 4] * 5)


class SlabNodes:
    """The fine nodes of one slab.

    shape: (6, h, w) of the lattice; points, normals, places, inside: from place_nodes; wanted: from mark_nodes.
    """

    def __init__(self, view: View, boxes: np.ndarray, s: int, span: tuple[int, int], pixels, triangles) -> None:
        self.view, self.boxes, self.s = view, boxes, s
        self.shape = (6, view.height // FINE_STEP_PX + 2, view.width // FINE_STEP_PX + 2)
        self.wanted = np.zeros(self.shape, np.bool_)
        mark_nodes(*span, pixels, triangles, view.width, FINE_STEP_PX, self.wanted)
        self.points, self.normals, self.places, self.inside = self.placed(self.wanted, FINE_STEP_PX)

    def placed(self, wanted: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Where wanted nodes stand: the outputs of place_nodes."""
        count = int(np.count_nonzero(wanted))
        points, normals = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
        places, inside = np.empty(count, np.int64), np.empty(count, np.bool_)
        view = self.view
        place_nodes(wanted, step, view.lens, view.rotation, self.boxes, self.s, count, points, normals, places, inside)
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
        self.strength, self.turn = scene.environment.strength, scene.environment.rotation_rad
        self.environment = environment_light(scene.environment.map_file)
        self.eye = view.world_from_cam[:3, 3]
        self.luminance_sh = self.environment.radiance_sh() @ LUMINANCE
        self.mean_irradiance = self._irradiance(_SIDES)
        self.sky = self._sky(slabs) if len(placed) + len(slabs) > 1 else None

    def at_vertices(self, k: int, rows: np.ndarray) -> None:
        """Put the values at the vertices of placement k into its rows, (V, ROW) float32 from pack_vertices, which stay
        as they are where nothing is hidden."""
        one = self.placed[k]
        probes = one.mesh.probes
        if not len(probes.points) or (self.sky is None and probes.convex):
            return
        matrix = one.caster.world_from_object
        turn = matrix[:3, :3] / np.linalg.norm(matrix[:3, 0])
        if self.sky is None:
            values = np.zeros((len(probes.points), VALUES), np.float32)
            values[:, [0, 4]] = 1
        else:
            points = (probes.points @ matrix[:3, :3].T + (matrix[:3, 3] - self.eye)).astype(np.float32)
            values = self._light_at(points, (probes.normals @ turn.T).astype(np.float32), k, -1)
        if not probes.convex:
            radiance = self._luminance_sh(turn)
            irradiance = (radiance * _IRRADIANCE_OF_RADIANCE).astype(np.float32)
            back = (one.mesh.albedo * one.gain * self._mean_light(one)).astype(np.float32)
            eye = (invert_rigid(matrix) @ np.append(self.eye, 1.0))[:3].astype(np.float32)
            add_own_shadow(
                values, probes.points, probes.normals, probes.hidden, eye, radiance.astype(np.float32), irradiance, back
            )
        mix_probes(probes.nearest, probes.weights, values, rows)

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
        c, s = np.cos(self.turn), np.sin(self.turn)
        directions = light.directions @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        frames = frames_towards(directions)
        casters = [p.caster for p in self.placed]
        centre, radius = bounding_sphere(casters) if casters else (self.eye, 1.0)
        maps = np.full((len(frames), MAP_SIDE_PX, MAP_SIDE_PX), -1, np.int32)
        from_eye = (centre - self.eye).astype(np.float32)
        for k, one in enumerate(self.placed):
            matrix = one.caster.world_from_object.copy()
            matrix[:3, 3] -= self.eye
            draw_ids(one.mesh.caster_vertices, one.mesh.caster_faces, matrix, from_eye, radius, k, frames, maps)
        lift = LIFT * float(np.mean([caster.radius for caster in casters])) if casters else 1e-3
        return Sky(
            frames, (light.parts @ LUMINANCE).astype(np.float32), light.areas.astype(np.float32), maps, from_eye,
            radius, lift, self.boxes, self._from_objects(directions), self._from_slabs(slabs, centre - self.eye),
        )  # fmt: skip

    def _from_objects(self, directions: np.ndarray) -> np.ndarray:
        """(K, N, 3) float32: light from their sides that face against each direction."""
        out = np.zeros((len(directions), max(len(self.placed), 1), 3), np.float32)
        environment = INDIRECT * self._irradiance(-directions)
        for k, one in enumerate(self.placed):
            light = environment + self._from_lights(-directions, one.caster.centre - self.eye)
            out[:, k] = light * (one.mesh.albedo * one.gain)
        return out

    def _from_slabs(self, slabs: Sequence[Placed], target: np.ndarray) -> np.ndarray:
        """(S, 6, 3) float32: light from their faces, at the place nearest to `target`."""
        out = np.zeros((len(slabs), 6, 3), np.float32)
        for s, (slab, box) in enumerate(zip(slabs, self.boxes.astype(float), strict=True)):
            axes, middle, half = box[:9].reshape(3, 3), box[9:12], box[12:]
            inside = np.clip(axes @ (target - middle), -half, half)
            for face in range(6):
                axis, sign = face // 2, 2 * (face % 2) - 1
                at = inside.copy()
                at[axis] = sign * half[axis]
                normal = sign * axes[axis][None]
                light = self._irradiance(normal) + self._from_lights(normal, middle + at @ axes)
                out[s, face] = light[0] * slab.mesh.albedo
        return out

    def _irradiance(self, normals: np.ndarray) -> np.ndarray:
        """(n, 3): radiance of white surfaces under the whole environment."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        turned = normals @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        return self.strength * np.maximum(sh_basis(turned) @ self.environment.sh, 0)

    def _from_lights(self, normals: np.ndarray, at: np.ndarray) -> np.ndarray:
        """(n, 3): radiance of white surfaces at one place (from the eye) under the lights, shadows apart."""
        if not len(self.lights):
            return np.zeros((len(normals), 3))
        towards = self.lights[:, :3] - at
        distance2 = np.maximum((towards**2).sum(axis=1), self.lights[:, 3] ** 2)
        cosine = np.maximum(normals @ (towards / np.sqrt(distance2)[:, None]).T, 0)
        return (cosine / distance2) @ self.lights[:, 4:]

    def _mean_light(self, one: Placed) -> np.ndarray:
        """(3,): radiance of white surfaces of any direction at a placement; a quarter of a light's full strength."""
        return (self.mean_irradiance + self._from_lights(_SIDES, one.caster.centre - self.eye)).mean(axis=0)

    def _luminance_sh(self, world_from_object: np.ndarray) -> np.ndarray:
        """(9,): spherical harmonics of the environment's luminance in an object's frame."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        map_from_object = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) @ world_from_object
        return _FIT @ (sh_basis(_FIT_DIRECTIONS @ map_from_object.T) @ self.luminance_sh)
