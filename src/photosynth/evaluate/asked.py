"""The models that are asked: a trained classifier or detector, or an exported one."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.engine import Classifier, Detector
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.models.exported import Precision, read_model_info

TRAIN, TRAIN_DETECTOR, EXPORT = "train", "train_detector", "export"


def open_model(folder: Path, stage: str) -> Artifact:
    """A finished artifact of `stage`, or an export. Raises ArtifactError for any other."""
    artifact = open_artifact(folder)
    return artifact if artifact.manifest.stage == EXPORT else open_artifact(folder, stage)


def is_detector(folder: Path) -> bool:
    """Whether a finished artifact is a detector, trained or exported. Raises ArtifactError if it is not finished."""
    if open_artifact(folder).manifest.stage != EXPORT:
        return open_artifact(folder).manifest.stage == TRAIN_DETECTOR
    return read_model_info(folder).kind == "detector"


def answering_file(artifact: Artifact, precision: Precision) -> str:
    """Which file of a trained or exported model answers, and by what, such as ``"model.int8.onnx, ONNX Runtime"``.

    Raises:
        ArtifactError: if the record of an exported model cannot be read.
        ConfigError: if there is no file of that precision: PyTorch's is float32.
    """
    folder, stage = artifact.folder, artifact.manifest.stage
    if stage == EXPORT:
        try:
            return f"{read_model_info(folder).file(precision).file}, ONNX Runtime"
        except ConfigError as error:
            raise ConfigError(f"{folder}: {error}; its notes say why one was left out") from error
    if precision != "float32":
        raise ConfigError(
            f"{folder} is a trained model, which answers in float32; for {precision} give what `photosynth export` "
            "made of it"
        )
    return ("detector.pt" if stage == TRAIN_DETECTOR else "weights.pt") + ", PyTorch"


def knows_dataset(artifact: Artifact, dataset: Artifact) -> bool:
    """Whether a trained or exported model was made with this dataset."""
    keys = {*artifact.manifest.inputs.values()}
    if artifact.manifest.stage == EXPORT:
        keys.add(read_model_info(artifact.folder).provenance.dataset_key)
    return dataset.key in keys


def load_asked_classifier(artifact: Artifact, names: tuple[str, ...], precision: Precision = "float32") -> Classifier:
    """The classifier of a "train" or "export" artifact; of an exported one the file of that precision.

    Raises:
        ArtifactError: if it is none, or does not know the dataset's classes `names` and NONE_CLASS last.
    """
    folder = artifact.folder
    if artifact.manifest.stage == EXPORT:
        model = _exported(folder, "classifier", precision)
    else:
        from photosynth.models.classifier import load_classifier

        model = load_classifier(folder)
    if model.class_names[-1:] != (NONE_CLASS,) or set(model.class_names[:-1]) != set(names):
        raise ArtifactError(
            f"{folder} knows the classes {', '.join(model.class_names)}, but the dataset has {', '.join(names)} and "
            f"{NONE_CLASS!r} last; give the dataset that the classifier was trained on"
        )
    return model


def load_asked_detector(artifact: Artifact, names: tuple[str, ...], precision: Precision = "float32") -> Detector:
    """The detector of a "train_detector" or "export" artifact; of an exported one the file of that precision.

    Raises:
        ArtifactError: if it is none, or does not know the dataset's classes `names`.
    """
    folder = artifact.folder
    if artifact.manifest.stage == EXPORT:
        model = _exported(folder, "detector", precision)
    else:
        from photosynth.models.detector import load_detector

        model = load_detector(folder)
    if set(model.class_names) != set(names):
        raise ArtifactError(
            f"{folder} knows the classes {', '.join(model.class_names)}, but the dataset has {', '.join(names)}; give "
            "the dataset that the detector was trained on"
        )
    return model


def _exported(folder: Path, kind: str, precision: Precision) -> Classifier | Detector:
    from photosynth.models.predictor import load_predictor

    found = read_model_info(folder).kind
    if found != kind:
        raise ArtifactError(f"{folder} holds a {found}; expected a {kind}")
    return load_predictor(folder, precision=precision)
