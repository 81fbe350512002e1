"""Trained: a trained model of any kind, as the export stage sees it, and the folders that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.errors import ArtifactError
from photosynth.core.geometry import Vec3
from photosynth.core.items import Item
from photosynth.core.manifest import MANIFEST_FILE
from photosynth.models.exported import INPUT, Kind
from photosynth.models.info import INFO_FILE
from photosynth.models.resize import Fit

if TYPE_CHECKING:
    from photosynth.models.graphs import Graph

SCORE_BATCH = 16


@dataclass(frozen=True)
class Parts:
    """Finished artifacts round a trained model; None what is not at hand."""

    model: Artifact
    dataset: Artifact | None = None
    evaluation: Artifact | None = None
    catalogue: Artifact | None = None


@dataclass(frozen=True)
class Trained:
    """What an exporter needs of a model. The fields that ModelInfo has too are described there.

    graph: the network.
    score: (onnxruntime session, squares (n, S, S, 3) uint8, their items) to a share right or mAP50_95, 0..1.
    """

    kind: Kind
    class_names: tuple[str, ...]
    graph: Graph
    fit: Fit
    views: int
    mean: Vec3
    std: Vec3
    temperature: float
    answer_threshold: float
    network: str
    epoch: int
    score: Callable[[Any, np.ndarray, list[Item]], float]


def find_parts(run_or_model: Path) -> Parts:
    """The trained model of a run (its ``train`` folder), or in the folder itself, and what it was made from.

    A run's dataset, evaluation and catalogue are taken only if they are finished and belong to this very model.

    Raises:
        ArtifactError: if there is no finished trained model.
    """
    path = Path(run_or_model)
    folder = path / "train" if (path / "train").is_dir() else path
    if folder == path and path.is_dir() and not (path / INFO_FILE).is_file():
        raise ArtifactError(f"{path} holds no trained model; give a run's folder or that of a finished train stage")
    model = open_artifact(folder, "train")
    dataset = _sibling(folder, "dataset")
    if dataset is not None and dataset.key != model.manifest.inputs.get("dataset"):
        dataset = None
    evaluation = _sibling(folder, "evaluate")
    if evaluation is not None and evaluation.manifest.inputs.get("classifier") != model.key:
        evaluation = None
    return Parts(model, dataset, evaluation, _sibling(folder, "catalogue") if dataset is not None else None)


def load_trained(folder: Path) -> Trained:
    """A trained model as the export sees it; needs torch.

    Raises:
        ArtifactError: if the folder holds none, or its weights cannot be used.
    """
    from photosynth.models.classifier import load_classifier
    from photosynth.models.graphs import classifier_graph

    classifier = load_classifier(folder)
    info = classifier.info
    return Trained(
        kind="classifier",
        class_names=info.class_names,
        graph=classifier_graph(classifier),
        fit=info.resize,
        views=info.views,
        mean=info.mean,
        std=info.std,
        temperature=info.temperature,
        answer_threshold=info.answer_threshold,
        network=info.network.backbone,
        epoch=info.epoch,
        score=share_right,
    )


def share_right(session: Any, squares: np.ndarray, items: list[Item]) -> float:
    """Top-1 of an exported classifier on labelled pictures, 0..1."""
    answers = [
        session.run(None, {INPUT: squares[k : k + SCORE_BATCH]})[0].argmax(1)
        for k in range(0, len(squares), SCORE_BATCH)
    ]
    return float(np.mean(np.concatenate(answers) == [item.label for item in items]))


def _sibling(folder: Path, name: str) -> Artifact | None:
    path = folder.absolute().parent / name
    return open_artifact(path) if (path / MANIFEST_FILE).is_file() else None
