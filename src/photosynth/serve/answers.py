"""Answers: what a model said, as the JSON that goes out."""

from __future__ import annotations

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.core.instances import Instances
from photosynth.core.record import to_plain
from photosynth.serve.model import ServedModel
from photosynth.serve.schema import Classification, Detection, Detections, Mask, ModelFileLink, ModelSummary, Score

SECOND_LOOK = "/second-look"
"""Where the files of a model's second look are, after the model's own address."""


def classification(model: ServedModel, probabilities: np.ndarray, size_wh: tuple[int, int]) -> Classification:
    """The answer for probabilities (classes,)."""
    order = np.argsort(-probabilities, kind="stable")
    values = np.clip(np.nan_to_num(probabilities), 0.0, 1.0).tolist()
    names = model.class_names
    scores = [Score(label=names[k], score=values[k]) for k in order]
    best = scores[0]
    sure = "sure" if best.score >= model.threshold else "unsure"
    return Classification(
        label=best.label,
        score=best.score,
        verdict="none" if best.label == NONE_CLASS else sure,
        none_of_these=values[names.index(NONE_CLASS)] if NONE_CLASS in names else 0.0,
        scores=scores,
        size_wh=size_wh,
    )


def detections(model: ServedModel, found: Instances) -> Detections:
    """The answer for the objects found, surest first."""
    scores = np.ones(len(found)) if found.scores is None else np.clip(found.scores, 0.0, 1.0)
    objects = [
        Detection(
            label=model.class_names[int(found.class_ids[k])],
            score=float(scores[k]),
            box_xyxy=tuple(found.boxes_xyxy[k].tolist()),
            mask=None if found.masks is None else run_lengths(found.masks[k]),
        )
        for k in np.argsort(-scores, kind="stable")
    ]
    return Detections(objects=objects, size_wh=found.size_wh)


def run_lengths(mask: np.ndarray) -> Mask:
    """A (H, W) bool mask as COCO's uncompressed run lengths."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], edges, [mask.size]]))
    if len(counts) > 1 and counts[-1] == 0:
        counts = counts[:-1]
    return Mask(size=mask.shape, counts=counts.tolist())


def model_summary(model: ServedModel, under: str = "") -> ModelSummary:
    """What clients may know of a model, or of that `under` it."""
    base = f"/v1/models/{model.name}{under}"
    info = model.info
    onnx = [] if info is None or model.folder is None else [file for file in info.files if file.format == "onnx"]
    return ModelSummary(
        name=model.name,
        kind=model.kind,
        version=model.version,
        class_names=list(model.class_names),
        threshold=model.threshold,
        files=[
            ModelFileLink(
                file=file.file,
                url=f"{base}/files/{file.file}?sha256={file.sha256}",
                precision=file.precision,
                bytes=file.bytes,
                sha256=file.sha256,
            )
            for file in sorted(onnx, key=lambda file: file.bytes)
        ],
        pictures={
            name: f"{base}/pictures/{model.class_names.index(name)}?version={model.version}" for name in model.pictures
        },
        info=None if info is None else to_plain(info),
        second_look=None if model.looker is None else model_summary(model.looker, SECOND_LOOK),
    )
