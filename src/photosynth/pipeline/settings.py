"""Settings of the main job, and what each stage's own settings are made of them. Free of heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from photosynth.core.record import Record, from_plain

if TYPE_CHECKING:
    from photosynth.dataset.config import DatasetConfig
    from photosynth.live import LiveConfig
    from photosynth.sample.stage import SampleConfig
    from photosynth.train.config import TrainConfig
    from photosynth.train.detect_config import DetectConfig

Models = Literal["classifier", "detector", "both"]
CAPTURES = "captures"
CLASSIFIER_STAGES = ("sample", "render", "dataset", "train", "evaluate")
DETECTOR_STAGES = ("sample_detector", "render_detector", "dataset_detector", "train_detector", "evaluate_detector")
SECOND_LOOK = "evaluate_second_look"
"""Of a run that trains both: the detector is scored alone, and then with the classifier's second look at its finds."""
STAGES = ("catalogue", *CLASSIFIER_STAGES)
"""Of a run that trains a classifier, in order; each has a folder of this name in the run's folder."""
EPOCH_PICTURES, HELD_PICTURES = 4000, 800
"""A detector learns from so many new pictures in an epoch, and is chosen and scored on so many that it never learns
from; neither more than `RunConfig.images`."""
HELD_VAL, HELD_TEST = 0.3, 0.5
"""Of HELD_PICTURES, those that choose the epoch and those that are scored; the rest are for the report."""


class RunConfig(Record, frozen=True, kw_only=True):
    """Settings of the main job. Each stage's own settings can be had by running the stages one by one."""

    models: Models = "classifier"
    """What to train: ``"classifier"`` (which object?), ``"detector"`` (which objects, and where?) or ``"both"``."""
    images: int = 10000
    """Training images to render (validation and test images included). A detector learns from new ones in each epoch:
    as many as this, 4000 at most."""
    image_size: int = 256
    """Side of the classifier's rendered images in pixels."""
    recipe: str = "single"
    """How the classifier's scenes are drawn: the name of a shipped recipe or the path of a TOML file."""
    distractors: int = 200
    """Made-up packages and heaps of produce that teach the model what is none of the objects."""
    seed: int = 0
    """Everything random follows from it; 0 is a seed like any other."""
    engine: str = "raster"
    """The render engine."""
    backbone: str = "efficientnet_lite0"
    """The classifier's backbone: efficientnet_lite0, or any torchvision classification model by name."""
    epochs: int | None = None
    """The classifier's training epochs; the default is chosen by the trainer."""
    input_px: int | None = None
    """Side of the classifier's input in pixels; the default is chosen by the trainer."""
    detector_recipe: str = "anywhere"
    """How the detector's scenes are drawn."""
    detector_epochs: int | None = None
    """The detector's training epochs; the default is what two cores do in 40 minutes, 12 at most."""
    detector_px: int = 320
    """Side of the detector's input and of its rendered images in pixels, a multiple of 32."""
    size_m: dict[str, float] = msgspec.field(default_factory=dict)
    """Longest side in metres of classes whose model file has no unit, such as `--size-m cereal 0.3`."""


@dataclass(frozen=True)
class Inputs:
    """What the user brings."""

    objects: Path
    real: Path | None = None
    negatives: Path | None = None
    backgrounds: Path | None = None
    environments: Path | None = None


def stages_of(models: Models) -> tuple[str, ...]:
    """The stages of a run that trains these models, in order."""
    named = CLASSIFIER_STAGES if models != "detector" else ()
    boxed = DETECTOR_STAGES if models != "classifier" else ()
    return ("catalogue", *named, *boxed, *((SECOND_LOOK,) if models == "both" else ()))


def classifier_config(config: RunConfig) -> TrainConfig:
    """Of the classifier's training."""
    from photosynth.train.config import TrainConfig

    given: dict[str, Any] = {"seed": config.seed, "backbone": config.backbone}
    given |= {"epochs": config.epochs, "input_px": config.input_px}
    start_px = TrainConfig().start_px
    if config.input_px is not None and start_px is not None and config.input_px < start_px:
        given["start_px"] = config.input_px  # inputs smaller than the first epoch's do not grow
    return from_plain({k: v for k, v in given.items() if v is not None}, TrainConfig, "training settings")


def detector_config(config: RunConfig) -> DetectConfig:
    """Of the detector's training."""
    from photosynth.train.detect_config import DetectConfig

    start_px = DetectConfig().start_px
    return DetectConfig(
        seed=config.seed,
        epochs=config.detector_epochs,
        epoch_pictures=min(EPOCH_PICTURES, config.images),
        input_px=config.detector_px,
        start_px=start_px if start_px is None else min(start_px, config.detector_px),
    )


def live_config(config: RunConfig) -> LiveConfig:
    """Of the pictures that are rendered while the detector learns from them."""
    from photosynth.live import LiveConfig

    return LiveConfig(
        recipe=config.detector_recipe,
        scene_seed=config.seed,
        image_size_px=config.detector_px,
        engine=config.engine,
    )


def sample_config(config: RunConfig, detector: bool = False) -> SampleConfig:
    """Of the scenes that the classifier learns from and is scored on, or of those that the detector is scored on.

    The latter are drawn with the next seed: none of them is one that the detector learns from.
    """
    from photosynth.sample.stage import SampleConfig

    if not detector:
        return SampleConfig(
            n_images=config.images, seed=config.seed, recipe=config.recipe, image_size_px=config.image_size
        )
    return SampleConfig(
        n_images=min(HELD_PICTURES, config.images),
        seed=config.seed + 1,
        recipe=config.detector_recipe,
        image_size_px=config.detector_px,
    )


def dataset_config(detector: bool = False) -> DatasetConfig:
    """Of the labels and splits."""
    from photosynth.dataset.config import DatasetConfig

    return DatasetConfig(val_fraction=HELD_VAL, test_fraction=HELD_TEST) if detector else DatasetConfig()
