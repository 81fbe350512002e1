"""Mesh: triangles with one texture, as the engines want them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.errors import ArtifactError


@dataclass(frozen=True, eq=False)
class Mesh:
    """A textured triangle mesh in the object's frame (metres, +z up, origin at the centre of its box).

    Shapes: vertices_m (V, 3) float32, normals (V, 3) float32 of unit length, uv (V, 2) float32 with the origin
    at the texture's bottom left and v up, faces (F, 3) int32 anticlockwise seen from outside,
    texture (H, W, 3) uint8 sRGB with row 0 at the top (v = 1).
    """

    vertices_m: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    texture: np.ndarray


def read_glb(path: Path) -> Mesh:
    """Read one part of an asset, as the catalogue wrote it. glTF's +y up is turned to +z up here.

    Raises:
        ArtifactError: if the file is missing, corrupt or has no texture.
    """
    import trimesh

    try:
        scene = trimesh.load(path, process=False)  # force="mesh" would drop the stored normals
        (loaded,) = scene.geometry.values() if hasattr(scene, "geometry") else (scene,)
        material = loaded.visual.material
        image = material.baseColorTexture
        texture = np.ascontiguousarray(np.asarray(image.convert("RGB")))
        uv = np.asarray(loaded.visual.uv, dtype=np.float32)
        vertices = np.asarray(loaded.vertices, dtype=np.float32)
        normals = np.asarray(loaded.vertex_normals, dtype=np.float32)
        faces = np.asarray(loaded.faces, dtype=np.int32)
    except Exception as error:
        raise ArtifactError(f"{path} cannot be read as a textured GLB ({error}); run the catalogue again") from error
    if len(uv) != len(vertices):
        raise ArtifactError(f"{path} has {len(vertices)} vertices and {len(uv)} texture coordinates")
    return Mesh(
        vertices_m=z_up_from_y_up(vertices), normals=z_up_from_y_up(normals), uv=uv, faces=faces, texture=texture
    )


def z_up_from_y_up(vectors: np.ndarray) -> np.ndarray:
    """(n, 3) vectors from glTF's axes (+y up) to ours (+z up): (x, y, z) becomes (x, -z, y)."""
    v = np.asarray(vectors)
    return np.ascontiguousarray(np.stack([v[:, 0], -v[:, 2], v[:, 1]], axis=1))


def y_up_from_z_up(vectors: np.ndarray) -> np.ndarray:
    """(n, 3) vectors from our axes (+z up) to glTF's (+y up): (x, y, z) becomes (x, z, -y)."""
    v = np.asarray(vectors)
    return np.ascontiguousarray(np.stack([v[:, 0], v[:, 2], -v[:, 1]], axis=1))
