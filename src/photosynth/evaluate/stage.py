"""The stage "evaluate": a classifier on real photos and on held-out synthetic pictures, and the gap between them."""

from __future__ import annotations

import shutil
from pathlib import Path

from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key, open_artifact
from photosynth.core.asset import NONE_CLASS, class_names, read_assets
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Classifier, Executor
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.items import DatasetInfo, read_dataset_info, read_items
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record, digest, to_pretty_json
from photosynth.evaluate.blocks import BLOCK_FOLDER, Failure
from photosynth.evaluate.board import EVENT_FILE, board_values, event_bytes
from photosynth.evaluate.boxes import coco_files
from photosynth.evaluate.galleries import mistakes
from photosynth.evaluate.gap import Gap, compared_classes, make_gap
from photosynth.evaluate.measure import Measured, measure
from photosynth.evaluate.nearest import largest_box
from photosynth.evaluate.page import PageInputs, page_html
from photosynth.evaluate.photos import Picture, RealPhotos, find_photos
from photosynth.evaluate.predictions import Prediction, predict_in_blocks
from photosynth.evaluate.summary import metric_text
from photosynth.evaluate.thumbs import Thumbnails

STAGE = "evaluate"
SCHEMA = 1


class EvaluateConfig(Record, frozen=True, kw_only=True):
    """How a classifier is scored."""

    seed: int = 0
    """Of the bootstrap intervals."""
    answer_threshold: float | None = None
    """From which probability a class counts as given confidently; None takes the classifier's own, or 0.5."""
    ece_bins: int = 15
    """Bins of the calibration error."""
    bootstrap_resamples: int = 1000
    """Resamples behind the intervals that have no formula."""
    block_photos: int = 64
    """Pictures answered at once, and lost at most by an interruption."""
    max_failed_fraction: float = 0.5
    """The stage fails when more than this share of the pictures cannot be read."""
    gallery_photos: int = 24
    """Photos in each gallery of the page, at most."""
    contact_pictures: int = 36
    """Training pictures shown on the page."""
    page_picture_bytes: int = 5_000_000
    """Budget of the page's pictures, as base64 text."""

    def __post_init__(self) -> None:
        least = {"seed": 0, "ece_bins": 1, "bootstrap_resamples": 100, "block_photos": 1}
        least |= {"gallery_photos": 0, "contact_pictures": 0, "page_picture_bytes": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ConfigError(f"evaluate: {name} must be {bound} or more, got {getattr(self, name)}")
        for name in ("answer_threshold", "max_failed_fraction"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"evaluate: {name} must be from 0 to 1, got {value}")


def run(
    config: EvaluateConfig,
    classifier: Path,
    dataset: Path,
    catalogue: Path,
    out: Path,
    *,
    photos: Path | None = None,
    negatives: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Score a classifier and write reports, predictions, ``gap.json``, ``report.html`` and TensorBoard files.

    Args:
        config: how.
        classifier: a finished "train" artifact, or an "export" one: then the ONNX model is scored.
        dataset: its ``test`` split is scored, its ``train`` split illustrates the page.
        catalogue: the 3D models, for the page.
        out: the artifact's folder.
        photos: real photos as ``CLASS/*.jpg`` (see `find_photos`); None leaves the real column unmeasured.
        negatives: real photos with none of the objects, in any folders.
        executor: not used: the answers are made in this process, where the network has all cores.
        progress: told of each block of pictures.
        overwrite: replace another evaluation in `out`.

    Raises:
        ConfigError: if a photo folder is missing, empty, or named after no class.
        ArtifactError: if an input is no finished artifact, or classifier and dataset disagree about the classes.
        QualityError: if more than `max_failed_fraction` of the pictures cannot be read.
    """
    progress = progress or Silent()
    inputs = {
        "classifier": _open_classifier(classifier),
        "dataset": open_artifact(dataset),
        "catalogue": open_artifact(catalogue),
    }
    info = read_dataset_info(dataset)
    real = find_photos(photos, negatives, info.class_names)
    keys = {name: artifact.key for name, artifact in inputs.items()} | _photo_keys(photos, negatives)
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, keys, overwrite) as writer:
        if writer.finished:
            return writer.finished
        folders = {"dataset": Path(dataset)}
        folders |= {name: Path(f) for name, f in (("photos", photos), ("negatives", negatives)) if f is not None}
        return _evaluate(config, inputs, info, real, folders, writer, progress)


def _evaluate(
    config: EvaluateConfig,
    inputs: dict[str, Artifact],
    info: DatasetInfo,
    real: RealPhotos,
    folders: dict[str, Path],
    writer: ArtifactWriter,
    progress: Progress,
) -> Artifact:
    model = _load(inputs["classifier"].folder, info.class_names)
    threshold = _answer_threshold(model) if config.answer_threshold is None else config.answer_threshold
    notes = (*real.notes, *_input_notes(inputs, info))
    for note in notes:
        progress.note(note)
    sets, failures = _answer_all(config, real, _test_pictures(folders["dataset"], info), model, writer, progress)
    gap, reports = _write_scores(config, sets, model.class_names, threshold, failures, real, writer)
    page = PageInputs(
        gap=gap,
        real=reports["real"].report,
        synthetic=reports["synthetic"].report,
        real_predictions=sets["real"],
        synthetic_predictions=sets["synthetic"],
        folders=folders,
        catalogue=inputs["catalogue"],
        assets=read_assets(inputs["catalogue"].folder),
        training_items=tuple(read_items(folders["dataset"], "train")),
        counts=info.counts,
        made_from={"Training": inputs["classifier"], "Dataset": inputs["dataset"], "Objects": inputs["catalogue"]},
        settings=config,
        answer_threshold=threshold,
        notes=(*notes, *(f"{f.file} could not be read: {f.error}" for f in failures)),
    )
    writer.write("report.html", page_html(page).encode())
    writer.write(f"tensorboard/{EVENT_FILE}", event_bytes(_board(gap, reports, sets["real"], folders)))
    shutil.rmtree(writer.folder / BLOCK_FOLDER, ignore_errors=True)
    top1 = next(row for row in gap.rows if row.name == "top1")
    progress.note(f"top-1: real {metric_text(top1.real)}; synthetic {metric_text(top1.synthetic)}")
    progress.finish()
    summary = {
        "photos_real": len(sets["real"]),
        "pictures_synthetic": len(sets["synthetic"]),
        "unreadable": len(failures),
        "top1_real": top1.real.value,
        "top1_synthetic": top1.synthetic.value,
        "top1_gap": top1.gap.value,
    }
    return writer.finish(summary, notes)


def _answer_all(
    config: EvaluateConfig,
    real: RealPhotos,
    held_out: tuple[Picture, ...],
    model: Classifier,
    writer: ArtifactWriter,
    progress: Progress,
) -> tuple[dict[str, tuple[Prediction, ...]], list[Failure]]:
    """The predictions of both sets, also written, and the pictures that could not be read."""
    progress.start(STAGE, len(real.pictures) + len(held_out), "photos")
    sets = {}
    failures: list[Failure] = []
    for source, pictures in (("real", real.pictures), ("synthetic", held_out)):
        predictions, failed = predict_in_blocks(source, pictures, model, writer, progress, config.block_photos)
        _refuse_too_many(failed, len(pictures), source, config.max_failed_fraction)
        sets[source] = predictions
        failures += failed
        write_jsonl(writer.path(f"predictions_{source}.jsonl"), predictions)
    write_jsonl(writer.path("failures.jsonl"), failures)
    return sets, failures


def _write_scores(
    config: EvaluateConfig,
    sets: dict[str, tuple[Prediction, ...]],
    names: tuple[str, ...],
    threshold: float,
    failures: list[Failure],
    real: RealPhotos,
    writer: ArtifactWriter,
) -> tuple[Gap, dict[str, Measured]]:
    """Measure both sets, and the synthetic one once more on the classes that can be compared."""
    skipped = {"real": [f"{count} photos of {name!r}: no model of that class" for name, count in real.apart]}
    for failure in failures:
        source = "synthetic" if failure.folder == "dataset" else "real"
        skipped.setdefault(source, []).append(f"{failure.file}: {failure.error}")

    def measured(source: str, predictions: tuple[Prediction, ...]) -> Measured:
        lines = tuple(skipped.get(source, ()))
        bootstrap = (config.ece_bins, config.bootstrap_resamples, config.seed)
        return measure(predictions, names, source, threshold, *bootstrap, skipped=lines)

    reports = {source: measured(source, predictions) for source, predictions in sets.items()}
    for source, scored in reports.items():
        writer.write(f"report_{source}.json", to_pretty_json(scored.report))
    compared = compared_classes(sets["real"], names)
    alike = tuple(p for p in sets["synthetic"] if p.truth in (*compared, NONE_CLASS))
    gap = make_gap(measured("synthetic", alike), reports["real"], compared)
    writer.write("gap.json", to_pretty_json(gap))
    return gap, reports


def _open_classifier(folder: Path) -> Artifact:
    artifact = open_artifact(folder)
    return artifact if artifact.manifest.stage == "export" else open_artifact(folder, "train")


def _load(folder: Path, names: tuple[str, ...]) -> Classifier:
    from photosynth.models.exported import MODEL_FILE

    if (folder / MODEL_FILE).is_file():
        from photosynth.models.predictor import load_predictor

        model = load_predictor(folder)
    else:
        from photosynth.models.classifier import load_classifier

        model = load_classifier(folder)
    if model.class_names[-1:] != (NONE_CLASS,) or set(model.class_names[:-1]) != set(names):
        raise ArtifactError(
            f"{folder} knows the classes {', '.join(model.class_names)}, but the dataset has {', '.join(names)} and "
            f"{NONE_CLASS!r} last; give the dataset that the classifier was trained on"
        )
    return model


def _answer_threshold(model: Classifier) -> float:
    """The classifier's own threshold, on itself or in its `info` record; 0.5 for one that has none."""
    for holder in (model, getattr(model, "info", None)):
        value = getattr(holder, "answer_threshold", None)
        if value is not None:
            return float(value)
    return 0.5


def _input_notes(inputs: dict[str, Artifact], info: DatasetInfo) -> tuple[str, ...]:
    notes = []
    if inputs["dataset"].key not in inputs["classifier"].manifest.inputs.values():
        notes.append("the classifier was trained on another dataset than the one whose test pictures are scored")
    if class_names(read_assets(inputs["catalogue"].folder)) != tuple(sorted(info.class_names)):
        notes.append("the catalogue's classes differ from the dataset's: the page may show other objects")
    return tuple(notes)


def _test_pictures(dataset: Path, info: DatasetInfo) -> tuple[Picture, ...]:
    labels = (*info.class_names, NONE_CLASS)
    pictures = []
    for item in read_items(dataset, "test"):
        box = largest_box(item)
        file = item.image_file
        boxes = (box,) if box else ()
        pictures.append(Picture("dataset", file, dataset / file, labels[item.label], boxes))
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


def _refuse_too_many(failed: tuple[Failure, ...], total: int, source: str, most: float) -> None:
    if total and len(failed) > most * total:
        raise QualityError(
            f"{len(failed)} of {total} {source} pictures could not be read (first: {failed[0].file}: "
            f"{failed[0].error}); expected at most {most:.0%}. Replace them and run again."
        )


def _board(
    gap: Gap, reports: dict[str, Measured], predictions: tuple[Prediction, ...], folders: dict[str, Path]
) -> list[object]:
    thumbnails = Thumbnails()
    wrong = mistakes(predictions)[:24]
    uris = [thumbnails.uri(folders[p.folder] / p.file, 320, 320, p.boxes_rel) for p in wrong]
    return board_values(gap, [r.report for r in reports.values()], [u for u in uris if u])
