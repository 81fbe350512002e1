"""Shade slabs: light at the nodes of a lattice, texture at each fragment."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    AB,
    AG,
    AR,
    BLOCK,
    COAT,
    DB,
    DG,
    DR,
    INTEGER_SCRATCH,
    NX,
    NY,
    NZ,
    PX,
    PY,
    PZ,
    Q0,
    Q4,
    SB,
    SCRATCH,
    SG,
    SR,
    Z,
)
from photosynth.render.raster.lattice import FAINT, read_coarse, read_light
from photosynth.render.raster.lighting import add_environment, add_light, orient
from photosynth.render.raster.surface import gather_surface
from photosynth.render.raster.texture import add_tap, decode_albedo

f4 = np.float32


@kernel
def light_nodes(
    points, normals, places, inside, ratio, ambient, material, sh, octahedral, coat, sky, lights, shadows, layout,
    shadow_texels, boxes, blocks, lit,
):  # fmt: skip
    """Light fine nodes.

    Args:
        points, normals, places, inside: from place_nodes.
        ratio, ambient: as in read_coarse; an empty lattice for none.
        material .. blocks: as in shade.
        lit: in and out (6, h, w, 7) float32: light for the diffuse base (3), from the coat (3), and a weight.
    """
    s = np.zeros(SCRATCH, np.float32)
    s[Q0 : Q0 + BLOCK] = f4(1)
    s[Q4 : Q4 + BLOCK] = f4(1)
    straight = np.eye(3).astype(np.float32)
    strength, map_cos, map_sin = sky[0], sky[1], sky[2]
    map_side = f4(octahedral.shape[0] - 2)
    flat = lit.reshape((-1, 7))
    for begin in range(0, points.shape[0], BLOCK):
        end = min(points.shape[0], begin + BLOCK)
        count = end - begin
        for i in range(count):
            s[PX + i], s[PY + i], s[PZ + i] = points[begin + i, 0], points[begin + i, 1], points[begin + i, 2]
            s[NX + i], s[NY + i], s[NZ + i] = normals[begin + i, 0], normals[begin + i, 1], normals[begin + i, 2]
        if ambient.shape[0] > 0:
            read_coarse(begin, end, places, lit.shape, ratio, ambient, s)
        orient(s, straight, straight, map_cos, map_sin, map_side)
        add_environment(s, count, sh, octahedral, coat, strength, map_cos, map_sin)
        for k in range(lights.shape[0]):
            add_light(
                s, count, lights[k], shadows[k], layout[k], shadow_texels, boxes, blocks[k], material[3], material[4]
            )
        for i in range(count):
            node = flat[places[begin + i]]
            weight = FAINT if inside[begin + i] else f4(1)
            base = weight * (f4(1) - s[COAT + i])
            node[0], node[1], node[2] = base * s[DR + i], base * s[DG + i], base * s[DB + i]
            node[3], node[4], node[5] = weight * s[SR + i], weight * s[SG + i], weight * s[SB + i]
            node[6] = weight


@kernel
def shade_slab(
    start, stop, pixels, triangles, weights, width, lens, cam, faces, normals, st, texels, levels, decode, gain,
    world_from_slab, step, lit, radiance, depth_m, world_normals,
):  # fmt: skip
    """Put fragments start..stop of one slab into the picture.

    Args:
        start .. decode: as in shade.
        gain: (3,) float32 on albedo.
        world_from_slab: (3, 3) float32 rotation.
        step, lit: as in read_light.
        radiance, depth_m, world_normals: as in shade.
    """
    s, n = np.zeros(SCRATCH, np.float32), np.ones(INTEGER_SCRATCH, np.int32)
    nothing = np.zeros((0, 8), np.float32)
    mirror = np.int32(1)
    for begin in range(start, stop, BLOCK):
        end = min(stop, begin + BLOCK)
        gather_surface(
            begin, end, pixels, triangles, weights, width, lens, cam, faces, normals, st, levels, nothing, s, n
        )
        add_tap(s, n, texels, mirror, f4(-0.25))
        add_tap(s, n, texels, mirror, f4(0.25))
        decode_albedo(s, decode, gain)
        read_light(begin, end, pixels, triangles, width, step, lit, s)
        for i in range(end - begin):
            weight = weights[begin + i]
            share = f4(weight & 7) * f4(0.25)
            at = pixels[begin + i]
            radiance[at, 0] += share * (s[AR + i] * s[DR + i] + s[SR + i])
            radiance[at, 1] += share * (s[AG + i] * s[DG + i] + s[SG + i])
            radiance[at, 2] += share * (s[AB + i] * s[DB + i] + s[SB + i])
            if weight & 8:
                depth_m[at] = s[Z + i]
                x, y, z = s[NX + i], s[NY + i], s[NZ + i]
                for k in range(3):
                    r = world_from_slab[k]
                    world_normals[at, k] = r[0] * x + r[1] * y + r[2] * z
