"""The plan: the stages to come with their sizes and expected times. Refuses what a later stage would refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photosynth.core.errors import ConfigError
from photosynth.core.manifest import MANIFEST_FILE
from photosynth.pipeline.settings import (
    CAPTURES,
    HELD_TEST,
    HELD_VAL,
    SECOND_LOOK,
    Inputs,
    RunConfig,
    classifier_config,
    detector_config,
    sample_config,
)

if TYPE_CHECKING:
    from photosynth.sample.arrange.recipe import ArrangementRecipe
    from photosynth.sample.recipe import Recipe
    from photosynth.sample.stage import SampleConfig

SCENE_CORE_S = {"none": 0.004, "float": 0.01, "table": 0.015, "shelf": 0.022, "bin": 0.03, "pile": 0.03}
"""One core's seconds to draw a scene, by what puts its things to rest: without an arrangement it shows one. Measured on
one virtual core of an Intel Xeon at 2.6 GHz."""
PICTURE_CORE_S = {"none": 0.016, "float": 0.018, "table": 0.024, "shelf": 0.034, "bin": 0.038, "pile": 0.038}
"""One core's seconds to render it with PLAN_PX to a side and to write the JPEG, on the same."""
PLAN_PX = 320
START_S = 10.0
"""Until every worker has an engine ready."""
FIXED_SHARE = 0.4
"""Of a picture's time, what does not grow with its area."""


@dataclass(frozen=True)
class PlannedStage:
    """One line of the plan."""

    name: str
    folder: Path
    what: str
    expected_s: float
    finished: bool


def plan(config: RunConfig, inputs: Inputs, out: Path, workers: int) -> tuple[PlannedStage, ...]:
    """The stages to come, with sizes and expected seconds on this many cores.

    Raises:
        ConfigError: if the objects folder does not exist or holds too few classes, or for settings that some later
            stage would refuse.
    """
    from photosynth.objects import expected_seconds, model_classes, photo_classes

    _check(config, out)
    photographed = photo_classes(inputs.objects)
    classes = sorted({*model_classes(inputs.objects), *(one.name for one in photographed)})
    if len(classes) < 2 and config.models != "detector":
        raise ConfigError(
            f"{inputs.objects} holds one class only ({', '.join(classes)}); a classifier needs at least two. "
            "Add a model file or a sub-folder for another object, or train a detector: --models detector."
        )
    n_photos, photos = _photos(inputs)
    rows: list[tuple[str, str, float]] = []
    if photographed:
        names = ", ".join(f"{one.name} ({one.n_photos or 'video'})" for one in photographed)
        rows.append((CAPTURES, f"photos to models: {names}", expected_seconds(photographed, workers)))
    made = 6 + 2.0 * len(classes) + config.distractors * 0.15 / workers
    rows.append(("catalogue", f"{len(classes)} classes, {config.distractors} distractors", made))
    if config.models != "detector":
        rows += _classifier_rows(config, workers, n_photos, photos)
    if config.models != "classifier":
        rows += _detector_rows(config, workers, n_photos, photos)
    if config.models == "both":
        rows.append(_second_look_row(config, n_photos))
    captured = [one.name for one in photographed]
    return tuple(PlannedStage(n, out / n, what, seconds, _finished(out / n, captured)) for n, what, seconds in rows)


def _check(config: RunConfig, out: Path) -> None:
    from photosynth.core.registry import check_render_engine
    from photosynth.core.room import check_room
    from photosynth.render.config import picture_bytes
    from photosynth.sample.recipe import load_recipe, recipe_parts
    from photosynth.sample.scene import require_physics
    from photosynth.sample.stage import SCENE_BYTES, check_config
    from photosynth.train import config as classifier
    from photosynth.train import detect_config as detector

    drawn = []
    if config.models != "detector":
        classifier.check(classifier_config(config))
        drawn.append(sample_config(config))
    if config.models != "classifier":
        detector.check(detector_config(config))
        drawn.append(sample_config(config, detector=True))
    for sampled in drawn:
        check_config(sampled)
        each = SCENE_BYTES + picture_bytes((sampled.image_size_px, sampled.image_size_px))
        check_room(out, sampled.n_images * each, f"{sampled.n_images} pictures and their scenes")
        for part in recipe_parts(load_recipe(sampled.recipe)):
            if part.arrangement is not None:
                require_physics(part.arrangement)
    check_render_engine(config.engine)
    if config.engine == "cycles":
        from photosynth.render.cycles.options import CyclesOptions
        from photosynth.render.cycles.process import check_cycles

        check_cycles(CyclesOptions())


def _classifier_rows(config: RunConfig, workers: int, n_photos: int, photos: str) -> list[tuple[str, str, float]]:
    from photosynth.train.stage import estimate_seconds

    training = classifier_config(config)
    seconds = estimate_seconds(training, int(config.images * 0.85), config.images // 16)
    return [
        *_picture_rows(sample_config(config), workers, ""),
        ("train", f"{training.backbone}, {training.epochs} epochs at {training.input_px} px", seconds),
        ("evaluate", photos, 10 + n_photos * 0.1 + config.images * 0.0005),
    ]


def _detector_rows(config: RunConfig, workers: int, n_photos: int, photos: str) -> list[tuple[str, str, float]]:
    from photosynth.train.detect_plan import estimate_seconds, planned_epochs

    training, sampled = detector_config(config), sample_config(config, detector=True)
    sizes = (training.epoch_pictures, int(sampled.n_images * HELD_VAL), True)
    epochs = planned_epochs(training, *sizes)
    what = f"{epochs} epochs at {training.input_px} px, {epochs * training.epoch_pictures} pictures rendered meanwhile"
    return [
        *_picture_rows(sampled, workers, "_detector"),
        ("train_detector", what, START_S + estimate_seconds(training, *sizes)),
        ("evaluate_detector", photos, 10 + n_photos * 0.1 + sampled.n_images * HELD_TEST * 0.05),
    ]


def _second_look_row(config: RunConfig, n_photos: int) -> tuple[str, str, float]:
    n_test = sample_config(config, detector=True).n_images * HELD_TEST
    what = "the same, the classifier looks at what the detector found"
    return SECOND_LOOK, what, 10 + n_photos * 0.2 + n_test * 0.1


def _picture_rows(sampled: SampleConfig, workers: int, suffix: str) -> Sequence[tuple[str, str, float]]:
    """The lines of sample, render and dataset."""
    from photosynth.sample.recipe import load_recipe

    n, side_px = sampled.n_images, sampled.image_size_px
    drawn_s, rendered_s = picture_seconds(load_recipe(sampled.recipe), side_px)
    return (
        (f"sample{suffix}", f"{n} scenes, recipe {sampled.recipe}", 3 + n * drawn_s / workers),
        (f"render{suffix}", f"{n} images of {side_px} px", START_S + n * rendered_s / workers),
        (f"dataset{suffix}", "labels, splits, audit", 2 + n * 0.0008),
    )


def picture_seconds(recipe: Recipe, side_px: int) -> tuple[float, float]:
    """One core's expected seconds to draw a scene of a recipe, and to render it to a square picture."""
    parts = [(part.recipe, part.weight) for part in recipe.blend] or [(recipe, 1.0)]
    kinds: Counter[str] = Counter()
    for part, weight in parts:
        for kind, share in _arrangements(part.arrangement).items():
            kinds[kind] += weight * share / sum(w for _, w in parts)
    drawn, rendered = (sum(share * each[k] for k, share in kinds.items()) for each in (SCENE_CORE_S, PICTURE_CORE_S))
    return drawn, rendered * (FIXED_SHARE + (1 - FIXED_SHARE) * (side_px / PLAN_PX) ** 2)


def _arrangements(recipe: ArrangementRecipe | None) -> dict[str, float]:
    """The kinds of arrangement that a recipe draws, with their shares."""
    from photosynth.sample.arrange.recipe import MixRecipe

    if recipe is None:
        return {"none": 1.0}
    if not isinstance(recipe, MixRecipe):
        return {recipe.__struct_config__.tag: 1.0}
    weights = recipe.weights or (1.0,) * len(recipe.options)
    kinds: Counter[str] = Counter()
    for option, weight in zip(recipe.options, weights, strict=True):
        for kind, share in _arrangements(option).items():
            kinds[kind] += weight / sum(weights) * share
    return kinds


def _finished(folder: Path, photographed: list[str]) -> bool:
    if folder.name == CAPTURES:
        return all((folder / name / "model" / MANIFEST_FILE).is_file() for name in photographed)
    return (folder / MANIFEST_FILE).is_file()


def _photos(inputs: Inputs) -> tuple[int, str]:
    """How many photos the models are scored on, and words for them."""
    n_real, n_negative = (_count_photos(folder) if folder else 0 for folder in (inputs.real, inputs.negatives))
    words = f"{n_real} real photos" if inputs.real else "synthetic images only: no real photos were given"
    if inputs.negatives:
        words = f"{n_real} real photos, {n_negative} without the objects"
    return n_real + n_negative, words


def _count_photos(folder: Path) -> int:
    from photosynth.core.photo import PHOTO_SUFFIXES

    return sum(1 for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
