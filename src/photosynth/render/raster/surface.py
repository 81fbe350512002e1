"""From fragments to surface: position, normal and texture coordinates at each, gathered from the mesh.

This is the scalar part of shading; what follows runs on whole blocks. Barycentric coordinates come from the
pixel's ray in the camera's frame (weights d.(B x C), d.(C x A), d.(A x B)), which needs no division by depth and
holds for triangles that cross the near plane.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    AB,
    AG,
    AR,
    BLOCK,
    NX,
    NY,
    NZ,
    PX,
    PY,
    PZ,
    Q0,
    TH,
    TO,
    TS,
    TSX,
    TT,
    TTX,
    TW,
    Z,
)

f4 = np.float32

REACH = 1.0
"""How far a triangle is continued beyond its edges, in barycentric coordinates."""


@kernel
def gather_surface(
    start, stop, pixels, triangles, weights, width, lens, cam, faces, normals, st, levels, ambient, s, n
):
    """Fill position (camera's frame), depth, normal (object's frame) and texture footprint of fragments start..stop.

    A pixel whose centre lies outside the fragment's triangle is shaded where its ray meets the triangle's plane, as
    long as the fragment fills the pixel and that is within REACH: there, the surface goes on. Otherwise it is shaded
    at the nearest place in barycentric coordinates. The texture will be read twice along the longer axis of the
    pixel's footprint, so the mip level is the first whose texels are more than half the shorter axis, or a quarter
    of the longer one: bilinear reads blur by about a texel, and this leaves the picture as sharp as a box filter.

    Args:
        start, stop: int, at most BLOCK apart.
        pixels, triangles, weights: (m,) from emit_fragments.
        width: int, of the picture.
        lens: (3,) float64, as in View.
        cam: (>= V, 3) float64 from transform_vertices.
        faces, normals, st, levels: as in PreparedMesh.
        ambient: (V, 8) float32, ambient light at the vertices; or (0, 8), and the lanes for it stay as they are.
        s: out, the scratch array of lanes; n: out, the same for integers.
    """
    inverse_focal = 1.0 / lens[0]
    texture_w, texture_h = f4(levels[0, 1]), f4(levels[0, 2])
    last_level = levels.shape[0] - 1
    last, lit = -1, ambient.shape[0] > 0
    a, b, c = 0, 0, 0
    bx, by, bz, cx, cy, cz, nx, ny, nz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    sx, sy, tx, ty, s0, ds1, ds2, t0, dt1, dt2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(start, stop):
        i = k - start
        triangle = triangles[k]
        if triangle != last:
            last = triangle
            a, b, c = faces[triangle, 0], faces[triangle, 1], faces[triangle, 2]
            x0, y0, z0 = cam[a, 0], cam[a, 1], cam[a, 2]
            x1, y1, z1 = cam[b, 0], cam[b, 1], cam[b, 2]
            x2, y2, z2 = cam[c, 0], cam[c, 1], cam[c, 2]
            bx, by, bz = y2 * z0 - z2 * y0, z2 * x0 - x2 * z0, x2 * y0 - y2 * x0  # C x A: weight of B
            cx, cy, cz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1  # A x B: weight of C
            nx, ny, nz = y1 * z2 - z1 * y2 + bx + cx, z1 * x2 - x1 * z2 + by + cy, x1 * y2 - y1 * x2 + bz + cz
            s0, t0 = np.float64(st[a, 0]), np.float64(st[a, 1])
            ds1, ds2, dt1, dt2 = st[b, 0] - s0, st[c, 0] - s0, st[b, 1] - t0, st[c, 1] - t0
            sx, sy = bx * ds1 + cx * ds2, by * ds1 + cy * ds2
            tx, ty = bx * dt1 + cx * dt2, by * dt1 + cy * dt2
        pixel = pixels[k]
        row = pixel // width
        dx = (pixel - row * width + 0.5 - lens[1]) * inverse_focal
        dy = (row + 0.5 - lens[2]) * inverse_focal
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
        fa = 1.0 - fb - fc
        s[PX + i] = fa * cam[a, 0] + fb * cam[b, 0] + fc * cam[c, 0]
        s[PY + i] = fa * cam[a, 1] + fb * cam[b, 1] + fc * cam[c, 1]
        z = fa * cam[a, 2] + fb * cam[b, 2] + fc * cam[c, 2]
        s[PZ + i] = z
        s[Z + i] = z
        ga, gb, gc = f4(fa), f4(fb), f4(fc)
        s[NX + i] = ga * normals[a, 0] + gb * normals[b, 0] + gc * normals[c, 0]
        s[NY + i] = ga * normals[a, 1] + gb * normals[b, 1] + gc * normals[c, 1]
        s[NZ + i] = ga * normals[a, 2] + gb * normals[b, 2] + gc * normals[c, 2]
        if lit:
            for q in range(8):
                s[Q0 + q * BLOCK + i] = ga * ambient[a, q] + gb * ambient[b, q] + gc * ambient[c, q]
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
        s[TS + i] = s0 + ps
        s[TT + i] = t0 + pt
        s[TSX + i] = min(max(ux, f4(-1)), f4(1))
        s[TTX + i] = min(max(vx, f4(-1)), f4(1))
        s[AR + i], s[AG + i], s[AB + i] = f4(0), f4(0), f4(0)
        n[TO + i] = levels[level, 0]
        n[TW + i] = levels[level, 1]
        n[TH + i] = levels[level, 2]
