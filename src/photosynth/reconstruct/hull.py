"""Hull: the space that the outlines of an object leave it (Laurentini, The visual hull concept, PAMI 1994)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosynth.core.camera import Camera, project
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.views import read_mask

CELLS = 64
"""Cells along each side of the grid."""
PROBED = 20
"""The same of the first, rough grid."""
MASK_SIDE_PX = 400
"""Masks are looked at this size."""
INSIDE = 0.9
"""Share of the photos that must show a place inside the outline."""
FEWEST = 60
"""Fewer places are no hull."""


def hull_points(sparse: SparseModel, masks: Path, middle: np.ndarray) -> np.ndarray | None:
    """Places (n, 3) of a grid that lie inside the outlines of nearly all photos that have one; None if none do.

    Args:
        sparse: the cameras, in the world of `middle`.
        masks: a folder of FILE.png.
        middle: (3,) about where the object is.
    """
    outlines = []
    for file, camera in zip(sparse.files, sparse.cameras, strict=True):
        scale = min(1.0, MASK_SIDE_PX / max(camera.size_wh))
        size = max(1, round(camera.size_wh[0] * scale)), max(1, round(camera.size_wh[1] * scale))
        mask = read_mask(masks, file, size)
        if mask is not None and mask.any():
            outlines.append((camera, mask > 0))
    if len(outlines) < 3:
        return None
    reach = max(_reach(camera, mask, middle) for camera, mask in outlines)
    low, high = middle - reach, middle + reach
    for cells in (PROBED, CELLS):
        axes = [np.linspace(a, b, cells) for a, b in zip(low, high, strict=True)]
        places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        places = _held(outlines, places)
        if len(places) < 2:
            return None
        step = (high - low) / (cells - 1)
        low, high = places.min(axis=0) - step, places.max(axis=0) + step
    return places if len(places) >= FEWEST else None


def _held(outlines: Sequence[tuple[Camera, np.ndarray]], places: np.ndarray) -> np.ndarray:
    """Those of (n, 3) places that lie inside nearly all outlines."""
    missed = np.zeros(len(places), np.int32)
    for camera, mask in outlines:
        missed += 1 - _inside(camera, mask, places)
        kept = len(outlines) - missed >= INSIDE * len(outlines)
        places, missed = places[kept], missed[kept]
    return places


def _reach(camera, mask: np.ndarray, middle: np.ndarray) -> float:
    """Half the side of a cube round `middle` that holds what the outline shows at its distance."""
    pixel, depth = project(camera, middle[None])
    rows, columns = np.nonzero(mask)
    shrink = camera.size_wh[0] / mask.shape[1]
    away = np.hypot((columns + 0.5) * shrink - pixel[0, 0], (rows + 0.5) * shrink - pixel[0, 1])
    return 1.15 * float(away.max()) * float(abs(depth[0])) / camera.focal_px


def _inside(camera, mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether each of (n, 3) places is inside the outline, (n,) of 0 and 1; the rest of the world is outside."""
    pixels, depth = project(camera, places)
    scale = mask.shape[1] / camera.size_wh[0], mask.shape[0] / camera.size_wh[1]
    ahead = (depth > 0) & np.isfinite(pixels).all(axis=1)
    at = np.floor(np.where(ahead[:, None], pixels, -1.0) * scale).astype(np.int64)
    held = ahead & (at >= 0).all(axis=1) & (at[:, 0] < mask.shape[1]) & (at[:, 1] < mask.shape[0])
    found = np.zeros(len(places), np.int32)
    found[held] = mask[at[held, 1], at[held, 0]]
    return found
