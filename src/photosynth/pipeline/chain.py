"""The main job: objects in, a classifier scored on real photos out. A chain of stages that skips what is finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import msgspec

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.engine import Executor
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.manifest import LOCK_FILE, MANIFEST_FILE
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, from_plain, to_plain, to_pretty_json

RUN_FILE = "run.json"
CAPTURES = "captures"
STAGES = ("catalogue", "sample", "render", "dataset", "train", "evaluate")
"""In order; each has a folder of this name in the run's folder."""
GROWING_FROM_PX = 128
"""The trainer begins with inputs of this size and grows them; smaller inputs do not grow."""


class RunConfig(Record, frozen=True, kw_only=True):
    """Settings of the main job. Each stage's own settings can be had by running the stages one by one."""

    images: int = 10000
    """Training images to render (validation and test images included)."""
    image_size: int = 256
    """Side of the rendered images in pixels."""
    recipe: str = "single"
    """How scenes are drawn: the name of a shipped recipe or the path of a TOML file."""
    distractors: int = 200
    """Made-up packages and heaps of produce that teach the model what is none of the objects."""
    seed: int = 0
    """Everything random follows from it; 0 is a seed like any other."""
    engine: str = "raster"
    """The render engine."""
    backbone: str = "efficientnet_lite0"
    """The classifier's backbone: efficientnet_lite0, or any torchvision classification model by name."""
    epochs: int | None = None
    """Training epochs; the default is chosen by the trainer."""
    input_px: int | None = None
    """Side of the classifier's input in pixels; the default is chosen by the trainer."""
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


@dataclass(frozen=True)
class PlannedStage:
    """One line of the plan."""

    name: str
    folder: Path
    what: str
    expected_s: float
    finished: bool


@dataclass(frozen=True)
class RunResult:
    """What the main job made."""

    folder: Path
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / "report.html"


def plan(config: RunConfig, inputs: Inputs, out: Path, workers: int) -> tuple[PlannedStage, ...]:
    """The stages to come, with sizes and expected seconds on this many cores.

    Raises:
        ConfigError: if the objects folder does not exist or holds fewer than two classes, or for settings that
            some later stage would refuse.
    """
    from photosynth.core.registry import check_render_engine
    from photosynth.objects import expected_seconds, model_classes, photo_classes
    from photosynth.sample.recipe import load_recipe, recipe_parts
    from photosynth.sample.scene import require_physics
    from photosynth.train.config import check
    from photosynth.train.stage import estimate_seconds

    train_config = _train_config(config)
    check(train_config)
    for part in recipe_parts(load_recipe(config.recipe)):
        if part.arrangement is not None:
            require_physics(part.arrangement)
    check_render_engine(config.engine)
    if config.engine == "cycles":
        from photosynth.render.cycles.options import CyclesOptions
        from photosynth.render.cycles.process import check_cycles

        check_cycles(CyclesOptions())
    photographed = photo_classes(inputs.objects)
    classes = sorted({*model_classes(inputs.objects), *(one.name for one in photographed)})
    if len(classes) < 2:
        raise ConfigError(
            f"{inputs.objects} holds one class only ({', '.join(classes)}); a classifier needs at least two. "
            "Add a model file or a sub-folder for another object."
        )
    n_photos = _count_photos(inputs.real) if inputs.real else 0
    n_train = int(config.images * 0.85)
    photos = f"{n_photos} real photos" if inputs.real else "synthetic images only: no real photos were given"
    rows: list[tuple[str, str, float]] = []
    if photographed:
        names = ", ".join(f"{one.name} ({one.n_photos or 'video'})" for one in photographed)
        rows.append((CAPTURES, f"photos to models: {names}", expected_seconds(photographed, workers)))
    rows += [
        (
            "catalogue",
            f"{len(classes)} classes, {config.distractors} distractors",
            6 + 2.0 * len(classes) + config.distractors * 0.15 / workers,
        ),
        ("sample", f"{config.images} scenes, recipe {config.recipe}", 2 + config.images * 0.0015),
        ("render", f"{config.images} images of {config.image_size} px", 10 + config.images * 0.026 / workers),
        ("dataset", "labels, splits, audit", 2 + config.images * 0.0008),
        (
            "train",
            f"{train_config.backbone}, {train_config.epochs} epochs at {train_config.input_px} px",
            estimate_seconds(train_config, n_train, config.images // 16),
        ),
        ("evaluate", photos, 10 + n_photos * 0.1 + config.images * 0.002),
    ]
    return tuple(
        PlannedStage(name, out / name, what, seconds, _finished(out / name, [one.name for one in photographed]))
        for name, what, seconds in rows
    )


def run(
    config: RunConfig,
    inputs: Inputs,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> RunResult:
    """Run the chain in `out`; what is finished with the same settings and inputs is skipped.

    Raises:
        ConfigError: for unusable inputs or settings, before anything is begun.
        ArtifactError: if `out` is not ours, is in use, or holds stages made with other settings.
    """
    if executor is None:
        from photosynth.executors.local import LocalExecutor

        executor = LocalExecutor()
    progress = progress or Silent()
    for name, folder in (("--real", inputs.real), ("--negatives", inputs.negatives)):
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"{name} {folder} is not a folder")
    with _claim(out, config, inputs):
        artifacts: dict[str, Artifact] = {}
        common: dict[str, Any] = {"executor": executor, "progress": progress, "overwrite": overwrite}
        for name, stage in _chain(config, inputs, out, common):
            artifacts[name] = stage()
        result = RunResult(out, artifacts)
        shutil.copyfile(artifacts["evaluate"].path("report.html"), result.report)
        return result


def _chain(
    config: RunConfig, inputs: Inputs, out: Path, common: dict[str, Any]
) -> list[tuple[str, Callable[[], Artifact]]]:
    from photosynth.catalogue import stage as catalogue
    from photosynth.dataset import stage as dataset
    from photosynth.evaluate import stage as evaluate
    from photosynth.objects import models_of
    from photosynth.render import stage as render
    from photosynth.sample import stage as sample
    from photosynth.train import stage as train

    folders = {name: out / name for name in STAGES}

    def models() -> Path:
        return models_of(inputs.objects, out, config.size_m, **common)

    catalogue_config = catalogue.CatalogueConfig(
        seed=config.seed, size_m=config.size_m, n_distractors=config.distractors
    )
    sample_config = sample.SampleConfig(
        n_images=config.images, seed=config.seed, recipe=config.recipe, image_size_px=config.image_size
    )
    return [
        ("catalogue", lambda: catalogue.run(catalogue_config, models(), folders["catalogue"], **common)),
        (
            "sample",
            lambda: sample.run(
                sample_config,
                folders["catalogue"],
                folders["sample"],
                backgrounds=inputs.backgrounds,
                environments=inputs.environments,
                **common,
            ),
        ),
        (
            "render",
            lambda: render.run(
                render.RenderConfig(engine=config.engine),
                folders["sample"],
                folders["catalogue"],
                folders["render"],
                **common,
            ),
        ),
        ("dataset", lambda: dataset.run(dataset.DatasetConfig(), folders["render"], folders["dataset"], **common)),
        ("train", lambda: train.run(_train_config(config), folders["dataset"], folders["train"], **common)),
        (
            "evaluate",
            lambda: evaluate.run(
                evaluate.EvaluateConfig(),
                folders["train"],
                folders["dataset"],
                folders["catalogue"],
                folders["evaluate"],
                photos=inputs.real,
                negatives=inputs.negatives,
                **{**common, "overwrite": True},  # cheap, and photos may be added to a finished run
            ),
        ),
    ]


def _train_config(config: RunConfig) -> Any:
    from photosynth.train.stage import TrainConfig

    given = {"seed": config.seed, "backbone": config.backbone, "epochs": config.epochs, "input_px": config.input_px}
    if config.input_px is not None and config.input_px < GROWING_FROM_PX:
        given["start_px"] = config.input_px
    return from_plain({k: v for k, v in given.items() if v is not None}, TrainConfig, "training settings")


class _claim:
    """Holds the run folder: refuses other people's folders and other processes, and notes the settings."""

    def __init__(self, out: Path, config: RunConfig, inputs: Inputs) -> None:
        self.out, self.config, self.inputs = Path(out), config, inputs
        self._lock = filelock.FileLock(self.out / LOCK_FILE)

    def __enter__(self) -> _claim:
        if self.out.exists() and not self.out.is_dir():
            raise ArtifactError(f"{self.out} is a file; choose a folder for --out")
        if self.out.is_dir():
            names = {p.name for p in self.out.iterdir()} - {LOCK_FILE}
            if names and RUN_FILE not in names:
                raise ArtifactError(
                    f"{self.out} already holds files that photosynth did not make (such as {sorted(names)[0]}); "
                    "choose an empty or new folder for --out"
                )
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            settings = {"config": to_plain(self.config), "inputs": {k: str(v) for k, v in vars(self.inputs).items()}}
            (self.out / RUN_FILE).write_bytes(to_pretty_json(settings))
        except filelock.Timeout as error:
            raise ArtifactError(
                f"{self.out} is in use by another photosynth process; wait for it or choose another --out"
            ) from error
        except OSError as error:
            self._lock.release()
            raise ArtifactError(f"{self.out} cannot be written: {error.strerror or error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _finished(folder: Path, photographed: list[str]) -> bool:
    if folder.name == CAPTURES:
        return all((folder / name / "model" / MANIFEST_FILE).is_file() for name in photographed)
    return (folder / MANIFEST_FILE).is_file()


def _count_photos(folder: Path) -> int:
    from photosynth.core.photo import PHOTO_SUFFIXES

    return sum(1 for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)


def finished_stages(run_folder: Path) -> dict[str, Artifact]:
    """The finished stages of a run's folder, by name, in order."""
    return {name: open_artifact(run_folder / name) for name in STAGES if (run_folder / name / MANIFEST_FILE).is_file()}


def write_demo(out: Path) -> Path:
    """Write the built-in demo objects beside a demo run; returns their folder.

    Raises:
        ArtifactError: if `out` belongs to something else.
    """
    from photosynth.catalogue.demo.packages import write_demo_objects

    objects = Path(out).with_name(Path(out).name + "-objects")
    if objects.exists() and not (objects / ".photosynth-demo").is_file():
        raise ArtifactError(f"{objects} already exists and is not ours; choose another --out")
    objects.mkdir(parents=True, exist_ok=True)
    (objects / ".photosynth-demo").touch()
    write_demo_objects(objects)
    return objects
