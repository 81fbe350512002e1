"""Fills: what a background or a patch shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.distributions import Discrete, LogUniform, Scalar, TruncatedNormal, Uniform, pick, sample
from photosynth.core.errors import ConfigError
from photosynth.core.photo import Photo
from photosynth.core.record import Record
from photosynth.core.scene import Environment, EnvironmentFill, Fill, MeshFill, PhotoFill, PlainFill, PrintFill
from photosynth.sample.color import random_color, random_paper
from photosynth.sample.material import (
    MAX_SEED,
    GrainRecipe,
    SpeckleRecipe,
    WeaveRecipe,
    sample_grain,
    sample_speckle,
    sample_weave,
)
from photosynth.sample.ranges import require_count, require_share, require_support

FIRST_MATERIAL = 5
"""Kinds of fill from this one on are materials."""


class FillWeights(Record, frozen=True, kw_only=True):
    """How often each kind of fill is used: numbers of 0 or more that need not add up to 1."""

    photo: float = 0.0
    """Weight of crops of the user's background photos; counts as 0 when there are none."""
    environment: float = 0.0
    """Weight of views into environment maps."""
    mesh: float = 0.0
    """Weight of random colour meshes."""
    plain: float = 0.0
    """Weight of one colour or a gradient."""
    print: float = 0.0
    """Weight of printed matter."""
    grain: float = 0.0
    """Weight of wood."""
    weave: float = 0.0
    """Weight of cloth."""
    speckle: float = 0.0
    """Weight of stone, terrazzo, felt."""

    def __post_init__(self) -> None:
        values = self.drawn_weights(True, True)
        if any(not (math.isfinite(value) and value >= 0) for value in values):
            raise ValueError(f"the weights of fills must be 0 or more, got {values}")
        if sum(values) <= 0:
            raise ValueError("the weights of fills are all 0: nothing could be drawn")

    def needs_photos(self) -> bool:
        """Whether nothing is left when there are no photos."""
        return sum(self.drawn_weights(False, True)) <= 0

    def drawn_weights(self, has_photos: bool, has_maps: bool) -> tuple[float, ...]:
        """The weights in the order of the fields; those of photos and environments are void without any."""
        photo, environment = self.photo if has_photos else 0.0, self.environment if has_maps else 0.0
        return (photo, environment, self.mesh, self.plain, self.print, self.grain, self.weave, self.speckle)


class FillRecipe(Record, frozen=True, kw_only=True):
    """What each kind of fill looks like."""

    photo_crop_rel: Scalar = LogUniform(low=0.35, high=1.0)
    """Side of a photo's crop as a fraction of the side of the largest crop of the wanted shape."""
    photo_turned_share: float = 0.5
    """Probability that a crop is turned by a random number of quarter turns."""
    true_view_share: float = 0.5
    """Probability that an environment behind the scene is the one that lights it, seen as the camera sees it;
    otherwise another map, seen along another way."""
    view_pitch_deg: Scalar = TruncatedNormal(mean=-12.0, sd=25.0, low=-80.0, high=60.0)
    """Angle above the horizon of such another way, in degrees."""
    view_fov_deg: Scalar = Uniform(low=35.0, high=95.0)
    """Field of view of such another way, in degrees across the picture's shorter side."""
    gradient_share: float = 0.5
    """Probability that a plain fill is a gradient."""
    mesh_balls: Scalar = Discrete(values=(0, 4, 8, 16, 30))
    """Metaballs in a mesh fill, a count of 0 to 200."""
    mesh_octaves: Scalar = Discrete(values=(1, 3, 5))
    """Octaves of its turbulence (Perlin, 1985), a count of 1 to 10."""
    mesh_scale_rel: Scalar = LogUniform(low=0.1, high=0.7)
    """Size of its largest features, as a fraction of the fill's shorter side."""
    print_density: Scalar = Uniform(low=0.1, high=1.0)
    """How crowded a printed fill is, the scale of PrintFill: 0 almost empty to 1 crowded."""
    n_colors: Scalar = Discrete(values=(2, 3, 4, 5, 6))
    """Colours in the palette of a mesh or a print, a count of 2 to 32."""
    grain: GrainRecipe = GrainRecipe()
    """Wood."""
    weave: WeaveRecipe = WeaveRecipe()
    """Cloth."""
    speckle: SpeckleRecipe = SpeckleRecipe()
    """Stone, terrazzo, felt."""

    def __post_init__(self) -> None:
        require_support("photo_crop_rel", self.photo_crop_rel, high=1.0, above=0.0)
        require_support("view_pitch_deg", self.view_pitch_deg, -90.0, 90.0)
        require_support("view_fov_deg", self.view_fov_deg, 5.0, 150.0)
        require_count("mesh_balls", self.mesh_balls, 0, 200)
        require_count("mesh_octaves", self.mesh_octaves, 1, 10)
        require_support("mesh_scale_rel", self.mesh_scale_rel, high=10.0, above=0.0)
        require_support("print_density", self.print_density, 0.0, 1.0)
        require_count("n_colors", self.n_colors, 2, 32)
        require_share(
            photo_turned_share=self.photo_turned_share,
            true_view_share=self.true_view_share,
            gradient_share=self.gradient_share,
        )


@dataclass(frozen=True)
class FillSource:
    """What fills may show: the user's photos, environment maps as scenes name them, and the scene's own view."""

    recipe: FillRecipe
    photos: tuple[Photo, ...]
    maps: tuple[str, ...]
    camera: Camera
    environment: Environment


def sample_fill(
    weights: FillWeights, source: FillSource, aspect: float, rng: np.random.Generator, whole: bool = False
) -> Fill:
    """A fill for an area of that aspect ratio (width / height).

    `whole` says that it covers the whole picture, so that the scene's own environment may be seen in it.

    Raises:
        ConfigError: if only photos are wanted and there are none.
    """
    if weights.needs_photos() and not source.photos:
        raise ConfigError("the recipe fills its backgrounds with photos only; give a folder of background photos")
    kinds = weights.drawn_weights(bool(source.photos), bool(source.maps))
    if sum(kinds) <= 0:
        raise ConfigError("the recipe fills its backgrounds with environment maps only, and there are none")
    kind = int(pick(kinds, rng, 1)[0])
    if kind == 0:
        return _photo(source, aspect, rng)
    if kind == 1:
        return _environment(source, rng, whole)
    if kind >= FIRST_MATERIAL:
        return _material(source.recipe, kind - FIRST_MATERIAL, rng)
    return (_mesh, _plain, _print)[kind - 2](source.recipe, rng)


def _material(recipe: FillRecipe, number: int, rng: np.random.Generator) -> Fill:
    if number == 0:
        return sample_grain(recipe.grain, rng)
    return sample_weave(recipe.weave, rng) if number == 1 else sample_speckle(recipe.speckle, rng)


def _photo(source: FillSource, aspect: float, rng: np.random.Generator) -> PhotoFill:
    """A crop that is not distorted: its pixels are square after the quarter turns."""
    photo = source.photos[int(rng.integers(len(source.photos)))]
    turns = int(rng.integers(4)) if rng.random() < source.recipe.photo_turned_share else 0
    wanted = 1.0 / aspect if turns % 2 else aspect
    width, height = photo.size_wh
    share = sample(source.recipe.photo_crop_rel, rng)
    crop_w = min(width, height * wanted) * share
    crop_h = crop_w / wanted
    x0, y0 = rng.random() * (width - crop_w), rng.random() * (height - crop_h)
    return PhotoFill(
        path=str(photo.path),
        crop_rel=(x0 / width, y0 / height, min(1.0, (x0 + crop_w) / width), min(1.0, (y0 + crop_h) / height)),
        quarter_turns=turns,
        mirrored=bool(rng.random() < 0.5),
    )


def _environment(source: FillSource, rng: np.random.Generator, whole: bool) -> EnvironmentFill:
    recipe, environment = source.recipe, source.environment
    true_view = rng.random() < recipe.true_view_share
    if whole and true_view and environment.map_file is not None:
        return true_view_fill(source.camera, environment)
    return EnvironmentFill(
        map_file=source.maps[int(rng.integers(len(source.maps)))],
        yaw_rad=rng.uniform(-math.pi, math.pi),
        pitch_rad=math.radians(sample(recipe.view_pitch_deg, rng)),
        roll_rad=rng.normal(0.0, 0.15) + (math.pi / 2) * int(rng.integers(4)) * (rng.random() < 0.3),
        fov_rad=math.radians(sample(recipe.view_fov_deg, rng)),
        exposure=environment.strength,
    )


def true_view_fill(camera: Camera, environment: Environment) -> EnvironmentFill:
    """The scene's environment map exactly as its camera sees it.

    Yaw is counted in the map (the world's yaw less the map's rotation), from +x towards +y; roll as in look_at.

    Raises:
        ConfigError: if the environment has no map.
    """
    if environment.map_file is None:
        raise ConfigError("a uniform environment has no view")
    axes = np.array(camera.world_from_cam)[:3, :3]
    forward = axes[:, 2]
    yaw, pitch = math.atan2(forward[1], forward[0]), math.asin(float(np.clip(forward[2], -1.0, 1.0)))
    right = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
    down = np.array([math.sin(pitch) * math.cos(yaw), math.sin(pitch) * math.sin(yaw), -math.cos(pitch)])
    return EnvironmentFill(
        map_file=environment.map_file,
        yaw_rad=yaw - environment.rotation_rad,
        pitch_rad=pitch,
        roll_rad=math.atan2(float(axes[:, 0] @ down), float(axes[:, 0] @ right)),
        fov_rad=2.0 * math.atan(min(camera.size_wh) / 2 / camera.focal_px),
        exposure=environment.strength,
    )


def _mesh(recipe: FillRecipe, rng: np.random.Generator) -> MeshFill:
    return MeshFill(
        seed=int(rng.integers(MAX_SEED)),
        n_balls=round(sample(recipe.mesh_balls, rng)),
        octaves=round(sample(recipe.mesh_octaves, rng)),
        palette_srgb=tuple(random_color(rng) for _ in range(round(sample(recipe.n_colors, rng)))),
        scale_rel=sample(recipe.mesh_scale_rel, rng),
    )


def _plain(recipe: FillRecipe, rng: np.random.Generator) -> PlainFill:
    gradient = rng.random() < recipe.gradient_share
    start, end, angle = random_color(rng), random_color(rng), rng.uniform(0.0, 2 * math.pi)
    return PlainFill(color_srgb=start, end_srgb=end if gradient else None, angle_rad=angle if gradient else 0.0)


def _print(recipe: FillRecipe, rng: np.random.Generator) -> PrintFill:
    inks = tuple(random_color(rng) for _ in range(round(sample(recipe.n_colors, rng)) - 1))
    return PrintFill(
        seed=int(rng.integers(MAX_SEED)),
        palette_srgb=(random_paper(rng), *inks),
        density=sample(recipe.print_density, rng),
    )
