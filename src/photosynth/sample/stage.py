"""Stage ``sample``: a recipe and a catalogue in, concrete scenes out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.asset import Asset, read_assets
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, EngineError
from photosynth.core.manifest import MANIFEST_FILE
from photosynth.core.photo import Photo
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, digest, to_pretty_json
from photosynth.core.room import check_room
from photosynth.sample.arrange.shapes import Shapes
from photosynth.sample.environment import folder_maps, recipe_maps
from photosynth.sample.meshes import PassingMeshes
from photosynth.sample.photos import Skipped, open_backgrounds
from photosynth.sample.recipe import MAX_SIDE_PX, MIN_SIDE_PX, Recipe, at_size, load_recipe, recipe_parts
from photosynth.sample.scene import check_inputs, sample_scene
from photosynth.sample.source import ArrangementSource
from photosynth.sample.summary import notes_of, summarise

STAGE = "sample"
SCHEMA = 3
BLOCK = 250
"""Scenes in one file."""
SCENE_BYTES = 6000
"""Of one scene, about: 5 KB of one thing before a background, 9 KB of a full shelf."""


class SampleConfig(Record, frozen=True, kw_only=True):
    """How many scenes, and which."""

    n_images: int = 3000
    """How many scenes. Recipe bin looks at each heap six times in a row (its group.reuse): 24 scenes are 4 heaps, of
    which none may be in a box, so look at some hundred to judge it."""
    seed: int = 0
    """Scene i depends on the recipe, this and i alone; 0 is a seed like any other."""
    recipe: str = "single"
    """Name of a recipe that comes along, or the path of a TOML file."""
    image_size_px: int | None = None
    """Side of square pictures; if absent, the recipe's size_wh."""


@dataclass(frozen=True)
class Ingredients:
    """What the scenes of a run are drawn from."""

    recipe: Recipe
    assets: tuple[Asset, ...]
    seed: int
    photos: tuple[Photo, ...]
    maps: tuple[str, ...]
    catalogue: Path
    """Its folder: workers read the meshes there, if the recipe needs their shapes."""


def run(
    config: SampleConfig,
    catalogue: Path,
    out: Path,
    *,
    backgrounds: Path | None = None,
    environments: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Draw the scenes of a run from a recipe and the assets of a ``catalogue`` artifact.

    Writes ``scenes-NNNNN.jsonl`` (blocks of 250 Scene lines), ``recipe.json`` (resolved) and ``skipped.jsonl``
    (background files left out, if any). An interrupted run goes on at the first block that is missing.

    Args:
        config: how many and which.
        catalogue: the folder of a finished catalogue.
        out: the folder to write.
        backgrounds: a folder of background photos; None does without.
        environments: a folder of EXR or HDR maps to use in place of those in the package.
        executor: draws blocks elsewhere; None draws them here, one after another.
        progress: is told of every block, every file left out and a disk that is too full.
        overwrite: replace another artifact in `out`.

    Raises:
        ConfigError: for a bad recipe, an empty folder, assets that do not suffice, or more scenes than the whole disk
            can hold.
        ArtifactError: for an unusable catalogue or output folder, or a full disk.
        EngineError: if a block fails in the executor.
    """
    progress = progress or Silent()
    check_config(config)
    assets = open_artifact(catalogue, "catalogue")
    recipe = resolve_recipe(config)
    inputs = {"catalogue": assets.key, "recipe": digest(recipe)}
    for name, folder in (("backgrounds", backgrounds), ("environments", environments)):
        if folder is not None:  # scenes name these files by absolute path, so the path is part of the content
            inputs[name] = digest([folder_key(folder), str(Path(folder).resolve())])
    prepare = partial(gather, recipe, config.seed, assets.folder, backgrounds, environments)
    finished = (Path(out) / MANIFEST_FILE).is_file() and not overwrite
    if not finished:
        there = BLOCK * len(list(Path(out).glob("scenes-*.jsonl")))
        left = config.n_images - (0 if overwrite else min(there, config.n_images))
        check_room(Path(out), left * SCENE_BYTES, f"{left} scenes", progress)
    gathered = None if finished else prepare()  # what is refused must leave `out` as it was
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, inputs, overwrite) as writer:
        if writer.finished:
            return writer.finished
        ingredients, skipped = gathered or prepare()
        writer.write("recipe.json", to_pretty_json(recipe))
        for entry in skipped:
            progress.note(f"left out {entry.path}: {entry.reason}")
        if skipped:
            write_jsonl(writer.path("skipped.jsonl"), skipped)
        _write_blocks(writer, config.n_images, ingredients, executor, progress)
        n_photos, n_maps = len(ingredients.photos), len(ingredients.maps)
        notes = notes_of(recipe, ingredients.assets, n_photos)
        for note in notes:
            progress.note(note)
        progress.finish()
        return writer.finish(summarise(writer.folder, ingredients.assets, n_photos, n_maps, len(skipped)), notes)


def gather(
    recipe: Recipe, seed: int, catalogue: Path, backgrounds: Path | None, environments: Path | None
) -> tuple[Ingredients, tuple[Skipped, ...]]:
    """What the scenes of a run are drawn from, checked, and the user's files that were left out.

    Raises:
        ConfigError: if a folder has nothing usable or the assets do not suffice.
    """
    photos, skipped = open_backgrounds(backgrounds) if backgrounds is not None else ((), ())
    maps, bad_maps = folder_maps(environments) if environments is not None else (recipe_maps(recipe.environment), ())
    skipped += tuple(Skipped(path=Path(path), reason=reason) for path, reason in bad_maps)
    ingredients = Ingredients(recipe, read_assets(catalogue), seed, photos, maps, Path(catalogue))
    check_inputs(recipe, ingredients.assets, photos)
    return ingredients, skipped


def check_config(config: SampleConfig) -> None:
    """Raises ConfigError naming the setting that cannot be."""
    if config.n_images < 1:
        raise ConfigError(f"n_images must be at least 1, got {config.n_images}")
    if config.seed < 0:
        raise ConfigError(f"seed must be 0 or more, got {config.seed}")
    side = config.image_size_px
    if side is not None and not MIN_SIDE_PX <= side <= MAX_SIDE_PX:
        raise ConfigError(f"image_size_px must lie in {MIN_SIDE_PX}..{MAX_SIDE_PX}, got {side}")


def resolve_recipe(config: SampleConfig) -> Recipe:
    """The recipe that a config names, at the picture size that it asks for."""
    recipe = load_recipe(config.recipe)
    if config.image_size_px is None:
        return recipe
    return at_size(recipe, (config.image_size_px, config.image_size_px))


@dataclass(frozen=True)
class Block:
    """One unit of work: consecutive scenes that go to one file."""

    first: int
    """Index of the first scene."""
    count: int
    """How many."""
    path: str
    """The file."""


def _write_blocks(
    writer: ArtifactWriter, n_images: int, ingredients: Ingredients, executor: Executor | None, progress: Progress
) -> None:
    blocks = [
        Block(first, min(BLOCK, n_images - first), str(writer.path(f"scenes-{first // BLOCK:05d}.jsonl")))
        for first in range(0, n_images, BLOCK)
    ]
    progress.start(STAGE, n_images, "scenes")
    missing = []
    for block in blocks:
        if Path(block.path).is_file():
            progress.advance(block.count)
        else:
            missing.append(block)
    if executor is None:
        setup_worker(ingredients)
        for block in missing:
            progress.advance(sample_block(block))
        return
    for result in executor.map(sample_block, missing, setup_worker, (ingredients,)):
        if result.error is not None:
            raise EngineError(STAGE, f"scenes from {missing[result.position].first} on", result.error)
        progress.advance(result.value)


class _Worker:
    """What one worker process keeps between blocks."""

    ingredients: Ingredients
    arrangements: ArrangementSource | None
    """Holds the hulls of the assets met so far (a few kilobytes each), and no textures."""


_worker = _Worker()


def setup_worker(ingredients: Ingredients) -> None:
    """Remember what to draw from; runs once in each worker."""
    _worker.ingredients, _worker.arrangements = ingredients, None
    if any(part.arrangement is not None for part in recipe_parts(ingredients.recipe)):
        shapes = Shapes(PassingMeshes(ingredients.catalogue, ingredients.assets))
        _worker.arrangements = ArrangementSource(ingredients.recipe, ingredients.assets, ingredients.seed, shapes)


def sample_block(block: Block) -> int:
    """Draw and write one block; returns how many scenes it has."""
    given = _worker.ingredients
    indices = range(block.first, block.first + block.count)
    drawn = partial(sample_scene, given.recipe, given.assets, seed=given.seed, photos=given.photos, maps=given.maps)
    write_jsonl(Path(block.path), (drawn(index=i, arrangements=_worker.arrangements) for i in indices))
    return block.count
