"""The chain of stages: each is skipped if it is finished with the same settings and inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photosynth.core.artifact import Artifact
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError
from photosynth.core.progress import Progress, Silent
from photosynth.pipeline.folder import Claim, finished_stages
from photosynth.pipeline.report import write_report
from photosynth.pipeline.settings import (
    DETECTOR_STAGES,
    SECOND_LOOK,
    Inputs,
    RunConfig,
    classifier_config,
    dataset_config,
    detector_config,
    live_config,
    sample_config,
    stages_of,
)

SHARED = ".meshes"
"""Folder inside the run for what the detector's workers share while it learns."""


@dataclass(frozen=True)
class RunResult:
    """What the main job made."""

    folder: Path
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / "report.html"

    @property
    def evaluations(self) -> tuple[Path, ...]:
        """The folders of the evaluations: of each model, and of the detector with a second look."""
        return tuple(a.folder for a in self.artifacts.values() if a.manifest.stage == "evaluate")


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
    with Claim(out, config, inputs):
        chain = Chain(config, inputs, Path(out), {"executor": executor, "progress": progress, "overwrite": overwrite})
        artifacts: dict[str, Artifact] = {}
        for name in stages_of(config.models):
            if name == DETECTOR_STAGES[0]:
                progress.note("now the detector: first the pictures by which it is chosen and scored")
            artifacts[name] = chain.stage(name)()
        result = RunResult(Path(out), artifacts)
        write_report(result.evaluations, result.report)
        return result


@dataclass(frozen=True)
class Chain:
    """The stages of a run, each ready to be called.

    config, inputs: as in `run`. out: the run's folder. common: executor, progress and overwrite, for every stage.
    """

    config: RunConfig
    inputs: Inputs
    out: Path
    common: dict[str, Any]

    def stage(self, name: str) -> Callable[[], Artifact]:
        """The stage whose folder has that name."""
        if name == SECOND_LOOK:
            return lambda: self._evaluate(True, second_look=self.out / "train")
        kind, detector = name.removesuffix("_detector"), name.endswith("_detector")
        if kind == "catalogue":
            return self._catalogue
        if kind == "train":
            return self._train_detector if detector else self._train
        return lambda: getattr(self, f"_{kind}")(detector)

    def _folder(self, kind: str, detector: bool) -> Path:
        return self.out / (f"{kind}_detector" if detector else kind)

    def _catalogue(self) -> Artifact:
        from photosynth.catalogue.stage import CatalogueConfig, run
        from photosynth.objects import models_of

        config = self.config
        models = models_of(self.inputs.objects, self.out, config.size_m, **self.common)
        settings = CatalogueConfig(seed=config.seed, size_m=config.size_m, n_distractors=config.distractors)
        return run(settings, models, self.out / "catalogue", **self.common)

    def _sample(self, detector: bool) -> Artifact:
        from photosynth.sample.stage import run

        return run(
            sample_config(self.config, detector),
            self.out / "catalogue",
            self._folder("sample", detector),
            backgrounds=self.inputs.backgrounds,
            environments=self.inputs.environments,
            **self.common,
        )

    def _render(self, detector: bool) -> Artifact:
        from photosynth.render.stage import RenderConfig, run

        scenes, out = self._folder("sample", detector), self._folder("render", detector)
        return run(RenderConfig(engine=self.config.engine), scenes, self.out / "catalogue", out, **self.common)

    def _dataset(self, detector: bool) -> Artifact:
        from photosynth.dataset.stage import run

        frames, out = self._folder("render", detector), self._folder("dataset", detector)
        return run(dataset_config(detector), frames, out, **self.common)

    def _train(self) -> Artifact:
        from photosynth.train.stage import run

        return run(classifier_config(self.config), self.out / "dataset", self.out / "train", **self.common)

    def _train_detector(self) -> Artifact:
        from photosynth.live import LiveFrames
        from photosynth.train.detect_stage import run

        with LiveFrames(
            live_config(self.config),
            self.out / "catalogue",
            backgrounds=self.inputs.backgrounds,
            environments=self.inputs.environments,
            workers=self.common["executor"].workers,
            shared_folder=self.out / SHARED,
        ) as frames:
            return run(
                detector_config(self.config),
                frames,
                self.out / "train_detector",
                held=self.out / "dataset_detector",
                classifier=self._second_look(),
                **self.common,
            )

    def _second_look(self) -> Path | None:
        """The classifier that the detector begins with and that will look at its finds: the run's, if both models are
        asked for.

        A detector that is finished keeps what it was trained with: one from before there was a classifier is not
        trained again, unless --overwrite is given.
        """
        finished = finished_stages(self.out)
        detector = finished.get("train_detector")
        wanted = self.config.models == "both"
        if detector is not None and not self.common["overwrite"]:
            wanted = "classifier" in detector.manifest.inputs
        return self.out / "train" if wanted and "train" in finished else None

    def _evaluate(self, detector: bool, second_look: Path | None = None) -> Artifact:
        from photosynth.evaluate.stage import EvaluateConfig, run

        out = self._folder("evaluate", detector) if second_look is None else self.out / SECOND_LOOK
        return run(
            EvaluateConfig(),
            None if detector else self.out / "train",
            self._folder("dataset", detector),
            self.out / "catalogue",
            out,
            detector=self.out / "train_detector" if detector else None,
            second_look=second_look,
            photos=self.inputs.real,
            negatives=self.inputs.negatives,
            **{**self.common, "overwrite": True},  # cheap, and photos may be added to a finished run
        )
