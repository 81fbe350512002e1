"""What each placement covers when it is alone: geometry, not light, so the rasteriser measures it."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from photosynth.core.engine import MeshSource
from photosynth.core.errors import EngineError
from photosynth.core.scene import Environment, Scene
from photosynth.render.raster.engine import RasterEngine


class Alone:
    """Measures placements one by one."""

    def __init__(self, meshes: MeshSource) -> None:
        self._raster = RasterEngine(meshes)

    def measure(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Amodal masks (n, H, W) bool and full areas (n,) float64, as in Layers.

        Raises:
            ValueError: for a camera or a placement's matrix that makes no picture.
        """
        unlit = replace(scene, lights=(), surroundings=(), environment=Environment())
        try:
            layers = self._raster.render(unlit)
        except EngineError as error:
            raise ValueError(error.reason) from error
        return layers.amodal_masks, layers.full_area_px
