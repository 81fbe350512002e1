"""What each placement covers when it is alone: geometry, not light, so the rasteriser measures it."""

from __future__ import annotations

import numpy as np

from photosynth.core.engine import MeshSource
from photosynth.core.scene import Scene
from photosynth.render.raster.placed import Silhouettes, place
from photosynth.render.raster.prepared import PreparedMesh, prepare
from photosynth.render.raster.transform import view_of


class Alone:
    """Measures placements one by one; keeps the prepared meshes (without their textures)."""

    def __init__(self, meshes: MeshSource) -> None:
        self.meshes = meshes
        self._prepared: dict[tuple[str, str], PreparedMesh] = {}
        self._silhouettes = Silhouettes()

    def measure(self, scene: Scene, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Amodal masks (n, H, W) bool and full areas (n,) float64, as in Layers.

        Args:
            scene: the scene.
            visible: (H, W) uint16 instance ids: what is seen of a placement is part of its mask.

        Raises:
            ValueError: for a camera or a placement's matrix that makes no picture.
        """
        view = view_of(scene.camera)
        masks = np.zeros((len(scene.placements), view.height, view.width), bool)
        areas = np.zeros(len(scene.placements))
        for k, placement in enumerate(scene.placements):
            key = (placement.asset_id, placement.part)
            if key not in self._prepared:
                self._prepared[key] = prepare(self.meshes.mesh(*key), 1)
            placed = place(placement, self._prepared[key], view)
            masks[k] = self._silhouettes.mask(placed, view) | (visible == k + 1)
            areas[k] = np.count_nonzero(masks[k])
            if not placed.inside(view):
                areas[k] = max(areas[k], self._silhouettes.full_area_px(placed, view))
        return masks, areas
