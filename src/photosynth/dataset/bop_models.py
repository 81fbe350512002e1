"""The models of a BOP dataset: one PLY with a texture for each of its objects, in millimetres."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from photosynth.core.codec import write_atomic
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import CatalogueMeshes
from photosynth.core.record import Record, to_json
from photosynth.dataset.bop import BOP_FOLDER
from photosynth.dataset.bop_objects import BopObject, bop_objects

MODELS_FOLDER = f"{BOP_FOLDER}/models"


class BopModelInfo(Record, frozen=True, kw_only=True):
    """A row of ``models_info.json``: millimetres. Symmetries are not known and not said."""

    diameter: float
    """Largest distance between two vertices."""
    min_x: float
    """Lowest corner of the bounding box."""
    min_y: float
    """Lowest corner of the bounding box."""
    min_z: float
    """Lowest corner of the bounding box."""
    size_x: float
    """Extent of the bounding box."""
    size_y: float
    """Extent of the bounding box."""
    size_z: float
    """Extent of the bounding box."""


def write_bop_models(catalogue: Path, out: Path, hulls_file: Path) -> tuple[BopObject, ...]:
    """Write ``bop/models`` of every object of a catalogue, and the models' convex hulls for the workers.

    Args:
        catalogue: a finished catalogue folder.
        out: the dataset folder.
        hulls_file: an NPZ with the hull's points (n, 3) in metres for each model, by its number.

    Returns:
        The objects that the models are of.

    Raises:
        ArtifactError: if a mesh cannot be read, or the disk is full.
    """
    meshes = CatalogueMeshes(catalogue)
    objects = bop_objects(meshes.assets.values())
    infos: dict[str, BopModelInfo] = {}
    hulls: dict[str, np.ndarray] = {}
    for one in objects:
        mesh = meshes.mesh(one.asset_id, one.part.name)
        stem, key = f"obj_{one.obj_id:06d}", str(one.obj_id)
        write_atomic(out / MODELS_FOLDER / f"{stem}.ply", ply_bytes(mesh, f"{stem}.png"))
        write_atomic(out / MODELS_FOLDER / f"{stem}.png", _texture_png(mesh.texture))
        hulls[key] = hull_points(mesh.vertices_m)
        infos[key] = model_info(mesh.vertices_m, hulls[key])
    rows = ",\n".join(f'"{key}": {to_json(info).decode()}' for key, info in infos.items())
    write_atomic(out / MODELS_FOLDER / "models_info.json", f"{{\n{rows}\n}}\n".encode())
    buffer = io.BytesIO()
    np.savez(buffer, **hulls)
    write_atomic(hulls_file, buffer.getvalue())
    return objects


def ply_bytes(mesh: Mesh, texture_file: str) -> bytes:
    """A binary PLY in millimetres with normals, colours and texture coordinates (v up) of the vertices.

    It keeps to the types that bop_toolkit's own reader knows: float, uchar and int.
    """
    vertex = np.dtype(
        [("xyz", "<f4", 3), ("normal", "<f4", 3), ("rgb", "u1", 3), ("uv", "<f4", 2)],
    )
    vertices = np.zeros(len(mesh.vertices_m), vertex)
    vertices["xyz"], vertices["normal"] = mesh.vertices_m * np.float32(1000), mesh.normals
    vertices["rgb"], vertices["uv"] = _vertex_colours(mesh), mesh.uv
    faces = np.zeros(len(mesh.faces), np.dtype([("n", "u1"), ("corners", "<i4", 3)]))
    faces["n"], faces["corners"] = 3, mesh.faces
    floats = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    colours = "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment TextureFile {texture_file}\n"
        f"element vertex {len(vertices)}\n{floats}{colours}property float texture_u\nproperty float texture_v\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return header.encode("ascii") + vertices.tobytes() + faces.tobytes()


def model_info(vertices_m: np.ndarray, hull_m: np.ndarray) -> BopModelInfo:
    """Bounding box of the vertices (n, 3) and diameter of their hull (m, 3), in millimetres."""
    from scipy.spatial.distance import cdist

    vertices, hull = vertices_m.astype(float) * 1000, hull_m.astype(float) * 1000
    diameter = max(float(cdist(hull[k : k + 256], hull).max()) for k in range(0, len(hull), 256))
    low, size = vertices.min(axis=0), np.ptp(vertices, axis=0)
    names = [f"{what}_{axis}" for what in ("min", "size") for axis in "xyz"]
    values = (round(float(v), 6) for v in (*low, *size))
    return BopModelInfo(diameter=round(diameter, 6), **dict(zip(names, values, strict=True)))


def hull_points(vertices_m: np.ndarray) -> np.ndarray:
    """The vertices (n, 3) that lie on the convex hull; all of them when they span no volume."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return vertices_m[np.sort(ConvexHull(vertices_m.astype(float)).vertices)]
    except QhullError:
        return vertices_m


def _vertex_colours(mesh: Mesh) -> np.ndarray:
    """(V, 3) uint8: the texel under each vertex."""
    height, width = mesh.texture.shape[:2]
    u, v = (mesh.uv.astype(float) % 1.0).T
    column = np.minimum((u * width).astype(int), width - 1)
    row = np.minimum(((1.0 - v) * height).astype(int), height - 1)
    return mesh.texture[row, column]


def _texture_png(texture: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", texture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
