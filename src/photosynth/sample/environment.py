"""Environments: which map lights the scene from all around, how it is turned and how bright it is."""

from __future__ import annotations

import math
from importlib import resources
from pathlib import Path

import numpy as np

from photosynth.core.distributions import LogUniform, Scalar, Uniform, sample
from photosynth.core.errors import ConfigError
from photosynth.core.radiance import RADIANCE_SUFFIXES, radiance_fault
from photosynth.core.record import Record
from photosynth.core.scene import Environment
from photosynth.sample.ranges import require_share, require_support


class EnvironmentRecipe(Record, frozen=True, kw_only=True):
    """Light from all around."""

    maps: tuple[str, ...] = ()
    """Names of shipped maps, such as ``"lobby"``; empty means all of them. A folder of the user's own maps, given
    to the stage, takes their place."""
    grey_share: float = 0.08
    """Probability of a uniform grey environment instead of a map, 0..1."""
    rotation_deg: Scalar = Uniform(low=0.0, high=360.0)
    """Turn of the map about +z (up), in degrees, anticlockwise seen from above."""
    strength: Scalar = LogUniform(low=0.08, high=1.2)
    """Mean luminance of the radiance over the sphere; 1 makes a white Lambertian surface as bright as white in the
    picture before exposure. See Environment."""

    def __post_init__(self) -> None:
        require_share(grey_share=self.grey_share)
        require_support("strength", self.strength, 0.0, 100.0)
        unknown = sorted(set(self.maps) - set(shipped_maps()))
        if unknown:
            raise ValueError(f"there is no shipped map {unknown[0]!r}; choose from {', '.join(sorted(shipped_maps()))}")


def shipped_maps() -> dict[str, str]:
    """The maps in the package: name to the form scenes use, ``"package:NAME.exr"``."""
    folder = resources.files("photosynth") / "data" / "environments"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".exr"))
    return {name.removesuffix(".exr"): f"package:{name}" for name in names}


def recipe_maps(recipe: EnvironmentRecipe) -> tuple[str, ...]:
    """The shipped maps a recipe asks for, as scenes name them."""
    shipped = shipped_maps()
    return tuple(shipped[name] for name in (recipe.maps or sorted(shipped)))


def folder_maps(folder: Path) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Absolute paths of the EXR and HDR maps directly inside a folder, and (path, reason) of those left out.

    Each is read once, so that a broken one is met now and not in the middle of a run.

    Raises:
        ConfigError: if the folder does not exist or has no usable map.
    """
    if not Path(folder).is_dir():
        raise ConfigError(f"{folder} does not exist; expected a folder of EXR or HDR environment maps")
    maps, skipped = [], []
    for path in sorted(Path(folder).resolve().iterdir()):
        if path.suffix.lower() in RADIANCE_SUFFIXES and not path.name.startswith("."):
            fault = radiance_fault(path)
            if fault is None:
                maps.append(str(path))
            else:
                skipped.append((str(path), fault))
    if not maps:
        found = f"; none can be used of the {len(skipped)} in it, {skipped[0][1]}" if skipped else ""
        raise ConfigError(f"{folder} has no environment maps: expected equirectangular .exr or .hdr files{found}")
    return tuple(maps), tuple(skipped)


def sample_environment(recipe: EnvironmentRecipe, maps: tuple[str, ...], rng: np.random.Generator) -> Environment:
    """An environment with one of `maps` (as scenes name them), or grey."""
    grey, at = rng.random() < recipe.grey_share, rng.random()
    return Environment(
        map_file=None if grey or not maps else maps[int(at * len(maps))],
        rotation_rad=math.radians(sample(recipe.rotation_deg, rng)),
        strength=sample(recipe.strength, rng),
    )
