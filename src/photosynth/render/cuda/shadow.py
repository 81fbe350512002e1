"""Shadow maps on a GPU: as raster.shadow, but texels are won by an atomic maximum."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.memory import DeviceMemory
from photosynth.render.cuda.one_lane import on_device
from photosynth.render.cuda.visibility import ENOUGH_THREADS, THREADS, blocks_for, threads_for
from photosynth.render.raster import triangle
from photosynth.render.raster.shadow import ShadowCaster

_plane_of, _edges_of, _row_ends = (on_device(k) for k in (triangle.plane_of, triangle.edges_of, triangle.row_ends))


class CudaShadowCaster(ShadowCaster):
    """Lays shadow maps out on the CPU and draws them on the GPU. `texels` of its ShadowMaps lie there."""

    def __init__(self, memory: DeviceMemory) -> None:
        super().__init__()
        self._memory = memory
        self._texels = memory.room("shadow texels", (1,), np.float32)

    def _reserve(self, count: int) -> None:
        self._texels = self._memory.room("shadow texels", (max(count, 1),), np.float32)

    def _draw_map(self, proxies, screens, scale: float, axis: tuple[float, float], side: int, offset: int) -> None:
        threads = min(side * side, ENOUGH_THREADS)
        clear_texels[blocks_for(threads), THREADS](self._texels, offset, offset + side * side)
        for (_, faces), screen in zip(proxies, screens, strict=True):
            if not len(faces):
                continue
            share = threads_for(len(faces))
            points = self._memory.put("shadow points", screen)
            draw_depth[blocks_for(len(faces) * share), THREADS](
                points, self._memory.keep(faces), scale, axis[0], axis[1], side, offset, share, self._texels
            )


@cuda_kernel
def clear_texels(texels, start, stop):
    """Set texels start..stop to 0; any number of threads."""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        texels[i] = 0.0


@cuda_kernel
def draw_depth(screen, faces, scale, ox, oy, side, offset, share, texels):
    """Draw the faces that face the light into one map, as raster.shadow.rasterise_depth; `share` threads for each.

    Args:
        screen .. side: as there.
        offset: int, where the map begins in `texels`; share: as in draw_triangles.
        texels: in and out (n,) float32.
    """
    thread = cuda.grid(1)
    t = thread // share
    if t >= faces.shape[0]:
        return
    a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
    q0, q1, q2 = screen[a, 2], screen[b, 2], screen[c, 2]
    if not (q0 > 0.0 and q1 > 0.0 and q2 > 0.0):
        return
    x0, y0 = scale * screen[a, 0] + ox, scale * screen[a, 1] + oy
    x1, y1 = scale * screen[b, 0] + ox, scale * screen[b, 1] + oy
    x2, y2 = scale * screen[c, 0] + ox, scale * screen[c, 1] + oy
    area = (x2 - x0) * (y1 - y0) - (x1 - x0) * (y2 - y0)
    if not area > 1e-12:
        return
    limit = float(side)
    first = math.ceil(min(max(0.0, min(y0, y1, y2) - 0.5), limit))
    last = math.ceil(min(max(0.0, max(y0, y1, y2) - 0.5), limit))
    qx, qy, qc = _plane_of(x0, y0, q0, x1, y1, q1, x2, y2, q2, area)
    edges = _edges_of(x0, y0, x1, y1, x2, y2)
    for iy in range(first + thread - t * share, last, share):
        y = iy + 0.5
        xa, xb = _row_ends(edges, y)
        left = math.ceil(min(max(0.0, xa - 0.5), limit))
        right = math.ceil(min(max(0.0, xb - 0.5), limit))
        for ix in range(left, right):
            q = qc + qx * (ix + 0.5) + qy * y
            cuda.atomic.max(texels, offset + iy * side + ix, np.float32(q))
