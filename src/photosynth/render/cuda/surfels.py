"""Light on surfels on a GPU: as raster.surfels.light_surfels, one thread for each."""

from __future__ import annotations

import numpy as np
from numba import cuda, float32, int32

from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.one_lane import FLOATS, INTEGERS, PLACES, on_device
from photosynth.render.raster import lighting

f4 = np.float32

PX, NX, DR, SR = (PLACES[name] for name in ("PX", "NX", "DR", "SR"))
_orient, _add_light = on_device(lighting.orient), on_device(lighting.add_light)


@cuda_kernel
def light_surfels(points, normals, n_lights, lights, shadows, layout, texels, boxes, blocks, out):
    """Radiance of white surfels under the lights: `out` (m, 3) float32.

    Args:
        points .. blocks: as there; n_lights: int, how many lights there are.
    """
    k = cuda.grid(1)
    if k >= points.shape[0]:
        return
    s, n = cuda.local.array(FLOATS, float32), cuda.local.array(INTEGERS, int32)
    forward = cuda.local.array(3, float32)
    for c in range(3):
        s[PX + c], s[NX + c] = points[k, c], normals[k, c]
        s[DR + c], s[SR + c], forward[c] = f4(0), f4(0), f4(0)
    _orient(s, forward, f4(1), f4(1), f4(0), f4(1))
    for j in range(n_lights):
        _add_light(s, n, 1, lights[j], shadows[j], layout[j], texels, boxes, blocks[j], f4(1), f4(1))
    for c in range(3):
        out[k, c] = s[DR + c]
