"""From fragments to surface: position, normal and texture coordinates at each, gathered from the mesh.

What is read of a vertex stands side by side in memory and is copied so; the loops that run as vector instructions take
it from there eight numbers at a time. Barycentric coordinates come from the pixel's ray in the camera's frame: Möller
and Trumbore, "Fast, Minimum Storage Ray/Triangle Intersection", JGT 1997, which needs no division by depth and holds
for triangles that cross the near plane. Numbers of vertices are unsigned, so that no index can be one counted from the
end: that alone is a tenth of the time here.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.copies import copy_eight
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    BLOCK,
    CORNER_A,
    CORNER_B,
    CORNER_C,
    FACE,
    GQ,
    GX,
    GY,
    MIX,
    NX,
    NY,
    NZ,
    PX,
    PY,
    PZ,
    Q0,
    SHARE,
    T0,
    T1,
    T2,
    T3,
    TO,
    TS,
    TT,
    WX,
)
from photosynth.render.raster.slab_surface import fill_footprint, find_levels, half_log2

f4 = np.float32
u8 = np.uint64

REACH = f4(1.0)
"""How far a triangle is continued beyond its edges, in barycentric coordinates."""
ROW = 16
"""Numbers in a vertex's row."""


@kernel
def pack_vertices(cam, normals, world_from_object, st, rows):
    """Gather what shading reads of a vertex in one row, which is one line of the processor's cache.

    Args:
        cam: (>= V, 3) float64 from transform_vertices.
        normals: (V, 3) float32 in the object's frame; st: (V, 2) float32.
        world_from_object: (3, 3) float64 rotation.
        rows: out (V, ROW) float32: position in the camera's frame, s, t, normal in the world, and ambient light as of a
            place where nothing is hidden.
    """
    o = world_from_object
    o00, o01, o02, o10, o11, o12 = o[0, 0], o[0, 1], o[0, 2], o[1, 0], o[1, 1], o[1, 2]
    o20, o21, o22 = o[2, 0], o[2, 1], o[2, 2]
    for v in range(normals.shape[0]):
        p, q, r = normals[v, 0], normals[v, 1], normals[v, 2]
        row = rows[v]
        row[0], row[1], row[2], row[3], row[4] = cam[v, 0], cam[v, 1], cam[v, 2], st[v, 0], st[v, 1]
        row[5] = o00 * p + o01 * q + o02 * r
        row[6] = o10 * p + o11 * q + o12 * r
        row[7] = o20 * p + o21 * q + o22 * r
        row[8], row[12] = f4(1), f4(1)
        row[9], row[10], row[11], row[13], row[14], row[15] = f4(0), f4(0), f4(0), f4(0), f4(0), f4(0)


@kernel
def gather_surface(start, stop, pixels, triangles, weights, width, lens, rotation, faces, rows, levels, s, n):
    """Fill position, normal, texture footprint and ambient light of fragments start..stop.

    A pixel whose centre lies outside the fragment's triangle is shaded where its ray meets the triangle's plane, as
    long as the fragment fills the pixel and that is within REACH: there, the surface goes on. Otherwise it is shaded
    at the nearest place in barycentric coordinates. The texture will be read twice along the longer axis of the
    pixel's footprint. A bilinear read of texels of side t blurs with a variance of t^2 / 4, two reads a half apart add
    1 / 16 along their axis, and the box filter of a pixel has 1 / 12: so the mip level is the first whose texels are
    more than 0.35 (and less than 0.71) of the shorter axis, or half that of the longer one.

    Args:
        start, stop: int, at most BLOCK apart.
        pixels, triangles, weights: (m,) from emit_fragments, by rows.
        width: int, of the picture.
        lens: (3,) float64, rotation: (3, 3) float64, as in View.
        faces, levels: as in PreparedMesh.
        rows: (V, ROW) float32 from pack_vertices.
        s: in and out, the scratch array of lanes; n: the same for integers.
    """
    find_corners(start, stop, pixels, triangles, weights, width, faces, s, n)
    read_corners(stop - start, rows, s, n)
    weigh_corners(lens, rotation, f4(levels[0, 1]), f4(levels[0, 2]), s, n)
    mix_ambient(stop - start, rows, s, n)
    find_levels(stop - start, levels, n)


@kernel
def find_corners(start, stop, pixels, triangles, weights, width, faces, s, n):
    """Column and row of each pixel, the numbers of its triangle's vertices, the fragment's share of samples (1 if its
    instance FILLS the pixel)."""
    first, y = 0, 0
    if start < stop:
        y = pixels[start] // width
        first = y * width
    for k in range(start, stop):
        i, t = u8(k - start), u8(triangles[k])
        n[u8(T0) + i], n[u8(T1) + i], n[u8(T2) + i] = faces[t, 0], faces[t, 1], faces[t, 2]
        pixel = pixels[k]
        while pixel >= first + width:
            first += width
            y += 1
        n[u8(T3) + i], n[u8(FACE) + i] = pixel - first, y
        s[u8(SHARE) + i] = f4(4 if weights[k] & 16 else weights[k] & 7) * f4(0.25)


@kernel
def read_corners(count, rows, s, n):
    """Position, texture coordinates and normal of each fragment's three vertices, side by side from CORNER_A, CORNER_B
    and CORNER_C on."""
    for k in range(count):
        i = u8(k)
        copy_eight(rows, u8(n[u8(T0) + i]), s, u8(CORNER_A) + u8(8) * i)
        copy_eight(rows, u8(n[u8(T1) + i]), s, u8(CORNER_B) + u8(8) * i)
        copy_eight(rows, u8(n[u8(T2) + i]), s, u8(CORNER_C) + u8(8) * i)


@kernel
def weigh_corners(lens, rotation, texture_w, texture_h, s, n):
    """Weights of the three vertices into GX, GY and GQ; position, normal, texture coordinates; the footprint's long
    axis, its mip level into TO."""
    inverse_focal, cx, cy = f4(1.0 / lens[0]), f4(lens[1]), f4(lens[2])
    r00, r01, r02 = f4(rotation[0, 0]), f4(rotation[0, 1]), f4(rotation[0, 2])
    r10, r11, r12 = f4(rotation[1, 0]), f4(rotation[1, 1]), f4(rotation[1, 2])
    r20, r21, r22 = f4(rotation[2, 0]), f4(rotation[2, 1]), f4(rotation[2, 2])
    zero, one, third = f4(0), f4(1), f4(1 / 3)
    for i in range(BLOCK):
        a, b, c = CORNER_A + 8 * i, CORNER_B + 8 * i, CORNER_C + 8 * i
        ax, ay, az, s0, t0 = s[a], s[a + 1], s[a + 2], s[a + 3], s[a + 4]
        ex, ey, ez, ds1, dt1 = s[b] - ax, s[b + 1] - ay, s[b + 2] - az, s[b + 3] - s0, s[b + 4] - t0
        fx, fy, fz, ds2, dt2 = s[c] - ax, s[c + 1] - ay, s[c + 2] - az, s[c + 3] - s0, s[c + 4] - t0
        bx, by, bz = fy * az - fz * ay, fz * ax - fx * az, fx * ay - fy * ax  # weight of B: C x A
        gx, gy, gz = ay * ez - az * ey, az * ex - ax * ez, ax * ey - ay * ex  # weight of C: A x B
        nx, ny, nz = ey * fz - ez * fy, ez * fx - ex * fz, ex * fy - ey * fx
        dx = (f4(n[T3 + i]) + f4(0.5) - cx) * inverse_focal
        dy = (f4(n[FACE + i]) + f4(0.5) - cy) * inverse_focal
        facing = dx * nx + dy * ny + nz
        seen = facing < f4(-1e-30)
        inverse = one / (facing if seen else f4(-1))
        wb, wc = (dx * bx + dy * by + bz) * inverse, (dx * gx + dy * gy + gz) * inverse
        wa = one - wb - wc
        least = wb if wb < wc else wc
        least = least if least < wa else wa
        inside = (s[SHARE + i] >= one) & (least >= -REACH)
        nb = wb if wb > zero else zero
        nb = nb if nb < one else one
        nc, rest = wc if wc > zero else zero, one - nb
        nc = nc if nc < rest else rest
        wb, wc = wb if inside else nb, wc if inside else nc
        wb, wc, inverse = wb if seen else third, wc if seen else third, inverse if seen else zero
        wa = one - wb - wc
        s[GX + i], s[GY + i], s[GQ + i] = wa, wb, wc
        x, y, z = ax + wb * ex + wc * fx, ay + wb * ey + wc * fy, az + wb * ez + wc * fz
        s[PX + i] = r00 * x + r01 * y + r02 * z
        s[PY + i] = r10 * x + r11 * y + r12 * z
        s[PZ + i] = r20 * x + r21 * y + r22 * z
        s[NX + i] = wa * s[a + 5] + wb * s[b + 5] + wc * s[c + 5]
        s[NY + i] = wa * s[a + 6] + wb * s[b + 6] + wc * s[c + 6]
        s[NZ + i] = wa * s[a + 7] + wb * s[b + 7] + wc * s[c + 7]
        ps, pt, per_pixel = wb * ds1 + wc * ds2, wb * dt1 + wc * dt2, inverse * inverse_focal
        s[TS + i], s[TT + i] = s0 + ps, t0 + pt
        ux, uy = (bx * ds1 + gx * ds2 - ps * nx) * per_pixel, (by * ds1 + gy * ds2 - ps * ny) * per_pixel
        vx, vy = (bx * dt1 + gx * dt2 - pt * nx) * per_pixel, (by * dt1 + gy * dt2 - pt * ny) * per_pixel
        fill_footprint(ux, uy, vx, vy, texture_w, texture_h, i, s)
    for i in range(BLOCK):
        footprint2 = s[WX + i] if s[WX + i] > one else one
        n[TO + i] = half_log2(footprint2)


@kernel
def mix_ambient(count, rows, s, n):
    """Weighted means of the ambient light of three vertices into the lanes from Q0 on: side by side first, from MIX on,
    where a vertex's is one vector."""
    for k in range(count):
        i = u8(k)
        a, b, c = rows[u8(n[u8(T0) + i])], rows[u8(n[u8(T1) + i])], rows[u8(n[u8(T2) + i])]
        wa, wb, wc, to = s[u8(GX) + i], s[u8(GY) + i], s[u8(GQ) + i], u8(MIX) + u8(8) * i
        m0, m1 = wa * a[8] + wb * b[8] + wc * c[8], wa * a[9] + wb * b[9] + wc * c[9]
        m2, m3 = wa * a[10] + wb * b[10] + wc * c[10], wa * a[11] + wb * b[11] + wc * c[11]
        m4, m5 = wa * a[12] + wb * b[12] + wc * c[12], wa * a[13] + wb * b[13] + wc * c[13]
        m6, m7 = wa * a[14] + wb * b[14] + wc * c[14], wa * a[15] + wb * b[15] + wc * c[15]
        s[to], s[to + u8(1)], s[to + u8(2)], s[to + u8(3)] = m0, m1, m2, m3
        s[to + u8(4)], s[to + u8(5)], s[to + u8(6)], s[to + u8(7)] = m4, m5, m6, m7
    for i in range(BLOCK):
        at, to = MIX + 8 * i, Q0 + i
        s[to], s[to + BLOCK], s[to + 2 * BLOCK], s[to + 3 * BLOCK] = s[at], s[at + 1], s[at + 2], s[at + 3]
        s[to + 4 * BLOCK], s[to + 5 * BLOCK] = s[at + 4], s[at + 5]
        s[to + 6 * BLOCK], s[to + 7 * BLOCK] = s[at + 6], s[at + 7]
