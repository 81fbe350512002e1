"""Shade the fragments of one placement and put them into the picture."""

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
    Q0,
    Q4,
    SB,
    SCRATCH,
    SG,
    SR,
    Z,
)
from photosynth.render.raster.lighting import add_environment, add_light, orient
from photosynth.render.raster.surface import gather_surface
from photosynth.render.raster.texture import add_tap, decode_albedo

f4 = np.float32


@kernel
def shade(
    start, stop, pixels, triangles, weights, width, lens, cam, faces, normals, st, ambient, texels,
    levels, decode, material, mirror, world_from_cam, world_from_object, sh, octahedral, coat, sky, lights, shadows,
    layout, shadow_texels, boxes, blocks, radiance, depth_m, world_normals,
):  # fmt: skip
    """Shade fragments start..stop, all of one placement.

    Args:
        start, stop: int.
        pixels, triangles, weights: from emit_fragments.
        width, lens, cam, faces, normals, st, ambient: as in gather_surface.
        texels, levels: as in PreparedMesh; decode: from decode_table.
        material: (5,) float32: albedo gain (3), alpha, index of refraction.
        mirror: int32, as in add_tap.
        world_from_cam, world_from_object: (3, 3) float32 rotations.
        sh, octahedral, coat: as in add_environment.
        sky: (3,) float32: strength, cosine and sine of the environment's rotation.
        lights: (L, 7) float32, as in add_light.
        shadows, layout, shadow_texels: as in ShadowMaps.
        boxes: (S, 15) float32 from box_rows.
        blocks: (L, S) bool, which of them may hide which light.
        radiance: in and out (H * W, 3) float32, premultiplied: fragments are added with their share of samples.
        depth_m: in and out (H * W,) float32, written where a fragment wins.
        world_normals: in and out (H * W, 3) float32, written where a fragment wins.
    """
    s, n = np.zeros(SCRATCH, np.float32), np.ones(INTEGER_SCRATCH, np.int32)
    s[Q0 : Q0 + BLOCK] = f4(1)
    s[Q4 : Q4 + BLOCK] = f4(1)
    strength, map_cos, map_sin = sky[0], sky[1], sky[2]
    gain, alpha, eta = material[:3], material[3], material[4]
    map_side = f4(octahedral.shape[0] - 2)
    for begin in range(start, stop, BLOCK):
        end = min(stop, begin + BLOCK)
        count = end - begin
        gather_surface(
            begin, end, pixels, triangles, weights, width, lens, cam, faces, normals, st, levels, ambient, s, n
        )
        add_tap(s, n, texels, mirror, f4(-0.25))
        add_tap(s, n, texels, mirror, f4(0.25))
        decode_albedo(s, decode, gain)
        orient(s, world_from_cam, world_from_object, map_cos, map_sin, map_side)
        add_environment(s, count, sh, octahedral, coat, strength, map_cos, map_sin)
        for k in range(lights.shape[0]):
            add_light(s, count, lights[k], shadows[k], layout[k], shadow_texels, boxes, blocks[k], alpha, eta)
        for i in range(count):
            base = f4(1) - s[COAT + i]
            weight = weights[begin + i]
            share = f4(weight & 7) * f4(0.25)
            at = pixels[begin + i]
            radiance[at, 0] += share * (s[AR + i] * base * s[DR + i] + s[SR + i])
            radiance[at, 1] += share * (s[AG + i] * base * s[DG + i] + s[SG + i])
            radiance[at, 2] += share * (s[AB + i] * base * s[DB + i] + s[SB + i])
            if weight & 8:
                depth_m[at] = s[Z + i]
                world_normals[at, 0] = s[NX + i]
                world_normals[at, 1] = s[NY + i]
                world_normals[at, 2] = s[NZ + i]
