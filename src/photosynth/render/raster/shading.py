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
    NX,
    NY,
    NZ,
    SB,
    SG,
    SHARE,
    SR,
    Z,
)
from photosynth.render.raster.lighting import add_environment, add_light, orient
from photosynth.render.raster.surface import gather_surface
from photosynth.render.raster.texture import forget_levels, read_albedo

f4 = np.float32
u8 = np.uint64


@kernel
def shade(
    start, stop, pixels, triangles, weights, width, lens, rotation, faces, rows, texels, levels, decode, material,
    mirror, forward, diffuse, octahedral, coat, sky, lights, shadows, layout, shadow_texels, boxes, blocks, radiance,
    depth_m, world_normals, scratch,
):  # fmt: skip
    """Shade fragments start..stop, all of one placement.

    Args:
        start, stop: int.
        pixels, triangles, weights: from emit_fragments.
        width, lens, rotation, faces, rows: as in gather_surface.
        texels, levels: as in PreparedMesh; decode: from decode_scale.
        material: (5,) float32: albedo gain (3), alpha, index of refraction.
        mirror: int32, as in add_tap.
        forward: as in orient.
        diffuse, octahedral, coat: as in add_environment.
        sky: (3,) float32: strength, cosine and sine of the environment's rotation.
        lights: (L, 7) float32, as in add_light.
        shadows, layout, shadow_texels: as in ShadowMaps.
        boxes: (S, 15) float32 from box_rows.
        blocks: (L, S) bool, which of them may hide which light.
        radiance: in and out (H * W, 3) float32, premultiplied: fragments are added with their share of samples.
        depth_m: in and out (H * W,) float32, written where a fragment wins.
        world_normals: in and out (H * W, 3) float32, written where a fragment wins.
        scratch: from lanes.scratch.
    """
    s, n = scratch
    forget_levels(n)
    strength, map_cos, map_sin = sky[0], sky[1], sky[2]
    gain, alpha, eta = material[:3], material[3], material[4]
    map_side = f4(octahedral.shape[0] - 2)
    for begin in range(start, stop, BLOCK):
        end = min(stop, begin + BLOCK)
        count = end - begin
        gather_surface(begin, end, pixels, triangles, weights, width, lens, rotation, faces, rows, levels, s, n)
        read_albedo(s, n, texels, mirror, decode, gain)
        orient(s, forward, alpha, map_cos, map_sin, map_side)
        add_environment(s, n, diffuse, octahedral, coat, strength, map_cos, map_sin)
        for k in range(lights.shape[0]):
            add_light(s, n, count, lights[k], shadows[k], layout[k], shadow_texels, boxes, blocks[k], alpha, eta)
        put_down(s, begin, count, pixels, weights, radiance, depth_m, world_normals)


@kernel
def put_down(s, begin, count, pixels, weights, radiance, depth_m, world_normals):
    """Add a block of `count` shaded fragments from `begin` on to the picture; albedo is spent."""
    for k in range(count):
        s[u8(SHARE) + u8(k)] = f4(weights[u8(begin) + u8(k)] & 7) * f4(0.25)
    for i in range(BLOCK):
        share, base = s[SHARE + i], f4(1) - s[COAT + i]
        s[AR + i] = share * (s[AR + i] * base * s[DR + i] + s[SR + i])
        s[AG + i] = share * (s[AG + i] * base * s[DG + i] + s[SG + i])
        s[AB + i] = share * (s[AB + i] * base * s[DB + i] + s[SB + i])
    for k in range(count):
        i = u8(k)
        at = u8(pixels[u8(begin) + i])
        radiance[at, 0] += s[u8(AR) + i]
        radiance[at, 1] += s[u8(AG) + i]
        radiance[at, 2] += s[u8(AB) + i]
        if weights[u8(begin) + i] & 8:
            depth_m[at] = s[u8(Z) + i]
            normal = world_normals[at]
            normal[0], normal[1], normal[2] = s[u8(NX) + i], s[u8(NY) + i], s[u8(NZ) + i]
