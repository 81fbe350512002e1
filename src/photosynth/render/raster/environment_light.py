"""An environment map as light: spherical harmonics for diffuse surfaces, a few blurred maps for glossy ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from photosynth.render.color import LUMINANCE
from photosynth.render.environment import (
    EnvironmentMap,
    load_environment,
    pixel_directions,
    row_weights,
    sample_directions,
)
from photosynth.render.raster.irradiance import HARMONICS, harmonics, polynomial_of
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.probes import fibonacci_sphere

f4 = np.float32

LEVEL_ROUGHNESS = (0.0, 0.25, 0.4, 0.6, 0.8, 1.0)
"""Roughness of the blurred maps."""
LEVEL_SIDE_PX = (64, 64, 32, 16, 16, 16)
"""Side at which each is computed, before it is enlarged to MAP_SIDE_PX."""
REGIONS = 32
"""Directions in which the sky may be hidden."""
REGION_FLOOR = 0.4
"""Dark regions count as if they had this radiance (the mean is 1): so none becomes too large."""
DARK = 0.1
"""Radiance that is added to a region's light where its direction is found; some, for light sent back comes from all of
it."""
KEPT_MIXES = 8
"""Maps kept for roughnesses between those."""
MAP_SIDE_PX = 64
"""Side of an octahedral map, without its border."""

_A = {0: 1, 1: 2 / 3, 2: 1 / 4, 4: -1 / 24, 6: 1 / 64}
_OF_COSINE = np.array([_A[order] for order, _ in HARMONICS], np.float32)
"""What each harmonic of radiance counts in irradiance / pi: A_l / pi of Ramamoorthi and Hanrahan, eq. 8."""


@dataclass(frozen=True, eq=False)
class EnvironmentLight:
    """What shading reads of a map. Directions are in the map's own frame.

    sh (31, 3) float32: spherical harmonics of irradiance / pi, so that a white Lambertian surface with normal n has
    radiance sum_k sh[k] Y_k(n); orders as in HARMONICS. With order 2 alone, maps with small bright lamps are up to half
    as bright again, or as dark, where it overshoots.
    levels (L, S + 2, S + 2, 4) float32: octahedral maps of radiance blurred by GGX lobes of LEVEL_ROUGHNESS, with
    a border of one texel that continues them across the seam; the fourth channel is padding.
    directions (K, 3) float64: where light comes from, closer together where there is more of it; parts (K, 3)
    float64: radiance times solid angle of the region round each; areas (K,) float64: those solid angles.
    """

    sh: np.ndarray
    levels: np.ndarray
    directions: np.ndarray
    parts: np.ndarray
    areas: np.ndarray

    @cached_property
    def diffuse(self) -> np.ndarray:
        """(TERMS, 3) float32: `sh` as a polynomial of the normal, see evaluate."""
        return polynomial_of(self.sh)

    @cached_property
    def radiance_sh(self) -> np.ndarray:
        """(9, 3) float32: order-2 spherical harmonics of the radiance itself."""
        return (self.sh / _OF_COSINE[:, None])[:9]

    @cached_property
    def with_luminance(self) -> np.ndarray:
        """(K, 4) float32: `parts` and their luminance."""
        return np.concatenate([self.parts, self.parts @ LUMINANCE[:, None]], axis=1).astype(np.float32)

    @cached_property
    def _mixed(self) -> dict[float, np.ndarray]:
        return {}

    def level(self, roughness: float) -> np.ndarray:
        """The (S + 2, S + 2, 4) map for a roughness in 0..1, mixed linearly from its neighbours. Some are kept."""
        if roughness not in self._mixed:
            while len(self._mixed) >= KEPT_MIXES:
                self._mixed.pop(next(iter(self._mixed)))
            self._mixed[roughness] = self._mix(roughness)
        return self._mixed[roughness]

    def _mix(self, roughness: float) -> np.ndarray:
        position = float(np.interp(roughness, LEVEL_ROUGHNESS, range(len(LEVEL_ROUGHNESS))))
        low = min(int(position), len(LEVEL_ROUGHNESS) - 2)
        mix = np.float32(position - low)
        return self.levels[low] * (np.float32(1) - mix) + self.levels[low + 1] * mix


@lru_cache(maxsize=48)
def environment_light(map_file: str | None) -> EnvironmentLight:
    """The light of a map by name; None is a uniform one of radiance 1. Raises ConfigError for an unreadable map."""
    if map_file is None:
        sh = np.zeros((len(HARMONICS), 3), np.float32)
        sh[0] = 1 / 0.28209479
        side = MAP_SIDE_PX + 2
        areas = np.full(REGIONS, 4 * np.pi / REGIONS)
        levels = np.ones((len(LEVEL_ROUGHNESS), side, side, 4), np.float32)
        return EnvironmentLight(sh, levels, fibonacci_sphere(REGIONS), np.repeat(areas[:, None], 3, axis=1), areas)
    environment = load_environment(map_file)
    return EnvironmentLight(irradiance_sh(environment), _levels(environment), *light_regions(environment))


def light_regions(environment: EnvironmentMap) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a map into REGIONS rectangles of about equal weight, which is light plus REGION_FLOOR: Debevec, "A Median
    Cut Algorithm for Light Probe Sampling", SIGGRAPH 2005. The direction of each is that of its light, almost alone:
    what hides a lamp stands before the lamp, not before the dark about it. Returns directions, parts and areas
    of EnvironmentLight."""
    small = _shrunk(environment.radiance, 64).astype(np.float64)
    height, width = small.shape[:2]
    area = np.repeat((4 * np.pi * row_weights(height) / width)[:, None], width, axis=1)
    light = small @ LUMINANCE
    weight = area * (light + REGION_FLOOR)
    towards = pixel_directions(height, width)
    level = np.cos(np.pi * (0.5 - (np.arange(height) + 0.5) / height))
    regions = [(0, height, 0, width)]
    while len(regions) < REGIONS:
        sums = [weight[a:b, c:d].sum() if (b - a) * (d - c) > 1 else 0.0 for a, b, c, d in regions]
        a, b, c, d = regions.pop(int(np.argmax(sums)))
        if b - a > 1 and (b - a >= (d - c) * level[a:b].mean() or d - c == 1):
            middle = a + _half_way(weight[a:b, c:d].sum(axis=1))
            regions += [(a, middle, c, d), (middle, b, c, d)]
        else:
            middle = c + _half_way(weight[a:b, c:d].sum(axis=0))
            regions += [(a, b, c, middle), (a, b, middle, d)]
    directions, parts, areas = [], [], []
    for a, b, c, d in regions:
        part = area[a:b, c:d] * (light[a:b, c:d] + DARK)
        mean = (towards[a:b, c:d] * part[..., None]).sum(axis=(0, 1))
        directions.append(mean / np.linalg.norm(mean))
        parts.append((small[a:b, c:d] * area[a:b, c:d, None]).sum(axis=(0, 1)))
        areas.append(area[a:b, c:d].sum())
    return np.array(directions), np.array(parts), np.array(areas)


def _half_way(weights: np.ndarray) -> int:
    total = np.cumsum(weights)
    return int(np.clip(np.searchsorted(total, total[-1] / 2) + 1, 1, len(weights) - 1))


def irradiance_sh(environment: EnvironmentMap) -> np.ndarray:
    """sh of EnvironmentLight: Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment
    Maps", SIGGRAPH 2001, eq. 5 to 9, divided by pi."""
    small = _shrunk(environment.radiance, 64)
    height, width = small.shape[:2]
    solid_angle = 4 * np.pi * row_weights(height) / width
    projected = np.einsum("hwc,hwk,h->kc", small, harmonics(pixel_directions(height, width)), solid_angle)
    return (projected * _OF_COSINE[:, None]).astype(np.float32)


def octahedral_directions(side: int) -> np.ndarray:
    """Unit directions (side, side, 3) of the texel centres of an octahedral map (Cigolle et al., "A Survey of
    Efficient Representations for Independent Unit Vectors", JCGT 2014)."""
    centres = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(centres, centres)
    z = 1 - np.abs(x) - np.abs(y)
    folded_x = np.where(z < 0, (1 - np.abs(y)) * np.where(x >= 0, 1, -1), x)
    folded_y = np.where(z < 0, (1 - np.abs(x)) * np.where(y >= 0, 1, -1), y)
    directions = np.stack([folded_x, folded_y, z], axis=-1)
    return directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def bordered(image: np.ndarray) -> np.ndarray:
    """An octahedral map (S, S, C) with a border of one texel: across an edge it continues on the same edge,
    mirrored about the edge's middle."""
    side = image.shape[0]
    out = np.empty((side + 2, side + 2, image.shape[2]), image.dtype)
    out[1:-1, 1:-1] = image
    out[0, 1:-1], out[-1, 1:-1] = image[0, ::-1], image[-1, ::-1]
    out[1:-1, 0], out[1:-1, -1] = image[::-1, 0], image[::-1, -1]
    out[0, 0], out[0, -1], out[-1, 0], out[-1, -1] = image[-1, -1], image[-1, 0], image[0, -1], image[0, 0]
    return out


def _levels(environment: EnvironmentMap) -> np.ndarray:
    """Karis, "Real Shading in Unreal Engine 4", SIGGRAPH 2013 course: the map filtered by the GGX lobe about the
    direction of reflection, with normal and view along it."""
    levels = []
    for roughness, side in zip(LEVEL_ROUGHNESS, LEVEL_SIDE_PX, strict=True):
        directions = octahedral_directions(side)
        if roughness == 0.0:
            sharp = EnvironmentMap(_shrunk(environment.radiance, 2 * side))
            image = sample_directions(sharp, directions)
        else:
            image = _lobes(_shrunk(environment.radiance, 48 if roughness < 0.3 else 32), directions, roughness)
        levels.append(_enlarged(image))
    stacked = np.stack(levels)
    return np.ascontiguousarray(np.concatenate([stacked, np.ones_like(stacked[..., :1])], axis=-1), dtype=np.float32)


def _lobes(source: np.ndarray, directions: np.ndarray, roughness: float) -> np.ndarray:
    height, width = source.shape[:2]
    towards = np.ascontiguousarray(pixel_directions(height, width).reshape(-1, 3).T, dtype=np.float32)
    area = np.repeat(row_weights(height) / width, width)
    light = np.ascontiguousarray((source.reshape(-1, 3) * area[:, None]).T, dtype=np.float32)
    out = np.empty((directions.shape[0] * directions.shape[1], 3), np.float32)
    chosen = np.ascontiguousarray(directions.reshape(-1, 3), dtype=np.float32)
    gather_lobes(chosen, towards, light, area.astype(np.float32), f4(roughness**4), out)
    return out.reshape(directions.shape)


@kernel
def gather_lobes(directions, towards, light, area, alpha2, out):
    """Mean of a map's light under the GGX lobe about each direction; (n.h)^2 = (1 + cosine) / 2 there.

    A kernel, for it needs no threads: a BLAS would start some in every worker.

    Args:
        directions: (M, 3) float32, unit.
        towards: (3, N) float32, unit directions of the map's pixels.
        light: (3, N) float32, their radiance times their area; area: (N,) float32.
        alpha2: float32, the lobe's alpha squared.
        out: out (M, 3) float32.
    """
    slope, base = (alpha2 - f4(1)) * f4(0.5), (alpha2 + f4(1)) * f4(0.5)
    for i in range(directions.shape[0]):
        x, y, z = directions[i, 0], directions[i, 1], directions[i, 2]
        red, green, blue, total = f4(0), f4(0), f4(0), f4(0)
        for j in range(area.shape[0]):
            cosine = x * towards[0, j] + y * towards[1, j] + z * towards[2, j]
            cosine = cosine if cosine > f4(0) else f4(0)
            spread = cosine * slope + base
            weight = cosine / (spread * spread)
            red += weight * light[0, j]
            green += weight * light[1, j]
            blue += weight * light[2, j]
            total += weight * area[j]
        out[i, 0], out[i, 1], out[i, 2] = red / total, green / total, blue / total


def _enlarged(image: np.ndarray) -> np.ndarray:
    import cv2

    side = image.shape[0]
    if side == MAP_SIDE_PX:
        return bordered(image.astype(np.float32))
    centres = ((np.arange(MAP_SIDE_PX) + 0.5) * side / MAP_SIDE_PX + 0.5).astype(np.float32)
    x, y = np.meshgrid(centres, centres)
    return bordered(cv2.remap(bordered(image.astype(np.float32)), x, y, cv2.INTER_LINEAR))


def _shrunk(radiance: np.ndarray, height: int) -> np.ndarray:
    import cv2

    if radiance.shape[0] <= height:
        return radiance
    return cv2.resize(radiance, (2 * height, height), interpolation=cv2.INTER_AREA)
