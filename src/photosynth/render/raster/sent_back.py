"""Light that objects and slabs send back, and what the environment is in an object's frame: a few small sums for each
scene, as kernels because they would cost a numpy call each."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.irradiance import evaluate, terms_of
from photosynth.render.raster.jit import kernel

f4 = np.float32


@kernel
def irradiance(x, y, z, diffuse, sky, out):
    """Radiance (3,) of a white surface with that normal under the whole environment.

    Args:
        x, y, z: the normal, in the world.
        diffuse: (TERMS, 3) float32, of EnvironmentLight.
        sky: (3,) float32: strength, cosine and sine of the environment's rotation.
        out: out (3,) float.
    """
    x, y = sky[1] * x + sky[2] * y, sky[1] * y - sky[2] * x
    for c in range(3):
        value = evaluate(x, y, z, terms_of(diffuse, c))
        out[c] = sky[0] * max(value, 0.0)


@kernel
def add_lights(nx, ny, nz, px, py, pz, lights, out):
    """Add to `out` (3,) the radiance of a white surface under the lights (L, 7), shadows apart."""
    for k in range(lights.shape[0]):
        x, y, z = lights[k, 0] - px, lights[k, 1] - py, lights[k, 2] - pz
        distance2 = max(x * x + y * y + z * z, lights[k, 3] ** 2)
        cosine = max(nx * x + ny * y + nz * z, 0.0) / np.sqrt(distance2) / distance2
        for c in range(3):
            out[c] += cosine * lights[k, 4 + c]


@kernel
def sent_back_by_objects(directions, places, albedos, lights, diffuse, sky, share, out):
    """Light from the sides of objects that face against each direction.

    Args:
        directions: (K, 3) float64; places: (N, 3) float64 from the eye; albedos: (N, 3) float64.
        lights, diffuse, sky: as in add_lights and irradiance.
        share: the part of the environment that reaches them.
        out: out (K, N, 3) float32.
    """
    found = np.empty(3)
    around = np.empty(3)
    for k in range(directions.shape[0]):
        x, y, z = -directions[k, 0], -directions[k, 1], -directions[k, 2]
        irradiance(x, y, z, diffuse, sky, around)
        for n in range(places.shape[0]):
            for c in range(3):
                found[c] = share * around[c]
            add_lights(x, y, z, places[n, 0], places[n, 1], places[n, 2], lights, found)
            for c in range(3):
                out[k, n, c] = found[c] * albedos[n, c]


@kernel
def sent_back_by_slabs(boxes, target, albedos, lights, diffuse, sky, out):
    """Light from the faces of slabs, at the place nearest to `target` (3,): `out` (S, 6, 3) float32.

    boxes (S, 15) float32 from box_rows; albedos (S, 3) float64; the others as in sent_back_by_objects.
    """
    at, inside, found = np.empty(3), np.empty(3), np.empty(3)
    for s in range(boxes.shape[0]):
        box = boxes[s]
        for axis in range(3):
            along = 0.0
            for c in range(3):
                along += box[3 * axis + c] * (target[c] - box[9 + c])
            inside[axis] = min(max(along, -box[12 + axis]), box[12 + axis])
        for face in range(6):
            axis, sign = face // 2, 2.0 * (face % 2) - 1.0
            for c in range(3):
                at[c] = box[9 + c]
                for other in range(3):
                    offset = sign * box[12 + axis] if other == axis else inside[other]
                    at[c] += offset * box[3 * other + c]
            x, y, z = sign * box[3 * axis], sign * box[3 * axis + 1], sign * box[3 * axis + 2]
            irradiance(x, y, z, diffuse, sky, found)
            add_lights(x, y, z, at[0], at[1], at[2], lights, found)
            for c in range(3):
                out[s, face, c] = found[c] * albedos[s, c]


@kernel
def mean_lights(places, lights, diffuse, sky, out):
    """Mean radiance of white surfaces that face along the six axes at each place: `out` (N, 3) float64."""
    found = np.empty(3)
    for n in range(places.shape[0]):
        out[n] = 0.0
        for side in range(6):
            sign = 1.0 if side % 2 == 0 else -1.0
            x, y, z = sign * (side // 2 == 0), sign * (side // 2 == 1), sign * (side // 2 == 2)
            irradiance(x, y, z, diffuse, sky, found)
            add_lights(x, y, z, places[n, 0], places[n, 1], places[n, 2], lights, found)
            for c in range(3):
                out[n, c] += found[c] / 6


@kernel
def turn_sh(coefficients, map_from_object, directions, fit, radiance, irradiance_sh):
    """Spherical harmonics of a function in an object's frame, fitted at some directions.

    Args:
        coefficients: (9,) in the map's frame.
        map_from_object: (3, 3) rotation.
        directions: (D, 3) float64; fit: (9, D) float64, the pseudo-inverse of their basis.
        radiance: out (9,) float32.
        irradiance_sh: out (9,) float32, the same as light on a white Lambertian surface.
    """
    total, c, m = np.zeros(9), coefficients, map_from_object
    for k in range(directions.shape[0]):
        p, q, r = directions[k, 0], directions[k, 1], directions[k, 2]
        x = m[0, 0] * p + m[0, 1] * q + m[0, 2] * r
        y = m[1, 0] * p + m[1, 1] * q + m[1, 2] * r
        z = m[2, 0] * p + m[2, 1] * q + m[2, 2] * r
        value = 0.28209479 * c[0] + 0.48860251 * (y * c[1] + z * c[2] + x * c[3])
        value += 1.09254843 * (x * y * c[4] + y * z * c[5] + x * z * c[7])
        value += 0.31539157 * (3 * z * z - 1) * c[6] + 0.54627422 * (x * x - y * y) * c[8]
        for j in range(9):
            total[j] += fit[j, k] * value
    for j in range(9):
        radiance[j] = total[j]
        irradiance_sh[j] = total[j] * (1.0 if j == 0 else (2 / 3 if j < 4 else 1 / 4))


@kernel
def turn_probes(points, normals, matrix, rotation, out_points, out_normals):
    """Points (P, 3) by a (4, 4) matrix, normals (P, 3) by a (3, 3) rotation, into float32."""
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        p, q, r = normals[i, 0], normals[i, 1], normals[i, 2]
        for k in range(3):
            out_points[i, k] = matrix[k, 0] * x + matrix[k, 1] * y + matrix[k, 2] * z + matrix[k, 3]
            out_normals[i, k] = rotation[k, 0] * p + rotation[k, 1] * q + rotation[k, 2] * r
