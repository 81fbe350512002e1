"""From fragments to surface: position, normal and texture coordinates at each, gathered from the mesh.

This is the scalar part of shading; what follows runs on whole blocks. Barycentric coordinates come from the
pixel's ray in the camera's frame (weights d.(B x C), d.(C x A), d.(A x B)), which needs no division by depth and
holds for triangles that cross the near plane. Numbers of vertices are unsigned, so that no index can be one counted
from the end: that alone is a tenth of the time here.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    BLOCK,
    FACE,
    MIX,
    PX,
    Q0,
    READ,
    SCRATCH,
    SHARE,
    T0,
    T1,
    T2,
    T3,
    TO,
    TS,
    WX,
)
from photosynth.render.raster.slab_surface import fill_footprint, find_levels, half_log2

f4 = np.float32
u8 = np.uint64

REACH = 1.0
"""How far a triangle is continued beyond its edges, in barycentric coordinates."""
ROW = 16
"""Numbers in a vertex's row."""


@kernel
def pack_vertices(cam, world_from_cam, normals, world_from_object, st, rows):
    """Gather what shading reads of a vertex in one row, which is one line of the processor's cache.

    Args:
        cam: (>= V, 3) float64 from transform_vertices.
        world_from_cam: (3, 3) float64 rotation.
        normals: (V, 3) float32 in the object's frame; st: (V, 2) float32.
        world_from_object: (3, 3) float64 rotation.
        rows: out (V, ROW) float32: position from the eye along the world's axes, normal likewise, s, t, and ambient
            light as of a place where nothing is hidden.
    """
    c, o = world_from_cam, world_from_object
    c00, c01, c02, c10, c11, c12 = c[0, 0], c[0, 1], c[0, 2], c[1, 0], c[1, 1], c[1, 2]
    c20, c21, c22 = c[2, 0], c[2, 1], c[2, 2]
    o00, o01, o02, o10, o11, o12 = o[0, 0], o[0, 1], o[0, 2], o[1, 0], o[1, 1], o[1, 2]
    o20, o21, o22 = o[2, 0], o[2, 1], o[2, 2]
    for v in range(normals.shape[0]):
        x, y, z = cam[v, 0], cam[v, 1], cam[v, 2]
        p, q, r = normals[v, 0], normals[v, 1], normals[v, 2]
        s, t = st[v, 0], st[v, 1]
        row = rows[v]
        row[0] = c00 * x + c01 * y + c02 * z
        row[1] = c10 * x + c11 * y + c12 * z
        row[2] = c20 * x + c21 * y + c22 * z
        row[3] = o00 * p + o01 * q + o02 * r
        row[4] = o10 * p + o11 * q + o12 * r
        row[5] = o20 * p + o21 * q + o22 * r
        row[6], row[7], row[8], row[12] = s, t, f4(1), f4(1)
        row[9], row[10], row[11], row[13], row[14], row[15] = f4(0), f4(0), f4(0), f4(0), f4(0), f4(0)


@kernel
def gather_surface(
    start, stop, pixels, triangles, weights, width, lens, cam, faces, rows, levels, s, n, corners
):  # fmt: skip
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
        lens: (3,) float64, as in View.
        cam: (>= V, 3) float64 from transform_vertices.
        faces, levels: as in PreparedMesh.
        rows: (V, ROW) float32 from pack_vertices.
        s: in and out, the scratch array of lanes; n: the same for integers; corners: (CORNERS,) float64 scratch.
    """
    find_corners(start, stop, pixels, triangles, weights, width, faces, s, n)
    read_corners(stop - start, cam, rows, s, n, corners)
    weigh_corners(lens, f4(levels[0, 1]), f4(levels[0, 2]), s, n, corners)
    mix_rows(stop - start, rows, s, n)
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
def read_corners(count, cam, rows, s, n, corners):
    """Positions of each fragment's three vertices into `corners`, texture coordinates into the lanes from READ on."""
    for i in range(count):
        for k in range(3):
            at = u8(n[T0 + k * BLOCK + i])
            corners[3 * k * BLOCK + i] = cam[at, 0]
            corners[(3 * k + 1) * BLOCK + i] = cam[at, 1]
            corners[(3 * k + 2) * BLOCK + i] = cam[at, 2]
            s[READ + 2 * k * BLOCK + i] = rows[at, 6]
            s[READ + (2 * k + 1) * BLOCK + i] = rows[at, 7]


@kernel
def weigh_corners(lens, texture_w, texture_h, s, n, corners):
    """Weights of the three vertices into the lanes READ + 6.. + 8, the footprint's long axis, its mip level into TO."""
    inverse_focal, c = 1.0 / lens[0], corners
    for i in range(BLOCK):
        x0, y0, z0 = c[i], c[BLOCK + i], c[2 * BLOCK + i]
        x1, y1, z1 = c[3 * BLOCK + i], c[4 * BLOCK + i], c[5 * BLOCK + i]
        x2, y2, z2 = c[6 * BLOCK + i], c[7 * BLOCK + i], c[8 * BLOCK + i]
        bx, by, bz = y2 * z0 - z2 * y0, z2 * x0 - x2 * z0, x2 * y0 - y2 * x0  # C x A: weight of B
        cx, cy, cz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1  # A x B: weight of C
        nx, ny, nz = y1 * z2 - z1 * y2 + bx + cx, z1 * x2 - x1 * z2 + by + cy, x1 * y2 - y1 * x2 + bz + cz
        dx = (np.float64(n[T3 + i]) + 0.5 - lens[1]) * inverse_focal
        dy = (np.float64(n[FACE + i]) + 0.5 - lens[2]) * inverse_focal
        facing = dx * nx + dy * ny + nz
        seen = facing < -1e-300
        inverse = 1.0 / (facing if seen else -1.0)
        fb, fc = (dx * bx + dy * by + bz) * inverse, (dx * cx + dy * cy + cz) * inverse
        fa = 1.0 - fb - fc
        least = fb if fb < fc else fc
        least = least if least < fa else fa
        inside = (s[SHARE + i] >= f4(1)) & (least >= -REACH)
        nb = fb if fb > 0.0 else 0.0
        nb = nb if nb < 1.0 else 1.0
        nc, rest = fc if fc > 0.0 else 0.0, 1.0 - nb
        nc = nc if nc < rest else rest
        fb, fc = fb if inside else nb, fc if inside else nc
        fb, fc, inverse = fb if seen else 1 / 3, fc if seen else 1 / 3, inverse if seen else 0.0
        s[READ + 6 * BLOCK + i], s[READ + 7 * BLOCK + i] = f4(1.0 - fb - fc), f4(fb)
        s[READ + 8 * BLOCK + i] = f4(fc)
        s0, t0 = s[READ + i], s[READ + BLOCK + i]
        ds1, dt1 = s[READ + 2 * BLOCK + i] - s0, s[READ + 3 * BLOCK + i] - t0
        ds2, dt2 = s[READ + 4 * BLOCK + i] - s0, s[READ + 5 * BLOCK + i] - t0
        ps, pt, per_pixel = fb * ds1 + fc * ds2, fb * dt1 + fc * dt2, inverse * inverse_focal
        ux, uy = f4((bx * ds1 + cx * ds2 - ps * nx) * per_pixel), f4((by * ds1 + cy * ds2 - ps * ny) * per_pixel)
        vx, vy = f4((bx * dt1 + cx * dt2 - pt * nx) * per_pixel), f4((by * dt1 + cy * dt2 - pt * ny) * per_pixel)
        fill_footprint(ux, uy, vx, vy, texture_w, texture_h, i, s)
    for i in range(BLOCK):
        footprint2 = s[WX + i] if s[WX + i] > f4(1) else f4(1)
        n[TO + i] = half_log2(footprint2)


@kernel
def mix_rows(count, rows, s, n):
    """Weighted means of the rows of three vertices into the lanes: side by side first, where a row is one vector."""
    mixed = s[MIX:SCRATCH].reshape(BLOCK, ROW)
    for i in range(count):
        a, b, c, mean = rows[n[T0 + i]], rows[n[T1 + i]], rows[n[T2 + i]], mixed[i]
        ga, gb, gc = s[READ + 6 * BLOCK + i], s[READ + 7 * BLOCK + i], s[READ + 8 * BLOCK + i]
        for q in range(rows.shape[1]):
            mean[q] = ga * a[q] + gb * b[q] + gc * c[q]
    for q in range(ROW):
        lane = (PX + q * BLOCK) if q < 6 else ((TS + (q - 6) * BLOCK) if q < 8 else (Q0 + (q - 8) * BLOCK))
        for i in range(count):
            s[lane + i] = s[u8(MIX + ROW * i + q)]
