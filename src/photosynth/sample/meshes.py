"""Mesh sources for hulls: samplers look at the vertices of each mesh once, and keep nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.errors import ArtifactError
from photosynth.core.mesh import Mesh, z_up_from_y_up
from photosynth.sample.camera import box_corners


class PassingMeshes:
    """Reads a part of a catalogue folder each time it is asked for, without its texture. The meshes have vertices
    only, and none is kept."""

    shared_folder = None

    def __init__(self, catalogue: Path, assets: tuple[Asset, ...]) -> None:
        self.folder = Path(catalogue)
        self._assets = {asset.asset_id: asset for asset in assets}

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The vertices of one part. Raises ArtifactError if its file cannot be read."""
        import trimesh

        path = self.folder / self._assets[asset_id].part(part).model_file
        try:
            loaded = trimesh.load(path, process=False, skip_materials=True)
            (geometry,) = loaded.geometry.values() if hasattr(loaded, "geometry") else (loaded,)
            vertices = np.asarray(geometry.vertices, dtype=np.float32)
        except Exception as error:
            raise ArtifactError(f"{path} cannot be read as a GLB ({error}); run the catalogue again") from error
        return _bare(z_up_from_y_up(vertices))


class BoxMeshes:
    """Takes each asset for its box: for plots and tests without a catalogue. The meshes have vertices only."""

    shared_folder = None

    def __init__(self, assets: tuple[Asset, ...]) -> None:
        self._assets = {asset.asset_id: asset for asset in assets}

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The corners of the asset's box, whichever part is asked for."""
        return _bare(box_corners(self._assets[asset_id].size_m).astype(np.float32))


def _bare(vertices_m: np.ndarray) -> Mesh:
    """A mesh of vertices alone."""
    return Mesh(
        vertices_m=vertices_m,
        normals=np.zeros((0, 3), np.float32),
        uv=np.zeros((0, 2), np.float32),
        faces=np.zeros((0, 3), np.int32),
        texture=np.zeros((0, 0, 3), np.uint8),
    )
