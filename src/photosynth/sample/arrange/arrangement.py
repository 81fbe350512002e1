"""Arrangement: where some things rest, and what they rest on, before anybody looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from photosynth.core.asset import AssetPart
from photosynth.core.geometry import Matrix4, Vec3
from photosynth.core.record import Record
from photosynth.sample.arrange.hull import Hull, hull_of
from photosynth.sample.arrange.stable import StablePoses, stable_poses

SlabPart = Literal["table", "board", "wall", "floor"]
"""What a slab is for, so that the slabs of one kind in a scene can look alike."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What a sampler must know of an asset's form.

    asset_id: which asset. points_m (n, 3) float64: the vertices of its convex hull in the object's frame, already
    scaled. scale: that uniform scale. one_sided: the asset's parts, if some may not be shown from all round; empty if
    all may. `hull` and `poses` are worked out on first use and kept.
    """

    asset_id: str
    points_m: np.ndarray
    scale: float = 1.0
    one_sided: tuple[AssetPart, ...] = ()

    @cached_property
    def hull(self) -> Hull:
        """The solid that the points span, in the object's axes."""
        return hull_of(self.points_m)

    @cached_property
    def poses(self) -> StablePoses:
        """How it rests on a plane."""
        return stable_poses(self.hull)

    @cached_property
    def diagonal_m(self) -> float:
        """Length of its bounding box's diagonal."""
        return float(np.linalg.norm(np.ptp(self.points_m, axis=0)))

    def scaled(self, factor: float) -> Shape:
        """The same form, larger by a factor above 0; what is known of its hull and poses is taken over."""
        other = Shape(self.asset_id, self.points_m * factor, self.scale * factor, self.one_sided)
        other.__dict__.update(hull=self.hull.scaled(factor), poses=self.poses)
        return other


class Resting(Record, frozen=True, kw_only=True):
    """One thing in its place."""

    asset_id: str
    """Which asset."""
    world_from_object: Matrix4
    """Rotation, uniform scale, translation."""


class SlabBox(Record, frozen=True, kw_only=True):
    """A slab without its looks."""

    part: SlabPart
    """What it is for."""
    size_m: Vec3
    """Extent along its own axes."""
    world_from_slab: Matrix4
    """Rotation and translation of its centre."""


class Arrangement(Record, frozen=True, kw_only=True):
    """Things at rest. No two of them, and none of them and a slab, are deeper in each other than 0.5 % of the smaller
    one's diagonal."""

    items: tuple[Resting, ...]
    """In the order of the shapes they were made from; those that found no place are missing."""
    slabs: tuple[SlabBox, ...] = ()
    """What they rest on and stand between."""
    centre_m: Vec3 = (0.0, 0.0, 0.0)
    """Middle of the things."""
    radius_m: float = 1.0
    """Of a sphere round `centre_m` that holds the things (not the slabs)."""
    open_azimuth_deg: tuple[float, float] = (-180.0, 180.0)
    """From where the things can be seen: azimuths from `centre_m` to the camera, +x is 0, towards +y."""
    open_elevation_deg: tuple[float, float] = (-90.0, 90.0)
    """The same for elevations."""
