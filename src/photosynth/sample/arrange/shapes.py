"""Shapes of assets: a convex hull with few vertices that holds all the parts of an asset."""

from __future__ import annotations

import numpy as np

from photosynth.core.asset import Asset
from photosynth.core.engine import MeshSource
from photosynth.core.seen import goes_round
from photosynth.sample.arrange.arrangement import Shape
from photosynth.sample.arrange.hull import Hull, hull_of

MAX_POINTS = 96
"""Most vertices of a simplified hull."""
GOOD_LOSS = 0.0005
"""A hull that leaves out no point by more than this share of its diagonal gets no more vertices."""
PUSH = 0.6
"""Share of the distance that facets are pushed at a time: all at once would push corners too far."""
_ROUND = 12
"""Vertices added between two hulls."""


class Shapes:
    """Shapes of the assets of one catalogue, each worked out once."""

    def __init__(self, meshes: MeshSource) -> None:
        self._meshes = meshes
        self._shapes: dict[str, Shape] = {}

    def shape(self, asset: Asset, scale: float = 1.0) -> Shape:
        """The shape of an asset, all its parts together, times a scale above 0."""
        if asset.asset_id not in self._shapes:
            points = [np.asarray(self._meshes.mesh(asset.asset_id, part.name).vertices_m) for part in asset.parts]
            simple = simplified(np.concatenate(points).astype(float))
            one_sided = () if all(goes_round(part) for part in asset.parts) else asset.parts
            self._shapes[asset.asset_id] = Shape(asset.asset_id, simple.points_m, one_sided=one_sided)
        shape = self._shapes[asset.asset_id]
        return shape if scale == 1.0 else shape.scaled(scale)


def simplified(points_m: np.ndarray, max_points: int = MAX_POINTS) -> Hull:
    """A hull of at most `max_points` vertices that holds all of (n, 3) points to a ten-thousandth of their diagonal.

    The points farthest outside are added to a hull of extreme points until it is full or nothing is outside by more
    than GOOD_LOSS (quickhull, stopped early: Barber, Dobkin and Huhdanpaa, 1996); then the facets that still cut
    points off are pushed out over them. Faces that cut nothing off, such as a box's, stay where they are.
    """
    full = hull_of(points_m)
    diagonal = float(np.linalg.norm(np.ptp(full.points_m, axis=0)))
    if len(full.points_m) <= max_points:
        return full
    chosen = _extremes(full.points_m)
    while True:
        hull = hull_of(full.points_m[chosen])
        outside = full.points_m @ hull.normals.T - hull.offsets_m
        farthest = outside.argmax(axis=0)
        gain = outside[farthest, np.arange(len(farthest))]
        room = max_points - len(hull.points_m)
        if gain.max() <= GOOD_LOSS * diagonal or room <= 0:
            return _pushed_out(hull, full.points_m, 1e-4 * diagonal)
        best = [k for k in np.argsort(-gain, kind="stable") if gain[k] > 0.25 * gain.max()]
        new = list(dict.fromkeys(int(farthest[k]) for k in best))[: min(room, _ROUND)]
        chosen = np.union1d(chosen, new)


def _extremes(points: np.ndarray) -> np.ndarray:
    signs = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)], dtype=float)
    return np.unique((points @ signs.T).argmax(axis=0))


def _pushed_out(hull: Hull, points: np.ndarray, tolerance_m: float) -> Hull:
    """Move the corners of the facets that points stick out of, along those facets' normals, until none does."""
    for _ in range(30):
        outside = (points @ hull.normals.T - hull.offsets_m).max(axis=0)
        if outside.max() <= tolerance_m:
            return hull
        shift = np.zeros_like(hull.points_m)
        for k in np.argsort(-outside, kind="stable"):
            if outside[k] <= 0:
                break
            for corner in hull.triangles[k]:
                shift[corner] += max(0.0, PUSH * outside[k] - float(hull.normals[k] @ shift[corner])) * hull.normals[k]
        hull = hull_of(hull.points_m + shift)
    return hull
