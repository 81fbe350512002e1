"""The stage "evaluate": models on real photos and on held-out synthetic pictures, and the gap between them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.asset import NONE_CLASS, class_names, read_assets
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, QualityError
from photosynth.core.items import DatasetInfo, read_dataset_info, read_items
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import digest
from photosynth.evaluate.asked import (
    TRAIN,
    TRAIN_DETECTOR,
    answering_file,
    knows_dataset,
    load_asked_classifier,
    load_asked_detector,
    open_model,
)
from photosynth.evaluate.blocks import BLOCK_FOLDER, Failure
from photosynth.evaluate.board import EVENT_FILE, classifier_values, detector_values, event_bytes
from photosynth.evaluate.boxes import coco_files
from photosynth.evaluate.classifier_side import ClassifierSide, score_classifier
from photosynth.evaluate.config import EvaluateConfig
from photosynth.evaluate.detector_side import DetectorSide, item_labels, score_detector
from photosynth.evaluate.nearest import largest_box
from photosynth.evaluate.page import PageInputs, page_html
from photosynth.evaluate.photos import Picture, RealPhotos, find_photos
from photosynth.evaluate.second_look import with_second_look
from photosynth.evaluate.summary import metric_text

__all__ = ["SCHEMA", "STAGE", "EvaluateConfig", "run"]

STAGE = "evaluate"
SCHEMA = 2


def run(
    config: EvaluateConfig,
    classifier: Path | None,
    dataset: Path,
    catalogue: Path,
    out: Path,
    *,
    detector: Path | None = None,
    second_look: Path | None = None,
    photos: Path | None = None,
    negatives: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Score a classifier, a detector, or both, and write reports, answers, gaps, ``report.html`` and TensorBoard files.

    A classifier leaves ``report_real.json``, ``report_synthetic.json``, ``gap.json`` and ``predictions_*.jsonl``; a
    detector ``report_detector_*.json``, ``gap_detector.json`` and ``findings_*.jsonl``.

    Args:
        config: how.
        classifier: a finished "train" artifact, or an "export" one: then the ONNX model is scored; None for none.
        dataset: its ``test`` split is scored, its ``train`` split illustrates the page.
        catalogue: the 3D models, for the page.
        out: the artifact's folder.
        detector: a finished "train_detector" artifact, or an "export" one; None for none.
        second_look: a finished "train" or "export" artifact of a classifier: then the detector is scored with a second
            look by it (see `photosynth.models.second_look`); None scores the detector alone.
        photos: real photos as ``CLASS/*.jpg`` (see `find_photos`), with boxes in COCO files beside or in it (see
            `photosynth.evaluate.boxes`); None leaves the real column unmeasured.
        negatives: real photos with none of the objects, in any folders.
        executor: not used: the answers are made in this process, where the network has all cores.
        progress: told of each block of pictures.
        overwrite: replace another evaluation in `out`.

    Raises:
        ConfigError: if no model is given, a second look without a detector, a model that has no file of
            `config.precision`, or if a photo folder is missing, empty, or named after no class.
        ArtifactError: if an input is no finished artifact, or a model and the dataset disagree about the classes.
        QualityError: if more than `max_failed_fraction` of the pictures cannot be read.
    """
    progress = progress or Silent()
    if classifier is None and detector is None:
        raise ConfigError("evaluate: nothing to score; give a classifier, a detector, or both")
    if second_look is not None and detector is None:
        raise ConfigError("evaluate: a second look is one at what a detector finds; give a detector too")
    inputs = {} if classifier is None else {"classifier": open_model(classifier, TRAIN)}
    inputs |= {} if detector is None else {"detector": open_model(detector, TRAIN_DETECTOR)}
    inputs |= {} if second_look is None else {"second_look": open_model(second_look, TRAIN)}
    files = {name: answering_file(artifact, config.precision) for name, artifact in inputs.items()}
    inputs |= {"dataset": open_artifact(dataset), "catalogue": open_artifact(catalogue)}
    info = read_dataset_info(dataset)
    real = find_photos(photos, negatives, info.class_names)
    keys = {name: artifact.key for name, artifact in inputs.items()} | _photo_keys(photos, negatives)
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, keys, overwrite) as writer:
        if writer.finished:
            return writer.finished
        folders = {"dataset": Path(dataset)}
        folders |= {name: Path(f) for name, f in (("photos", photos), ("negatives", negatives)) if f is not None}
        return _evaluate(config, inputs, files, info, real, folders, writer, progress)


def _evaluate(
    config: EvaluateConfig,
    inputs: dict[str, Artifact],
    files: dict[str, str],
    info: DatasetInfo,
    real: RealPhotos,
    folders: dict[str, Path],
    writer: ArtifactWriter,
    progress: Progress,
) -> Artifact:
    names, sets = info.class_names, {"real": real.pictures, "synthetic": _test_pictures(folders["dataset"], info)}
    models = [name for name in ("classifier", "detector") if name in inputs]
    classifier = (
        load_asked_classifier(inputs["classifier"], names, config.precision) if "classifier" in inputs else None
    )
    detector = load_asked_detector(inputs["detector"], names, config.precision) if "detector" in inputs else None
    notes = (*real.notes, *_input_notes(inputs, info))
    if "second_look" in inputs and detector is not None:
        detector, doubts = with_second_look(detector, inputs, names, config.precision)
        notes += doubts if config.box_threshold is None else ()
    for note in notes:
        progress.note(note)
    progress.start(STAGE, len(models) * sum(map(len, sets.values())), "photos")
    named = boxed = None
    failures: dict[tuple[str, str], Failure] = {}
    if classifier is not None:
        named = score_classifier(config, classifier, sets, real.apart, writer, progress)
        _note_failures(failures, named.failures, sets, config.max_failed_fraction)
    if detector is not None:
        boxed = score_detector(config, detector, names, sets, writer, progress)
        _note_failures(failures, boxed.failures, sets, config.max_failed_fraction)
        notes += boxed.notes
    write_jsonl(writer.path("failures.jsonl"), list(failures.values()))
    page = PageInputs(
        classifier=named,
        detector=boxed,
        class_names=names,
        n_real=len(real.pictures),
        folders=folders,
        catalogue=inputs["catalogue"],
        assets=read_assets(inputs["catalogue"].folder),
        training_items=tuple(read_items(folders["dataset"], "train")),
        counts=info.counts,
        made_from={_TITLES[name]: artifact for name, artifact in inputs.items()},
        files={_TITLES[name]: file for name, file in files.items()},
        settings=config,
        notes=(*notes, *(f"{f.file} could not be read: {f.error}" for f in failures.values())),
    )
    writer.write("report.html", page_html(page).encode())
    values = [] if named is None else classifier_values(named, folders)
    values += [] if boxed is None else detector_values(boxed, folders)
    writer.write(f"tensorboard/{EVENT_FILE}", event_bytes(values))
    shutil.rmtree(writer.folder / BLOCK_FOLDER, ignore_errors=True)
    for line in (*(f"{name}: {file}" for name, file in files.items()), *_closing_lines(named, boxed)):
        progress.note(line)
    progress.finish()
    answered = {f"{name}_file": file for name, file in files.items()}
    return writer.finish(_summary(sets, len(failures), named, boxed) | answered, notes)


_TITLES = {
    "classifier": "Training",
    "detector": "Detector",
    "second_look": "Second look",
    "dataset": "Dataset",
    "catalogue": "Objects",
}


def _summary(
    sets: dict[str, Sequence[Picture]], unreadable: int, named: ClassifierSide | None, boxed: DetectorSide | None
) -> dict[str, object]:
    summary: dict[str, object] = {
        "photos_real": len(sets["real"]),
        "pictures_synthetic": len(sets["synthetic"]),
        "unreadable": unreadable,
    }
    if boxed is not None and boxed.second_look:
        summary["detector"] = "with a second look"
    shown = [(named.gap, ("top1",))] if named else []
    shown += [(boxed.gap, ("map50_95", "map50", "false_alarms_best_f1", "top_box_top1"))] if boxed else []
    for gap, metrics in shown:
        rows = {row.name: row for row in gap.rows}
        for name in metrics:
            row = rows[name]
            summary |= {f"{name}_real": row.real.value, f"{name}_synthetic": row.synthetic.value}
            summary |= {f"{name}_gap": row.gap.value}
    return summary


def _closing_lines(named: ClassifierSide | None, boxed: DetectorSide | None) -> list[str]:
    lines = []
    for side, title, name in ((named, "top-1", "top1"), (boxed, "mAP50_95", "map50_95"), (boxed, "mAP50", "map50")):
        if side is not None:
            row = next(row for row in side.gap.rows if row.name == name)
            lines.append(f"{title}: real {metric_text(row.real)}; synthetic {metric_text(row.synthetic)}")
    return lines


def _input_notes(inputs: dict[str, Artifact], info: DatasetInfo) -> tuple[str, ...]:
    notes = []
    for name in ("classifier", "detector"):
        if name in inputs and not knows_dataset(inputs[name], inputs["dataset"]):
            notes.append(f"the {name} was trained on another dataset than the one whose test pictures are scored")
    if class_names(read_assets(inputs["catalogue"].folder)) != tuple(sorted(info.class_names)):
        notes.append("the catalogue's classes differ from the dataset's: the page may show other objects")
    return tuple(notes)


def _test_pictures(dataset: Path, info: DatasetInfo) -> tuple[Picture, ...]:
    names = (*info.class_names, NONE_CLASS)
    pictures = []
    for item in read_items(dataset, "test"):
        box = largest_box(item)
        file = item.image_file
        boxes = (box,) if box else ()
        pictures.append(Picture("dataset", file, dataset / file, names[item.label], boxes, item_labels(item)))
    return tuple(pictures)


def _photo_keys(photos: Path | None, negatives: Path | None) -> dict[str, str]:
    keys = {}
    if photos is not None:
        keys["photos"] = digest(
            [Path(photos).absolute().name, folder_key(photos), *map(folder_key, coco_files(photos))]
        )
    if negatives is not None:
        keys["negatives"] = folder_key(negatives)
    return keys


def _note_failures(
    known: dict[tuple[str, str], Failure],
    failed: tuple[Failure, ...],
    sets: dict[str, Sequence[Picture]],
    most: float,
) -> None:
    """Remember each failure once; raise QualityError where there are too many."""
    for source, pictures in sets.items():
        own = [f for f in failed if (f.folder == "dataset") == (source == "synthetic")]
        if own and len(own) > most * len(pictures):
            raise QualityError(
                f"{len(own)} of {len(pictures)} {source} pictures could not be read (first: {own[0].file}: "
                f"{own[0].error}); expected at most {most:.0%}. Replace them and run again."
            )
    for failure in failed:
        known.setdefault((failure.folder, failure.file), failure)
