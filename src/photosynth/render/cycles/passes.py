"""What Cycles wrote, read back: the light of a frame, who fills each pixel, and what stands at its centre."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SKY_M = 1e9
"""Depths beyond this are no surface."""


@dataclass(frozen=True, eq=False)
class LightPass:
    """radiance (H, W, 3) float32, premultiplied; coverage (H, W) float32, 0..1; numbers (H, W) int32: the object that
    fills most of the pixel, 0 where the empty part is larger than any object's."""

    radiance: np.ndarray
    coverage: np.ndarray
    numbers: np.ndarray


@dataclass(frozen=True, eq=False)
class CentrePass:
    """What the rays through the pixels' centres meet. numbers (H, W) int32, 0 for nothing; depth_m (H, W) float32
    along the optical axis, inf for nothing; normals (H, W, 3) float32 in the world, unit or 0."""

    numbers: np.ndarray
    depth_m: np.ndarray
    normals: np.ndarray


def read_light(path: Path) -> LightPass:
    """Read the light of a frame; objects are numbered by the first word of their names (Cryptomatte, Friedman and
    Jones 2015: rank 0 of the object matte)."""
    channels, header = _read(path)
    radiance = np.stack([channels[f"Combined.{c}"] for c in "RGB"], axis=-1)
    coverage = np.clip(channels["Combined.A"], 0.0, 1.0)
    hashes = np.ascontiguousarray(channels["CryptoObject00.r"]).view(np.uint32)
    numbers = np.zeros(hashes.shape, np.int32)
    (manifest,) = (json.loads(v) for k, v in header.items() if k.startswith("cryptomatte/") and k.endswith("/manifest"))
    for name, code in manifest.items():
        numbers[hashes == int(code, 16)] = int(name.split()[0])
    numbers[channels["CryptoObject00.g"] < np.maximum(1 - coverage, 1e-6)] = 0
    return LightPass(radiance, coverage, numbers)


def read_centre(path: Path) -> CentrePass:
    """Read what stands at the pixels' centres."""
    channels, _ = _read(path)
    depth = channels["Depth.Z"].copy()
    numbers = np.rint(channels["IndexOB.X"]).astype(np.int32)
    depth[(depth > SKY_M) | (numbers == 0)] = np.inf
    normals = np.stack([channels[f"Normal.{c}"] for c in "XYZ"], axis=-1)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return CentrePass(numbers, depth, np.divide(normals, length, out=np.zeros_like(normals), where=length > 1e-6))


def at_majority(numbers: np.ndarray, centre: CentrePass, fallback_m: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Depth (H, W) and normals (H, W, 3) of the objects `numbers` (H, W) says, inf and 0 where it says 0.

    Where the ray through the pixel's centre met something else (at outlines), they are those of the nearest pixel
    whose centre shows the object; if there is none, the depth in `fallback_m` and no normal.
    """
    from scipy.ndimage import distance_transform_edt

    depth, normals = centre.depth_m.copy(), centre.normals.copy()
    other = numbers != centre.numbers
    depth[other], normals[other] = np.inf, 0.0
    for number in np.unique(numbers[other & (numbers > 0)]):
        here, known = other & (numbers == number), centre.numbers == number
        if not known.any():
            depth[here] = fallback_m[int(number)]
            continue
        rows, columns = (slice(i.min(), i.max() + 1) for i in np.nonzero(here | known))
        nearest = distance_transform_edt(~known[rows, columns], return_distances=False, return_indices=True)
        y, x = nearest[:, here[rows, columns]]
        depth[here] = centre.depth_m[rows, columns][y, x]
        normals[here] = centre.normals[rows, columns][y, x]
    return depth, normals


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Channels by name without the view layer's, and the header."""
    import OpenEXR

    aliases = {"Depth.V": "Depth.Z", "Object Index.X": "IndexOB.X", "Object Index.V": "IndexOB.X"}  # since Blender 5
    with OpenEXR.File(str(path), separate_channels=True) as file:
        named = {name.split(".", 1)[1]: channel.pixels for name, channel in file.channels().items()}
        return {aliases.get(name, name): pixels for name, pixels in named.items()}, dict(file.header())
