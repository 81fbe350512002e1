"""MeshSource over a catalogue folder: each part is read once and kept."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.asset import Asset, read_assets
from photosynth.core.errors import ConfigError
from photosynth.core.mesh import Mesh, read_glb


class CatalogueMeshes:
    """Meshes of the assets of one catalogue folder.

    Args:
        catalogue: the folder.
        shared_folder: see MeshSource.
    """

    def __init__(self, catalogue: Path, shared_folder: Path | None = None) -> None:
        self.folder, self.shared_folder = Path(catalogue), shared_folder
        self.assets: dict[str, Asset] = {a.asset_id: a for a in read_assets(self.folder)}
        self._meshes: dict[tuple[str, str], Mesh] = {}

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The mesh of one part, read on first use. Raises ConfigError for an unknown asset or part."""
        key = (asset_id, part)
        if key not in self._meshes:
            if asset_id not in self.assets:
                raise ConfigError(f"{self.folder} has no asset {asset_id!r}")
            self._meshes[key] = read_glb(self.folder / self.assets[asset_id].part(part).model_file)
        return self._meshes[key]


class FixedMeshes:
    """Meshes given by hand, for tests and previews: keys are (asset_id, part)."""

    shared_folder = None

    def __init__(self, meshes: dict[tuple[str, str], Mesh]) -> None:
        self._meshes = dict(meshes)

    def mesh(self, asset_id: str, part: str) -> Mesh:
        """The mesh given for that key. Raises ConfigError if there is none."""
        try:
            return self._meshes[(asset_id, part)]
        except KeyError as error:
            raise ConfigError(f"no mesh was given for asset {asset_id!r}, part {part!r}") from error
