"""Ambient light at points, direction by direction: see ambient. Arithmetic runs over all directions of a point at once,
as vector instructions; only maps are looked up one by one."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.ambient import DEPTH_STEPS, ID_BITS
from photosynth.render.raster.environment_light import REGIONS
from photosynth.render.raster.jit import kernel

f4 = np.float32
i4 = np.int32

AWAY = f4(-0.3)
"""Cosine to the eye below which a point is not seen, nor is any vertex near it."""

_names = iter(range(0, 64 * REGIONS, REGIONS))
RX, RY, RZ, UX, UY, UZ = (next(_names) for _ in range(6))
"""Right and up of each direction's map."""
DX, DY, DZ = (next(_names) for _ in range(3))
"""The directions."""
PART, PRED, PGREEN, PBLUE, AREA = (next(_names) for _ in range(5))
"""Luminance times solid angle, the same of each colour, solid angle."""
COSINE, MIRRORED = next(_names), next(_names)
"""Weights of a direction for the diffuse base and the coat."""
LIMIT = next(_names)
"""Depth of the point in the direction's map."""
NEAREST = next(_names)
"""Distance to the nearest slab."""
FREE, RED, GREEN, BLUE = (next(_names) for _ in range(4))
"""1 where nothing is in the way; else the light sent back."""
SCRATCH = next(_names)
AT, HIT, KEY = 0, REGIONS, 2 * REGIONS
"""Of integers: the point's texel in a direction's map, or -1 outside; six times the nearest slab plus its face, or -1;
what the texel holds, and later what is met: the number of a slab's spot, OBJECT plus an object's number, or -1."""
OBJECT = 1 << 20
"""Numbers from here on are objects."""


@kernel
def light_at(
    points, normals, own, own_slab, least, frames, parts, areas, maps, centre, radius, lift, boxes, grids, firsts,
    from_objects, radiance, out, hits,
):  # fmt: skip
    """Fill `out` (n, VALUES) float32 with what others hide and send back, and `hits` (n, K) int32 with what is met in
    each direction; (0, K) if nobody asks.

    Args:
        points, normals: (n, 3) float32, from the eye along the world's axes.
        own: int, the object's number, whose own shadow is not counted; below 0 for none.
        own_slab: int, the slab the points lie on; below 0 for none.
        least: float32, cosine to the eye below which points are left unhidden: AWAY where only what is seen counts.
        frames .. radiance: as in Sky.
    """
    s, n = np.zeros(SCRATCH, np.float32), np.full(3 * REGIONS, -1, np.int32)
    for k in range(REGIONS):
        for j in range(9):
            s[RX + j * REGIONS + k] = frames[k, j // 3, j % 3]
        s[PRED + k], s[PGREEN + k], s[PBLUE + k], s[PART + k] = parts[k, 0], parts[k, 1], parts[k, 2], parts[k, 3]
        s[AREA + k] = areas[k]
    side, one = maps.shape[1], f4(1)
    scale, deep = f4((side * 0.5 - 1) / radius), f4(0.5 * DEPTH_STEPS / radius)
    for i in range(points.shape[0]):
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        inverse = one / np.sqrt(px * px + py * py + pz * pz + f4(1e-20))
        nv = -(px * nx + py * ny + pz * nz) * inverse
        if nv < least:
            out[i] = f4(0)
            out[i, 0], out[i, 4] = one, one
            continue
        rx, ry, rz = f4(2) * nv * nx + px * inverse, f4(2) * nv * ny + py * inverse, f4(2) * nv * nz + pz * inverse
        px, py, pz = px + lift * nx, py + lift * ny, pz + lift * nz
        qx, qy, qz = px - centre[0], py - centre[1], pz - centre[2]
        weigh(nx, ny, nz, rx, ry, rz, s)
        find_texels(qx, qy, qz, side, scale, deep, f4(radius), s, n)
        for b in range(boxes.shape[0]):
            if b != own_slab:
                meet_slab(boxes[b], i4(6 * b), px, py, pz, s, n)
        look_up(maps, own, px, py, pz, grids, firsts, from_objects, radiance, s, n)
        add_up(s, out[i])
        if hits.shape[0] > 0:
            for k in range(REGIONS):
                hits[i, k] = n[KEY + k]


@kernel
def weigh(nx, ny, nz, rx, ry, rz, s):
    """What each direction counts at a normal and a mirror direction; nothing is met yet."""
    for k in range(REGIONS):
        dx, dy, dz = s[DX + k], s[DY + k], s[DZ + k]
        cosine, mirrored = nx * dx + ny * dy + nz * dz, rx * dx + ry * dy + rz * dz
        s[COSINE + k] = cosine if cosine > f4(0) else f4(0)
        mirrored = mirrored * mirrored if mirrored > f4(0) else f4(0)
        s[MIRRORED + k] = mirrored * mirrored
        s[NEAREST + k] = f4(1e30)


@kernel
def find_texels(qx, qy, qz, side, scale, deep, reach, s, n):
    """Where a point, from the maps' middle, stands in each map."""
    half, last = f4(0.5) * f4(side), f4(side) - f4(0.5)
    area, row = i4(side * side), i4(side)
    for k in range(REGIONS):
        u = (s[RX + k] * qx + s[RY + k] * qy + s[RZ + k] * qz) * scale + half
        v = (s[UX + k] * qx + s[UY + k] * qy + s[UZ + k] * qz) * scale + half
        s[LIMIT + k] = (s[DX + k] * qx + s[DY + k] * qy + s[DZ + k] * qz + reach) * deep
        inside = (u >= f4(0)) & (v >= f4(0)) & (u < f4(side)) & (v < f4(side))
        u = u if u > f4(0) else f4(0)
        v = v if v > f4(0) else f4(0)
        u = u if u < last else last
        v = v if v < last else last
        at = i4(k) * area + i4(v) * row + i4(u)
        n[AT + k] = at if inside else i4(-1)
        n[HIT + k] = i4(-1)


@kernel
def meet_slab(box, number, px, py, pz, s, n):
    """Note a slab where it is the nearest so far, with the face that is met (2 axis + 1 on the upper side)."""
    x, y, z = px - box[9], py - box[10], pz - box[11]
    a0, a1, a2, b0, b1, b2, c0, c1, c2 = box[0], box[1], box[2], box[3], box[4], box[5], box[6], box[7], box[8]
    at0, at1, at2 = a0 * x + a1 * y + a2 * z, b0 * x + b1 * y + b2 * z, c0 * x + c1 * y + c2 * z
    h0, h1, h2, zero, tiny = box[12], box[13], box[14], f4(0), f4(1e-9)
    for k in range(REGIONS):
        dx, dy, dz = s[DX + k], s[DY + k], s[DZ + k]
        along0, along1, along2 = a0 * dx + a1 * dy + a2 * dz, b0 * dx + b1 * dy + b2 * dz, c0 * dx + c1 * dy + c2 * dz
        inverse0 = f4(1) / (along0 if abs(along0) > tiny else tiny)
        inverse1 = f4(1) / (along1 if abs(along1) > tiny else tiny)
        inverse2 = f4(1) / (along2 if abs(along2) > tiny else tiny)
        low0, low1, low2 = -h0 * abs(inverse0), -h1 * abs(inverse1), -h2 * abs(inverse2)
        m0, m1, m2 = -at0 * inverse0, -at1 * inverse1, -at2 * inverse2
        near0, near1, near2 = m0 + low0, m1 + low1, m2 + low2
        far0, far1, far2 = m0 - low0, m1 - low1, m2 - low2
        face = i4(1) if along0 < zero else i4(0)
        near = near0
        face = (i4(3) if along1 < zero else i4(2)) if near1 > near else face
        near = near1 if near1 > near else near
        face = (i4(5) if along2 < zero else i4(4)) if near2 > near else face
        near = near2 if near2 > near else near
        far = far0 if far0 < far1 else far1
        far = far if far < far2 else far2
        met = (near < far) & (far > zero) & (near < s[NEAREST + k])
        s[NEAREST + k] = near if met else s[NEAREST + k]
        n[HIT + k] = number + face if met else n[HIT + k]


@kernel
def look_up(maps, own, px, py, pz, grids, firsts, from_objects, radiance, s, n):
    """Find what stands in each direction from a point, and the light it sends back."""
    texels = maps.reshape(-1)
    for k in range(REGIONS):
        at = n[AT + k]
        n[KEY + k] = texels[np.uint32(at if at >= 0 else i4(0))]
    for k in range(REGIONS):
        key, slab = n[KEY + k], n[HIT + k]
        other = key & i4((1 << ID_BITS) - 1)
        met = (n[AT + k] >= 0) & (key >= 0) & (other != i4(own)) & (f4(key >> i4(ID_BITS)) > s[LIMIT + k])
        asked = (s[COSINE + k] > f4(0)) | (s[MIRRORED + k] > f4(0))
        hit = other + i4(OBJECT) if met else slab
        hit = hit if asked else i4(-1)
        n[HIT + k], n[KEY + k] = hit, hit
        s[FREE + k] = f4(1) if hit < i4(0) else f4(0)
        s[RED + k], s[GREEN + k], s[BLUE + k] = f4(0), f4(0), f4(0)
    for k in range(REGIONS):
        hit = n[HIT + k]
        if hit >= OBJECT:
            back = from_objects[k, hit - OBJECT]
            s[RED + k], s[GREEN + k], s[BLUE + k] = back[0], back[1], back[2]
        elif hit >= 0:
            t, slab, face = s[NEAREST + k], hit // 6, hit % 6
            grid = grids[slab, face]
            x, y, z = px + t * s[DX + k], py + t * s[DY + k], pz + t * s[DZ + k]
            u = grid[0] * x + grid[1] * y + grid[2] * z + grid[3]
            v = grid[4] * x + grid[5] * y + grid[6] * z + grid[7]
            wide, high = i4(grid[8]), i4(grid[9])
            i, j = min(max(i4(u), i4(0)), wide - i4(1)), min(max(i4(v), i4(0)), high - i4(1))
            n[KEY + k] = firsts[slab, face] + j * wide + i
            back = radiance[n[KEY + k]]
            s[RED + k], s[GREEN + k], s[BLUE + k] = back[0], back[1], back[2]


@kernel
def add_up(s, out):
    """Sums over all directions, as VALUES says."""
    area = f4(0)
    for k in range(REGIONS):
        area += s[MIRRORED + k] * s[AREA + k]
    add_weighted(s, COSINE, f4(1 / np.pi), out[:4])
    add_weighted(s, MIRRORED, f4(1) / (area + f4(1e-9)), out[4:])


@kernel
def add_weighted(s, weights, per, out):
    """The four numbers of one kind of light: `weights` is where the directions' weights begin, `per` their unit."""
    zero = f4(0)
    free, total, red, green, blue, all_red, all_green, all_blue = zero, zero, zero, zero, zero, zero, zero, zero
    for k in range(REGIONS):
        weight, area, is_free = s[weights + k], s[AREA + k], s[FREE + k]
        total += weight * s[PART + k]
        free += weight * s[PART + k] * is_free
        all_red += weight * s[PRED + k]
        all_green += weight * s[PGREEN + k]
        all_blue += weight * s[PBLUE + k]
        red += weight * (area * s[RED + k] + is_free * s[PRED + k])
        green += weight * (area * s[GREEN + k] + is_free * s[PGREEN + k])
        blue += weight * (area * s[BLUE + k] + is_free * s[PBLUE + k])
    ratio = free / total if total > zero else f4(1)
    out[0], out[1] = ratio, per * (red - ratio * all_red)
    out[2], out[3] = per * (green - ratio * all_green), per * (blue - ratio * all_blue)
