"""Surface: from a cloud of points to one closed mesh of the object alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photosynth.core.errors import QualityError
from photosynth.core.record import Record
from photosynth.reconstruct.foot import UPRIGHT, foot_points, table_roughness
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.poisson import poisson_mesh


class SurfaceConfig(Record, frozen=True, kw_only=True):
    """How points become a mesh. Lengths named ``_rel`` are in diagonals of the object."""

    faces: int = 12_000
    """Faces of the finished mesh."""
    octree_depth: int = 9
    """Of the Poisson reconstruction: 2^depth cells along its box."""
    table_rel: float = 0.012
    """Points no higher than this above the table belong to the table, unless they are upright."""
    upright_rel: tuple[float, float] = (0.003, 0.01)
    """Upright points (of walls) belong to the table up to four times its roughness, but not less and not more than
    these."""
    thin: float = 0.35
    """Points that stand for fewer pixels than this share of the median are strays beside the surface."""
    gap_rel: float = 1 / 60
    """Points farther than about this from the rest are another thing."""
    band_rel: float = 0.025
    """Walls are continued straight down to the table under points up to this height, and the base is closed there."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh. vertices (V, 3) float64, faces (F, 3) int64 anticlockwise from outside, closed: whether it
    has no boundary."""

    vertices: np.ndarray
    faces: np.ndarray
    closed: bool


def object_points(
    config: SurfaceConfig, cloud: PointCloud, seeds: np.ndarray, diagonal: float, table: bool
) -> PointCloud:
    """The cloud without table, stray points and other things.

    Args:
        config: thresholds.
        cloud: fused points, world z up, table at z = 0 if there is one.
        seeds: (n, 3) sparse points of the object: the kept cluster is the one that most of them touch.
        diagonal: of the object.
        table: whether there is a table at z = 0.

    Raises:
        QualityError: if next to nothing is left.
    """
    from scipy.spatial import cKDTree

    if table and len(cloud):
        cloud = cloud.select(_above_table(config, cloud, diagonal))
    if len(cloud) < 500:
        raise QualityError(
            f"only {len(cloud)} points of the object's surface could be matched; take more photos with smaller steps, "
            "in even light, and make sure that the object has some texture"
        )
    cloud = cloud.select(cloud.weights >= config.thin * np.median(cloud.weights))
    near = cKDTree(cloud.points).query(cloud.points, k=17, workers=1)[0][:, 1:].mean(axis=1)
    cloud = cloud.select(near < near.mean() + 1.5 * near.std())
    label = clusters(cloud.points, config.gap_rel * diagonal)
    distance, touched = cKDTree(cloud.points).query(seeds, distance_upper_bound=2 * config.gap_rel * diagonal)
    votes = np.bincount(label[touched[np.isfinite(distance)]], minlength=label.max() + 1)
    sizes = np.bincount(label)
    best = int(np.argmax(votes)) if votes.any() else int(np.argmax(sizes))
    return cloud.select(label == best)


def _above_table(config: SurfaceConfig, cloud: PointCloud, diagonal: float) -> np.ndarray:
    """Which points stand on the table rather than belong to it, (n,)."""
    low, high = config.upright_rel
    floor = float(np.clip(4 * table_roughness(cloud, config.table_rel * diagonal), low * diagonal, high * diagonal))
    height, rise = cloud.points[:, 2], cloud.normals[:, 2]
    return (height > config.table_rel * diagonal) | ((height > floor) & (np.abs(rise) < UPRIGHT))


def clusters(points: np.ndarray, gap: float) -> np.ndarray:
    """(n,) labels from 0: points in touching cells (also by corners) of a grid of width `gap` belong together."""
    from scipy.ndimage import label

    cell = np.floor((points - points.min(axis=0)) / gap).astype(int)
    grid = np.zeros(cell.max(axis=0) + 1, bool)
    grid[tuple(cell.T)] = True
    return label(grid, structure=np.ones((3, 3, 3)))[0][tuple(cell.T)] - 1


def build_surface(config: SurfaceConfig, cloud: PointCloud, diagonal: float, ground: float | None) -> Surface:
    """A mesh of at most `config.faces` faces through the points, flat below at the height `ground` if it stands there.

    Kazhdan and Hoppe, "Screened Poisson surface reconstruction", TOG 2013, then quadric decimation.

    Raises:
        QualityError: if Poisson finds no surface.
    """
    import fast_simplification
    import trimesh

    capped = cloud
    if ground is not None:
        drop = np.array([0.0, 0.0, ground])
        cap = foot_points(replace(cloud, points=cloud.points - drop), diagonal, config.band_rel)
        cap = replace(cap, points=cap.points + drop)
        capped = PointCloud(
            *(np.concatenate([getattr(cloud, f), getattr(cap, f)]) for f in ("points", "normals", "colors", "weights"))
        )
    with tempfile.TemporaryDirectory() as folder:
        vertices, faces = poisson_mesh(Path(folder), capped.points, capped.normals, config.octree_depth)
    if len(faces) < 100:
        raise QualityError(f"the {len(cloud)} matched points make no surface; take more photos all round the object")
    mesh = largest_component(trimesh.Trimesh(vertices, faces, process=True))
    if len(mesh.faces) > config.faces:
        points, triangles = fast_simplification.simplify(
            np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.int32), target_count=config.faces, agg=3
        )
        mesh = largest_component(trimesh.Trimesh(points, triangles, process=True))
    if mesh.is_watertight and mesh.volume < 0:
        mesh.invert()
    return Surface(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64), bool(mesh.is_watertight))


def largest_component(mesh):
    """The connected part with the most faces of a trimesh.Trimesh."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = mesh.face_adjacency
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(mesh.faces),) * 2)
    _, label = connected_components(graph, directed=False)
    mesh.update_faces(label == np.argmax(np.bincount(label)))
    mesh.remove_unreferenced_vertices()
    return mesh
