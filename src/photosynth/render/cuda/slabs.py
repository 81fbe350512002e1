"""Shading of slabs on a GPU: as raster.lattice and raster.slab_shading, one thread for each node and each fragment."""

from __future__ import annotations

import numpy as np
from numba import boolean, cuda, float32, float64, int32, int64

from photosynth.render.cuda.kernel import cuda_kernel
from photosynth.render.cuda.one_lane import FLOATS, INTEGERS, PLACES, on_device
from photosynth.render.raster import lattice, lighting, slab_surface, texture

f4 = np.float32

AR, AG, AB, COAT, Z = (PLACES[name] for name in ("AR", "AG", "AB", "COAT", "Z"))
DR, DG, DB, SR, SG, SB = (PLACES[name] for name in ("DR", "DG", "DB", "SR", "SG", "SB"))
PX, NX, Q0, Q4 = (PLACES[name] for name in ("PX", "NX", "Q0", "Q4"))
DX, DY, FACE, SHARE, WEIGHT = (PLACES[name] for name in ("DX", "DY", "FACE", "SHARE", "WEIGHT"))
FAINT = lattice.FAINT
_place_nodes, _read_coarse = on_device(lattice.place_nodes), on_device(lattice.read_coarse)
_read_light, _fill_plane = on_device(lattice.read_light), on_device(slab_surface.fill_plane)
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
        lens, rotation, own: as in raster.lattice.place_nodes.
        ratio, ambient: as in raster.lattice.read_coarse; has_ambient: int, 0 if `ambient` says nothing.
        material .. blocks: as in shading.shade.
        lit: out (6, 7, h, w) float32, as there.
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
    weight = FAINT if _node(s, face, row, column, step, lens, rotation, boxes, own) else f4(1)
    for k in range(8):
        s[Q0 + k] = f4(0)
    s[Q0], s[Q4] = f4(1), f4(1)
    if has_ambient:
        places = cuda.local.array(1, int64)
        places[0] = node
        _read_coarse(0, 1, places, (6, height, wide), ratio, ambient, s)
    forward = cuda.local.array(3, float32)
    forward[0], forward[1], forward[2] = f4(0), f4(0), f4(0)
    _orient(s, forward, material[3], sky[1], sky[2], f4(map_side - 2))
    _add_environment(s, n, diffuse, (octahedral, np.int32(4 * map_side)), coat, sky[0], sky[1], sky[2])
    for j in range(n_lights):
        _add_light(
            s, n, 1, lights[j], shadows[j], layout[j], shadow_texels, boxes, blocks[j], material[3], material[4]
        )  # fmt: skip
    base = weight * (f4(1) - s[COAT])
    for k in range(3):
        lit[face, k, row, column] = base * s[DR + k]
        lit[face, 3 + k, row, column] = weight * s[SR + k]
    lit[face, 6, row, column] = weight


@cuda.jit(device=True)
def _node(s, face, row, column, step, lens, rotation, boxes, own):
    """Put position and normal of one node into its lanes; True if it lies in another slab. To place_nodes it is the
    first of a lattice whose picture begins there."""
    one, moved = cuda.local.array((6, 1, 1), boolean), cuda.local.array(3, float64)
    points, normals = cuda.local.array((1, 3), float32), cuda.local.array((1, 3), float32)
    places, inside = cuda.local.array(1, int64), cuda.local.array(1, boolean)
    for k in range(6):
        one[k, 0, 0] = k == face
    moved[0], moved[1], moved[2] = lens[0], lens[1] - column * step, lens[2] - row * step
    _place_nodes(one, step, moved, rotation, boxes, own, 1, points, normals, places, inside)
    for k in range(3):
        s[PX + k], s[NX + k] = points[0, k], normals[0, k]
    return inside[0]


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
    narrow, wide = cuda.local.array(4, float32), cuda.local.array(4, float32)
    face, y = triangles[k] >> 1, pixels[k] // width
    x = pixels[k] - y * width
    inverse_focal = 1.0 / lens[0]
    _read_light(0, 1, x, y, lit[face], narrow, wide, s)
    s[DX], s[DY] = f4((x + 0.5 - lens[1]) * inverse_focal), f4((y + 0.5 - lens[2]) * inverse_focal)
    s[SHARE], n[FACE] = f4(weights[k] & 7) * f4(0.25), face
    _fill_plane(np.int32(face), planes[face], inverse_focal, f4(levels[0, 1]), f4(levels[0, 2]), s, n)
    _find_levels(1, levels, n)
    _read_albedo(s, n, texels, np.int32(1), decode, gain)
    share, at = s[SHARE] / s[WEIGHT], pixels[k]
    radiance[at, 0] += share * (s[AR] * s[DR] + s[SR])
    radiance[at, 1] += share * (s[AG] * s[DG] + s[SG])
    radiance[at, 2] += share * (s[AB] * s[DB] + s[SB])
    if weights[k] & 8:
        depth_m[at] = s[Z]
        for c in range(3):
            world_normals[at, c] = normals[face, c]
