"""Mesh sources that keep nothing: samplers look at each mesh once, for its hull."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.mesh import Mesh, read_glb
from photosynth.sample.camera import box_corners


class PassingMeshes:
    """Reads a mesh of a catalogue folder each time it is asked for, so that no texture stays in memory."""

    def __init__(self, catalogue: Path, assets: tuple[Asset, ...]) -> None:
        self.folder = Path(catalogue)
        self._assets = {asset.asset_id: asset for asset in assets}

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The mesh of one part. Raises ArtifactError if its file cannot be read."""
        return read_glb(self.folder / self._assets[asset_id].part(part).model_file)


class BoxMeshes:
    """Takes each asset for its box: for plots and tests without a catalogue. The meshes have vertices only."""

    def __init__(self, assets: tuple[Asset, ...]) -> None:
        self._assets = {asset.asset_id: asset for asset in assets}

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The corners of the asset's box, whichever part is asked for."""
        corners = box_corners(self._assets[asset_id].size_m).astype(np.float32)
        return Mesh(
            vertices_m=corners,
            normals=np.zeros((0, 3), np.float32),
            uv=np.zeros((0, 2), np.float32),
            faces=np.zeros((0, 3), np.int32),
            texture=np.zeros((0, 0, 3), np.uint8),
        )
