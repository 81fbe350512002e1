"""The glossy coat's reflectance: a dielectric under GGX, as Blender's Principled BSDF has it.

F is Fresnel's for unpolarised light, with the index of refraction that has the given reflectance at normal
incidence. What a coat returns of uniform light is integrated once on a grid; the base below gets the rest.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

MIN_ALPHA = 0.01
"""Smallest width of the coat's lobe: below, float32 has no digits left."""
COAT_STEPS = 64
"""Steps of the coat table over the cosine of the view."""
_ROUGHNESS = np.linspace(0.0, 1.0, 17)
_F0 = np.array([0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.4, 1.0])
_COSINE = np.linspace(0.0, 1.0, 33) ** 1.5
_SIDE = 16


def index_of_refraction(specular_f0: float) -> float:
    """The index whose reflectance at normal incidence is `specular_f0`, at most about 4000."""
    root = min(float(np.sqrt(max(specular_f0, 0.0))), 0.9995)
    return (1 + root) / (1 - root)


def fresnel(cosine: np.ndarray, eta: float) -> np.ndarray:
    """Reflectance of a dielectric for unpolarised light (Cook and Torrance 1982, in cosines), any shape."""
    g = np.sqrt(eta * eta - 1 + cosine * cosine)
    side = (cosine * (g + cosine) - 1) / np.maximum(cosine * (g - cosine) + 1, 1e-12)
    return 0.5 * ((g - cosine) / np.maximum(g + cosine, 1e-12)) ** 2 * (1 + side**2)


@lru_cache(maxsize=256)
def coat_table(roughness: float, specular_f0: float) -> np.ndarray:
    """Part of uniform light that the coat returns at n.v = k / COAT_STEPS, (COAT_STEPS + 2,) float32."""
    grid = _coat_grid()
    at = min(max(roughness, 0.0), 1.0) * (len(_ROUGHNESS) - 1)
    low = min(int(at), len(_ROUGHNESS) - 2)
    by_f0 = grid[low] * (1 - (at - low)) + grid[low + 1] * (at - low)
    k = int(np.clip(np.searchsorted(_F0, specular_f0, side="right") - 1, 0, len(_F0) - 2))
    mix = (specular_f0 - _F0[k]) / (_F0[k + 1] - _F0[k])
    over_cosine = by_f0[k] * (1 - mix) + by_f0[k + 1] * mix
    cosine = np.minimum(np.arange(COAT_STEPS + 2) / COAT_STEPS, 1.0)
    table = np.clip(np.interp(cosine, _COSINE, over_cosine), 0.0, 1.0).astype(np.float32)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=256)
def coat_mean(roughness: float, specular_f0: float) -> float:
    """Part of uniform light from all sides that the coat returns to all sides."""
    table, cosine = coat_table(roughness, specular_f0)[:-1].astype(float), np.arange(COAT_STEPS + 1) / COAT_STEPS
    return float(2 * np.trapezoid(table * cosine, cosine))


@lru_cache(maxsize=1)
def _coat_grid() -> np.ndarray:
    """(roughness, f0, cosine) float64: the mean of F G2 / G1 over the visible normals (Heitz, "Sampling the GGX
    Distribution of Visible Normals", JCGT 2018)."""
    u1, u2 = (a.ravel() for a in np.meshgrid(*[(np.arange(_SIDE) + 0.5) / _SIDE] * 2))
    r, phi = np.sqrt(u1), 2 * np.pi * u2
    nv = np.maximum(_COSINE, 1e-3)[:, None]
    grid = np.empty((len(_ROUGHNESS), len(_F0), len(_COSINE)))
    for i, roughness in enumerate(_ROUGHNESS):
        alpha = max(roughness**2, MIN_ALPHA)
        view = np.stack([np.sqrt(1 - nv**2), np.zeros_like(nv), nv])
        stretched = view * np.array([alpha, 1, 1])[:, None, None]
        stretched /= np.linalg.norm(stretched, axis=0)
        t1, s = r * np.cos(phi), 0.5 * (1 + stretched[2])
        t2 = (1 - s) * np.sqrt(1 - t1**2) + s * r * np.sin(phi)
        t3 = np.sqrt(np.maximum(0, 1 - t1**2 - t2**2))
        # the frame: t1 along +y, t2 along stretched x (+y)
        hx = -t2 * stretched[2] + t3 * stretched[0]
        hz = t2 * stretched[0] + t3 * stretched[2]
        half = np.stack([alpha * hx, np.broadcast_to(alpha * t1, hx.shape), np.maximum(hz, 0)])
        half /= np.linalg.norm(half, axis=0)
        vh = np.clip((half * view).sum(axis=0), 0, 1)
        nl = 2 * vh * half[2] - nv
        part = _smith(alpha, nv, np.maximum(nl, 1e-6)) * (nl > 0)
        for j, f0 in enumerate(_F0):
            grid[i, j] = (fresnel(vh, index_of_refraction(f0)) * part).mean(axis=1)
    return grid


def _smith(alpha: float, nv: np.ndarray, nl: np.ndarray) -> np.ndarray:
    """Height-correlated G2 over G1 of the view."""
    lv = np.sqrt(1 + alpha**2 * (1 / nv**2 - 1))
    ll = np.sqrt(1 + alpha**2 * (1 / nl**2 - 1))
    return (1 + lv) / (lv + ll)
