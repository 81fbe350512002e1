"""Trained: a trained model of any kind, as the export stage sees it, and the folders that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.errors import ArtifactError
from photosynth.core.geometry import Vec3
from photosynth.core.instances import Instances
from photosynth.core.items import Item
from photosynth.core.manifest import MANIFEST_FILE
from photosynth.models.detect_ap import Truth, map50
from photosynth.models.detect_info import DETECTOR_FILE
from photosynth.models.exported import DETECTOR_OUTPUTS, INPUT, Kind
from photosynth.models.info import INFO_FILE
from photosynth.models.resize import Fit, letterbox_wh

if TYPE_CHECKING:
    from photosynth.models.graphs import Graph

SCORE_BATCH = 16
STAGES = ("train", "train_detector")
"""Folders of a run that may hold its model, the first one that is there."""


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
    score: (onnxruntime session, squares (n, S, S, 3) uint8, their items) to a share right or mAP50, 0..1.
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
    second_look_threshold: float | None
    network: str
    epoch: int
    score: Callable[[Any, np.ndarray, list[Item]], float]


def find_parts(run_or_model: Path) -> Parts:
    """The trained model of a run (its ``train`` folder), or in the folder itself, and what it was made from.

    A run's dataset, evaluation and catalogue are taken only if they are finished and belong to this very model. Those
    of a detector are looked for under the names that a run of two models gives them, such as ``dataset_detector``,
    first.

    Raises:
        ArtifactError: if there is no finished trained model.
    """
    path = Path(run_or_model)
    folder = next((path / stage for stage in STAGES if (path / stage).is_dir()), path)
    if folder == path and path.is_dir() and not any((path / file).is_file() for file in (INFO_FILE, DETECTOR_FILE)):
        raise ArtifactError(f"{path} holds no trained model; give a run's folder or that of a finished train stage")
    kind = _kind(folder)
    model = open_artifact(folder, "train_detector" if kind == "detector" else "train")
    datasets = (one for one in _siblings(folder, "dataset", kind) if one.key == model.manifest.inputs.get("dataset"))
    evaluations = (one for one in _siblings(folder, "evaluate", kind) if one.manifest.inputs.get(kind) == model.key)
    dataset, evaluation = next(datasets, None), next(evaluations, None)
    return Parts(model, dataset, evaluation, _sibling(folder, "catalogue") if dataset is not None else None)


def load_trained(folder: Path) -> Trained:
    """A trained model as the export sees it; needs torch.

    Raises:
        ArtifactError: if the folder holds none, or its weights cannot be used.
    """
    return _load_detector(folder) if _kind(folder) == "detector" else _load_classifier(folder)


def _load_classifier(folder: Path) -> Trained:
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
        second_look_threshold=None,
        network=info.network.backbone,
        epoch=info.epoch,
        score=share_right,
    )


def _load_detector(folder: Path) -> Trained:
    from photosynth.models.detector import load_detector
    from photosynth.models.graphs import detector_graph

    detector = load_detector(folder)
    info = detector.info
    return Trained(
        kind="detector",
        class_names=info.class_names,
        graph=detector_graph(detector),
        fit=info.fit,
        views=1,
        mean=info.mean,
        std=info.std,
        temperature=1.0,
        answer_threshold=info.answer_threshold,
        second_look_threshold=info.second_look_threshold,
        network=f"{info.network.head} on {info.network.backbone}",
        epoch=info.epoch,
        score=map50_of,
    )


def share_right(session: Any, squares: np.ndarray, items: list[Item]) -> float:
    """Top-1 of an exported classifier on labelled pictures, 0..1."""
    answers = [
        session.run(None, {INPUT: squares[k : k + SCORE_BATCH]})[0].argmax(1)
        for k in range(0, len(squares), SCORE_BATCH)
    ]
    return float(np.mean(np.concatenate(answers) == [item.label for item in items]))


def map50_of(session: Any, squares: np.ndarray, items: list[Item]) -> float:
    """mAP50 of an exported detector on labelled, letterboxed pictures, 0..1."""
    found, truths = [], []
    for square, item in zip(squares, items, strict=True):
        boxes, scores, class_ids = (output[0] for output in session.run(DETECTOR_OUTPUTS, {INPUT: square[None]}))
        rows, size_px = scores > 0, square.shape[0]
        found.append(Instances((size_px, size_px), boxes[rows].astype(np.float64), class_ids[rows], scores[rows]))
        truths.append(_truth(item, size_px))
    return map50(truths, found)


def _truth(item: Item, size_px: int) -> Truth:
    """What a picture shows, in pixels of the letterboxed square."""
    scale = np.array(letterbox_wh(item.size_wh, size_px)) / np.array(item.size_wh)
    boxes, ignored = (
        np.array(rows, np.float64).reshape(-1, 4) * np.array([*scale, *scale])
        for rows in ([i.visible_xyxy for i in item.instances], item.ignored_xyxy)
    )
    class_ids = np.array([i.class_id for i in item.instances], np.int64)
    return Truth(Instances((size_px, size_px), boxes, class_ids), ignored)


def _kind(folder: Path) -> Kind:
    return "detector" if (Path(folder) / DETECTOR_FILE).is_file() else "classifier"


def _siblings(folder: Path, name: str, kind: Kind) -> Iterator[Artifact]:
    """The finished artifacts of that name beside a model's folder, a detector's own first."""
    for each in (f"{name}_detector", name)[kind == "classifier" :]:
        if (found := _sibling(folder, each)) is not None:
            yield found


def _sibling(folder: Path, name: str) -> Artifact | None:
    path = folder.absolute().parent / name
    return open_artifact(path) if (path / MANIFEST_FILE).is_file() else None
