"""RasterEngine: scenes to layers with numba kernels, on one CPU core.

The order of work: place the meshes in the view, draw them into the visibility buffer, draw the lights' shadow
maps, list fragments, shade them placement by placement, then draw what each placement covers when it is alone.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from time import thread_time

import numpy as np

from photosynth.core.engine import MeshSource
from photosynth.core.errors import EngineError
from photosynth.core.frame import Layers
from photosynth.core.record import Record
from photosynth.core.scene import Placement, Scene
from photosynth.render.raster.boxes import blocked_lights, box_rows
from photosynth.render.raster.buffers import PixelBuffers
from photosynth.render.raster.coat import MIN_ALPHA, coat_table, index_of_refraction
from photosynth.render.raster.environment_light import environment_light
from photosynth.render.raster.fragments import emit_fragments, mark_drawn
from photosynth.render.raster.lanes import scratch
from photosynth.render.raster.placed import PixelBox, Placed, Silhouettes, place, place_slab, union
from photosynth.render.raster.prepared import PreparedMesh, prepare, prepare_slab
from photosynth.render.raster.shading import shade
from photosynth.render.raster.shadow import ShadowCaster
from photosynth.render.raster.shared_meshes import SharedMeshes
from photosynth.render.raster.sky import FINE_STEP_PX, NO_NODES, AmbientLight, SlabNodes, lattice_ratio
from photosynth.render.raster.slab_shading import light_nodes, shade_slab
from photosynth.render.raster.surface import ROW, pack_vertices
from photosynth.render.raster.surfels import light_surfels
from photosynth.render.raster.texture import decode_scale
from photosynth.render.raster.transform import View, view_of
from photosynth.render.raster.visibility import MAX_INSTANCES, MAX_TRIANGLES, SAMPLES
from photosynth.render.sunlight import with_suns

MAX_TEXTURE_PX = 2048
"""Textures are shrunk to this side."""
CACHE_BYTES = 2 << 30
"""Prepared meshes kept in memory, all together."""
MIN_SHADOW_SIDE_PX, MAX_SHADOW_SIDE_PX = 128, 768
"""The largest shadow map is as large as the picture, within these."""
PHASES = ("place", "visibility", "shadow", "fragments", "ambient", "shading", "silhouettes")
"""The keys of RasterEngine.seconds."""


class RasterOptions(Record, frozen=True, kw_only=True):
    """What may be left out."""

    ambient_occlusion: bool = True
    """Objects and slabs hide the environment from each other and from themselves, and send light back in
    three bounces."""


class RasterEngine:
    """A RenderEngine that rasterises.

    `seconds` adds up CPU time by phase. One engine serves one thread; give each worker its own.
    """

    name = "raster"

    def __init__(self, meshes: MeshSource, options: RasterOptions | None = None) -> None:
        self.meshes, self.options = meshes, options or RasterOptions()
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._prepared: OrderedDict[tuple[str, str], PreparedMesh] = OrderedDict()
        self._shared = SharedMeshes(meshes.shared_folder) if meshes.shared_folder else None
        self._buffers = PixelBuffers()
        self._shadows = ShadowCaster()
        self._silhouettes = Silhouettes()
        self._decode, self._scratch = decode_scale(), scratch()

    def render(self, scene: Scene) -> Layers:
        """Render one scene. Raises EngineError naming the scene when its numbers make no picture."""
        try:
            return self._render(with_suns(scene))
        except ValueError as error:
            raise EngineError(self.name, f"scene {scene.index}", str(error)) from error

    def _render(self, scene: Scene) -> Layers:
        started = thread_time()
        view = view_of(scene.camera)
        if len(scene.placements) + len(scene.surroundings) > MAX_INSTANCES:
            raise ValueError(
                f"{len(scene.placements)} placements and {len(scene.surroundings)} slabs; at most {MAX_INSTANCES} "
                "fit in one scene"
            )
        placed = [place(p, self._mesh(p), view) for p in scene.placements]
        slabs = [place_slab(s, prepare_slab(s), view) for s in scene.surroundings]
        layers, solids = _blank(view, len(placed)), placed + slabs
        started = self._clock("place", started)
        box = union([p.pixels for p in solids])
        drawn = self._draw(solids, len(placed), view, box)
        started = self._clock("visibility", started)
        side = int(np.clip(max(view.width, view.height), MIN_SHADOW_SIDE_PX, MAX_SHADOW_SIDE_PX))
        shadows = self._shadows.draw(scene.lights, [p.caster for p in placed], side)
        started = self._clock("shadow", started)
        starts, ends, pixels, triangles, weights = self._fragments(layers, solids, box, view)
        started = self._clock("fragments", started)
        boxes, lights = box_rows(scene.surroundings, view.world_from_cam[:3, 3]), _light_rows(scene, view)
        given = lights, shadows.rows, shadows.layout, shadows.texels, boxes
        ambient = None
        if self.options.ambient_occlusion:
            ambient = AmbientLight(scene, view, placed, slabs, boxes, partial(self._light_surfels, given))
        started = self._clock("ambient", started)
        for k, one in enumerate(solids):
            span, s = (int(starts[k]), int(ends[k])), k - len(placed)
            if span[0] == span[1]:
                continue
            blocks = blocked_lights(boxes, lights, one.cam, view.world_from_cam, s)
            light = *given, blocks
            fragments = span, pixels, triangles, weights
            if s < 0:
                rows = _vertex_rows(one, view)
                if ambient:
                    ambient.at_vertices(k, rows)
                started = self._clock("ambient", started)
                self._shade(one, scene, view, fragments, rows, light, layers)
            else:
                nodes = self._slab_nodes(view, boxes, s, span, pixels, triangles)
                coarse = ambient.on_slab(nodes) if ambient else NO_NODES
                started = self._clock("ambient", started)
                self._shade_slab(one, scene, view, fragments, nodes, coarse, light, layers)
            started = self._clock("shading", started)
        self._measure_alone(placed, drawn, view, layers)
        self._clock("silhouettes", started)
        return layers

    def _clock(self, phase: str, started: float) -> float:
        now = thread_time()
        self.seconds[phase] += now - started
        return now

    def _mesh(self, placement: Placement) -> PreparedMesh:
        key = (placement.asset_id, placement.part)
        if key in self._prepared:
            self._prepared.move_to_end(key)
            return self._prepared[key]
        prepared = self._prepare(*key)
        if len(prepared.faces) > MAX_TRIANGLES:
            raise ValueError(f"{key[0]} has {len(prepared.faces)} triangles; at most {MAX_TRIANGLES} can be drawn")
        self._prepared[key] = prepared
        while len(self._prepared) > 1 and sum(p.nbytes for p in self._prepared.values()) > CACHE_BYTES:
            self._prepared.popitem(last=False)
        return prepared

    def _prepare(self, asset_id: str, part: str) -> PreparedMesh:
        ambient = self.options.ambient_occlusion

        def make() -> PreparedMesh:
            return prepare(self.meshes.mesh(asset_id, part), MAX_TEXTURE_PX, ambient)

        if self._shared is None:
            return make()
        return self._shared.mesh(f"{asset_id}/{part}/{MAX_TEXTURE_PX}/{ambient}", make)

    def _draw(self, solids: list[Placed], named: int, view: View, box: PixelBox) -> np.ndarray:
        """Fill the visibility buffer, and settle who is seen where its samples are tied. Returns (named, H, W) uint8,
        the samples that each placement has whatever stands before it; (named, 0, 0) for one that stands alone."""
        buffers = self._buffers
        buffers.begin(view.height, view.width)
        shape = (view.height, view.width) if len(solids) > 1 else (0, 0)
        drawn, nobody = np.zeros((named, *shape), np.uint8), np.zeros((0, 0), np.uint8)
        notes = [drawn[k] if k < named else nobody for k in range(len(solids))]
        for k, one in enumerate(solids):
            buffers.draw(one.cam, one.screen, one.mesh.faces, k, view.lens, one.pixels, len(solids) > 1, notes[k])
        buffers.sort_out(box, any(one.mesh.several_charts for one in solids))
        for k, one in enumerate(solids):
            buffers.draw_centres(one.cam, one.screen, one.mesh.faces, k, view.lens, one.pixels, notes[k])
        return drawn

    def _fragments(self, layers: Layers, solids: list[Placed], box: PixelBox, view: View) -> tuple[np.ndarray, ...]:
        """Where each placement's fragments start and end (n,), and their pixels, triangles and weights."""
        starts, charts, first = room_for_fragments(solids)
        total, ends, buffers = int(starts[-1]), starts[:-1].copy(), self._buffers
        pixels, triangles = np.empty(total, np.int32), np.empty(total, np.int32)
        weights = np.empty(total, np.uint8)
        emit_fragments(
            buffers.kinds, buffers.lows, buffers.mixed, buffers.centres, *box, view.width, len(layers.amodal_masks),
            charts, first, ends, pixels, triangles, weights, layers.coverage, layers.instance_ids,
        )  # fmt: skip
        return starts, ends, pixels, triangles, weights

    def _slab_nodes(self, view: View, boxes, s: int, span: tuple[int, int], pixels, triangles) -> SlabNodes:
        return SlabNodes(view, boxes, s, span, pixels, triangles)

    def _light_surfels(self, lighting: tuple, points: np.ndarray, normals: np.ndarray, own_slab: int) -> np.ndarray:
        """The radiance of white surfels under the lights, see AmbientLight."""
        lights, boxes = lighting[0], lighting[-1]
        blocks, out = other_slabs(len(lights), len(boxes), own_slab), np.empty((len(points), 3), np.float32)
        light_surfels(points, normals, *lighting, blocks, self._scratch, out)
        return out

    def _shade(self, one: Placed, scene: Scene, view: View, fragments, rows, lighting, layers: Layers) -> None:
        mesh = one.mesh
        material, *environment = surface_of(one, scene)
        shade(
            *fragments[0], *fragments[1:], view.width, view.lens, view.rotation, mesh.faces, rows, mesh.texels,
            mesh.levels, self._decode, material, np.int32(mesh.mirrored), view.forward, *environment, *lighting,
            layers.radiance.reshape(-1, 3), layers.depth_m.reshape(-1), layers.normals.reshape(-1, 3), self._scratch,
        )  # fmt: skip

    def _shade_slab(self, one: Placed, scene: Scene, view: View, fragments, nodes, coarse, lighting, layers) -> None:
        mesh = one.mesh
        material, *environment = surface_of(one, scene)
        lit = np.empty((*nodes.shape, 8), np.float32)
        light_nodes(
            nodes.wanted, FINE_STEP_PX, view.lens, view.rotation, nodes.s, lattice_ratio(view), coarse, material,
            *environment, *lighting, lit, self._scratch,
        )  # fmt: skip
        shade_slab(
            nodes.runs, *fragments[1:], view.width, view.lens, one.cam, mesh.st, mesh.texels, mesh.levels,
            self._decode, material[:3], face_normals(one), lit, layers.radiance.reshape(-1, 3),
            layers.depth_m.reshape(-1), layers.normals.reshape(-1, 3), self._scratch,
        )  # fmt: skip

    def _measure_alone(self, placed: list[Placed], drawn: np.ndarray, view: View, layers: Layers) -> None:
        for k, one in enumerate(placed):
            mask = layers.amodal_masks[k]
            area = float(mark_drawn(drawn[k], layers.instance_ids, k + 1, *one.pixels, mask))
            if not one.inside(view):
                area = max(area, self._silhouettes.full_area_px(one, view))
            layers.full_area_px[k] = area


def _blank(view: View, count: int) -> Layers:
    shape = (view.height, view.width)
    return Layers(
        radiance=np.zeros((*shape, 3), np.float32),
        coverage=np.zeros(shape, np.float32),
        depth_m=np.full(shape, np.inf, np.float32),
        instance_ids=np.zeros(shape, np.uint16),
        normals=np.zeros((*shape, 3), np.float32),
        amodal_masks=np.zeros((count, *shape), bool),
        full_area_px=np.zeros(count, np.float64),
    )


def room_for_fragments(solids: list[Placed]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the fragments of each begin if they are as many as may be, (n + 1,) int64; charts and first as
    emit_fragments takes them."""
    several = [one.mesh.several_charts for one in solids]
    starts, first = [0], [0]
    for (x0, y0, x1, y1), split, one in zip((one.pixels for one in solids), several, solids, strict=True):
        starts.append(starts[-1] + (x1 - x0) * (y1 - y0) * (SAMPLES if split else 1))
        first.append(first[-1] + (len(one.mesh.charts) if split else 0))
    charts = [one.mesh.charts for one, split in zip(solids, several, strict=True) if split]
    joined = np.concatenate(charts) if charts else np.zeros(1, np.int32)
    return np.array(starts, np.int64), joined, np.array(first, np.int64)


def other_slabs(n_lights: int, n_slabs: int, own_slab: int) -> np.ndarray:
    """(L, S) bool: every slab may hide every light, but `own_slab` if it is not below 0."""
    blocks = np.ones((n_lights, n_slabs), np.bool_)
    if own_slab >= 0:
        blocks[:, own_slab] = False
    return blocks


def surface_of(one: Placed, scene: Scene) -> tuple[np.ndarray, ...]:
    """Material, diffuse, octahedral, coat and sky as shade takes them."""
    roughness, f0 = (min(max(float(v), 0.0), 1.0) for v in (one.roughness, one.specular_f0))
    material = np.array([*one.gain, max(roughness**2, MIN_ALPHA), index_of_refraction(f0)], np.float32)
    environment = scene.environment
    light, turn = environment_light(environment.map_file), environment.rotation_rad
    sky = np.array([environment.strength, np.cos(turn), np.sin(turn)], np.float32)
    return material, light.diffuse, light.level(roughness), coat_table(roughness, f0), sky


def _vertex_rows(one: Placed, view: View) -> np.ndarray:
    """(V, ROW) float32, see pack_vertices."""
    mesh = one.mesh
    rows = np.empty((len(mesh.vertices), ROW), np.float32)
    pack_vertices(one.cam, mesh.normals, one.rotation, mesh.st, rows)
    return rows


def face_normals(one: Placed) -> np.ndarray:
    """(6, 3) float32: normals of a slab's faces in the world."""
    return (one.mesh.normals[::4] @ one.rotation.T).astype(np.float32)


def _light_rows(scene: Scene, view: View) -> np.ndarray:
    """Lights as add_light wants them, (L, 7) float32."""
    rows = np.zeros((len(scene.lights), 7), np.float32)
    for row, light in zip(rows, scene.lights, strict=True):
        row[:3] = np.array(light.position_m) - view.world_from_cam[:3, 3]
        row[3] = max(light.radius_m, 1e-6)
        row[4:] = np.array(light.color_linear) * (light.power_w / (4 * np.pi**2))
    return rows
