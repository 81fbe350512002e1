"""Convex solids: vertices, facets, edges, volume and centre of mass of a convex hull."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

FLAT_COS = 1.0 - 1e-9
"""Two facets whose normals have a cosine above this are one: the edge between them is not counted."""


@dataclass(frozen=True, eq=False)
class Hull:
    """A convex polyhedron with n vertices, f triangles and e edges.

    points_m (n, 3): its vertices. triangles (f, 3): indices into them, anticlockwise seen from outside.
    neighbours (f, 3): the triangle across the edge opposite each corner. normals (f, 3): outward units.
    offsets_m (f,): of the planes; inside is ``normals @ x <= offsets_m``. edges (e, 2): indices of their ends.
    edge_facets (e, 2): the two triangles of each. centre_m (3,): centre of mass at even density. volume_m3.
    """

    points_m: np.ndarray
    triangles: np.ndarray
    neighbours: np.ndarray
    normals: np.ndarray
    offsets_m: np.ndarray
    edges: np.ndarray
    edge_facets: np.ndarray
    centre_m: np.ndarray
    volume_m3: float

    def scaled(self, factor: float) -> Hull:
        """The same hull, larger by a factor above 0 about the origin."""
        return replace(
            self,
            points_m=self.points_m * factor,
            offsets_m=self.offsets_m * factor,
            centre_m=self.centre_m * factor,
            volume_m3=self.volume_m3 * factor**3,
        )

    def moved(self, rotation: np.ndarray, position_m: np.ndarray) -> Hull:
        """The same hull turned by a (3, 3) rotation about the origin, then shifted by (3,)."""
        normals = self.normals @ rotation.T
        return replace(
            self,
            points_m=self.points_m @ rotation.T + position_m,
            normals=normals,
            offsets_m=self.offsets_m + normals @ position_m,
            centre_m=rotation @ self.centre_m + position_m,
        )


def hull_of(points_m: np.ndarray) -> Hull:
    """The convex hull of (n, 3) points.

    A form without volume (a sheet, a line) is thickened by a thousandth of its diagonal, so that every hull is a
    solid. Raises ValueError for fewer than one point, points that are not finite, or points that coincide.
    """
    from scipy.spatial import ConvexHull, QhullError

    points = np.unique(np.asarray(points_m, dtype=float).reshape(-1, 3), axis=0)
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0))) if len(points) else 0.0
    if not (np.isfinite(diagonal) and diagonal > 0):
        raise ValueError(f"{len(points)} different points without extent have no convex hull")
    try:
        hull = ConvexHull(points)
        if hull.volume < 1e-9 * diagonal**3:
            raise QhullError("flat")
    except QhullError:
        points = (points[:, None] + (_CUBE - 0.5) * 1e-3 * diagonal).reshape(-1, 3)
        hull = ConvexHull(points)
    kept = np.unique(hull.simplices)
    number = np.full(len(points), -1)
    number[kept] = np.arange(len(kept))
    return _solid(points[kept], number[hull.simplices], hull.neighbors, hull.equations)


def box_hull(size_m: np.ndarray, rotation: np.ndarray | None = None, position_m: np.ndarray | None = None) -> Hull:
    """A box with that extent along its own axes, its centre at a position."""
    hull = hull_of((_CUBE - 0.5) * np.asarray(size_m, dtype=float))
    if rotation is None and position_m is None:
        return hull
    return hull.moved(np.eye(3) if rotation is None else rotation, np.zeros(3) if position_m is None else position_m)


_CUBE = np.array([(x, y, z) for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])


def _solid(points: np.ndarray, triangles: np.ndarray, neighbours: np.ndarray, equations: np.ndarray) -> Hull:
    normals, offsets = equations[:, :3], -equations[:, 3]
    corners = points[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    turned = np.einsum("ij,ij->i", across, normals) < 0
    triangles, neighbours = triangles.copy(), neighbours.copy()
    triangles[turned, 1:] = triangles[turned, :0:-1]
    neighbours[turned, 1:] = neighbours[turned, :0:-1]
    corners = points[triangles]
    middle = points.mean(axis=0)
    tetra = corners - middle
    volumes = np.einsum("ij,ij->i", tetra[:, 0], np.cross(tetra[:, 1], tetra[:, 2])) / 6
    centre = middle + (volumes[:, None] * tetra.sum(axis=1)).sum(axis=0) / (4 * volumes.sum())
    edges, facets = _edges(triangles, neighbours, normals)
    return Hull(points, triangles, neighbours, normals, offsets, edges, facets, centre, float(volumes.sum()))


def _edges(triangles: np.ndarray, neighbours: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    own = np.repeat(np.arange(len(triangles)), 3)
    other = neighbours.reshape(-1)
    ends = triangles[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2)
    once = own < other
    bent = np.einsum("ij,ij->i", normals[own], normals[other]) < FLAT_COS
    kept = once & bent
    return ends[kept], np.stack([own[kept], other[kept]], axis=1)
