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

f4 = np.float32
i4 = np.int32

VALUES = 8
"""Numbers at each point: ratio of diffuse light, light sent back (3), ratio of mirrored light, light sent back
towards the mirror direction (3)."""
MAP_SIDE_PX = 64
"""Side of a direction's map."""
ID_BITS = 10
"""Lower bits of a texel that name the object; above them its depth."""
DEPTH_STEPS = 1 << 20
"""Steps of depth in a map."""
LIFT = 0.02
"""Points are lifted off their surface by this many radii of the mean placement before they are asked."""


@dataclass(frozen=True, eq=False)
class Sky:
    """The environment in K directions, in one scene.

    frames (K, 3, 3) float32: rows right, up, direction, in the world; parts (K,) float32: luminance times solid
    angle; areas (K,) float32: solid angles; maps (K, S, S) int32; centre (3,) float32: the maps' middle, from the
    eye; radius: what they span; lift: metres; from_objects (K, N, 3), from_slabs (S, 6, 3) float32: radiance that
    objects send back against each direction, and the faces of slabs.
    """

    frames: np.ndarray
    parts: np.ndarray
    areas: np.ndarray
    maps: np.ndarray
    centre: np.ndarray
    radius: float
    lift: float
    boxes: np.ndarray
    from_objects: np.ndarray
    from_slabs: np.ndarray


@kernel
def draw_ids(vertices, faces, world_from_object, centre, radius, identity, frames, maps):
    """Draw an object into the maps of all directions: the nearest to the sky wins.

    Args:
        vertices: (V, 3) float32; faces: (F, 3) int32.
        world_from_object: (4, 4) float64, with the eye as the world's origin.
        centre, radius, frames, maps: as in Sky.
        identity: int below 2^ID_BITS.
    """
    count = vertices.shape[0]
    world, turned = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    for v in range(count):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for k in range(3):
            m = world_from_object
            world[v, k] = m[k, 0] * x + m[k, 1] * y + m[k, 2] * z + m[k, 3] - centre[k]
    side = maps.shape[1]
    half, scale = f4(side * 0.5), f4((side * 0.5 - 1) / radius)
    deep = f4(0.5 * DEPTH_STEPS / radius)
    for d in range(frames.shape[0]):
        f = frames[d]
        for v in range(count):
            x, y, z = world[v, 0], world[v, 1], world[v, 2]
            turned[v, 0] = (f[0, 0] * x + f[0, 1] * y + f[0, 2] * z) * scale + half
            turned[v, 1] = (f[1, 0] * x + f[1, 1] * y + f[1, 2] * z) * scale + half
            turned[v, 2] = (f[2, 0] * x + f[2, 1] * y + f[2, 2] * z + f4(radius)) * deep
        image = maps[d]
        for t in range(faces.shape[0]):
            _draw(turned, np.uint32(faces[t, 0]), np.uint32(faces[t, 1]), np.uint32(faces[t, 2]), identity, image)


@kernel
def _draw(turned, a, b, c, identity, image):
    x0, y0, x1, y1, x2, y2 = turned[a, 0], turned[a, 1], turned[b, 0], turned[b, 1], turned[c, 0], turned[c, 1]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not area > f4(1e-4):
        return
    side = image.shape[0]
    z0, z1, z2 = turned[a, 2], turned[b, 2], turned[c, 2]
    inverse = f4(1) / area
    zx = ((z1 - z0) * (y2 - y0) - (z2 - z0) * (y1 - y0)) * inverse
    zy = ((z2 - z0) * (x1 - x0) - (z1 - z0) * (x2 - x0)) * inverse
    left, right = max(int(min(x0, x1, x2) + f4(0.5)), 0), min(int(max(x0, x1, x2) + f4(0.5)), side)
    top, bottom = max(int(min(y0, y1, y2) + f4(0.5)), 0), min(int(max(y0, y1, y2) + f4(0.5)), side)
    ex, ey, gx, gy = (y2 - y0) * inverse, (x2 - x0) * inverse, (y1 - y0) * inverse, (x1 - x0) * inverse
    for iy in range(top, bottom):
        y = f4(iy) + f4(0.5) - y0
        for ix in range(left, right):
            x = f4(ix) + f4(0.5) - x0
            wb, wc = x * ex - ey * y, gx * -x + gy * y
            if wb >= f4(0) and wc >= f4(0) and wb + wc <= f4(1):
                z = int(z0 + zx * x + zy * y)
                key = i4((min(max(z, 0), DEPTH_STEPS - 1) << ID_BITS) | identity)
                if key > image[iy, ix]:
                    image[iy, ix] = key
