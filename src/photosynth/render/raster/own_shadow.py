"""What objects hide from themselves, put into ambient light at their probes and handed on to their vertices."""

from __future__ import annotations

import numpy as np

from photosynth.render.color import LUMINANCE
from photosynth.render.raster.ambient import VALUES
from photosynth.render.raster.jit import kernel

f4 = np.float32


@kernel
def add_own_shadow(values, points, normals, hidden, seen, eye, radiance_sh, irradiance_sh, back):
    """Put what an object hides from itself into `values` (P, VALUES) of its probes.

    Args:
        values: in and out.
        points, normals, hidden, seen: as in Probes.
        eye: (3,) float32, in the object's frame.
        radiance_sh, irradiance_sh: (9, 3) float32, of the environment, in the object's frame.
        back: (S, 3) float32: radiance that its surfels send back.
    """
    of_light, of_lost = np.empty(3, np.float32), np.empty(3, np.float32)
    for i in range(values.shape[0]):
        share = hidden[i, 0] * f4(1 / 0.28209479)
        if share <= f4(0):
            continue
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        y4, y5, y6 = f4(1.09254843) * x * y, f4(1.09254843) * y * z, f4(0.31539157) * (f4(3) * z * z - f4(1))
        y7, y8 = f4(1.09254843) * x * z, f4(0.54627422) * (x * x - y * y)
        lost, light = f4(0), f4(0)
        for c in range(3):
            e, r = irradiance_sh, f4(0)
            for k in range(9):
                r += hidden[i, k] * radiance_sh[k, c]
            whole = f4(0.28209479) * e[0, c] + f4(0.48860251) * (y * e[1, c] + z * e[2, c] + x * e[3, c])
            whole += y4 * e[4, c] + y5 * e[5, c] + y6 * e[6, c] + y7 * e[7, c] + y8 * e[8, c]
            of_light[c], of_lost[c] = whole, r
            light += f4(LUMINANCE[c]) * whole
            lost += f4(LUMINANCE[c]) * r
        share = min(share, f4(1))
        keep = min(max(f4(1) - lost / max(light, f4(1e-6)), f4(0)), f4(1.5))
        open_part = f4(1) - share
        closed = hidden_towards(points[i], normals[i], hidden[i], eye)
        for c in range(3):
            tint = max(of_light[c] - of_lost[c], f4(0)) - keep * of_light[c]
            values[i, 1 + c] = values[i, 1 + c] * open_part + values[i, 0] * tint
        values[i, 0] *= keep
        values[i, 4] *= f4(1) - closed
        for k in range(3):
            own = f4(0)
            for j in range(back.shape[0]):
                own += seen[i, j] * back[j, k]
            values[i, 1 + k] += own
            values[i, 5 + k] = values[i, 5 + k] * (f4(1) - closed) + closed * own / share


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
