"""Ambient light at points: what objects and slabs hide of the environment, and what they send back instead.

The environment is asked in a few directions, each standing for a region of the sky (EnvironmentLight.directions). A
small orthographic depth map says which object stands in each; slabs are asked in closed form. The result is kept as
ratios to the unhidden light, and sums of light sent back: exactly 1 and 0 where nothing is in the way, so that a
small number of directions leaves no grain and no bands there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.render.raster.jit import kernel
from photosynth.render.raster.triangle import TRIANGLES

f4 = np.float32
i4 = np.int32

VALUES = 8
"""Numbers at each point: ratio of the environment's diffuse luminance that is left; radiance (3) of a white surface
under what others send back, and what differs in colour between the light that is left and all of it; the same of light
about the mirror direction."""
MAP_SIDE_PX = 64
"""Side of a direction's map."""
ID_BITS = 10
"""Lower bits of a texel that name the object; above them its depth."""
DEPTH_STEPS = 1 << 20
"""Steps of depth in a map."""
LANES = 16
"""So many texels of a map are drawn at once: fewer are unrolled by the compiler instead, more are in vain."""
AX, AY, AZ, BX, BY, BZ, CX, CY, CZ, AREA, ZX, ZY, EX, EY, GX, GY, LEFT, RIGHT, TOP, BOTTOM = (
    TRIANGLES * k for k in range(20)
)
"""Lanes of some triangles' corners, twice their areas, the plane of z, the weights of the second and third corner as
they grow with x and y, and the texels round them."""
NUMBERS = 20 * TRIANGLES
"""Length of the float32 array that holds all these."""
LIFT = 0.02
"""Points are lifted off their surface by this many radii of the mean placement before they are asked."""


@dataclass(frozen=True, eq=False)
class Sky:
    """The environment in K directions, in one scene.

    frames (K, 3, 3) float32: rows right, up, direction, in the world; parts (K, 4) float32: radiance times solid
    angle, and its luminance; areas (K,) float32: solid angles; maps (K, S, S) int32; centre (3,) float32: the maps'
    middle, from the eye; radius: what they span; lift: metres; grids (S, 6, GRID) float32, firsts (S, 6) int32: the
    spots of slabs; from_objects (K, N, 3) float32: radiance that objects send back against each direction; radiance
    (Q, 3) float32: of spots.
    """

    frames: np.ndarray
    parts: np.ndarray
    areas: np.ndarray
    maps: np.ndarray
    centre: np.ndarray
    radius: float
    lift: float
    boxes: np.ndarray
    grids: np.ndarray
    firsts: np.ndarray
    from_objects: np.ndarray
    radiance: np.ndarray


@kernel
def draw_ids(vertices, faces, world_from_object, centre, radius, identity, frames, maps):
    """Draw an object into the maps of all directions: the nearest to the sky wins.

    Args:
        vertices: (V, 3) float32; faces: (F, 3) int32.
        world_from_object: (4, 4) float64, with the eye as the world's origin.
        centre, radius, frames, maps: as in Sky; a map's side is LANES at least.
        identity: int below 2^ID_BITS.
    """
    count, m, side = vertices.shape[0], world_from_object, maps.shape[1]
    world, turned, s = np.empty(3 * count, np.float32), np.empty(3 * count, np.float32), np.zeros(NUMBERS, np.float32)
    for v in range(count):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for k in range(3):
            world[k * count + v] = m[k, 0] * x + m[k, 1] * y + m[k, 2] * z + m[k, 3] - centre[k]
    texels = maps.reshape(-1)
    for d in range(frames.shape[0]):
        _turn(world, frames[d], f4(radius), side, turned)
        for first in range(0, faces.shape[0], TRIANGLES):
            found = _line_up(turned, faces, first, s)
            _set_up(s, f4(side))
            _draw(s, found, i4(identity), texels, d * side * side, side)


@kernel
def _turn(world, frame, radius, side, turned):
    """Turn points (3 n,) float32, all x before all y, towards a map: x and y in texels, z in steps of depth."""
    half, scale, deep = f4(side * 0.5), f4((side * 0.5 - 1) / radius), f4(0.5 * DEPTH_STEPS / radius)
    a, b, c, d, e, f = frame[0, 0], frame[0, 1], frame[0, 2], frame[1, 0], frame[1, 1], frame[1, 2]
    g, h, i = frame[2, 0], frame[2, 1], frame[2, 2]
    count = world.size // 3
    for v in range(count):
        x, y, z = world[v], world[count + v], world[2 * count + v]
        turned[v] = (a * x + b * y + c * z) * scale + half
        turned[count + v] = (d * x + e * y + f * z) * scale + half
        turned[2 * count + v] = (g * x + h * y + i * z + radius) * deep


@kernel
def _line_up(turned, faces, first, s):
    """Write those of TRIANGLES faces from the `first` on that look at the sky into `s`; their number."""
    n, count = np.uint64(0), np.uint64(turned.size // 3)
    for t in range(first, min(first + TRIANGLES, faces.shape[0])):
        a, b, c = np.uint64(faces[t, 0]), np.uint64(faces[t, 1]), np.uint64(faces[t, 2])
        x0, y0, x1, y1 = turned[a], turned[count + a], turned[b], turned[count + b]
        x2, y2, area = turned[c], turned[count + c], (x1 - x0) * (turned[count + c] - y0) - (turned[c] - x0) * (y1 - y0)
        s[AX + n], s[AY + n], s[AZ + n] = x0, y0, turned[2 * count + a]
        s[BX + n], s[BY + n], s[BZ + n] = x1, y1, turned[2 * count + b]
        s[CX + n], s[CY + n], s[CZ + n], s[AREA + n] = x2, y2, turned[2 * count + c], area
        n += np.uint64(1) if area > f4(1e-4) else np.uint64(0)
    return n


@kernel
def _set_up(s, side):
    """Fill the lanes behind AREA; side: of the map, float32."""
    half, zero = f4(0.5), f4(0)
    for i in range(TRIANGLES):
        x0, y0, z0, x1, y1, z1 = s[AX + i], s[AY + i], s[AZ + i], s[BX + i], s[BY + i], s[BZ + i]
        x2, y2, z2, inverse = s[CX + i], s[CY + i], s[CZ + i], f4(1) / s[AREA + i]
        s[ZX + i] = ((z1 - z0) * (y2 - y0) - (z2 - z0) * (y1 - y0)) * inverse
        s[ZY + i] = ((z2 - z0) * (x1 - x0) - (z1 - z0) * (x2 - x0)) * inverse
        s[EX + i], s[EY + i] = (y2 - y0) * inverse, (x0 - x2) * inverse
        s[GX + i], s[GY + i] = (y0 - y1) * inverse, (x1 - x0) * inverse
        s[LEFT + i], s[RIGHT + i] = max(min(x0, x1, x2) + half, zero), min(max(x0, x1, x2) + half, side)
        s[TOP + i], s[BOTTOM + i] = max(min(y0, y1, y2) + half, zero), min(max(y0, y1, y2) + half, side)


@kernel
def _draw(s, count, identity, texels, offset, side):
    """Draw the first `count` triangles of `s` into the map at `offset`, LANES texels at a time without a branch."""
    for i in range(count):
        n = np.uint64(i)
        x0, y0, zx, ex, gx = s[AX + n], s[AY + n], s[ZX + n], s[EX + n], s[GX + n]
        left, right = int(s[LEFT + n]), int(s[RIGHT + n])
        for iy in range(int(s[TOP + n]), int(s[BOTTOM + n])):
            y = f4(iy) + f4(0.5) - y0
            z, b, c = s[AZ + n] + s[ZY + n] * y, s[EY + n] * y, s[GY + n] * y
            for ix in range(left, right, LANES):
                start = min(ix, side - LANES)
                at, x = np.uint64(offset + iy * side + start), f4(start) + f4(0.5) - x0
                for j in range(LANES):
                    wb, wc = ex * (x + f4(j)) + b, gx * (x + f4(j)) + c
                    inside = (wb >= f4(0)) & (wc >= f4(0)) & (wb + wc <= f4(1))
                    depth = i4(min(max(z + zx * (x + f4(j)), f4(0)), f4(DEPTH_STEPS - 1)))
                    key = ((depth << i4(ID_BITS)) | identity) if inside else i4(-1)
                    texels[at + np.uint64(j)] = max(key, texels[at + np.uint64(j)])
