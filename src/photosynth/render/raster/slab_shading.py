"""Shade slabs: light at the nodes of a lattice, texture at each fragment."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import AB, AG, AR, BLOCK, DX, DY, FACE, Q0, Q4, READ, SHARE, Z
from photosynth.render.raster.lattice import find_pieces, place_piece, weigh_nodes
from photosynth.render.raster.lattice_light import keep_light, read_coarse, read_light, spread_ambient
from photosynth.render.raster.lighting import add_environment, add_light, orient
from photosynth.render.raster.slab_surface import PLANE, face_planes, fill_plane, find_levels
from photosynth.render.raster.texture import forget_levels, read_albedo

f4 = np.float32
u8 = np.uint64


@kernel
def light_nodes(
    wanted, step, lens, rotation, own, ratio, ambient, material, diffuse, octahedral, coat, sky, lights, shadows,
    layout, shadow_texels, boxes, blocks, lit, scratch,
):  # fmt: skip
    """Light the wanted nodes of a slab.

    Args:
        wanted: (6, h, w) bool from mark_nodes.
        step, lens, rotation: as in place_piece; own: int, the slab.
        ratio: int, fine steps between coarse nodes; ambient: (6, h', w', 9) float32, see fill_nodes; empty for none.
        material .. blocks: as in shade.
        lit: out (6, h, w, 8) float32: light for the diffuse base (3), from the coat (3), a weight, and 0, at the wanted
            nodes.
        scratch: from lanes.scratch.
    """
    s, n = scratch
    for k in range(8):
        s[Q0 + k * BLOCK : Q0 + (k + 1) * BLOCK] = f4(0)
    s[Q0 : Q0 + BLOCK] = f4(1)
    s[Q4 : Q4 + BLOCK] = f4(1)
    forward = np.zeros(3, np.float32)
    strength, map_cos, map_sin = sky[0], sky[1], sky[2]
    map_side = f4(octahedral.shape[0] - 2)
    pieces = find_pieces(wanted)
    k = 0
    while k < len(pieces):
        begin, count = k, 0
        while k < len(pieces) and (k == begin or pieces[k, 4] > 0):
            face, row, column, long, at = pieces[k, 0], pieces[k, 1], pieces[k, 2], pieces[k, 3], pieces[k, 4]
            place_piece(face, row, column, long, at, step, lens, rotation, boxes[own], s)
            if ambient.shape[0] > 0:
                read_coarse(row, column, long, at, ratio, ambient[face], s)
            k, count = k + 1, at + long
        if ambient.shape[0] > 0:
            spread_ambient(s)
        weigh_nodes(boxes, own, s)
        orient(s, forward, material[3], map_cos, map_sin, map_side)
        add_environment(s, n, diffuse, octahedral, coat, strength, map_cos, map_sin)
        for j in range(lights.shape[0]):
            add_light(
                s, n, count, lights[j], shadows[j], layout[j], shadow_texels, boxes, blocks[j], material[3], material[4]
            )
        keep_light(s, pieces[begin:k], lit)


@kernel
def shade_slab(
    runs, pixels, triangles, weights, width, lens, cam, st, texels, levels, decode, gain, normals, lit, radiance,
    depth_m, world_normals, scratch,
):  # fmt: skip
    """Put the fragments of one slab into the picture.

    Args:
        runs: from find_runs.
        pixels .. lens: as in shade.
        cam, st: as in face_planes.
        texels, levels, decode: as in shade.
        gain: (3,) float32 on albedo.
        normals: (6, 3) float32 of its faces, in the world.
        lit: (6, h, w, 8) float32 from light_nodes.
        radiance, depth_m, world_normals, scratch: as in shade.
    """
    s, n = scratch
    forget_levels(n)
    planes = np.empty((6, PLANE), np.float64)
    face_planes(cam, st, planes)
    texture_w, texture_h, inverse_focal = f4(levels[0, 1]), f4(levels[0, 2]), 1.0 / lens[0]
    r = 0
    for begin in range(runs[0], runs[-1], BLOCK):
        end, first = min(runs[-1], begin + BLOCK), r
        found = 0
        while r < len(runs) - 1 and runs[r] < end:
            k, after = max(runs[r], begin), min(runs[r + 1], end)
            start_run(k, after - k, k - begin, pixels, triangles, weights, width, lens, lit, s, n)
            found |= 1 << (triangles[k] >> 1)
            r += 1
        for face in range(6):
            if found & (1 << face):
                fill_plane(np.int32(face), planes[face], inverse_focal, texture_w, texture_h, s, n)
        find_levels(end - begin, levels, n)
        read_albedo(s, n, texels, np.int32(1), decode, gain)
        for i in range(BLOCK):
            light = READ + 8 * i
            share = s[SHARE + i] / s[light + 6]
            s[AR + i] = share * (s[AR + i] * s[light] + s[light + 3])
            s[AG + i] = share * (s[AG + i] * s[light + 1] + s[light + 4])
            s[AB + i] = share * (s[AB + i] * s[light + 2] + s[light + 5])
        for q in range(first, r):
            k, after = max(runs[q], begin), min(runs[q + 1], end)
            normal = normals[triangles[k] >> 1]
            put_run(s, k, after - k, k - begin, pixels[k], weights, normal, radiance, depth_m, world_normals)
        r -= 1 if runs[r] > end else 0  # it goes on in the next block


@kernel
def start_run(k, count, at, pixels, triangles, weights, width, lens, lit, s, n):
    """Fill light, rays, faces and shares of a run of `count` fragments from number k on, at place `at` of a block."""
    face, y = triangles[k] >> 1, pixels[k] // width
    x = pixels[k] - y * width
    read_light(at, count, x, y, lit[face], s)
    step = 1.0 / lens[0]
    dx, dy = (x + 0.5 - lens[1]) * step, f4((y + 0.5 - lens[2]) * step)
    for j in range(u8(count)):
        i = u8(at) + j
        s[u8(DX) + i], s[u8(DY) + i] = f4(dx + step * j), dy
        n[u8(FACE) + i] = face
        s[u8(SHARE) + i] = f4(weights[u8(k) + j] & 7) * f4(0.25)


@kernel
def put_run(s, k, count, at, pixel, weights, normal, radiance, depth_m, world_normals):
    """Put a run of `count` fragments from number k on, at place `at` of a block, into the picture from `pixel` on."""
    light, depths, facing = radiance[pixel : pixel + count], depth_m[pixel : pixel + count], weights[k : k + count]
    x, y, z = normal[0], normal[1], normal[2]
    for j in range(u8(count)):
        i = u8(at) + j
        light[j, 0] += s[u8(AR) + i]
        light[j, 1] += s[u8(AG) + i]
        light[j, 2] += s[u8(AB) + i]
    for j in range(u8(count)):
        depths[j] = s[u8(Z) + u8(at) + j] if facing[j] & 8 else depths[j]
    turned = world_normals[pixel : pixel + count]
    for j in range(u8(count)):
        wins = facing[j] & 8
        turned[j, 0] = x if wins else turned[j, 0]
        turned[j, 1] = y if wins else turned[j, 1]
        turned[j, 2] = z if wins else turned[j, 2]
