"""Surroundings: what tables, boards and walls look like, drawn from a pool of textures that a run shares."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from photosynth.core.distributions import LogUniform, Scalar, Uniform, sample
from photosynth.core.photo import read_photo
from photosynth.core.record import Record
from photosynth.core.rng import rng_for
from photosynth.core.scene import (
    Fill,
    GrainFill,
    MeshFill,
    PhotoFill,
    PlainFill,
    PrintFill,
    Slab,
    SpeckleFill,
    WeaveFill,
)
from photosynth.sample.arrange.arrangement import Arrangement, SlabBox
from photosynth.sample.arrange.posed import slab, slab_hull
from photosynth.sample.color import as_vec3
from photosynth.sample.fill import FillSource, FillWeights, sample_fill
from photosynth.sample.ranges import require_share, require_support

MEAN_SIDE_PX = 64
"""Photos are read at about this size to find their mean colour."""
MIDDLE_GREY = (0.18, 0.18, 0.18)
MESH_SHADE = 0.7
"""Mean darkening of a mesh fill's palette (render/fills.py: 0.55 to 1)."""


class SurroundingsRecipe(Record, frozen=True, kw_only=True):
    """Looks of the slabs. Slabs of one part (table, board, wall, floor) look alike within a scene."""

    pool: int = 64
    """How many textures the scenes of a run share, 1 or more, so that engines can keep them; texture j depends on the
    seed and j alone."""
    kinds: FillWeights = FillWeights(photo=2.0, mesh=0.4, plain=1.6, print=0.5, grain=3.0, weave=1.5, speckle=1.0)
    """What they show, weights; without environment maps, which are no surface."""
    same_share: float = 0.4
    """Probability that all parts of a scene's slabs look alike, as in a carton or a shelf of one wood."""
    ground_share: float = 0.7
    """Probability that a box of walls round a floor stands on a wide table."""
    albedo: Scalar = LogUniform(low=0.1, high=0.75)
    """Mean share of light that a surface gives back: 0.1 is dark walnut, 0.5 light wood, 0.75 white paint. The
    texture is scaled to it, by at most `max_gain`."""
    max_gain: float = 12.0
    """Textures are not made brighter or darker by more than this factor on linear light."""
    fill_size_radii: Scalar = LogUniform(low=0.5, high=4.0)
    """Side of one repeat of the texture, in radii of the sphere round the things."""
    roughness: Scalar = Uniform(low=0.3, high=0.95)
    """Perceptual roughness of glTF 2.0, 0..1: 0.3 is varnished, 0.95 is cloth."""
    specular_f0: Scalar = Uniform(low=0.02, high=0.05)
    """Share of light reflected at normal incidence, 0..1: 0.04 is varnish and plastic."""

    def __post_init__(self) -> None:
        require_share(same_share=self.same_share, ground_share=self.ground_share)
        require_support("albedo", self.albedo, high=0.9, above=0.0)
        require_support("fill_size_radii", self.fill_size_radii, above=0.0)
        require_support("roughness", self.roughness, 0.0, 1.0)
        require_support("specular_f0", self.specular_f0, 0.0, 1.0)
        if self.pool < 1:
            raise ValueError(f"pool must be at least 1 texture, got {self.pool}")
        if not self.max_gain >= 1.0:
            raise ValueError(f"max_gain must be at least 1, got {self.max_gain:g}")
        if self.kinds.environment > 0:
            raise ValueError("kinds: a surface cannot show an environment map; set its environment weight to 0")


def with_ground(recipe: SurroundingsRecipe, arrangement: Arrangement, rng: np.random.Generator) -> Arrangement:
    """The arrangement, perhaps with a wide table right under its floor, if it has one."""
    wanted, size, depth = rng.random() < recipe.ground_share, rng.uniform(4.0, 20.0), rng.uniform(0.05, 0.5)
    if not wanted or all(box.part != "floor" for box in arrangement.slabs):
        return arrangement
    radius = arrangement.radius_m
    bottom = min(slab_hull(box).points_m[:, 2].min() for box in arrangement.slabs)
    low = np.array([*(np.array(arrangement.centre_m[:2]) - size * radius), bottom - depth * radius])
    high = np.array([*(np.array(arrangement.centre_m[:2]) + size * radius), bottom])
    return msgspec.structs.replace(arrangement, slabs=(*arrangement.slabs, slab("table", low, high)))


def sample_surroundings(
    recipe: SurroundingsRecipe,
    source: FillSource,
    boxes: tuple[SlabBox, ...],
    radius_m: float,
    seed: int,
    rng: np.random.Generator,
) -> tuple[Slab, ...]:
    """The slabs of a scene with their looks.

    Args:
        recipe: how they look.
        source: what fills may show.
        boxes: the slabs.
        radius_m: of the things among them.
        seed: the run's, of the pool of textures.
        rng: draws which of them, how large, how bright, how shiny.
    """
    alike = rng.random() < recipe.same_share
    looks: dict[str, dict[str, object]] = {}
    slabs = []
    for box in boxes:
        part = "all" if alike else box.part
        if part not in looks:
            looks[part] = _sample_look(recipe, source, radius_m, seed, rng)
        slabs.append(Slab(size_m=box.size_m, world_from_slab=box.world_from_slab, **looks[part]))
    return tuple(slabs)


def pool_fill(recipe: SurroundingsRecipe, source: FillSource, seed: int, number: int) -> Fill:
    """Texture `number` of a run's pool; it depends on the recipe, the photos, the seed and its number alone."""
    return sample_fill(recipe.kinds, source, 1.0, rng_for(seed, number, "surface texture"))


def _sample_look(
    recipe: SurroundingsRecipe, source: FillSource, radius_m: float, seed: int, rng: np.random.Generator
) -> dict[str, object]:
    fill = pool_fill(recipe, source, seed, int(rng.integers(recipe.pool)))
    gain = sample(recipe.albedo, rng) / max(float(mean_linear(fill).mean()), 1e-6)
    gain = float(np.clip(gain, 1.0 / recipe.max_gain, recipe.max_gain))
    return {
        "fill": fill,
        "fill_size_m": sample(recipe.fill_size_radii, rng) * radius_m,
        "roughness": sample(recipe.roughness, rng),
        "specular_f0": sample(recipe.specular_f0, rng),
        "albedo_gain_linear": as_vec3((gain, gain, gain)),
    }


def mean_linear(fill: Fill) -> np.ndarray:
    """About the mean linear colour (3,) of a fill: exact for photos and plain fills, else from the palette."""
    if isinstance(fill, PhotoFill):
        return np.array(_photo_mean(fill.path, fill.crop_rel))
    if isinstance(fill, PlainFill):
        ends = (fill.color_srgb, fill.end_srgb or fill.color_srgb)
        return _linear(np.linspace(*np.array(ends), 9)).mean(axis=0)
    if isinstance(fill, PrintFill):
        paper, inks = _linear(np.array(fill.palette_srgb[0])), _linear(np.array(fill.palette_srgb)).mean(axis=0)
        inked = 0.3 + 0.3 * fill.density
        return paper * (1.0 - inked) + inks * inked
    if isinstance(fill, MeshFill):
        return _linear(np.array(fill.palette_srgb)).mean(axis=0) * MESH_SHADE
    if isinstance(fill, SpeckleFill):
        ground, *specks = _linear(np.array(fill.palette_srgb))
        return ground * (1.0 - fill.density) + np.mean(specks, axis=0) * fill.density if specks else ground
    if isinstance(fill, GrainFill | WeaveFill):
        return _linear(np.array(fill.palette_srgb)).mean(axis=0)
    return np.array(MIDDLE_GREY)


@lru_cache(maxsize=256)
def _photo_mean(path: str, crop_rel: tuple[float, float, float, float]) -> tuple[float, ...]:
    if not Path(path).is_file():  # distributions may be plotted as if there were photos
        return MIDDLE_GREY
    image = read_photo(Path(path), min_side_px=MEAN_SIDE_PX)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = crop_rel
    left, top = int(x0 * width), int(y0 * height)
    crop = image[top : max(top + 1, round(y1 * height)), left : max(left + 1, round(x1 * width))]
    step = max(1, min(crop.shape[:2]) // MEAN_SIDE_PX)
    return tuple(float(v) for v in _linear(crop[::step, ::step] / 255.0).mean(axis=(0, 1)))


def _linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values 0..1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4)
