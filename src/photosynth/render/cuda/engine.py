"""CudaEngine: the rasteriser with its pixel work on a CUDA GPU. Seen to agree in numba's simulator, never run on a GPU.

RasterEngine says what follows what; here is what each step does on the GPU: visibility, shadow maps, fragments and
shading. The CPU still places meshes, works out ambient light at vertices and nodes, lays out shadow maps, and
measures placements that leave the picture: little work, none of it for each pixel, and the CPU's code does it.
"""

from __future__ import annotations

import numpy as np

from photosynth.core.engine import MeshSource
from photosynth.core.errors import DependencyError
from photosynth.core.frame import Layers
from photosynth.core.scene import Scene
from photosynth.render.raster.engine import (
    RasterEngine,
    RasterOptions,
    face_normals,
    other_slabs,
    room_for_fragments,
    surface_of,
)
from photosynth.render.raster.placed import PixelBox, Placed
from photosynth.render.raster.sky import FINE_STEP_PX, SlabNodes, lattice_ratio
from photosynth.render.raster.slab_surface import PLANE, face_planes
from photosynth.render.raster.transform import NEAR_M, View
from photosynth.render.raster.visibility import SAMPLES

try:
    from photosynth.render.cuda import fragments, shading, slabs, surfels, visibility
    from photosynth.render.cuda.memory import DeviceMemory
    from photosynth.render.cuda.shadow import CudaShadowCaster
    from photosynth.render.cuda.visibility import THREADS, blocks_for, threads_for
except ImportError as error:
    raise DependencyError(
        f'render engine "cuda" needs numba-cuda: uv sync --extra cuda, or pip install "photosynth[cuda]" ({error})'
    ) from error


class CudaEngine(RasterEngine):
    """A RenderEngine that rasterises on the GPU that CUDA calls the current one.

    Its pictures equal RasterEngine's but for rounding. `seconds` adds up CPU time by phase; that of the GPU counts as
    shading or where the CPU waits for it. One engine serves one thread; give each worker its own, they may share a GPU.
    """

    name = "cuda"

    def __init__(self, meshes: MeshSource, options: RasterOptions | None = None) -> None:
        super().__init__(meshes, options)
        self._memory = DeviceMemory()
        self._shadows = CudaShadowCaster(self._memory)

    def _draw(self, solids: list[Placed], named: int, view: View, box: PixelBox) -> tuple:
        """Fill the visibility buffer. Returns 1 or 0 for whether it was noted what each placement has whatever stands
        before it, and the bits that say so."""
        m, height, width = self._memory, view.height, view.width
        self._keys = m.room("keys", (height, width, SAMPLES), np.int64)
        self._centres = m.room("centres", (height, width), np.int64)
        several = int(len(solids) > 1)
        drawn = m.room("drawn", (named * several, height, width), np.int32)
        visibility.clear[blocks_for(max(height * width, named)), THREADS](
            self._keys, self._centres, drawn, *self._layers(named, view)
        )
        lens = m.put("lens", view.lens)
        for k, one in enumerate(solids):
            if not len(one.mesh.faces):
                continue
            noted = several * int(k < named)
            share = threads_for(len(one.mesh.faces))
            visibility.draw_triangles[blocks_for(len(one.mesh.faces) * share), THREADS](
                m.put("cam", one.cam), m.put("screen", one.screen), m.keep(one.mesh.faces), k, lens, NEAR_M,
                width, height, share, self._keys, self._centres, noted, drawn[k if noted else 0],
            )  # fmt: skip
        return several, drawn

    def _layers(self, named: int, view: View) -> tuple:
        """masks, areas, radiance, coverage, depth, ids and normals on the GPU."""
        m, shape = self._memory, (view.height, view.width)
        count = view.height * view.width
        return (
            m.room("masks", (named, *shape), np.bool_), m.room("areas", (named,), np.int32),
            m.room("radiance", (count, 3), np.float32), m.room("coverage", shape, np.float32),
            m.room("depth", (count,), np.float32), m.room("ids", shape, np.uint16),
            m.room("normals", (count, 3), np.float32),
        )  # fmt: skip

    def _fragments(self, layers: Layers, solids: list[Placed], box: PixelBox, view: View) -> tuple:
        """Where each placement's fragments start and end (n,), and on the GPU their pixels, triangles and weights."""
        m, named = self._memory, len(layers.amodal_masks)
        starts, charts, first = room_for_fragments(solids)
        total, ends = int(starts[-1]), m.put("ends", starts[:-1].astype(np.int32))
        pixels, triangles = m.room("pixels", (total,), np.int32), m.room("triangles", (total,), np.int32)
        weights = m.room("weights", (total,), np.uint8)
        _, _, _, coverage, _, ids, _ = self._layers(named, view)
        if total:
            count = (box[2] - box[0]) * (box[3] - box[1])
            fragments.emit[blocks_for(count), THREADS](
                self._keys, self._centres, *box, view.width, named, m.put("charts", charts), m.put("first", first),
                ends, pixels, triangles, weights, coverage, ids,
            )  # fmt: skip
        return starts, ends.copy_to_host()[: len(solids)], pixels, triangles, weights

    def _slab_nodes(self, view: View, boxes, s: int, span: tuple[int, int], pixels, triangles) -> SlabNodes:
        """The fine nodes of a slab: which are wanted, found on the GPU. Their places are found there when needed."""
        none = np.zeros(0, np.int32)
        nodes = SlabNodes(view, boxes, s, (0, 0), none, none)
        wanted, (start, stop) = self._memory.room("wanted", nodes.shape, np.bool_), span
        slabs.unmark[blocks_for(int(np.prod(nodes.shape))), THREADS](wanted)
        slabs.mark_nodes[blocks_for(stop - start), THREADS](
            start, stop, pixels, triangles, view.width, FINE_STEP_PX, wanted
        )
        wanted.copy_to_host(nodes.wanted)
        return nodes

    def _light_surfels(self, lighting: tuple, points: np.ndarray, normals: np.ndarray, own_slab: int) -> np.ndarray:
        m, count, (lights, rows, layout, texels, boxes) = self._memory, len(points), lighting
        blocks, out = other_slabs(len(lights), len(boxes), own_slab), m.room("surfels' light", points.shape, np.float32)
        surfels.light_surfels[blocks_for(count), THREADS](
            m.put("surfels", points), m.put("surfels' normals", normals), len(lights), m.put("lights", lights),
            m.put("light rows", rows), m.put("layout", layout), texels, m.put("boxes", boxes), m.put("blocks", blocks),
            out,
        )  # fmt: skip
        return out.copy_to_host()[:count]

    def _shade(self, one: Placed, scene: Scene, view: View, fragments, rows, lighting, layers: Layers) -> None:
        m, mesh, (start, stop) = self._memory, one.mesh, fragments[0]
        surface, light = self._surface(one, scene, lighting)
        given = (
            start, stop, *fragments[1:], view.width, m.put("lens", view.lens), m.put("rotation", view.rotation),
            m.keep(mesh.faces), m.put("rows", rows), m.keep(mesh.texels), m.keep(mesh.levels), m.keep(self._decode),
            surface[0], np.int32(mesh.mirrored), m.put("forward", view.forward), *surface[1:], *light,
            *self._pictures(layers, view),
        )  # fmt: skip
        for rank in range(SAMPLES if mesh.charts.any() else 1):
            shading.shade[blocks_for(stop - start), THREADS](rank, *given)

    def _shade_slab(self, one: Placed, scene: Scene, view: View, fragments, nodes, coarse, lighting, layers) -> None:
        m, mesh, (start, stop) = self._memory, one.mesh, fragments[0]
        surface, light = self._surface(one, scene, lighting)
        _, height, width = nodes.shape
        planes, lens = np.empty((6, PLANE)), m.put("lens", view.lens)
        face_planes(one.cam, mesh.st, planes)
        lit = m.room("lit", (6, height, width, 8), np.float32)
        slabs.light_nodes[blocks_for(6 * height * width), THREADS](
            m.room("wanted", nodes.shape, np.bool_), FINE_STEP_PX, lens, m.put("rotation", view.rotation), nodes.s,
            lattice_ratio(view), int(coarse.shape[0] > 0), m.put("coarse", coarse), *surface, *light, lit,
        )  # fmt: skip
        shade = slabs.shade_slab[blocks_for(stop - start), THREADS]
        shade(
            start, stop, *fragments[1:], view.width, lens, m.put("planes", planes), m.keep(mesh.texels),
            m.keep(mesh.levels), m.keep(self._decode), surface[0], m.put("faces' normals", face_normals(one)), lit,
            *self._pictures(layers, view),
        )  # fmt: skip

    def _surface(self, one: Placed, scene: Scene, lighting: tuple) -> tuple[tuple, tuple]:
        """What the kernels take of material and environment, and of lights, on the GPU."""
        m, (material, diffuse, octahedral, coat, sky) = self._memory, surface_of(one, scene)
        lights, rows, layout, texels, boxes, blocks = lighting
        surface = (
            m.put("material", material), m.put("diffuse", diffuse), octahedral.shape[0],
            m.put("octahedral", octahedral.reshape(-1)), m.put("coat", coat), m.put("sky", sky),
        )  # fmt: skip
        light = (
            len(lights), m.put("lights", lights), m.put("light rows", rows), m.put("layout", layout), texels,
            m.put("boxes", boxes), m.put("blocks", blocks),
        )  # fmt: skip
        return surface, light

    def _pictures(self, layers: Layers, view: View) -> tuple:
        """radiance, depth and normals on the GPU, by pixel."""
        _, _, radiance, _, depth, _, normals = self._layers(len(layers.amodal_masks), view)
        return radiance, depth, normals

    def _measure_alone(self, placed: list[Placed], drawn: tuple, view: View, layers: Layers) -> None:
        """What each placement covers when it is alone; then all layers come from the GPU."""
        masks, areas, radiance, coverage, depth_m, ids, normals = self._layers(len(placed), view)
        noted, bits = drawn
        for k, one in enumerate(placed):
            x0, y0, x1, y1 = one.pixels
            if x1 > x0 and y1 > y0:
                visibility.mark_alone[blocks_for((x1 - x0) * (y1 - y0)), THREADS](
                    noted, bits[k if noted else 0], ids, k + 1, *one.pixels, masks[k], areas
                )
        radiance.copy_to_host(layers.radiance.reshape(-1, 3))
        coverage.copy_to_host(layers.coverage)
        depth_m.copy_to_host(layers.depth_m.reshape(-1))
        ids.copy_to_host(layers.instance_ids)
        normals.copy_to_host(layers.normals.reshape(-1, 3))
        if placed:
            masks.copy_to_host(layers.amodal_masks)
            layers.full_area_px[:] = areas.copy_to_host()
        for k, one in enumerate(placed):
            if not one.inside(view):
                layers.full_area_px[k] = max(layers.full_area_px[k], self._silhouettes.full_area_px(one, view))
