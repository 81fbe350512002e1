"""Findings: the detector's answers, one record for each picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.engine import Detector
from photosynth.core.errors import EngineError
from photosynth.core.geometry import Vec4
from photosynth.core.instances import Instances
from photosynth.core.progress import Progress
from photosynth.core.record import Record
from photosynth.evaluate.blocks import Failure, answer_in_blocks, read_pictures
from photosynth.evaluate.photos import Picture

LEAST_SCORE = 0.001
"""Boxes that score less are not asked for; the tail of a precision-recall curve needs the others."""


class Finding(Record, frozen=True, kw_only=True):
    """One line of ``findings_*.jsonl``: what was found in one picture, the surest first."""

    folder: Literal["photos", "negatives", "dataset"]
    """Which folder the picture lies in."""
    file: str
    """Its path inside that folder."""
    size_wh: tuple[int, int]
    """Its size."""
    boxes_xyxy: tuple[Vec4, ...]
    """In its pixels, to a thousandth."""
    class_ids: tuple[int, ...]
    """Of each box: index into the detector's class names."""
    scores: tuple[float, ...]
    """Of each box, to a millionth."""

    def instances(self) -> Instances:
        """The same as arrays."""
        boxes = np.array(self.boxes_xyxy, float).reshape(-1, 4)
        return Instances(self.size_wh, boxes, np.array(self.class_ids, np.int64), np.array(self.scores, float))


class FindingBlock(Record, frozen=True, kw_only=True):
    """A run of pictures, answered together."""

    findings: tuple[Finding, ...]
    """In order."""
    seconds: tuple[float, ...]
    """The detector's time for each of them, decoding of the file left out."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read, twice."""

    def __len__(self) -> int:
        return len(self.findings)


def find_in_blocks(
    name: str,
    pictures: Sequence[Picture],
    detector: Detector,
    class_names: tuple[str, ...],
    writer: ArtifactWriter,
    progress: Progress,
    block_size: int = 64,
) -> FindingBlock:
    """What the detector finds in all pictures, asked one by one; see `answer_in_blocks`.

    Args:
        name: of the set.
        pictures: what to look at.
        detector: looks.
        class_names: which the class ids of the findings index: a permutation of the detector's.
        writer: of the artifact.
        progress: told of each block.
        block_size: pictures looked at before their findings are written.

    Raises:
        EngineError: if the detector's answer is not made of boxes with scores from 0 to 1.
    """
    ids = np.array([class_names.index(c) for c in detector.class_names], np.int64)
    blocks = answer_in_blocks(
        f"boxes-{name}", pictures, FindingBlock, lambda part: _find(part, detector, ids), writer, progress, block_size
    )
    return FindingBlock(
        findings=tuple(f for block in blocks for f in block.findings),
        seconds=tuple(s for block in blocks for s in block.seconds),
        failures=tuple(f for block in blocks for f in block.failures),
    )


def _find(pictures: Sequence[Picture], detector: Detector, ids: np.ndarray) -> FindingBlock:
    findings: list[Finding] = []
    seconds: list[float] = []
    failures: list[Failure] = []
    for readable, images in read_pictures(pictures, failures):
        for picture, image in zip(readable, images, strict=True):
            began = time.perf_counter()
            answers = detector.detect([image], LEAST_SCORE)
            seconds.append(round(time.perf_counter() - began, 5))
            findings.append(_finding(picture, _checked(answers, picture, image.shape, len(ids)), ids))
    return FindingBlock(findings=tuple(findings), seconds=tuple(seconds), failures=tuple(failures))


def _checked(answers: Sequence[Instances], picture: Picture, shape: tuple[int, ...], n_classes: int) -> Instances:
    if len(answers) != 1 or answers[0].scores is None:
        raise EngineError("detector", picture.file, "expected one answer with scores for one picture")
    found = answers[0]
    if tuple(found.size_wh) != (shape[1], shape[0]):
        raise EngineError("detector", picture.file, f"its boxes are for {found.size_wh}, the picture is {shape[1::-1]}")
    usable = np.isfinite(found.boxes_xyxy).all() and np.isfinite(found.scores).all()
    if not usable or (len(found) and (found.scores.min() < 0 or found.scores.max() > 1)):
        raise EngineError("detector", picture.file, "boxes and scores must be numbers, scores from 0 to 1")
    if len(found) and not 0 <= found.class_ids.min() <= found.class_ids.max() < n_classes:
        raise EngineError("detector", picture.file, f"class ids must be from 0 to {n_classes - 1}")
    return found


def _finding(picture: Picture, found: Instances, ids: np.ndarray) -> Finding:
    order = np.argsort(-found.scores, kind="stable")
    return Finding(
        folder=picture.folder,
        file=picture.file,
        size_wh=found.size_wh,
        boxes_xyxy=tuple(tuple(round(float(v), 3) for v in box) for box in found.boxes_xyxy[order]),
        class_ids=tuple(int(k) for k in ids[found.class_ids[order]]),
        scores=tuple(round(float(s), 6) for s in found.scores[order]),
    )
