"""Screened Poisson reconstruction, as COLMAP brings it along."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photosynth.core.errors import DependencyError


def poisson_mesh(
    folder: Path, points: np.ndarray, normals: np.ndarray, depth: int, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """A closed mesh through oriented points.

    Args:
        folder: for temporary files.
        points, normals: (n, 3); normals point outwards.
        depth: of the octree.
        threads: how many to use; more than one rarely pays, since OpenMP's threads spin while they wait.

    Returns:
        vertices (V, 3) float64 and faces (F, 3) int64, anticlockwise from outside.

    Raises:
        DependencyError: if pycolmap is missing.
    """
    import trimesh

    try:
        import pycolmap
    except ImportError as error:
        raise DependencyError(f"meshing needs pycolmap, which cannot be imported ({error}); install it") from error

    source, target = Path(folder) / "points.ply", Path(folder) / "mesh.ply"
    middle = points.mean(axis=0)
    size = max(float(np.ptp(points, axis=0).max()), 1e-12)
    write_oriented_ply(source, (points - middle) / size, normals)
    options = pycolmap.PoissonMeshingOptions(depth=depth, trim=0.0, color=False, num_threads=threads)
    pycolmap.poisson_meshing(source, target, options)
    mesh = trimesh.load(target, process=False)
    return np.asarray(mesh.vertices, float) * size + middle, np.asarray(mesh.faces, np.int64)


def write_oriented_ply(path: Path, points: np.ndarray, normals: np.ndarray) -> None:
    """Points and normals as a binary PLY."""
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
    header += "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    header += "".join(f"property uchar {name}\n" for name in ("red", "green", "blue")) + "end_header\n"
    row = np.dtype([("geometry", "<f4", 6), ("color", "u1", 3)])
    rows = np.zeros(len(points), row)
    rows["geometry"] = np.concatenate([points, normals], axis=1)
    rows["color"] = 128
    path.write_bytes(header.encode() + rows.tobytes())
