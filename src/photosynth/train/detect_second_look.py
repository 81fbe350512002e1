"""What a second look needs of the training: its threshold, fitted on the pictures that chose the detector's epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.errors import ConfigError
from photosynth.models.detect_info import DetectionScores
from photosynth.models.info import read_classifier_info
from photosynth.models.second_look import SecondLook, class_columns

if TYPE_CHECKING:
    from photosynth.core.engine import Detector
    from photosynth.train.detect_pictures import Labelled


def open_classifier(folder: Path, class_names: tuple[str, ...]) -> Artifact:
    """A finished classifier that can look again at what a detector of these classes finds.

    Raises:
        ArtifactError: if it is no finished train stage.
        ConfigError: if it does not know one of the classes.
    """
    artifact = open_artifact(Path(folder), "train")
    try:
        class_columns(class_names, read_classifier_info(folder).class_names)
    except ConfigError as error:
        raise ConfigError(f"train-detector: {folder}: {error}") from error
    return artifact


def score_second_look(detector: Detector, classifier: Path, pictures: Sequence[Labelled]) -> DetectionScores:
    """Scores of the detector with a second look by the classifier in a train stage's folder; `shown_threshold`
    is the score from which a box of both is best shown."""
    from photosynth.models.classifier import load_classifier
    from photosynth.train.detect_task import find_all, score_found

    both = SecondLook(detector, load_classifier(classifier), 0.5)
    return score_found(pictures, find_all(both, pictures), len(both.class_names))


def second_look_summary(scores: DetectionScores) -> dict[str, object]:
    """Its lines in the stage's summary."""
    return {
        "second_look_val_map50_95": scores.map50_95,
        "second_look_val_map50": scores.map50,
        "second_look_val_f1": scores.f1,
        "second_look_threshold": scores.shown_threshold,
    }


def second_look_note(alone: DetectionScores, both: DetectionScores) -> str:
    """One line for people."""
    return (
        f"with a second look by the classifier: mAP50_95 {both.map50_95:.3f} (alone {alone.map50_95:.3f}), mAP50 "
        f"{both.map50:.3f} ({alone.map50:.3f}), best F1 {both.f1:.3f} ({alone.f1:.3f}); shown from a score of "
        f"{both.shown_threshold:.2f} on; {both.n} synthetic validation pictures"
    )
