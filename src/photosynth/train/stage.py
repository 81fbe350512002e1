"""The train stage: a dataset in, a classifier out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError
from photosynth.core.items import read_dataset_info
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import to_pretty_json
from photosynth.train.config import AugmentConfig, TrainConfig, check
from photosynth.train.plan import estimate_seconds, time_note
from photosynth.train.setup import free_if_refused, note_pictures, thread_count, torch_set

if TYPE_CHECKING:
    from photosynth.train.classify_task import ClassifierTask
    from photosynth.train.loop import Training
    from photosynth.train.pictures import Pictures

__all__ = ["SCHEMA", "STAGE", "AugmentConfig", "TrainConfig", "estimate_seconds", "run", "time_note"]

STAGE = "train"
SCHEMA = 1
CACHE_SHARE = 1.15
"""Training pictures are kept this much larger than the input, so that crops need little enlarging."""


def run(
    config: TrainConfig,
    dataset: Path,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Train a classifier on a dataset's train split; its val split chooses the epoch and the temperature.

    Args:
        config: the settings.
        dataset: a finished dataset artifact.
        out: gets classifier.json, weights.pt, history.json, checkpoints/ and tensorboard/; failures.jsonl too if
            pictures could not be read.
        executor: not used: one process trains.
        progress: hears of each batch and each epoch.
        overwrite: replace another artifact of ours in `out`.

    Raises:
        ConfigError: if a setting is wrong, the dataset has fewer than two classes or an empty split, or the
            weights file does not fit.
        QualityError: if too many pictures cannot be read, or the loss is no longer a number.
        ArtifactError: if `dataset` is not finished or `out` is not usable.
    """
    progress = progress or Silent()
    check(config)
    source = open_artifact(dataset)
    names = read_dataset_info(dataset).class_names
    if len(names) < 2:
        raise ConfigError(
            f"{dataset} has {len(names)} class ({', '.join(names) or 'none'}); a classifier needs two or more: "
            "add a model of a second class to the catalogue"
        )
    inputs = {"dataset": source.key}
    if config.weights not in ("imagenet", "none"):
        inputs["weights"] = folder_key(Path(config.weights))
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, inputs, overwrite) as writer:
        if writer.finished is not None:
            return writer.finished
        with free_if_refused(writer), torch_set(config.threads, config.seed):
            return _train(config, dataset, (*names, NONE_CLASS), writer, progress)


def _train(
    config: TrainConfig, dataset: Path, class_names: tuple[str, ...], writer: ArtifactWriter, progress: Progress
) -> Artifact:
    from photosynth.models.backbones import normalisation
    from photosynth.models.info import NetworkSpec
    from photosynth.models.network import freeze, make_network
    from photosynth.train.classify_task import ClassifierTask
    from photosynth.train.loop import Training

    spec = NetworkSpec(backbone=config.backbone, hidden=config.hidden, dropout=config.dropout)
    network, notes = make_network(spec, len(class_names), config.input_px, config.weights)
    learning = freeze(network, config.unfrozen_blocks)
    train, val = _read_pictures(config, dataset, len(class_names))
    splits = {"training": (train, set(train.labels.tolist())), "validation": (val, set(val.labels.tolist()))}
    notes += note_pictures(splits, class_names, writer)
    task = ClassifierTask(network, train, val, len(class_names), config, *normalisation(config.backbone))
    training = Training(task)
    progress.start(STAGE, training.steps * config.epochs * min(config.batch_size, len(train)), "images")
    for note in (time_note(config, len(train), len(val)), *notes):
        progress.note(note)
    training.run(writer.folder, progress)
    summary = _write_classifier(training, task, spec, class_names, writer)
    progress.finish()
    return writer.finish({**summary, "n_train": len(train), "n_val": len(val), "learning": learning}, notes)


def _read_pictures(config: TrainConfig, dataset: Path, n_outputs: int) -> tuple[Pictures, Pictures]:
    from photosynth.train.pictures import Pictures

    common = (config.max_failed_fraction, thread_count(config.threads))
    cache_bytes = config.cache_gb * 1e9
    val = Pictures(dataset, "val", config.input_px, n_outputs, cache_bytes, *common)
    cache_bytes = max(0.0, cache_bytes - len(val) * config.input_px**2 * 3)
    train = Pictures(dataset, "train", round(config.input_px * CACHE_SHARE), n_outputs, cache_bytes, *common)
    return train, val


def _write_classifier(
    training: Training, task: ClassifierTask, spec: object, class_names: tuple[str, ...], writer: ArtifactWriter
) -> dict[str, object]:
    from photosynth.models.info import INFO_FILE, WEIGHTS_FILE, ClassifierInfo, ValidationScores
    from photosynth.train.calibrate import fit_temperature, fit_threshold, nll
    from photosynth.train.checkpoint import prune, save_state
    from photosynth.train.classify_task import val_logits

    config, labels = task.config, task.val.labels
    task.network.load_state_dict(training.best)
    logits = val_logits(task.network, task.val, task.mean, task.std)
    temperature = fit_temperature(logits, labels)
    threshold = config.answer_threshold
    if threshold is None:
        threshold = fit_threshold(logits, labels, temperature, config.false_answer_share)
    scores = ValidationScores(
        accuracy=float((logits.argmax(1) == labels).mean()),
        nll=nll(logits, labels, temperature),
        nll_uncalibrated=nll(logits, labels),
        n=len(labels),
    )
    info = ClassifierInfo(
        class_names=class_names,
        network=spec,
        input_px=config.input_px,
        mean=task.mean,
        std=task.std,
        temperature=temperature,
        answer_threshold=threshold,
        views=config.views,
        epoch=training.best_epoch,
        validation=scores,
    )
    save_state(writer.path(WEIGHTS_FILE), training.best)
    writer.write(INFO_FILE, to_pretty_json(info))
    writer.write("history.json", to_pretty_json(training.history))
    prune(writer.folder, config.keep_checkpoints)
    return {
        "val_accuracy": scores.accuracy,
        "epoch": training.best_epoch,
        "temperature": temperature,
        "answer_threshold": threshold,
    }
