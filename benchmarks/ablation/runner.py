"""Runner: one run through the project's stages, from the catalogue to the scores on real photos."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import photosynth
from ablation.study import Job, Result, Study, n_images, recipe_values, toml_text
from photosynth.core.artifact import Artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import read_jsonl
from photosynth.core.record import digest, from_plain

DIGITS = 4
"""Significant digits of the probabilities in the results."""


def job_digest(job: Job, study: Study) -> str:
    """Hash of what a run does: its settings, budget and whole recipe, not its name or words."""
    variant, budget = job.variant, study.budgets[job.variant.budget]
    settings = [variant.catalogue, variant.render, {**budget.train, **variant.train}, variant.background_photos]
    size = [budget.image_size_px, n_images(variant, study, job.set)]
    return digest([recipe_values(variant), *settings, *size])[:12]


def run_job(job: Job, study: Study, data: Path, work: Path, threads: int, note: Callable[[str], None]) -> Result:
    """Make the pictures, train, score, and delete the pictures again.

    Args:
        job: what to run.
        study: where its set and its budget are found.
        data: the folder of the photo sets.
        work: catalogues are kept here for later runs; everything else is deleted.
        threads: of torch; all else runs in one process on one thread.
        note: is told of each stage.

    Raises:
        PhotosynthError: whatever a stage raises.
    """
    folder = work / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wall_s: dict[str, float] = {}
    cpu = _cpu_s()
    try:
        artifacts = _stages(job, study, data, work, folder, threads, wall_s, note)
        return _result(job, study, artifacts, wall_s, _cpu_s() - cpu)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stages(
    job: Job,
    study: Study,
    data: Path,
    work: Path,
    folder: Path,
    threads: int,
    wall_s: dict[str, float],
    note: Callable[[str], None],
) -> dict[str, Artifact]:
    from photosynth.catalogue.stage import CatalogueConfig
    from photosynth.catalogue.stage import run as make_catalogue
    from photosynth.dataset.stage import DatasetConfig
    from photosynth.dataset.stage import run as make_dataset
    from photosynth.evaluate.stage import EvaluateConfig
    from photosynth.evaluate.stage import run as evaluate
    from photosynth.executors.local import LocalExecutor
    from photosynth.render.stage import RenderConfig
    from photosynth.render.stage import run as render
    from photosynth.sample.stage import SampleConfig
    from photosynth.sample.stage import run as sample
    from photosynth.train.stage import TrainConfig
    from photosynth.train.stage import run as train

    variant, budget, photo_set = job.variant, study.budgets[job.variant.budget], study.sets[job.set]
    executor = LocalExecutor(1)
    recipe = folder / "recipe.toml"
    recipe.write_text(toml_text(recipe_values(variant)), encoding="utf-8")

    def timed(name: str, stage: Callable[..., Artifact], config: Any, *inputs: Any, **named: Any) -> Artifact:
        begun = time.perf_counter()
        artifact = stage(config, *inputs, executor=executor, **named)
        wall_s[name] = round(time.perf_counter() - begun, 1)
        note(f"{name} {wall_s[name]:.0f} s")
        return artifact

    catalogue_config = from_plain({"preview_engine": "none", **variant.catalogue}, CatalogueConfig, variant.name)
    catalogue = work / "catalogues" / f"{job.set}-{digest(catalogue_config)[:8]}"
    timed("catalogue", make_catalogue, catalogue_config, data / photo_set.objects, catalogue)
    sample_config = SampleConfig(
        n_images=n_images(variant, study, job.set),
        seed=job.seed,
        recipe=str(recipe),
        image_size_px=budget.image_size_px,
    )
    backgrounds = data / photo_set.backgrounds if variant.background_photos else None
    timed("sample", sample, sample_config, catalogue, folder / "scenes", backgrounds=backgrounds)
    render_config = from_plain(variant.render, RenderConfig, variant.name)
    timed("render", render, render_config, folder / "scenes", catalogue, folder / "frames")
    dataset_config = DatasetConfig(formats=(), contact_sheet_pictures=0)
    timed("dataset", make_dataset, dataset_config, folder / "frames", folder / "dataset")
    settings = {"seed": job.seed, "threads": threads, **budget.train, **variant.train}
    trained = timed(
        "train", train, from_plain(settings, TrainConfig, variant.name), folder / "dataset", folder / "model"
    )
    scored = timed(
        "evaluate",
        evaluate,
        EvaluateConfig(gallery_photos=0, contact_pictures=0, bootstrap_resamples=100),
        folder / "model",
        folder / "dataset",
        catalogue,
        folder / "scores",
        photos=data / photo_set.photos,
        negatives=data / photo_set.negatives,
    )
    return {"train": trained, "evaluate": scored}


def _result(job: Job, study: Study, artifacts: dict[str, Artifact], wall_s: dict[str, float], cpu_s: float) -> Result:
    from photosynth.evaluate.predictions import Prediction

    answers = list(read_jsonl(artifacts["evaluate"].path("predictions_real.jsonl"), Prediction))
    photos = [a for a in answers if a.truth != NONE_CLASS]
    negatives = [a for a in answers if a.truth == NONE_CLASS]
    summary = artifacts["train"].manifest.summary
    return Result(
        variant=job.variant.name,
        set=job.set,
        seed=job.seed,
        digest=job_digest(job, study),
        commit=source_commit(),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        machine=machine(),
        n_images=n_images(job.variant, study, job.set),
        wall_s=wall_s,
        cpu_s=round(cpu_s, 1),
        threshold=summary["answer_threshold"],
        temperature=summary["temperature"],
        synthetic_top1=artifacts["evaluate"].manifest.summary["top1_synthetic"],
        photo_p=tuple(_short(a.truth_probability) for a in photos),
        photo_right=tuple(int(a.right) for a in photos),
        negative_none_p=tuple(_short(a.truth_probability) for a in negatives),
        negative_object_p=tuple(
            _short(next(g.probability for g in a.top if g.class_name != NONE_CLASS)) for a in negatives
        ),
    )


def source_commit() -> str:
    """The commit of the sources that are imported, with a + if they were changed since; "unknown" outside Git."""
    folder = Path(photosynth.__file__).parent
    try:
        head = subprocess.run(["git", "-C", folder, "rev-parse", "--short=9", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run(["git", "-C", folder, "status", "--porcelain", "-uno", "."], capture_output=True)
    except OSError:
        return "unknown"
    return (head.stdout.strip() + ("+" if changed.stdout.strip() else "")) or "unknown"


def machine() -> str:
    """Cores, processor and Python version in one line."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}"


def _short(probability: float) -> float:
    return float(f"{probability:.{DIGITS}g}")


def _cpu_s() -> float:
    return sum(os.times()[:4])
