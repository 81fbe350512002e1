"""Environment maps: reading them, and looking along directions.

Direction convention (Blender's): a direction (cos e cos a, cos e sin a, sin e), with azimuth a from +x towards +y
and elevation e, stands at column u = 0.5 - a / 2 pi and row v = 0.5 - e / pi, as fractions from the top left
corner. So +x is the middle of the map, +z its top row, and the map is not mirrored: seen from inside, right in
the map is right in the world.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.radiance import read_radiance
from photosynth.render.color import LUMINANCE
from photosynth.render.suns import LEAST_SHARE, Sun, find_suns

PACKAGE_PREFIX = "package:"
"""Starts the name of a map that is shipped."""
SUN_CLIP = 40.0
"""Light whose brightest channel exceeds this many times the mean luminance is cut down, keeping its hue. What is cut
off becomes suns, which throw shadows; what they do not take stays in the map after all."""
BLUEST = 0.15
"""Light with less luminance for its brightest channel than this, almost pure blue, is a damaged pixel: two of the
shipped maps have a sun without red and green."""
CACHE_BYTES = 512 << 20
"""Maps kept in memory, all together."""


@dataclass(frozen=True, eq=False)
class EnvironmentMap:
    """Light from all around, of mean luminance 1 over the sphere, suns included.

    radiance: (H, W, 3) float32 linear, equirectangular, finite. suns: what was cut out of it, as lamps.
    """

    radiance: np.ndarray
    suns: tuple[Sun, ...] = ()


_cache: OrderedDict[str, EnvironmentMap] = OrderedDict()


def load_environment(map_file: str) -> EnvironmentMap:
    """Read, clean and normalise a map and tell its suns from it; the latest ones are kept.

    Args:
        map_file: ``"package:NAME.exr"`` for a shipped one, else the path of an EXR or HDR file.

    Raises:
        ConfigError: if it does not exist, cannot be read, or holds no light.
    """
    if map_file in _cache:
        _cache.move_to_end(map_file)
        return _cache[map_file]
    loaded = normalised(read_radiance(_resolve(map_file)), map_file)
    _cache[map_file] = loaded
    while len(_cache) > 1 and sum(m.radiance.nbytes for m in _cache.values()) > CACHE_BYTES:
        _cache.popitem(last=False)
    return loaded


def normalised(radiance: np.ndarray, name: str = "the map") -> EnvironmentMap:
    """Clean a (H, W, 3) equirectangular radiance, cut out its suns and bring its mean luminance to 1.

    NaN and negative values become 0, infinite ones the largest finite value. What exceeds SUN_CLIP is dropped where it
    is bluer than BLUEST, and everywhere if it is less than LEAST_SHARE of the light. Raises ConfigError if the map is
    black.
    """
    image = np.array(radiance, dtype=np.float32)
    finite = image[np.isfinite(image)]
    ceiling = float(finite.max()) if finite.size else 0.0
    image = np.clip(np.nan_to_num(image, nan=0.0, posinf=ceiling, neginf=0.0), 0.0, None)
    luminance, brightest = image @ LUMINANCE, np.maximum(image.max(axis=2), 1e-30)
    scale = _clipping(luminance, brightest, name)
    lost = (scale < 1) & (luminance >= BLUEST * brightest)
    kept, everything = _mean(luminance * scale), _mean(luminance * np.where(lost, np.float32(1), scale))
    if kept >= (1 - LEAST_SHARE) * everything:
        return EnvironmentMap(_times(image, scale / np.float32(kept)))
    rows, columns = np.nonzero(lost)
    height, width = scale.shape
    excess = _times(image[lost], (1 - scale[lost]) / np.float32(everything))
    areas_sr = 4 * np.pi * row_weights(height)[rows] / width
    suns, taken = find_suns(directions_of(rows, columns, height, width), excess, areas_sr, 4 * np.pi)
    scale[rows[~taken], columns[~taken]] = 1
    return EnvironmentMap(_times(image, scale / np.float32(everything)), suns)


def _clipping(luminance: np.ndarray, brightest: np.ndarray, name: str) -> np.ndarray:
    """(H, W) float32 in 0..1: what brings the brightest channel of every pixel down to SUN_CLIP times the mean of what
    is left."""
    scale = np.ones_like(luminance)
    for _ in range(40):  # the mean falls as the sun is clipped: a few rounds settle it
        mean = _mean(luminance * scale)
        if not mean > 0:
            raise ConfigError(f"environment map {name} holds no light; give a map with radiance above 0")
        if float((brightest * scale).max()) <= 1.01 * SUN_CLIP * mean:
            break
        scale = np.minimum(np.float32(1.0), np.float32(SUN_CLIP * mean) / brightest)
    return scale


def _mean(luminance: np.ndarray) -> float:
    """Over the sphere, of (H, W)."""
    return float((luminance.mean(axis=1) * row_weights(len(luminance))).sum())


def _times(image: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image * scale[..., None], dtype=np.float32)


def row_weights(height: int) -> np.ndarray:
    """The part of the sphere that each row of an equirectangular map covers, (height,) float64, sum 1."""
    edges = np.sin(np.pi * (0.5 - np.arange(height + 1) / height))
    return (edges[:-1] - edges[1:]) / 2


def pixel_directions(height: int, width: int) -> np.ndarray:
    """Unit directions (height, width, 3) float64 of the pixel centres of an equirectangular map."""
    return directions_of(np.arange(height)[:, None], np.arange(width)[None], height, width)


def directions_of(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """Unit directions (..., 3) float64 of the centres of some pixels of an equirectangular map of that size."""
    azimuth = 2 * np.pi * (0.5 - (columns + 0.5) / width)
    elevation = np.pi * (0.5 - (rows + 0.5) / height)
    level = np.cos(elevation)
    parts = np.broadcast_arrays(level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation))
    return np.stack(parts, axis=-1)


@lru_cache(maxsize=256)
def first_moment(map_file: str) -> tuple[np.ndarray, np.ndarray]:
    """A map's mean radiance over the sphere (3,), and its mean times the direction, (3, 3): a row for each channel. Its
    suns count."""
    environment = load_environment(map_file)
    height, width = environment.radiance.shape[:2]
    weighted = environment.radiance * (row_weights(height) / width)[:, None, None]
    mean, moment = weighted.sum(axis=(0, 1)), np.einsum("hwc,hwd->cd", weighted, pixel_directions(height, width))
    for sun in environment.suns:
        share = np.array(sun.irradiance_linear) / (4 * np.pi)
        mean, moment = mean + share, moment + np.outer(share, sun.direction)
    return mean, moment


def sample_directions(environment: EnvironmentMap, directions: np.ndarray, rotation_rad: float = 0.0) -> np.ndarray:
    """Radiance (..., 3) float32 along unit directions (..., 3) in the world, bilinear.

    Args:
        environment: the map.
        directions: unit vectors.
        rotation_rad: the map is turned about +z by this much.
    """
    import cv2

    radiance = environment.radiance
    height, width = radiance.shape[:2]
    flat = np.asarray(directions, dtype=np.float32).reshape(-1, 3)
    azimuth = np.arctan2(flat[:, 1], flat[:, 0]) - np.float32(rotation_rad)
    column = (0.5 - azimuth / np.float32(2 * np.pi)) % 1.0 * width
    row = (0.5 - np.arcsin(np.clip(flat[:, 2], -1, 1)) / np.float32(np.pi)) * height
    # one column repeated on each side lets interpolation cross the seam; remap wants (rows, < 32768 columns)
    padded = np.concatenate([radiance[:, -1:], radiance, radiance[:, :1]], axis=1)
    lines = -(-len(flat) // 1024)
    grid = np.zeros((2, lines * 1024), np.float32)
    grid[0, : len(flat)], grid[1, : len(flat)] = column + 0.5, row - 0.5
    x, y = grid.reshape(2, lines, 1024)
    if not lines:
        return np.zeros(np.shape(directions), np.float32)
    seen = cv2.remap(padded, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen.reshape(-1, 3)[: len(flat)].reshape(np.shape(directions))


def _resolve(map_file: str) -> Path:
    if map_file.startswith(PACKAGE_PREFIX):
        folder = resources.files("photosynth").joinpath("data", "environments")
        name = map_file[len(PACKAGE_PREFIX) :]
        path = Path(str(folder.joinpath(name)))
        if not path.is_file():
            shipped = sorted(p.name for p in folder.iterdir() if p.name.endswith(".exr"))
            raise ConfigError(f"no environment map {name!r} is shipped; there are {', '.join(shipped)}")
        return path
    path = Path(map_file)
    if not path.is_file():
        raise ConfigError(f"environment map {path} does not exist; give an EXR or HDR file, or package:NAME.exr")
    return path
