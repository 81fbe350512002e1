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
    DX,
    DY,
    FACE,
    NX,
    NY,
    NZ,
    PX,
    PY,
    PZ,
    Q0,
    Q4,
    SB,
    SG,
    SHARE,
    SR,
    WEIGHT,
    Z,
)
from photosynth.render.raster.lattice import FAINT, read_coarse, read_light
from photosynth.render.raster.lighting import add_environment, add_light, orient
from photosynth.render.raster.slab_surface import PLANE, face_planes, fill_plane, find_levels, run_end
from photosynth.render.raster.texture import forget_levels, read_albedo

f4 = np.float32


@kernel
def light_nodes(
    points, normals, places, inside, ratio, ambient, material, diffuse, octahedral, coat, sky, lights, shadows, layout,
    shadow_texels, boxes, blocks, lit, shape, scratch,
):  # fmt: skip
    """Light fine nodes.

    Args:
        points, normals, places, inside: from place_nodes.
        ratio, ambient: as in read_coarse; an empty lattice for none.
        material .. blocks: as in shade.
        lit: out (6, 7, h * w) float32: light for the diffuse base (3), from the coat (3), and a weight, at the wanted
            nodes.
        shape: (6, h, w) of the lattice.
        scratch: from lanes.scratch.
    """
    s, n = scratch
    for k in range(8):
        s[Q0 + k * BLOCK : Q0 + (k + 1) * BLOCK] = f4(0)
    s[Q0 : Q0 + BLOCK] = f4(1)
    s[Q4 : Q4 + BLOCK] = f4(1)
    forward = np.zeros(3, np.float32)
    area = shape[1] * shape[2]
    strength, map_cos, map_sin = sky[0], sky[1], sky[2]
    map_side = f4(octahedral.shape[0] - 2)
    for begin in range(0, points.shape[0], BLOCK):
        end = min(points.shape[0], begin + BLOCK)
        count = end - begin
        for i in range(count):
            s[PX + i], s[PY + i], s[PZ + i] = points[begin + i, 0], points[begin + i, 1], points[begin + i, 2]
            s[NX + i], s[NY + i], s[NZ + i] = normals[begin + i, 0], normals[begin + i, 1], normals[begin + i, 2]
        if ambient.shape[0] > 0:
            read_coarse(begin, end, places, shape, ratio, ambient, s)
        orient(s, forward, material[3], map_cos, map_sin, map_side)
        add_environment(s, n, diffuse, octahedral, coat, strength, map_cos, map_sin)
        for k in range(lights.shape[0]):
            add_light(
                s, n, count, lights[k], shadows[k], layout[k], shadow_texels, boxes, blocks[k], material[3], material[4]
            )
        for i in range(count):
            face = places[begin + i] // area
            at, weight = places[begin + i] - face * area, FAINT if inside[begin + i] else f4(1)
            base = weight * (f4(1) - s[COAT + i])
            lit[face, 0, at], lit[face, 1, at], lit[face, 2, at] = base * s[DR + i], base * s[DG + i], base * s[DB + i]
            lit[face, 3, at], lit[face, 4, at] = weight * s[SR + i], weight * s[SG + i]
            lit[face, 5, at], lit[face, 6, at] = weight * s[SB + i], weight


@kernel
def shade_slab(
    start, stop, pixels, triangles, weights, width, lens, cam, st, texels, levels, decode, gain, normals, lit,
    radiance, depth_m, world_normals, scratch,
):  # fmt: skip
    """Put fragments start..stop of one slab into the picture.

    Args:
        start .. lens: as in shade.
        cam, st: as in face_planes.
        texels, levels, decode: as in shade.
        gain: (3,) float32 on albedo.
        normals: (6, 3) float32 of its faces, in the world.
        lit: (6, 7, h, w) float32 from light_nodes.
        radiance, depth_m, world_normals, scratch: as in shade.
    """
    s, n = scratch
    forget_levels(n)
    s[WEIGHT : WEIGHT + BLOCK] = f4(1)
    planes = np.empty((6, PLANE), np.float64)
    face_planes(cam, st, planes)
    row, wide = np.empty(lit.shape[3] + 2, np.float32), np.empty(2 * lit.shape[3] + 2, np.float32)
    inverse_focal = 1.0 / lens[0]
    texture_w, texture_h, mirror = f4(levels[0, 1]), f4(levels[0, 2]), np.int32(1)
    for begin in range(start, stop, BLOCK):
        end = min(stop, begin + BLOCK)
        found = np.uint8(0)
        k = begin
        while k < end:
            after = run_end(k, end, pixels, triangles, width)
            face, y = triangles[k] >> 1, pixels[k] // width
            x = pixels[k] - y * width
            read_light(k - begin, after - k, x, y, lit[face], row, wide, s)
            dy = f4((y + 0.5 - lens[2]) * inverse_focal)
            for i in range(after - k):
                at = k - begin + i
                s[DX + at] = f4((x + i + 0.5 - lens[1]) * inverse_focal)
                s[DY + at] = dy
                n[FACE + at] = face
                s[SHARE + at] = f4(weights[k + i] & 7) * f4(0.25)
            found |= np.uint8(1 << face)
            k = after
        for face in range(6):
            if found & (1 << face):
                fill_plane(np.int32(face), planes[face], inverse_focal, texture_w, texture_h, s, n)
        find_levels(end - begin, levels, n)
        read_albedo(s, n, texels, mirror, decode, gain)
        for i in range(BLOCK):
            share = s[SHARE + i] / s[WEIGHT + i]
            s[AR + i] = share * (s[AR + i] * s[DR + i] + s[SR + i])
            s[AG + i] = share * (s[AG + i] * s[DG + i] + s[SG + i])
            s[AB + i] = share * (s[AB + i] * s[DB + i] + s[SB + i])
        for i in range(end - begin):
            at = pixels[begin + i]
            radiance[at, 0] += s[AR + i]
            radiance[at, 1] += s[AG + i]
            radiance[at, 2] += s[AB + i]
            if weights[begin + i] & 8:
                depth_m[at] = s[Z + i]
                face = triangles[begin + i] >> 1
                for k in range(3):
                    world_normals[at, k] = normals[face, k]
