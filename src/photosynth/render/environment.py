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

PACKAGE_PREFIX = "package:"
"""Starts the name of a map that is shipped."""
MAX_WIDTH_PX = 4096
"""Wider maps are shrunk to this."""
SUN_CLIP = 40.0
"""Light whose brightest channel exceeds this many times the mean luminance is cut down, keeping its hue: strong
lights are the scene's own business."""
CACHE_BYTES = 512 << 20
"""Maps kept in memory, all together."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. 709."""


@dataclass(frozen=True, eq=False)
class EnvironmentMap:
    """Radiance from all around: (H, W, 3) float32 linear, equirectangular, finite, mean luminance 1 over the
    sphere."""

    radiance: np.ndarray


_cache: OrderedDict[str, EnvironmentMap] = OrderedDict()


def load_environment(map_file: str) -> EnvironmentMap:
    """Read, clean, clip and normalise a map; the latest ones are kept.

    Args:
        map_file: ``"package:NAME.exr"`` for a shipped one, else the path of an EXR or HDR file.

    Raises:
        ConfigError: if it does not exist, cannot be read, or holds no light.
    """
    if map_file in _cache:
        _cache.move_to_end(map_file)
        return _cache[map_file]
    loaded = EnvironmentMap(normalised(_read(_resolve(map_file)), map_file))
    _cache[map_file] = loaded
    while len(_cache) > 1 and sum(m.radiance.nbytes for m in _cache.values()) > CACHE_BYTES:
        _cache.popitem(last=False)
    return loaded


def normalised(radiance: np.ndarray, name: str = "the map") -> np.ndarray:
    """Clean a (H, W, 3) equirectangular radiance, clip its sun and bring its mean luminance to 1.

    NaN and negative values become 0, infinite ones the largest finite value. Raises ConfigError if it is black.
    """
    image = np.array(radiance, dtype=np.float32)
    finite = image[np.isfinite(image)]
    ceiling = float(finite.max()) if finite.size else 0.0
    image = np.clip(np.nan_to_num(image, nan=0.0, posinf=ceiling, neginf=0.0), 0.0, None)
    weights = row_weights(image.shape[0])
    luminance, brightest = image @ LUMINANCE, np.maximum(image.max(axis=2), 1e-30)
    scale = np.ones_like(luminance)
    for _ in range(40):  # the mean falls as the sun is clipped: a few rounds settle it
        mean = float(((luminance * scale).mean(axis=1) * weights).sum())
        if not mean > 0:
            raise ConfigError(f"environment map {name} holds no light; give a map with radiance above 0")
        if float((brightest * scale).max()) <= 1.01 * SUN_CLIP * mean:
            break
        scale = np.minimum(np.float32(1.0), np.float32(SUN_CLIP * mean) / brightest)
    mean = float(((luminance * scale).mean(axis=1) * weights).sum())
    return np.ascontiguousarray(image * (scale / np.float32(mean))[..., None], dtype=np.float32)


def row_weights(height: int) -> np.ndarray:
    """The part of the sphere that each row of an equirectangular map covers, (height,) float64, sum 1."""
    edges = np.sin(np.pi * (0.5 - np.arange(height + 1) / height))
    return (edges[:-1] - edges[1:]) / 2


def pixel_directions(height: int, width: int) -> np.ndarray:
    """Unit directions (height, width, 3) float64 of the pixel centres of an equirectangular map."""
    azimuth = 2 * np.pi * (0.5 - (np.arange(width) + 0.5) / width)
    elevation = np.pi * (0.5 - (np.arange(height) + 0.5) / height)[:, None]
    level = np.cos(elevation)
    return np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.repeat(np.sin(elevation), width, axis=1)], axis=-1
    )


@lru_cache(maxsize=256)
def first_moment(map_file: str) -> tuple[np.ndarray, np.ndarray]:
    """A map's mean radiance over the sphere (3,), and its mean times the direction, (3, 3): a row for each channel."""
    radiance = load_environment(map_file).radiance
    height, width = radiance.shape[:2]
    weighted = radiance * (row_weights(height) / width)[:, None, None]
    directions = pixel_directions(height, width)
    return weighted.sum(axis=(0, 1)), np.einsum("hwc,hwd->cd", weighted, directions)


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


def _read(path: Path) -> np.ndarray:
    import cv2

    suffix = path.suffix.lower()
    if suffix not in (".exr", ".hdr"):
        raise ConfigError(f"environment map {path} must end in .exr or .hdr, not {suffix!r}")
    try:
        image = _read_exr(path) if suffix == ".exr" else _read_hdr(path)
    except Exception as error:
        raise ConfigError(f"environment map {path} cannot be read: {error}") from error
    if image.shape[1] > MAX_WIDTH_PX:
        size = (MAX_WIDTH_PX, max(1, round(image.shape[0] * MAX_WIDTH_PX / image.shape[1])))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image


def _read_exr(path: Path) -> np.ndarray:
    import OpenEXR

    with OpenEXR.File(str(path)) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    for name in ("RGB", "RGBA"):
        if name in channels:
            return np.asarray(channels[name][..., :3], dtype=np.float32)
    if {"R", "G", "B"} <= channels.keys():
        return np.stack([channels[c] for c in "RGB"], axis=-1).astype(np.float32)
    if "Y" in channels:
        return np.repeat(np.asarray(channels["Y"], dtype=np.float32)[..., None], 3, axis=2)
    raise ValueError(f"expected channels R, G and B, found {', '.join(sorted(channels))}")


def _read_hdr(path: Path) -> np.ndarray:
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("it is not a Radiance HDR picture")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.float32)
