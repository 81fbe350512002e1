"""The detector's half of an evaluation: what it finds, its scores and gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Detector
from photosynth.core.instances import Instances
from photosynth.core.items import Item
from photosynth.core.matching import Case
from photosynth.core.progress import Progress
from photosynth.core.record import to_pretty_json
from photosynth.evaluate.blocks import Failure
from photosynth.evaluate.boxes import Labels
from photosynth.evaluate.config import EvaluateConfig
from photosynth.evaluate.findings import Finding, FindingBlock, find_in_blocks
from photosynth.evaluate.gap import Gap, gap_row
from photosynth.evaluate.measure import NOT_MEASURED
from photosynth.evaluate.measure_detector import (
    ALARMS,
    BOX_SHARES,
    BOXED,
    NO_BOXES,
    Answers,
    MeasuredDetector,
    measure_detector,
)
from photosynth.evaluate.photos import Picture
from photosynth.models.second_look import SecondLook

TIME = "seconds_per_photo"
SAME_SHAPE = 0.03
"""A COCO file's picture size may differ from the photo's, but its width / height by no more than this share."""


@dataclass(frozen=True, eq=False)
class LookedAt:
    """What the detector said of one set, with the pictures behind it."""

    cases: list[Case]
    """Pictures whose objects all have boxes ..."""
    pictures: list[Picture]
    """... and which they are."""
    negatives: list[Instances]
    """What was found in pictures with none of the objects ..."""
    negative_pictures: list[Picture]
    """... and which they are."""
    tops: list[tuple[str, str | None]]
    """Of pictures that show one class: it, and the class of the surest box."""
    seconds: np.ndarray
    """The detector's time for each picture."""
    skipped: tuple[str, ...] = ()
    """What was left out."""

    def answers(self) -> Answers:
        """The same to be measured."""
        right = sum(truth == top for truth, top in self.tops)
        return Answers(self.cases, self.negatives, (right, len(self.tops)), self.seconds, self.skipped)


@dataclass(frozen=True, eq=False)
class DetectorSide:
    """All that is known of the detector."""

    gap: Gap
    """Both sets side by side."""
    real: MeasuredDetector
    """On real photos."""
    synthetic: MeasuredDetector
    """On the whole held-out split."""
    real_looked: LookedAt
    """Behind `real`."""
    synthetic_looked: LookedAt
    """Behind `synthetic`."""
    class_names: tuple[str, ...]
    """Which class ids index."""
    threshold: float
    """The score from which a box is shown."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read."""
    notes: tuple[str, ...] = ()
    """What a person should know."""
    second_look: bool = False
    """Whether a classifier looked again at each find."""


def score_detector(
    config: EvaluateConfig,
    model: Detector,
    class_names: tuple[str, ...],
    sets: dict[str, Sequence[Picture]],
    writer: ArtifactWriter,
    progress: Progress,
) -> DetectorSide:
    """Ask the detector, measure, and write ``findings_*.jsonl``, ``report_detector_*.json``, ``gap_detector.json``.

    Args:
        config: how.
        model: the detector.
        class_names: of the dataset.
        sets: the pictures of ``"real"`` and ``"synthetic"``.
        writer: of the artifact.
        progress: told of each block.
    """
    threshold = float(model.answer_threshold) if config.box_threshold is None else config.box_threshold
    looked: dict[str, LookedAt] = {}
    failures: list[Failure] = []
    notes: list[str] = []
    for source, pictures in sets.items():
        block = find_in_blocks(source, pictures, model, class_names, writer, progress, config.block_photos)
        write_jsonl(writer.path(f"findings_{source}.jsonl"), block.findings)
        looked[source] = _looked(pictures, block, class_names, notes)
        failures += block.failures

    def measured(source: str, some: LookedAt, fallback: float | None = None) -> MeasuredDetector:
        bootstrap = (config.bootstrap_resamples, config.seed, fallback)
        return measure_detector(some.answers(), class_names, source, threshold, *bootstrap)

    synthetic = measured("synthetic", looked["synthetic"])
    best = synthetic.report.metric("best_f1_threshold").value
    real = measured("real", looked["real"], best)
    compared = _compared(looked["real"], class_names)
    whole = len(compared) == len(class_names)
    alike = synthetic if whole else measured("synthetic", _only(looked["synthetic"], compared, class_names))
    gap = _gap(alike, real, compared, class_names, bool(sets["real"]))
    for source, scored in (("real", real), ("synthetic", synthetic)):
        writer.write(f"report_detector_{source}.json", to_pretty_json(scored.report))
    writer.write("gap_detector.json", to_pretty_json(gap))
    if sets["real"] and not looked["real"].cases:
        notes.append(
            "no boxes are drawn on the real photos, so that no box can be scored there: put a COCO file beside or in "
            "the photo folder"
        )
    pair = (looked["real"], looked["synthetic"])
    twice = isinstance(model, SecondLook)
    return DetectorSide(gap, real, synthetic, *pair, class_names, threshold, tuple(failures), tuple(notes), twice)


def item_labels(item: Item) -> Labels:
    """The boxes of a rendered picture, as its dataset's COCO file has them; areas are of the visible pixels."""
    boxes = np.array([i.visible_xyxy for i in item.instances], float).reshape(-1, 4)
    class_ids = np.array([i.class_id for i in item.instances], np.int64)
    nothing = Instances(item.size_wh, np.zeros((0, 4)), np.zeros(0, np.int64))
    regions = np.array(item.ignored_xyxy, float).reshape(-1, 4)
    return Labels(Instances(item.size_wh, boxes, class_ids), _areas_px(item, boxes), nothing, regions)


def _areas_px(item: Item, boxes: np.ndarray) -> np.ndarray:
    from pycocotools import mask

    codes = [{"size": list(i.visible.size), "counts": i.visible.counts.encode()} for i in item.instances]
    areas = np.array(mask.area(codes), float) if codes else np.zeros(0)
    return np.where(areas > 0, areas, (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _looked(
    pictures: Sequence[Picture], block: FindingBlock, class_names: tuple[str, ...], notes: list[str]
) -> LookedAt:
    by_file = {(f.folder, f.file): f for f in block.findings}
    skipped = [f"{f.file}: {f.error}" for f in block.failures]
    out = LookedAt([], [], [], [], [], np.array(block.seconds, float))
    for picture in pictures:
        finding = by_file.get((picture.folder, picture.file))
        if finding is None:
            continue
        found, labels = finding.instances(), _fitting(picture, finding, notes)
        if labels is not None:
            labels = labels.scaled(finding.size_wh)
            out.cases.append(Case(labels.truth, labels.area_px, labels.crowds, labels.regions_xyxy, found))
            out.pictures.append(picture)
        if _is_negative(picture, labels):
            out.negatives.append(found)
            out.negative_pictures.append(picture)
        if picture.truth not in (None, NONE_CLASS):
            out.tops.append((picture.truth, class_names[found.class_ids[0]] if len(found) else None))
    return replace(out, skipped=tuple(skipped))


def _is_negative(picture: Picture, labels: Labels | None) -> bool:
    """Whether it shows none of the objects, not even so little of one that it has no label."""
    if picture.truth != NONE_CLASS:
        return False
    return labels is None or not (len(labels.truth) or len(labels.crowds) or len(labels.regions_xyxy))


def _fitting(picture: Picture, finding: Finding, notes: list[str]) -> Labels | None:
    """The picture's boxes, unless they were drawn on a picture of another shape (not upright, say)."""
    if picture.labels is None:
        return None
    (width, height), (drawn_width, drawn_height) = finding.size_wh, picture.labels.truth.size_wh
    if abs(width * drawn_height / (height * drawn_width) - 1) > SAME_SHAPE:
        notes.append(
            f"the boxes of {picture.file!r} were not used: its COCO file says {drawn_width} x {drawn_height} px, the "
            f"upright photo has {width} x {height}"
        )
        return None
    return picture.labels


def _compared(real: LookedAt, class_names: tuple[str, ...]) -> tuple[str, ...]:
    """The classes with boxes on real photos; without any, those with real photos; else all."""
    boxed = {class_names[k] for case in real.cases for k in case.truth.class_ids}
    there = boxed or {truth for truth, _ in real.tops}
    return tuple(c for c in class_names if c in there) or class_names


def _only(looked: LookedAt, compared: tuple[str, ...], class_names: tuple[str, ...]) -> LookedAt:
    """The set with the objects of other classes made regions in which finds do not count."""
    ids = [class_names.index(c) for c in compared]
    cases = []
    for case in looked.cases:
        ours = np.isin(case.truth.class_ids, ids)
        truth = Instances(case.truth.size_wh, case.truth.boxes_xyxy[ours], case.truth.class_ids[ours])
        regions = np.concatenate([case.regions_xyxy, case.truth.boxes_xyxy[~ours]])
        cases.append(Case(truth, case.truth_area_px[ours], case.crowds, regions, case.found))
    tops = [(truth, top) for truth, top in looked.tops if truth in compared]
    return replace(looked, cases=cases, tops=tops)


def _gap(
    synthetic: MeasuredDetector,
    real: MeasuredDetector,
    compared: tuple[str, ...],
    class_names: tuple[str, ...],
    any_photos: bool,
) -> Gap:
    def unmeasured(name: str) -> str | None:
        if not any_photos:
            return NOT_MEASURED
        return NO_BOXES if name in BOXED and real.report.n_objects == 0 else None

    return Gap(
        class_names=compared,
        left_out=tuple(c for c in class_names if c not in compared),
        n_synthetic=synthetic.report.n_photos,
        n_real=real.report.n_photos,
        rows=tuple(gap_row(name, synthetic, real, unmeasured(name)) for name in (*BOXED, *ALARMS, *BOX_SHARES, TIME)),
    )
