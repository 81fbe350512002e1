"""Do two engines show the same? One number of odd pixels for all layers of a picture."""

from __future__ import annotations

import numpy as np

from photosynth.core.frame import Layers

RADIANCE = 1e-3
"""Radiance may differ by this part of itself, or of the picture's mean where that is more."""
DEPTH = 1e-5
"""Depth may differ by this part of itself."""
NORMAL = 1e-3
"""Each coordinate of a unit normal may differ by this."""
AREA = 0.01
"""Areas of placements may differ by this part of themselves."""


def odd_pixels(found: Layers, expected: Layers) -> dict[str, int]:
    """How many pixels differ, by layer; layers without any are left out. Areas count as one pixel each."""
    scale = np.maximum(np.abs(expected.radiance), float(np.abs(expected.radiance).mean()))
    nothing = np.isinf(expected.depth_m)
    with np.errstate(invalid="ignore"):
        depth = np.abs(found.depth_m - expected.depth_m) > DEPTH * expected.depth_m
    odd = {
        "radiance": ~(np.abs(found.radiance - expected.radiance) <= RADIANCE * scale).all(axis=2),
        "coverage": found.coverage != expected.coverage,
        "depth": np.where(nothing, ~np.isinf(found.depth_m), depth | np.isnan(found.depth_m)),
        "instance ids": found.instance_ids != expected.instance_ids,
        "normals": ~(np.abs(found.normals - expected.normals) <= NORMAL).all(axis=2),
        "masks": found.amodal_masks != expected.amodal_masks,
        "areas": ~(np.abs(found.full_area_px - expected.full_area_px) <= AREA * expected.full_area_px),
    }
    return {name: int(where.sum()) for name, where in odd.items() if where.any()}
