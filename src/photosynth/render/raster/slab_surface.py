"""From fragments of slabs to surface. Faces of slabs are parallelograms, so no triangle is looked up: everything is a
quotient of two functions that are linear over the picture, and the loop runs as vector instructions."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import BLOCK, DX, DY, FACE, SHARE, TH, TO, TS, TSX, TT, TTX, TW, WX, Z

f4 = np.float32
u8 = np.uint64

FINER = f4(0.5)
"""Squared share of a footprint's size for which its mip level is chosen, see gather_surface."""
PLANE = 24
"""Numbers that describe a face."""
STRIDE = 32
"""Fragments that are asked at once whether a run goes on."""


@kernel
def face_planes(cam, st, planes):
    """Describe the six faces of a slab.

    Args:
        cam: (24, 3) float64, its corners in the camera's frame; st: (24, 2) float32 texture coordinates.
        planes: out (6, PLANE) float64. With corner o, sides a and b: a x b; then b x o and o x a, so that a ray d meets
            the face at (b x o).d / (a x b).d along a, and likewise along b; depth at o, along a, along b; s and t
            likewise; their derivatives' numerators.
    """
    for face in range(6):
        ox, oy, oz = cam[4 * face, 0], cam[4 * face, 1], cam[4 * face, 2]
        ax, ay, az = cam[4 * face + 1, 0] - ox, cam[4 * face + 1, 1] - oy, cam[4 * face + 1, 2] - oz
        bx, by, bz = cam[4 * face + 3, 0] - ox, cam[4 * face + 3, 1] - oy, cam[4 * face + 3, 2] - oz
        p = planes[face]
        p[0], p[1], p[2] = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        p[3], p[4], p[5] = by * oz - bz * oy, bz * ox - bx * oz, bx * oy - by * ox
        p[6], p[7], p[8] = oy * az - oz * ay, oz * ax - ox * az, ox * ay - oy * ax
        p[9], p[10], p[11] = oz, az, bz
        for k in range(2):
            start = np.float64(st[4 * face, k])
            p[12 + 3 * k], along_a, along_b = start, st[4 * face + 1, k] - start, st[4 * face + 3, k] - start
            p[13 + 3 * k], p[14 + 3 * k] = along_a, along_b
            p[18 + 2 * k] = p[3] * along_a + p[6] * along_b
            p[19 + 2 * k] = p[4] * along_a + p[7] * along_b
        if p[0] * ox + p[1] * oy + p[2] * oz > 0:  # towards the camera from where it is seen
            for k in range(9):
                p[k] = -p[k]
            for k in range(18, 22):
                p[k] = -p[k]


@kernel
def find_runs(start, stop, pixels, triangles, width):
    """Where runs begin of fragments start..stop of a slab: pixels side by side in one row, on one face. (R + 1,) int32,
    the last is `stop`.

    Args:
        start, stop: int; pixels, triangles: from emit_fragments.
        width: int, of the picture, pixels.
    """
    runs = np.empty(stop - start + 1, np.int32)
    k, count = start, 0
    while k < stop:
        runs[count] = k
        k, count = _run_end(k, stop, pixels, triangles, width), count + 1
    runs[count] = stop
    return runs[: count + 1]


@kernel
def _run_end(start, stop, pixels, triangles, width):
    face, first = triangles[start] >> 1, pixels[start]
    stop = min(stop, start + (first // width + 1) * width - first)
    end, odd = start + 1, 0
    while odd == 0 and end + STRIDE <= stop:  # many at once, as vector instructions
        next_pixel = np.int32(first + end - start)
        for k in range(STRIDE):
            i = u8(end) + u8(k)
            odd |= (pixels[i] - next_pixel - np.int32(k)) | ((triangles[i] >> 1) ^ face)
        end += STRIDE if odd == 0 else 0
    while end < stop and pixels[end] - first == end - start and triangles[end] >> 1 == face:
        end += 1
    return end


@kernel
def fill_plane(face, plane, inverse_focal, texture_w, texture_h, s, n):
    """Fill depth, texture coordinates and footprint of a block's fragments on one face; the mip level goes to lane TO.

    Pixels that a face fills are shaded where their ray meets its plane, within a face's size; others inside the face.

    Args:
        face: int32, its number; fragments with another number in lane FACE stay as they are.
        plane: (PLANE,) float64 from face_planes.
        inverse_focal: float64, 1 / focal length in pixels.
        texture_w, texture_h: float32, texels.
        s: in and out, the scratch array of lanes; DX, DY, SHARE are read. n: the same for integers.
    """
    n0, n1, n2, a0, a1, a2 = plane[0], plane[1], plane[2], plane[3], plane[4], plane[5]
    b0, b1, b2, z0, za, zb = plane[6], plane[7], plane[8], plane[9], plane[10], plane[11]
    s0, sa, sb, t0, ta, tb = plane[12], plane[13], plane[14], plane[15], plane[16], plane[17]
    sx, sy, tx, ty = plane[18], plane[19], plane[20], plane[21]
    for i in range(BLOCK):
        dx, dy = np.float64(s[DX + i]), np.float64(s[DY + i])
        facing = n0 * dx + n1 * dy + n2
        facing = facing if facing < -1e-12 else -1e-12
        inverse = 1.0 / facing
        over = 1.0 if s[SHARE + i] >= f4(1) else 0.0
        a, b = (a0 * dx + a1 * dy + a2) * inverse, (b0 * dx + b1 * dy + b2) * inverse
        low, high = -over, 1.0 + over
        a = a if a > low else low
        a = a if a < high else high
        b = b if b > low else low
        b = b if b < high else high
        ds, dt = a * sa + b * sb, a * ta + b * tb
        mine = n[FACE + i] == face
        s[Z + i] = f4(z0 + a * za + b * zb) if mine else s[Z + i]
        s[TS + i] = f4(s0 + ds) if mine else s[TS + i]
        s[TT + i] = f4(t0 + dt) if mine else s[TT + i]
        per_pixel = inverse * inverse_focal
        ux, uy = f4((sx - ds * n0) * per_pixel), f4((sy - ds * n1) * per_pixel)
        vx, vy = f4((tx - dt * n0) * per_pixel), f4((ty - dt * n1) * per_pixel)
        across = (ux * texture_w) * (ux * texture_w) + (vx * texture_h) * (vx * texture_h)
        down = (uy * texture_w) * (uy * texture_w) + (vy * texture_h) * (vy * texture_h)
        ux = ux if across >= down else uy
        vx = vx if across >= down else vy
        ux = ux if ux > f4(-1) else f4(-1)
        vx = vx if vx > f4(-1) else f4(-1)
        ux = ux if ux < f4(1) else f4(1)
        vx = vx if vx < f4(1) else f4(1)
        s[TSX + i] = ux if mine else s[TSX + i]
        s[TTX + i] = vx if mine else s[TTX + i]
        short2 = across if across <= down else down
        quarter = (across if across > down else down) * f4(0.25)
        s[WX + i] = FINER * (short2 if short2 > quarter else quarter)
    for i in range(BLOCK):
        footprint2 = s[WX + i] if s[WX + i] > f4(1) else f4(1)
        n[TO + i] = half_log2(footprint2) if n[FACE + i] == face else n[TO + i]


@kernel
def fill_footprint(ux, uy, vx, vy, texture_w, texture_h, i, s):
    """Put the longer axis of a pixel's footprint, at most 1, into TSX and TTX of fragment i, and the squared size in
    texels for which its mip level is chosen into WX: the shorter axis, or half the longer one, times FINER.

    ux, uy, vx, vy: float32, derivatives of the texture coordinates s and t by x and y.
    """
    across = (ux * texture_w) * (ux * texture_w) + (vx * texture_h) * (vx * texture_h)
    down = (uy * texture_w) * (uy * texture_w) + (vy * texture_h) * (vy * texture_h)
    ux = ux if across >= down else uy
    vx = vx if across >= down else vy
    ux = ux if ux > f4(-1) else f4(-1)
    vx = vx if vx > f4(-1) else f4(-1)
    s[TSX + i] = ux if ux < f4(1) else f4(1)
    s[TTX + i] = vx if vx < f4(1) else f4(1)
    short2 = across if across <= down else down
    quarter = (across if across > down else down) * f4(0.25)
    s[WX + i] = FINER * (short2 if short2 > quarter else quarter)


@kernel
def half_log2(value):
    """Half the logarithm to base 2 of a float32, rounded down, from its exponent."""
    return ((f4(value).view(np.int32) >> np.int32(23)) - np.int32(127)) >> np.int32(1)


@kernel
def find_levels(count, levels, n):
    """Turn the mip levels in lane TO into offset, width and height, for `count` fragments of a block."""
    last = np.int32(levels.shape[0] - 1)
    for k in range(count):
        i = u8(k)
        level = levels[u8(min(n[u8(TO) + i], last))]
        n[u8(TO) + i], n[u8(TW) + i], n[u8(TH) + i] = level[0], level[1], level[2]
