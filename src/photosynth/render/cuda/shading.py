"""Shading of placements on a GPU: as raster.shading, one thread for each fragment."""

from __future__ import annotations

import numpy as np
from numba import cuda, float32, int32

from photosynth.render.cuda.fragments import RANK_BIT
from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.one_lane import FLOATS, INTEGERS, PLACES, on_device
from photosynth.render.raster import lighting, surface, texture

f4 = np.float32

AR, AG, AB, COAT, Z = (PLACES[name] for name in ("AR", "AG", "AB", "COAT", "Z"))
DR, DG, DB, SR, SG, SB = (PLACES[name] for name in ("DR", "DG", "DB", "SR", "SG", "SB"))
NX, NY, NZ = (PLACES[name] for name in ("NX", "NY", "NZ"))
_gather_surface, _read_albedo = on_device(surface.gather_surface), on_device(texture.read_albedo)
_orient, _add_environment = on_device(lighting.orient), on_device(lighting.add_environment)
_add_light = on_device(lighting.add_light)


@cuda_kernel
def shade(
    rank, start, stop, pixels, triangles, weights, width, lens, rotation, faces, rows, texels, levels, decode, material,
    mirror, forward, diffuse, map_side, octahedral, coat, sky, n_lights, lights, shadows, layout, shadow_texels, boxes,
    blocks, radiance, depth_m, world_normals,
):  # fmt: skip
    """Shade those of the fragments start..stop, all of one placement, that have a rank; a thread for each.

    Args:
        rank: int, see fragments.RANK_BIT.
        start .. diffuse, coat, sky: as in raster.shading.shade.
        map_side: int, side of the octahedral map with its border; octahedral: (4 map_side^2,) float32, the map flat.
        n_lights: int, lights that count: there is one row of each array even if there is no light.
        lights .. world_normals: as there.
    """
    k = start + cuda.grid(1)
    if k >= stop or weights[k] >> RANK_BIT != rank:
        return
    s, n = cuda.local.array(FLOATS, float32), cuda.local.array(INTEGERS, int32)
    _gather_surface(k, k + 1, pixels, triangles, weights, width, lens, rotation, faces, rows, levels, s, n)
    _read_albedo(s, n, texels, mirror, decode, material[:3])
    _orient(s, forward, material[3], sky[1], sky[2], f4(map_side - 2))
    _add_environment(s, n, diffuse, (octahedral, np.int32(4 * map_side)), coat, sky[0], sky[1], sky[2])
    for j in range(n_lights):
        _add_light(
            s, n, 1, lights[j], shadows[j], layout[j], shadow_texels, boxes, blocks[j], material[3], material[4]
        )  # fmt: skip
    weight, at = weights[k], pixels[k]
    share, base = f4(weight & 7) * f4(0.25), f4(1) - s[COAT]
    radiance[at, 0] += share * (s[AR] * base * s[DR] + s[SR])
    radiance[at, 1] += share * (s[AG] * base * s[DG] + s[SG])
    radiance[at, 2] += share * (s[AB] * base * s[DB] + s[SB])
    if weight & 8:
        depth_m[at] = s[Z]
        world_normals[at, 0], world_normals[at, 1], world_normals[at, 2] = s[NX], s[NY], s[NZ]
