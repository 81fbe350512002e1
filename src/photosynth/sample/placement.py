"""Placements: which asset is the subject of a picture, how it is turned, and what its surface is like."""

from __future__ import annotations

import numpy as np

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.directions import AxisRotation, Rotation, matrix_from_quaternion
from photosynth.core.distributions import Normal, Scalar, TruncatedNormal, Uniform, sample
from photosynth.core.geometry import as_matrix4
from photosynth.core.record import Record
from photosynth.core.rng import rng_for
from photosynth.core.scene import Placement
from photosynth.sample.color import as_vec3
from photosynth.sample.ranges import require_support


class SurfaceRecipe(Record, frozen=True, kw_only=True):
    """How assets are turned and what their surfaces are like."""

    orientation: Rotation = AxisRotation()
    """Of the asset in the world, a unit quaternion; the default stands it upright and turns it about +z."""
    roughness: Scalar = Uniform(low=0.25, high=0.9)
    """Perceptual roughness of glTF 2.0 (alpha is its square), 0..1: 0 is a mirror, 1 is chalk."""
    specular_f0: Scalar = TruncatedNormal(mean=0.04, sd=0.015, low=0.0, high=0.1)
    """Share of light reflected at normal incidence, 0..1: 0.04 is plastic, paper and glass."""
    albedo_ev: Scalar = Normal(mean=0.0, sd=0.25)
    """Gain on the texture's linear light in stops: scans were not all exposed alike."""
    albedo_tint: Scalar = Normal(mean=0.0, sd=0.04)
    """Natural logarithm of each channel's own gain on linear light: scans were not all white-balanced alike."""

    def __post_init__(self) -> None:
        require_support("roughness", self.roughness, 0.0, 1.0)
        require_support("specular_f0", self.specular_f0, 0.0, 1.0)


def choose_object(assets: tuple[Asset, ...], seed: int, index: int) -> Asset:
    """The object of scene `index`: classes take turns in an order shuffled anew each round, and so do the assets
    of a class, so that n scenes show every class and every asset of a class equally often, give or take one.

    Args:
        assets: the objects of the catalogue, at least one.
        seed: the run's seed.
        index: the scene's number.
    """
    by_class: dict[str, list[Asset]] = {}
    for asset in assets:
        by_class.setdefault(asset.class_name, []).append(asset)
    names = sorted(by_class)
    turn, place = divmod(index, len(names))
    name = names[int(rng_for(seed, turn, "class order").permutation(len(names))[place])]
    members = by_class[name]
    turn, place = divmod(turn, len(members))
    return members[int(rng_for(seed, turn, f"asset order of {name}").permutation(len(members))[place])]


def choose_distractor(assets: tuple[Asset, ...], rng: np.random.Generator) -> Asset:
    """Any of the distractors, evenly."""
    return assets[int(rng.integers(len(assets)))]


def orient(recipe: SurfaceRecipe, rng: np.random.Generator) -> np.ndarray:
    """A (3, 3) rotation: world axes from the asset's axes."""
    return matrix_from_quaternion(sample(recipe.orientation, rng))


def place(
    recipe: SurfaceRecipe,
    asset: Asset,
    part: AssetPart,
    rotation: np.ndarray,
    rng: np.random.Generator,
    scale: float = 1.0,
    position_m: np.ndarray | None = None,
) -> Placement:
    """The placement of one part of an asset with a drawn surface.

    Args:
        recipe: what surfaces are like.
        asset: the asset.
        part: the part that the camera may see.
        rotation: (3, 3) world from asset.
        rng: draws the surface.
        scale: uniform scale.
        position_m: (3,) of its centre in the world; None is the origin.
    """
    world_from_object = np.eye(4)
    world_from_object[:3, :3] = rotation * scale
    if position_m is not None:
        world_from_object[:3, 3] = position_m
    gain = 2.0 ** sample(recipe.albedo_ev, rng) * np.exp([sample(recipe.albedo_tint, rng) for _ in range(3)])
    return Placement(
        asset_id=asset.asset_id,
        part=part.name,
        class_name=asset.class_name,
        role=asset.role,
        world_from_object=as_matrix4(world_from_object),
        roughness=sample(recipe.roughness, rng),
        specular_f0=sample(recipe.specular_f0, rng),
        albedo_gain_linear=as_vec3(gain),
    )
