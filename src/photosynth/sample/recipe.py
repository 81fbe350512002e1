"""Recipes: every distribution that scenes are drawn from, in one record, and the recipes that come along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from photosynth.core.distributions import LogUniform
from photosynth.core.errors import ConfigError
from photosynth.core.record import Record, from_toml
from photosynth.core.rng import rng_for
from photosynth.sample.arrange.physics import has_physics
from photosynth.sample.arrange.recipe import ArrangementRecipe, without_settling
from photosynth.sample.background import BackgroundRecipe
from photosynth.sample.camera import CameraRecipe, FramingRecipe
from photosynth.sample.distractor import DistractorRecipe
from photosynth.sample.environment import EnvironmentRecipe
from photosynth.sample.fill import FillRecipe
from photosynth.sample.finish import FinishRecipe
from photosynth.sample.group import GroupRecipe
from photosynth.sample.kind import KindRecipe
from photosynth.sample.light import LightRecipe
from photosynth.sample.occluder import OccluderRecipe
from photosynth.sample.placement import SurfaceRecipe
from photosynth.sample.surroundings import SurroundingsRecipe
from photosynth.sample.viewpoint import ViewpointRecipe

MIN_SIDE_PX, MAX_SIDE_PX = 16, 8192


PACKAGE = Path(__file__).resolve().parents[1]
"""The installed package's folder."""


class BlendPart(Record, frozen=True, kw_only=True):
    """A recipe that has a share in a blend."""

    recipe: str | Recipe
    """The name of one that comes along or the path of a TOML file; once loaded, the recipe itself."""
    weight: float = 1.0
    """Its share of the scenes, in proportion to the other parts' weights."""

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError(f"weight must be above 0, got {self.weight:g}")


class Recipe(Record, frozen=True, kw_only=True):
    """What scenes are drawn from. Lengths named ``_diagonals`` are in diagonals of the subject's box, lengths
    named ``_rel`` are fractions of the picture; fields that are distributions hold any of those of
    core/distributions.py and core/directions.py. What a recipe leaves out keeps the defaults written here, which
    are those of ``single``."""

    about: str = ""
    """One line for people."""
    size_wh: tuple[int, int] = (256, 256)
    """Picture size in pixels, width first."""
    kinds: KindRecipe = KindRecipe()
    """Pictures without objects."""
    camera: CameraRecipe = CameraRecipe()
    """Direction, lens and roll."""
    framing: FramingRecipe = FramingRecipe()
    """Size and place of the subject in the picture."""
    lookalike_framing: FramingRecipe = FramingRecipe(size_rel=LogUniform(low=0.22, high=2.2), min_inside=0.2)
    """The same for the distractor that takes the subject's place in a ``"lookalike"`` picture: it may fill it."""
    surface: SurfaceRecipe = SurfaceRecipe()
    """Turn and surface of the assets."""
    distractors: DistractorRecipe = DistractorRecipe()
    """Other things in the picture."""
    lights: LightRecipe = LightRecipe()
    """Lamps."""
    environment: EnvironmentRecipe = EnvironmentRecipe()
    """Light from all around."""
    fills: FillRecipe = FillRecipe()
    """What each kind of fill looks like."""
    background: BackgroundRecipe = BackgroundRecipe()
    """What is behind."""
    occluders: OccluderRecipe = OccluderRecipe()
    """What is in front."""
    finish: FinishRecipe = FinishRecipe()
    """The camera's part."""
    arrangement: ArrangementRecipe | None = None
    """How several things are put to rest. Absent: one subject floats before a background, perhaps with distractors;
    then the four sections below are not used. Present: ``camera.direction``, ``surface.orientation`` and
    ``distractors`` are not used."""
    group: GroupRecipe = GroupRecipe()
    """Which things share an arrangement."""
    viewpoint: ViewpointRecipe = ViewpointRecipe()
    """Where the camera stands before it."""
    surfaces: SurroundingsRecipe = SurroundingsRecipe()
    """Looks of tables, boards and walls."""
    blend: tuple[BlendPart, ...] = ()
    """Not empty: each scene is drawn from one of these recipes. Of the sections above only ``size_wh`` and
    ``environment.maps`` are used then, in place of the parts' own."""

    def __post_init__(self) -> None:
        if not all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in self.size_wh):
            raise ValueError(f"size_wh must lie in {MIN_SIDE_PX}..{MAX_SIDE_PX} pixels, got {self.size_wh}")
        most = [dist.support()[1] for dist in (self.lights.count, self.lights.radiance, self.environment.strength)]
        if not self.blend and min(most[:2]) == 0 and most[2] == 0:
            raise ValueError(
                "lights.count (or lights.radiance) and environment.strength can only be 0, so that all pictures would "
                "be black; let one of them be above 0"
            )


def recipes_folder() -> Path:
    """Where the recipes are: inside the installed package, or beside the sources of a checkout.

    Raises:
        ConfigError: if neither has them.
    """
    for folder in (PACKAGE / "recipes", PACKAGE.parents[1] / "recipes"):
        if folder.is_dir():
            return folder
    raise ConfigError(f"this installation has no recipes (looked in {PACKAGE}); install photosynth again")


def recipe_names() -> tuple[str, ...]:
    """The names of the recipes that come along."""
    return tuple(sorted(path.stem for path in recipes_folder().glob("*.toml")))


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe that comes along, by name, or one of the user's own, by the path of its TOML file. Where the physics
    engine is not installed, its shelves are not settled.

    Raises:
        ConfigError: for an unknown name, a missing file, an unknown key or an impossible range, naming it.
    """
    recipe = _as_installed(_read_recipe(str(name_or_path)))
    if not recipe.blend:
        return recipe
    parts = []
    for part in recipe.blend:
        loaded = _read_recipe(part.recipe) if isinstance(part.recipe, str) else part.recipe
        if loaded.blend:
            raise ConfigError(f"recipe {name_or_path} blends {part.recipe}, which is a blend itself; name its parts")
        parts.append(replace(part, recipe=_as_installed(loaded)))
    return at_size(replace(recipe, blend=tuple(parts)), recipe.size_wh)


def at_size(recipe: Recipe, size_wh: tuple[int, int]) -> Recipe:
    """The recipe, with the parts of a loaded blend, at another picture size."""
    parts = tuple(replace(part, recipe=at_size(part.recipe, size_wh)) for part in recipe.blend)
    return replace(recipe, size_wh=size_wh, blend=parts)


def recipe_parts(recipe: Recipe) -> tuple[Recipe, ...]:
    """The recipes that scenes are drawn from: those of a loaded blend, or this one."""
    return tuple(part.recipe for part in recipe.blend) or (recipe,)


def scene_recipe(recipe: Recipe, seed: int, index: int) -> Recipe:
    """The recipe that scene `index` is drawn from: a part of a loaded blend, or this one."""
    if not recipe.blend:
        return recipe
    weights = np.array([part.weight for part in recipe.blend])
    return recipe.blend[int(rng_for(seed, index, "blend").choice(len(weights), p=weights / weights.sum()))].recipe


def _as_installed(recipe: Recipe) -> Recipe:
    if recipe.arrangement is None or has_physics():
        return recipe
    return replace(recipe, arrangement=without_settling(recipe.arrangement))


def _read_recipe(text: str) -> Recipe:
    if text.endswith(".toml") or "/" in text or "\\" in text:
        return from_toml(Path(text), Recipe)
    if text not in recipe_names():
        raise ConfigError(
            f"there is no recipe {text!r}; choose from {', '.join(recipe_names())}, or give the path of a .toml file"
        )
    return from_toml(recipes_folder() / f"{text}.toml", Recipe)
