"""From fragments to surface: position, normal and texture coordinates at each, gathered from the mesh.

This is the scalar part of shading; what follows runs on whole blocks. Barycentric coordinates come from the
pixel's ray in the camera's frame (weights d.(B x C), d.(C x A), d.(A x B)), which needs no division by depth and
holds for triangles that cross the near plane. Numbers of vertices are unsigned, so that no index can be one counted
from the end: that alone is a tenth of the time here.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import BLOCK, PX, Q0, TH, TO, TS, TSX, TT, TTX, TW

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
def gather_surface(start, stop, pixels, triangles, weights, width, lens, cam, faces, rows, levels, s, n):
    """Fill position, normal, texture footprint and ambient light of fragments start..stop.

    A pixel whose centre lies outside the fragment's triangle is shaded where its ray meets the triangle's plane, as
    long as the fragment fills the pixel and that is within REACH: there, the surface goes on. Otherwise it is shaded
    at the nearest place in barycentric coordinates. The texture will be read twice along the longer axis of the
    pixel's footprint, so the mip level is the first whose texels are more than half the shorter axis, or a quarter
    of the longer one: bilinear reads blur by about a texel, and this leaves the picture as sharp as a box filter.

    Args:
        start, stop: int, at most BLOCK apart.
        pixels, triangles, weights: (m,) from emit_fragments, by rows.
        width: int, of the picture.
        lens: (3,) float64, as in View.
        cam: (>= V, 3) float64 from transform_vertices.
        faces, levels: as in PreparedMesh.
        rows: (V * ROW,) float32 from pack_vertices.
        s: out, the scratch array of lanes; n: out, the same for integers.
    """
    inverse_focal = 1.0 / lens[0]
    texture_w, texture_h = f4(levels[0, 1]), f4(levels[0, 2])
    last_level = levels.shape[0] - 1
    last = -1
    a, b, c = u8(0), u8(0), u8(0)
    bx, by, bz, cx, cy, cz, nx, ny, nz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    sx, sy, tx, ty, ds1, ds2, dt1, dt2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    first, dy = 0, 0.0
    if start < stop:
        first = (pixels[start] // width) * width
        dy = (pixels[start] // width + 0.5 - lens[2]) * inverse_focal
    for k in range(start, stop):
        i = u8(k - start)
        triangle = triangles[k]
        if triangle != last:
            last = triangle
            t = u8(triangle)
            a, b, c = u8(faces[t, 0]), u8(faces[t, 1]), u8(faces[t, 2])
            x0, y0, z0 = cam[a, 0], cam[a, 1], cam[a, 2]
            x1, y1, z1 = cam[b, 0], cam[b, 1], cam[b, 2]
            x2, y2, z2 = cam[c, 0], cam[c, 1], cam[c, 2]
            bx, by, bz = y2 * z0 - z2 * y0, z2 * x0 - x2 * z0, x2 * y0 - y2 * x0  # C x A: weight of B
            cx, cy, cz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1  # A x B: weight of C
            nx, ny, nz = y1 * z2 - z1 * y2 + bx + cx, z1 * x2 - x1 * z2 + by + cy, x1 * y2 - y1 * x2 + bz + cz
            a, b, c = a * u8(ROW), b * u8(ROW), c * u8(ROW)
            s0, t0 = rows[a + u8(6)], rows[a + u8(7)]
            ds1, ds2, dt1, dt2 = rows[b + u8(6)] - s0, rows[c + u8(6)] - s0, rows[b + u8(7)] - t0, rows[c + u8(7)] - t0
            sx, sy = bx * ds1 + cx * ds2, by * ds1 + cy * ds2
            tx, ty = bx * dt1 + cx * dt2, by * dt1 + cy * dt2
        pixel = pixels[k]
        while pixel >= first + width:
            first += width
            dy += inverse_focal
        dx = (pixel - first + 0.5 - lens[1]) * inverse_focal
        facing = dx * nx + dy * ny + nz
        fb, fc, inverse = 1 / 3, 1 / 3, 0.0
        if facing < -1e-300:
            inverse = 1.0 / facing
            fb = (dx * bx + dy * by + bz) * inverse
            fc = (dx * cx + dy * cy + cz) * inverse
            fa = 1.0 - fb - fc
            if weights[k] & 7 < 4 or min(fa, fb, fc) < -REACH:
                fb = min(max(fb, 0.0), 1.0)
                fc = min(max(fc, 0.0), 1.0 - fb)
        ga, gb, gc = f4(1.0 - fb - fc), f4(fb), f4(fc)
        mix_rows(rows, a, b, c, ga, gb, gc, s, i)
        ps, pt = fb * ds1 + fc * ds2, fb * dt1 + fc * dt2
        per_pixel = inverse * inverse_focal
        ux, uy = f4((sx - ps * nx) * per_pixel), f4((sy - ps * ny) * per_pixel)
        vx, vy = f4((tx - pt * nx) * per_pixel), f4((ty - pt * ny) * per_pixel)
        long2 = (ux * texture_w) ** 2 + (vx * texture_h) ** 2
        short2 = (uy * texture_w) ** 2 + (vy * texture_h) ** 2
        if short2 > long2:
            long2, short2, ux, vx = short2, long2, uy, vy
        footprint2 = max(short2, long2 * f4(0.25))
        level = 0
        while footprint2 > f4(4) and level < last_level:
            footprint2 *= f4(0.25)
            level += 1
        s[u8(TSX) + i] = min(max(ux, f4(-1)), f4(1))
        s[u8(TTX) + i] = min(max(vx, f4(-1)), f4(1))
        n[u8(TO) + i] = levels[level, 0]
        n[u8(TW) + i] = levels[level, 1]
        n[u8(TH) + i] = levels[level, 2]


@kernel
def mix_rows(rows, a, b, c, ga, gb, gc, s, i):
    """Put a weighted mean of three rows into the lanes of fragment i."""
    for q in range(6):
        at = u8(q)
        s[u8(PX + q * BLOCK) + i] = ga * rows[a + at] + gb * rows[b + at] + gc * rows[c + at]
    s[u8(TS) + i] = ga * rows[a + u8(6)] + gb * rows[b + u8(6)] + gc * rows[c + u8(6)]
    s[u8(TT) + i] = ga * rows[a + u8(7)] + gb * rows[b + u8(7)] + gc * rows[c + u8(7)]
    for q in range(8):
        at = u8(q + 8)
        s[u8(Q0 + q * BLOCK) + i] = ga * rows[a + at] + gb * rows[b + at] + gc * rows[c + at]
