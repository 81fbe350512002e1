"""The train-detector stage: a dataset in, or pictures as they are rendered; a detector out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.engine import Executor, FrameSource
from photosynth.core.errors import ConfigError
from photosynth.core.items import Split, read_dataset_info
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import to_pretty_json
from photosynth.models.detect_info import DETECTOR_FILE, DETECTOR_WEIGHTS_FILE, DetectionScores, DetectorInfo
from photosynth.models.info import LITE0, WEIGHTS_FILE, read_classifier_info
from photosynth.train.detect_config import DetectAugmentConfig, DetectConfig, check
from photosynth.train.detect_plan import estimate_seconds, planned_epochs, time_note
from photosynth.train.detect_second_look import (
    open_classifier,
    score_second_look,
    second_look_note,
    second_look_summary,
)
from photosynth.train.setup import free_if_refused, note_pictures, thread_count, torch_set

if TYPE_CHECKING:
    from photosynth.models.detector import NetworkDetector
    from photosynth.train.detect_pictures import Labelled
    from photosynth.train.detect_stream import Stream
    from photosynth.train.detect_task import DetectorTask
    from photosynth.train.loop import Training

__all__ = ["SCHEMA", "STAGE", "DetectAugmentConfig", "DetectConfig", "estimate_seconds", "run", "time_note"]

STAGE = "train_detector"
SCHEMA = 1
LIVE_EPOCH_PICTURES, LIVE_VAL_PICTURES = 4000, 300
"""Pictures of an epoch and of validation when they are rendered while it trains."""


def run(
    config: DetectConfig,
    dataset: Path | FrameSource,
    out: Path,
    *,
    held: Path | None = None,
    classifier: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Train a detector on a dataset's train split; its val split chooses the epoch and the score threshold.

    Args:
        config: the settings.
        dataset: a finished dataset artifact; or a source that renders pictures while they are learnt: its first
            LIVE_VAL_PICTURES scenes are for validation, those after them are learnt once each.
        held: with such a source, a finished dataset artifact whose val split validates in place of those scenes.
        classifier: a finished train stage's folder: then the backbone begins with this classifier's weights instead
            of ImageNet's, if it is the same backbone, since it knows the objects already; and the threshold of a
            second look by this classifier (see `photosynth.models.second_look`) is fitted on the same pictures as
            the detector's own.
        out: gets detector.json, detector.pt, history.json, checkpoints/ and tensorboard/; failures.jsonl too if
            pictures could not be read.
        executor: not used: one process trains.
        progress: hears of each batch and each epoch.
        overwrite: replace another artifact of ours in `out`.

    Raises:
        ConfigError: if a setting is wrong, the dataset has no class or an empty split, the weights file does not
            fit, or the classifier does not know the dataset's classes.
        QualityError: if too many pictures cannot be read, or the loss is no longer a number.
        ArtifactError: if `dataset` or `classifier` is not finished or `out` is not usable.
    """
    progress = progress or Silent()
    check(config)
    names, inputs = _sources(dataset, held)
    if config.weights not in ("pretrained", "none"):
        inputs["weights"] = folder_key(Path(config.weights))
    if classifier is not None:
        inputs["classifier"] = open_classifier(classifier, names).key
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, inputs, overwrite) as writer:
        if writer.finished is not None:
            return writer.finished
        with free_if_refused(writer), torch_set(config.threads, config.seed):
            return _train(config, dataset, held, classifier, names, writer, progress)


def _sources(dataset: Path | FrameSource, held: Path | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """The classes, and the keys of what is learnt from. Raises ConfigError if they do not fit."""
    if isinstance(dataset, (str, Path)):
        if held is not None:
            raise ConfigError(f"train-detector: {dataset} validates on its own val split; give no held dataset with it")
        source = open_artifact(Path(dataset))
        names, inputs = read_dataset_info(Path(dataset)).class_names, {"dataset": source.key}
    else:
        names, inputs = dataset.class_names, {"frames": dataset.key}
        if held is not None:
            inputs["dataset"] = open_artifact(held).key
            theirs = read_dataset_info(held).class_names
            if theirs != names:
                raise ConfigError(
                    f"train-detector: {held} has the classes {', '.join(theirs)}, but the pictures to learn from show "
                    f"{', '.join(names)}; give a dataset of the same catalogue"
                )
    if not names:
        raise ConfigError(f"{dataset} has no class; a detector needs one object to find")
    return names, inputs


def _train(
    config: DetectConfig,
    dataset: Path | FrameSource,
    held: Path | None,
    classifier: Path | None,
    names: tuple[str, ...],
    writer: ArtifactWriter,
    progress: Progress,
) -> Artifact:
    from photosynth.models.detector import make_detector
    from photosynth.train.detect_task import DetectorTask
    from photosynth.train.loop import Training

    network, notes = make_detector(config.network, len(names), _first_weights(config, classifier))
    is_random = config.weights == "none" or bool(notes)
    stream, val, picture_notes = _read_pictures(config, dataset, held, names, writer)
    notes += picture_notes
    live = not isinstance(dataset, (str, Path))
    epochs = planned_epochs(config, stream.epoch_pictures, len(val), live)
    progress.start(STAGE, epochs * stream.epoch_pictures, "images")
    for note in (time_note(config, stream.epoch_pictures, len(val), live), *notes):
        progress.note(note)
    frozen, freeze_norm = _frozen_parts(config, is_random), config.freeze_norm and not is_random
    task = DetectorTask(network, _info_before(config, names), stream, val, epochs, config, frozen, freeze_norm)
    training = Training(task)
    training.run(writer.folder, progress)
    detector = _best_detector(training, task)
    summary: dict[str, object] = {}
    if classifier is not None:
        both = score_second_look(detector, classifier, val)
        detector.info = replace(detector.info, second_look_threshold=both.shown_threshold)
        summary = second_look_summary(both)
        notes += (second_look_note(detector.info.validation, both),)
        progress.note(notes[-1])
    summary = _write_detector(training, detector.info, task.config, writer) | summary
    progress.finish()
    return writer.finish({**summary, "n_train": stream.epoch_pictures, "n_val": len(val)}, notes)


def _first_weights(config: DetectConfig, classifier: Path | None) -> str:
    """What the network begins with: the classifier's backbone in place of ImageNet's if it can be had."""
    if classifier is None or config.weights != "pretrained" or config.network.is_torchvision:
        return config.weights
    same = read_classifier_info(classifier).network.backbone == config.network.backbone
    return str(Path(classifier) / WEIGHTS_FILE) if same else config.weights


def _frozen_parts(config: DetectConfig, is_random: bool) -> int:
    if config.frozen_parts is not None:
        return config.frozen_parts
    if is_random:
        return 0
    return 4 if config.network.backbone == LITE0 else 2


def _read_pictures(
    config: DetectConfig, dataset: Path | FrameSource, held: Path | None, names: tuple[str, ...], writer: ArtifactWriter
) -> tuple[Stream, Sequence[Labelled], tuple[str, ...]]:
    from photosynth.train.detect_pictures import DetectPictures
    from photosynth.train.detect_stream import DatasetStream, LiveStream, live_pictures

    def read(folder: Path, split: Split) -> DetectPictures:
        return DetectPictures(folder, split, len(names), config.max_failed_fraction, thread_count(config.threads))

    def noted(**splits: DetectPictures) -> tuple[str, ...]:
        shown = {
            name: (one, {i.class_id for item in one.items for i in item.instances}) for name, one in splits.items()
        }
        return note_pictures(shown, names, writer)

    if isinstance(dataset, (str, Path)):
        val, train = read(dataset, "val"), read(dataset, "train")
        stream = DatasetStream(train, config.seed, config.epoch_pictures)
        return stream, val, noted(training=train, validation=val)
    n_epoch = config.epoch_pictures or LIVE_EPOCH_PICTURES
    if held is not None:
        val = read(held, "val")
        return LiveStream(dataset, 0, n_epoch), val, noted(validation=val)
    return LiveStream(dataset, LIVE_VAL_PICTURES, n_epoch), live_pictures(dataset, range(LIVE_VAL_PICTURES)), ()


def _info_before(config: DetectConfig, names: tuple[str, ...]) -> DetectorInfo:
    from photosynth.models.backbones import normalisation

    mean, std = normalisation(config.network.backbone)
    return DetectorInfo(
        class_names=names,
        network=config.network,
        input_px=config.input_px,
        mean=mean,
        std=std,
        answer_threshold=0.5,
        nms_iou=config.nms_iou,
        epoch=0,
        validation=DetectionScores(map50_95=0.0, map50=0.0, f1=0.0, f1_threshold=0.5, n=0, n_objects=0),
    )


def _best_detector(training: Training, task: DetectorTask) -> NetworkDetector:
    """The detector of the best epoch."""
    from photosynth.models.detector import NetworkDetector

    scores = training.best_score().validation
    threshold = task.config.answer_threshold
    if threshold is None:  # a training begun before shown_threshold was kept has the other one
        threshold = scores.f1_threshold if scores.shown_threshold is None else scores.shown_threshold
    task.network.load_state_dict(training.best)
    info = replace(task.info, answer_threshold=threshold, epoch=training.best_epoch, validation=scores)
    return NetworkDetector(task.network, info)


def _write_detector(
    training: Training, info: DetectorInfo, config: DetectConfig, writer: ArtifactWriter
) -> dict[str, object]:
    from photosynth.train.checkpoint import prune, save_state

    save_state(writer.path(DETECTOR_WEIGHTS_FILE), {k: v.cpu() for k, v in training.best.items()})
    writer.write(DETECTOR_FILE, to_pretty_json(info))
    writer.write("history.json", to_pretty_json(training.history))
    prune(writer.folder, config.keep_checkpoints)
    return {
        "val_map50_95": info.validation.map50_95,
        "val_map50": info.validation.map50,
        "val_f1": info.validation.f1,
        "epoch": info.epoch,
        "answer_threshold": info.answer_threshold,
    }
