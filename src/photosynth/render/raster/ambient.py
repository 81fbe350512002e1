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
AWAY = f4(-0.3)
"""Cosine to the eye below which a point is not seen, nor is any vertex near it."""


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
        for t in range(faces.shape[0]):
            _draw(turned, faces[t, 0], faces[t, 1], faces[t, 2], identity, maps[d])


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


@kernel
def light_at(
    points, normals, own, own_slab, frames, parts, areas, maps, centre, radius, lift, boxes, from_objects, from_slabs,
    out,
):  # fmt: skip
    """Fill `out` (n, VALUES) float32 with what others hide and send back.

    Args:
        points, normals: (n, 3) float32, from the eye along the world's axes.
        own: int, the object's number, whose own shadow is not counted; below 0 for none.
        own_slab: int, the slab the points lie on; below 0 for none.
        frames .. from_slabs: as in Sky.
    """
    side = maps.shape[1]
    half, scale, reach = f4(side * 0.5), f4((side * 0.5 - 1) / radius), f4(radius)
    deep = f4(0.5 * DEPTH_STEPS / radius)
    zero, one, directions = f4(0), f4(1), frames.shape[0]
    slab_hit = np.array([-1, -1])
    for i in range(points.shape[0]):
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        inverse = one / np.sqrt(px * px + py * py + pz * pz + f4(1e-20))
        nv = -(px * nx + py * ny + pz * nz) * inverse
        if nv < AWAY:
            out[i] = f4(0)
            out[i, 0], out[i, 4] = one, one
            continue
        rx, ry, rz = f4(2) * nv * nx + px * inverse, f4(2) * nv * ny + py * inverse, f4(2) * nv * nz + pz * inverse
        px, py, pz = px + lift * nx, py + lift * ny, pz + lift * nz
        qx, qy, qz = px - centre[0], py - centre[1], pz - centre[2]
        free, total, mirrored_free, mirrored_total, mirrored_area = zero, zero, zero, zero, zero
        red, green, blue, mirrored_red, mirrored_green, mirrored_blue = zero, zero, zero, zero, zero, zero
        for k in range(directions):
            dx, dy, dz = frames[k, 2, 0], frames[k, 2, 1], frames[k, 2, 2]
            cosine, mirrored = nx * dx + ny * dy + nz * dz, rx * dx + ry * dy + rz * dz
            if cosine <= zero and mirrored <= zero:
                continue
            cosine = cosine if cosine > zero else zero
            mirrored = mirrored * mirrored if mirrored > zero else zero
            mirrored *= mirrored
            light, area = parts[k], areas[k]
            total += cosine * light
            mirrored_total += mirrored * light
            mirrored_area += mirrored * area
            identity = -1
            u = (frames[k, 0, 0] * qx + frames[k, 0, 1] * qy + frames[k, 0, 2] * qz) * scale + half
            v = (frames[k, 1, 0] * qx + frames[k, 1, 1] * qy + frames[k, 1, 2] * qz) * scale + half
            if u >= zero and v >= zero and u < f4(side) and v < f4(side):
                key = maps[k, int(v), int(u)]
                if key >= 0 and (key & 1023) != own:
                    if f4(key >> ID_BITS) > (dx * qx + dy * qy + dz * qz + reach) * deep:
                        identity = key & 1023
            if identity >= 0:
                back_red, back_green, back_blue = (
                    from_objects[k, identity, 0], from_objects[k, identity, 1], from_objects[k, identity, 2]
                )  # fmt: skip
            else:
                if boxes.shape[0] > 0:
                    slab_towards(boxes, own_slab, px, py, pz, dx, dy, dz, slab_hit)
                if boxes.shape[0] == 0 or slab_hit[0] < 0:
                    free += cosine * light
                    mirrored_free += mirrored * light
                    continue
                s, face = slab_hit[0], slab_hit[1]
                back_red, back_green, back_blue = from_slabs[s, face, 0], from_slabs[s, face, 1], from_slabs[s, face, 2]
            weight, mirrored_weight = cosine * area, mirrored * area
            red, green, blue = red + weight * back_red, green + weight * back_green, blue + weight * back_blue
            mirrored_red += mirrored_weight * back_red
            mirrored_green += mirrored_weight * back_green
            mirrored_blue += mirrored_weight * back_blue
        out[i, 0] = free / total if total > zero else one
        out[i, 1], out[i, 2], out[i, 3] = red * f4(1 / np.pi), green * f4(1 / np.pi), blue * f4(1 / np.pi)
        out[i, 4] = mirrored_free / mirrored_total if mirrored_total > zero else one
        per = one / (mirrored_area + f4(1e-9))
        out[i, 5], out[i, 6], out[i, 7] = mirrored_red * per, mirrored_green * per, mirrored_blue * per


@kernel
def slab_towards(boxes, own_slab, px, py, pz, dx, dy, dz, hit):
    """The nearest slab in a direction, and its face (2 axis + 1 on the upper side), into `hit` (2,); -1 for none."""
    nearest = f4(1e30)
    hit[0] = -1
    tiny = f4(1e-9)
    for s in range(boxes.shape[0]):
        if s == own_slab:
            continue
        x, y, z = px - boxes[s, 9], py - boxes[s, 10], pz - boxes[s, 11]
        near, far, face = f4(-1e30), f4(1e30), 0
        for axis in range(3):
            ax, ay, az = boxes[s, 3 * axis], boxes[s, 3 * axis + 1], boxes[s, 3 * axis + 2]
            at, along, half = ax * x + ay * y + az * z, ax * dx + ay * dy + az * dz, boxes[s, 12 + axis]
            along = along if abs(along) > tiny else tiny
            inverse = f4(1) / along
            a, b = (-half - at) * inverse, (half - at) * inverse
            low, high = min(a, b), max(a, b)
            if low > near:
                near, face = low, 2 * axis + (1 if along < f4(0) else 0)
            far = min(far, high)
        if near < far and far > f4(0) and near < nearest:
            nearest = near
            hit[0], hit[1] = s, face


@kernel
def add_own_shadow(values, points, normals, hidden, eye, radiance_sh, irradiance_sh, back):
    """Put what an object hides from itself into `values` (P, VALUES) of its probes.

    Args:
        values: in and out.
        points, normals, hidden: as in Probes.
        eye: (3,) float32, in the object's frame.
        radiance_sh, irradiance_sh: (9,) float32, of luminance, in the object's frame.
        back: (3,) float32: radiance that its own surface sends back, where it is not hidden itself.
    """
    for i in range(values.shape[0]):
        share = hidden[i, 0] * f4(1 / 0.28209479)
        if share <= f4(0):
            continue
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        lost = f4(0)
        for k in range(9):
            lost += hidden[i, k] * radiance_sh[k]
        sh = irradiance_sh
        light = f4(0.28209479) * sh[0] + f4(0.48860251) * (y * sh[1] + z * sh[2] + x * sh[3])
        light += f4(1.09254843) * (x * y * sh[4] + y * z * sh[5] + x * z * sh[7])
        light += f4(0.31539157) * (f4(3) * z * z - f4(1)) * sh[6] + f4(0.54627422) * (x * x - y * y) * sh[8]
        share = min(share, f4(1))
        keep = min(max(f4(1) - lost / max(light, f4(1e-6)), f4(0)), f4(1.5))
        open_part = f4(1) - share
        closed = hidden_towards(points[i], normals[i], hidden[i], eye)
        values[i, 0] *= keep
        values[i, 4] *= f4(1) - closed
        for k in range(3):
            own = open_part * back[k]
            values[i, 1 + k] = values[i, 1 + k] * open_part + share * own
            values[i, 5 + k] = values[i, 5 + k] * (f4(1) - closed) + closed * own


@kernel
def hidden_towards(point, normal, hidden, eye):
    """The part 0..1 of the sky about the mirror direction that an object hides from one of its points: what is hidden
    as a function of direction, over the clamped cosine, both as far as order 2."""
    vx, vy, vz = eye[0] - point[0], eye[1] - point[1], eye[2] - point[2]
    inverse = f4(1) / np.sqrt(vx * vx + vy * vy + vz * vz + f4(1e-20))
    nv = (normal[0] * vx + normal[1] * vy + normal[2] * vz) * inverse
    vx, vy, vz = vx * inverse, vy * inverse, vz * inverse
    x, y, z = f4(2) * nv * normal[0] - vx, f4(2) * nv * normal[1] - vy, f4(2) * nv * normal[2] - vz
    h = hidden
    found = f4(0.28209479) * h[0] + f4(0.48860251) * (y * h[1] + z * h[2] + x * h[3])
    found += f4(1.09254843) * (x * y * h[4] + y * z * h[5] + x * z * h[7])
    found += f4(0.31539157) * (f4(3) * z * z - f4(1)) * h[6] + f4(0.54627422) * (x * x - y * y) * h[8]
    nv = nv if nv > f4(0) else f4(0)
    whole = f4(0.25 / np.pi) * (f4(1) + f4(2) * nv + f4(0.625) * (f4(3) * nv * nv - f4(1)))
    return min(max(found / whole, f4(0)), f4(1))


@kernel
def mix_probes(nearest, weights, values, rows):
    """Values at vertices from those of their probes, into the last VALUES columns of `rows` (V, ROW) float32."""
    first = rows.shape[1] - VALUES
    for v in range(nearest.shape[0]):
        a, b, c = nearest[v, 0], nearest[v, 1], nearest[v, 2]
        wa, wb, wc = weights[v, 0], weights[v, 1], weights[v, 2]
        for k in range(VALUES):
            rows[v, first + k] = wa * values[a, k] + wb * values[b, k] + wc * values[c, k]
