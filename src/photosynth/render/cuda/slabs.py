"""Shading of slabs on a GPU: as raster.lattice and raster.slab_shading, one thread for each node and each fragment."""

from __future__ import annotations

import numpy as np
from numba import cuda, float32, int32

from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.one_lane import FLOATS, INTEGERS, PLACES, on_device
from photosynth.render.raster import lattice, lattice_light, lighting, slab_surface, texture

f4 = np.float32

AR, AG, AB, COAT, Z = (PLACES[name] for name in ("AR", "AG", "AB", "COAT", "Z"))
DR, SR, READ = (PLACES[name] for name in ("DR", "SR", "READ"))
Q0, Q4 = PLACES["Q0"], PLACES["Q4"]
DX, DY, FACE, SHARE, WEIGHT = (PLACES[name] for name in ("DX", "DY", "FACE", "SHARE", "WEIGHT"))
_place_piece, _weigh_nodes = on_device(lattice.place_piece), on_device(lattice.weigh_nodes)
_read_coarse, _spread_ambient = on_device(lattice_light.read_coarse), on_device(lattice_light.spread_ambient)
_read_light, _fill_plane = on_device(lattice_light.read_light), on_device(slab_surface.fill_plane)
_find_levels, _read_albedo = on_device(slab_surface.find_levels), on_device(texture.read_albedo)
_orient, _add_environment = on_device(lighting.orient), on_device(lighting.add_environment)
_add_light = on_device(lighting.add_light)


@cuda_kernel
def unmark(wanted):
    """Set all of `wanted` (6, h, w) bool to False; a thread for each node."""
    thread = cuda.grid(1)
    area = wanted.shape[1] * wanted.shape[2]
    if thread < 6 * area:
        face = thread // area
        row = (thread - face * area) // wanted.shape[2]
        wanted[face, row, thread - face * area - row * wanted.shape[2]] = False


@cuda_kernel
def mark_nodes(start, stop, pixels, triangles, width, step, wanted):
    """Mark the nodes that fragments start..stop of a slab need, as raster.lattice.mark_nodes; a thread for each."""
    k = start + cuda.grid(1)
    if k >= stop:
        return
    row = pixels[k] // width
    face, i, j = triangles[k] >> 1, (pixels[k] - row * width) // step, row // step
    wanted[face, j, i] = True
    wanted[face, j, i + 1] = True
    wanted[face, j + 1, i] = True
    wanted[face, j + 1, i + 1] = True


@cuda_kernel
def light_nodes(
    wanted, step, lens, rotation, own, ratio, has_ambient, ambient, material, diffuse, map_side, octahedral, coat, sky,
    n_lights, lights, shadows, layout, shadow_texels, boxes, blocks, lit,
):  # fmt: skip
    """Light the wanted nodes of a slab, as raster.slab_shading.light_nodes; a thread for each node, wanted or not.

    Args:
        wanted: (6, h, w) bool from mark_nodes; step: int, pixels between nodes.
        lens, rotation: as in raster.lattice.place_piece; own: int, the slab.
        ratio, ambient: as in raster.lattice_light.read_coarse; has_ambient: int, 0 if `ambient` says nothing.
        material .. blocks: as in shading.shade.
        lit: out (6, h, w, 8) float32, as there.
    """
    node = cuda.grid(1)
    height, wide = wanted.shape[1], wanted.shape[2]
    if node >= 6 * height * wide:
        return
    face = node // (height * wide)
    row = (node - face * height * wide) // wide
    column = node - (face * height + row) * wide
    if not wanted[face, row, column]:
        return
    s, n = cuda.local.array(FLOATS, float32), cuda.local.array(INTEGERS, int32)
    _place_piece(face, row, column, 1, 0, step, lens, rotation, boxes[own], s)
    _weigh_nodes(boxes, own, s)
    for k in range(8):
        s[Q0 + k] = f4(0)
    s[Q0], s[Q4] = f4(1), f4(1)
    if has_ambient:
        _read_coarse(row, column, 1, 0, ratio, ambient[face], s)
        _spread_ambient(s)
    forward = cuda.local.array(3, float32)
    forward[0], forward[1], forward[2] = f4(0), f4(0), f4(0)
    _orient(s, forward, material[3], sky[1], sky[2], f4(map_side - 2))
    _add_environment(s, n, diffuse, (octahedral, np.int32(4 * map_side)), coat, sky[0], sky[1], sky[2])
    for j in range(n_lights):
        _add_light(
            s, n, 1, lights[j], shadows[j], layout[j], shadow_texels, boxes, blocks[j], material[3], material[4]
        )  # fmt: skip
    weight = s[WEIGHT]
    base = weight * (f4(1) - s[COAT])
    for k in range(3):
        lit[face, row, column, k] = base * s[DR + k]
        lit[face, row, column, 3 + k] = weight * s[SR + k]
    lit[face, row, column, 6] = weight
    lit[face, row, column, 7] = f4(0)


@cuda_kernel
def shade_slab(
    start, stop, pixels, triangles, weights, width, lens, planes, texels, levels, decode, gain, normals, lit,
    radiance, depth_m, world_normals,
):  # fmt: skip
    """Put fragments start..stop of one slab into the picture, as raster.slab_shading.shade_slab; a thread for each.

    Args:
        start .. lens: as there.
        planes: (6, PLANE) float64 from raster.slab_surface.face_planes.
        texels .. world_normals: as there.
    """
    k = start + cuda.grid(1)
    if k >= stop:
        return
    s, n = cuda.local.array(FLOATS, float32), cuda.local.array(INTEGERS, int32)
    face, y = triangles[k] >> 1, pixels[k] // width
    x = pixels[k] - y * width
    inverse_focal = 1.0 / lens[0]
    _read_light(0, 1, x, y, lit[face], s)
    s[DX], s[DY] = f4((x + 0.5 - lens[1]) * inverse_focal), f4((y + 0.5 - lens[2]) * inverse_focal)
    s[SHARE], n[FACE] = f4(weights[k] & 7) * f4(0.25), face
    _fill_plane(np.int32(face), planes[face], inverse_focal, f4(levels[0, 1]), f4(levels[0, 2]), s, n)
    _find_levels(1, levels, n)
    _read_albedo(s, n, texels, np.int32(1), decode, gain)
    share, at = s[SHARE] / s[READ + 6], pixels[k]
    radiance[at, 0] += share * (s[AR] * s[READ] + s[READ + 3])
    radiance[at, 1] += share * (s[AG] * s[READ + 1] + s[READ + 4])
    radiance[at, 2] += share * (s[AB] * s[READ + 2] + s[READ + 5])
    if weights[k] & 8:
        depth_m[at] = s[Z]
        for c in range(3):
            world_normals[at, c] = normals[face, c]
