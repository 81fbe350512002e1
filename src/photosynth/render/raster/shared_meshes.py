"""Prepared meshes in files: each is prepared by the process that needs it first, and mapped into memory by all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from photosynth.core.shared import Arrays, SharedArrays
from photosynth.render.raster.jit import SOURCES
from photosynth.render.raster.prepared import PreparedMesh
from photosynth.render.raster.probes import Probes

OF_COARSE = ("vertices", "normals", "st", "faces", "charts")
"""The arrays that a mesh with fewer faces does not have in common with the whole one."""
_SCALARS = ("radius", "nbytes", "mirrored")


class SharedMeshes:
    """Prepared meshes of one catalogue.

    Args:
        folder: see core.shared.
    """

    def __init__(self, folder: Path) -> None:
        self._arrays = SharedArrays(folder, SOURCES)

    def mesh(self, name: str, make: Callable[[], PreparedMesh]) -> PreparedMesh:
        """The mesh of that name, as `make` prepares it."""
        return mesh_from(self._arrays.get(name, lambda: arrays_of(make())))


def arrays_of(mesh: PreparedMesh) -> Arrays:
    """A prepared mesh as named arrays."""
    whole = {f.name: getattr(mesh, f.name) for f in fields(PreparedMesh) if f.name not in ("probes", "coarse")}
    arrays = {name: np.asarray(value) for name, value in whole.items()} | _probe_arrays("", mesh.probes)
    if mesh.coarse is not None:
        arrays |= {f"coarse.{name}": getattr(mesh.coarse, name) for name in OF_COARSE}
        arrays |= _probe_arrays("coarse.", mesh.coarse.probes)
    return arrays


def mesh_from(arrays: Arrays) -> PreparedMesh:
    """The mesh again."""
    whole = {f.name: arrays[f.name] for f in fields(PreparedMesh) if f.name not in ("probes", "coarse")}
    scalars = {name: whole[name].item() for name in _SCALARS}
    mesh = PreparedMesh(**(whole | scalars), probes=_probes_from("", arrays))
    if f"coarse.{OF_COARSE[0]}" not in arrays:
        return mesh
    own = {name: arrays[f"coarse.{name}"] for name in OF_COARSE}
    return replace(mesh, coarse=replace(mesh, **own, probes=_probes_from("coarse.", arrays)))


def _probe_arrays(prefix: str, probes: Probes | None) -> Arrays:
    if probes is None:
        return {}
    return {f"{prefix}probes.{f.name}": np.asarray(getattr(probes, f.name)) for f in fields(Probes)}


def _probes_from(prefix: str, arrays: Arrays) -> Probes | None:
    if f"{prefix}probes.points" not in arrays:
        return None
    values = {f.name: arrays[f"{prefix}probes.{f.name}"] for f in fields(Probes)}
    return Probes(**(values | {"convex": bool(values["convex"])}))
