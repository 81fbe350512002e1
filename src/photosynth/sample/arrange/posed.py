"""Posed: one shape in its place, and how places become an arrangement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photosynth.core.geometry import Vec3, as_matrix4
from photosynth.sample.arrange.arrangement import Arrangement, Resting, Shape, SlabBox, SlabPart
from photosynth.sample.arrange.hull import Hull, box_hull
from photosynth.sample.polygon import convex_hull


@dataclass(frozen=True, eq=False)
class Posed:
    """A shape, its (3, 3) rotation and the (3,) place of its origin in the world."""

    shape: Shape
    rotation: np.ndarray
    position_m: np.ndarray

    @cached_property
    def hull(self) -> Hull:
        """Its hull in the world."""
        return self.shape.hull.moved(self.rotation, self.position_m)

    @cached_property
    def footprint_m(self) -> np.ndarray:
        """(n, 2) outline of its shadow straight down, anticlockwise."""
        return convex_hull((self.shape.hull.points_m @ self.rotation.T)[:, :2]) + self.position_m[:2]

    def shifted(self, by_m: np.ndarray) -> Posed:
        """The same, moved."""
        return Posed(self.shape, self.rotation, self.position_m + by_m)

    def resting(self) -> Resting:
        """As a record."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation * self.shape.scale, self.position_m
        return Resting(asset_id=self.shape.asset_id, world_from_object=as_matrix4(matrix))


def stood(shape: Shape, rotation: np.ndarray, at_m: np.ndarray, level_m: float = 0.0) -> Posed:
    """A shape turned, its origin over (2,) `at_m`, its lowest point at height `level_m`."""
    low = float((shape.points_m @ rotation[2]).min())
    return Posed(shape, rotation, np.array([at_m[0], at_m[1], level_m - low]))


def yawed(rotation: np.ndarray, yaw_rad: float) -> np.ndarray:
    """A (3, 3) rotation turned about the world's vertical."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rotation


def slab(part: SlabPart, low_m: np.ndarray, high_m: np.ndarray) -> SlabBox:
    """An upright slab between two corners (3,)."""
    low, high = np.asarray(low_m, dtype=float), np.asarray(high_m, dtype=float)
    matrix = np.eye(4)
    matrix[:3, 3] = (low + high) / 2
    return SlabBox(part=part, size_m=_vec3(high - low), world_from_slab=as_matrix4(matrix))


def slab_hull(box: SlabBox) -> Hull:
    """A slab as a solid in the world."""
    matrix = np.array(box.world_from_slab)
    return box_hull(np.array(box.size_m), matrix[:3, :3], matrix[:3, 3])


def arrangement_of(
    placed: Sequence[Posed],
    slabs: Sequence[SlabBox],
    open_azimuth_deg: tuple[float, float] = (-180.0, 180.0),
    open_elevation_deg: tuple[float, float] = (-90.0, 90.0),
) -> Arrangement:
    """The record of things in their places; its sphere is centred on the box round all of them."""
    points = np.concatenate([thing.hull.points_m for thing in placed])
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    return Arrangement(
        items=tuple(thing.resting() for thing in placed),
        slabs=tuple(slabs),
        centre_m=_vec3(centre),
        radius_m=float(np.linalg.norm(points - centre, axis=1).max()),
        open_azimuth_deg=open_azimuth_deg,
        open_elevation_deg=open_elevation_deg,
    )


def mean_diagonal_m(shapes: Sequence[Shape]) -> float:
    """The unit of all lengths in the recipes."""
    return float(np.mean([shape.diagonal_m for shape in shapes]))


def _vec3(values: np.ndarray) -> Vec3:
    x, y, z = (float(v) for v in values)
    return (x, y, z)
