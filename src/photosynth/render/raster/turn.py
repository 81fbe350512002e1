"""What an environment is in an object's frame, and an object's probes in the world's: a few small sums for each scene,
as kernels because they would cost a numpy call each."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.jit import kernel

f4 = np.float32


@kernel
def turn_sh(coefficients, map_from_object, directions, fit, radiance, irradiance_sh):
    """Spherical harmonics of a function in an object's frame, fitted at some directions.

    Args:
        coefficients: (9, 3) in the map's frame.
        map_from_object: (3, 3) rotation.
        directions: (D, 3) float64; fit: (9, D) float64, the pseudo-inverse of their basis.
        radiance: out (9, 3) float32.
        irradiance_sh: out (9, 3) float32, the same as light on a white Lambertian surface.
    """
    total, c, m = np.zeros((9, 3)), coefficients, map_from_object
    for k in range(directions.shape[0]):
        p, q, r = directions[k, 0], directions[k, 1], directions[k, 2]
        x = m[0, 0] * p + m[0, 1] * q + m[0, 2] * r
        y = m[1, 0] * p + m[1, 1] * q + m[1, 2] * r
        z = m[2, 0] * p + m[2, 1] * q + m[2, 2] * r
        for i in range(3):
            value = 0.28209479 * c[0, i] + 0.48860251 * (y * c[1, i] + z * c[2, i] + x * c[3, i])
            value += 1.09254843 * (x * y * c[4, i] + y * z * c[5, i] + x * z * c[7, i])
            value += 0.31539157 * (3 * z * z - 1) * c[6, i] + 0.54627422 * (x * x - y * y) * c[8, i]
            for j in range(9):
                total[j, i] += fit[j, k] * value
    for j in range(9):
        for i in range(3):
            radiance[j, i] = total[j, i]
            irradiance_sh[j, i] = total[j, i] * (1.0 if j == 0 else (2 / 3 if j < 4 else 1 / 4))


@kernel
def turn_probes(points, normals, matrix, rotation, out_points, out_normals):
    """Points (P, 3) by a (4, 4) matrix, normals (P, 3) by a (3, 3) rotation, into float32."""
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        p, q, r = normals[i, 0], normals[i, 1], normals[i, 2]
        for k in range(3):
            out_points[i, k] = matrix[k, 0] * x + matrix[k, 1] * y + matrix[k, 2] * z + matrix[k, 3]
            out_normals[i, k] = rotation[k, 0] * p + rotation[k, 1] * q + rotation[k, 2] * r
