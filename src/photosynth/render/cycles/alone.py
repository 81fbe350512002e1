"""What each placement covers when it is alone: geometry, not light, so the rasteriser measures it."""

from __future__ import annotations

from msgspec.structs import replace

from photosynth.core.engine import MeshSource
from photosynth.core.errors import EngineError
from photosynth.core.frame import Layers
from photosynth.core.scene import Environment, Scene
from photosynth.render.raster.engine import RasterEngine


class Alone:
    """Measures placements one by one."""

    def __init__(self, meshes: MeshSource) -> None:
        self._raster = RasterEngine(meshes)

    def layers(self, scene: Scene) -> Layers:
        """The placements without lights, slabs and surroundings: amodal masks and full areas are those of the scene.

        Raises:
            ValueError: for a camera or a placement's matrix that makes no picture.
        """
        unlit = replace(scene, lights=(), surroundings=(), environment=Environment())
        try:
            return self._raster.render(unlit)
        except EngineError as error:
            raise ValueError(error.reason) from error
