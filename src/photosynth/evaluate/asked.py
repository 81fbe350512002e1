"""The models that are asked: a trained classifier or detector, or an exported one."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.engine import Classifier, Detector
from photosynth.core.errors import ArtifactError

TRAIN, TRAIN_DETECTOR, EXPORT = "train", "train_detector", "export"


def open_model(folder: Path, stage: str) -> Artifact:
    """A finished artifact of `stage`, or an export. Raises ArtifactError for any other."""
    artifact = open_artifact(folder)
    return artifact if artifact.manifest.stage == EXPORT else open_artifact(folder, stage)


def is_detector(folder: Path) -> bool:
    """Whether a finished artifact is a detector, trained or exported. Raises ArtifactError if it is not finished."""
    if open_artifact(folder).manifest.stage != EXPORT:
        return open_artifact(folder).manifest.stage == TRAIN_DETECTOR
    from photosynth.models.exported import read_model_info

    return read_model_info(folder).kind == "detector"


def load_asked_classifier(artifact: Artifact, names: tuple[str, ...]) -> Classifier:
    """The classifier of a "train" or "export" artifact.

    Raises:
        ArtifactError: if it is none, or does not know the dataset's classes `names` and NONE_CLASS last.
    """
    folder = artifact.folder
    if artifact.manifest.stage == EXPORT:
        model = _exported(folder, "classifier")
    else:
        from photosynth.models.classifier import load_classifier

        model = load_classifier(folder)
    if model.class_names[-1:] != (NONE_CLASS,) or set(model.class_names[:-1]) != set(names):
        raise ArtifactError(
            f"{folder} knows the classes {', '.join(model.class_names)}, but the dataset has {', '.join(names)} and "
            f"{NONE_CLASS!r} last; give the dataset that the classifier was trained on"
        )
    return model


def load_asked_detector(artifact: Artifact, names: tuple[str, ...]) -> Detector:
    """The detector of a "train_detector" or "export" artifact.

    Raises:
        ArtifactError: if it is none, or does not know the dataset's classes `names`.
    """
    folder = artifact.folder
    if artifact.manifest.stage == EXPORT:
        model = _exported(folder, "detector")
    else:
        from photosynth.models.detector import load_detector

        model = load_detector(folder)
    if set(model.class_names) != set(names):
        raise ArtifactError(
            f"{folder} knows the classes {', '.join(model.class_names)}, but the dataset has {', '.join(names)}; give "
            "the dataset that the detector was trained on"
        )
    return model


def _exported(folder: Path, kind: str) -> Classifier | Detector:
    from photosynth.models.exported import read_model_info
    from photosynth.models.predictor import load_predictor

    found = read_model_info(folder).kind
    if found != kind:
        raise ArtifactError(f"{folder} holds a {found}; expected a {kind}")
    return load_predictor(folder)
