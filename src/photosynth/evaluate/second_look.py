"""A second look in an evaluation: the detector that is scored is one whose finds a classifier judges too."""

from __future__ import annotations

from photosynth.core.artifact import Artifact
from photosynth.core.engine import Detector
from photosynth.evaluate.asked import EXPORT, load_asked_classifier
from photosynth.models.exported import Precision, read_model_info
from photosynth.models.second_look import SecondLook

UNFITTED = 0.5
"""The score from which a box is shown where no threshold was fitted for the second look."""


def with_second_look(
    detector: Detector, inputs: dict[str, Artifact], names: tuple[str, ...], precision: Precision = "float32"
) -> tuple[SecondLook, tuple[str, ...]]:
    """The detector with a second look, and notes on how far its threshold can be trusted.

    The threshold is the one that was fitted when the detector was trained, or UNFITTED; what does not rest on it (AP,
    the best F1 of any threshold) is the same.

    Args:
        detector: as it was loaded.
        inputs: ``"detector"``, where it came from, and ``"second_look"``, the classifier.
        names: of the dataset.
        precision: of the file that answers, if the classifier is an exported one.

    Raises:
        ArtifactError: if the classifier does not know the dataset's classes.
    """
    fitted = getattr(getattr(detector, "info", None), "second_look_threshold", None)
    classifier = load_asked_classifier(inputs["second_look"], names, precision)
    notes: tuple[str, ...] = ()
    if fitted is None:
        notes = (
            "no threshold was fitted for the second look when the detector was trained (train-detector --classifier "
            f"does it): boxes are shown from a score of {UNFITTED} on, a guess; mAP and the best F1 do not rest on it",
        )
    elif _fitted_with(inputs["detector"]) not in ("", _train_key(inputs["second_look"])):
        notes = ("the threshold of the second look was fitted with another classifier than the one that looks here",)
    return SecondLook(detector, classifier, UNFITTED if fitted is None else fitted), notes


def _fitted_with(detector: Artifact) -> str:
    """Key of the train artifact of the classifier that the threshold was fitted with."""
    if detector.manifest.stage != EXPORT:
        return detector.manifest.inputs.get("classifier", "")
    return read_model_info(detector.folder).provenance.classifier_key


def _train_key(classifier: Artifact) -> str:
    """Key of a trained or exported classifier's train artifact."""
    return classifier.manifest.inputs.get("model", "") if classifier.manifest.stage == EXPORT else classifier.key
