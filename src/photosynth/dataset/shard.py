"""One unit of work: the labels of one of the render's frames files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

import msgspec

from photosynth.core.codec import read_jsonl, write_atomic, write_jsonl
from photosynth.core.errors import ArtifactError, PhotosynthError
from photosynth.core.frame import FrameRecord
from photosynth.core.items import Item
from photosynth.core.record import Record, from_json, to_json
from photosynth.dataset.audit import item_problems
from photosynth.dataset.bop import HULLS_FILE, BopImage, left_out, write_bop_image
from photosynth.dataset.bop_objects import BopObject
from photosynth.dataset.config import DatasetConfig
from photosynth.dataset.extras import ItemExtras
from photosynth.dataset.labels import Dropped, label_frame
from photosynth.dataset.link import link_or_copy
from photosynth.dataset.split import split_for
from photosynth.dataset.voc import voc_file, voc_xml
from photosynth.dataset.yolo import yolo_label_file, yolo_text

PARTS_FOLDER = "parts"


class Shard(Record, frozen=True, kw_only=True):
    """What one worker is asked to do."""

    frames_file: str
    """The frames, absolute; its folder is the render folder."""
    out: str
    """The dataset folder."""
    number: int
    """Its place among the frames files: names its part files."""
    config: DatasetConfig
    """The stage's settings."""
    class_names: tuple[str, ...]
    """The classes."""
    bop_objects: tuple[BopObject, ...] = ()
    """For format BOP: what its models are of."""


class ShardReport(Record, frozen=True, kw_only=True):
    """What became of a shard; as a file, the mark that it is done."""

    n_frames: int = 0
    """How many pictures it had."""
    n_unlabelled: int = 0
    """Objects that are seen, but too little for a label, in kept and dropped pictures."""
    n_distractors: int = 0
    """Distractors that are seen in kept pictures."""
    bop_left_out: dict[str, int] = msgspec.field(default_factory=dict)
    """Pictures that BOP has no words for, by reason."""
    problems: tuple[str, ...] = ()
    """Why it cannot be used; nothing is marked as done then."""


def hulls_path(out: Path) -> Path:
    """Where the convex hulls of BOP's models wait for the workers."""
    return out / PARTS_FOLDER / HULLS_FILE


def report_path(shard: Shard) -> Path:
    """Where the shard's mark is."""
    return _part(shard, "json")


def items_path(shard: Shard) -> Path:
    """Where the shard's items of all splits wait."""
    return _part(shard, "items.jsonl")


def extras_path(shard: Shard) -> Path:
    """Where what COCO files say beyond the items waits, line by line beside them."""
    return _part(shard, "extras.jsonl")


def dropped_path(shard: Shard) -> Path:
    """Where the shard's dropped pictures wait."""
    return _part(shard, "dropped.jsonl")


def bop_path(shard: Shard) -> Path:
    """Where the shard's rows of the BOP files wait."""
    return _part(shard, "bop.jsonl")


def read_report(shard: Shard) -> ShardReport | None:
    """What became of a shard earlier; None if it is not done, or its part files are not all there."""
    path = report_path(shard)
    parts = [path, items_path(shard), extras_path(shard), dropped_path(shard)]
    if "bop" in shard.config.formats:
        parts.append(bop_path(shard))
    if not all(part.is_file() for part in parts):
        return None
    return from_json(path.read_bytes(), ShardReport, str(path))


def label_shard(shard: Shard) -> ShardReport:
    """Label, link and audit every picture of a shard; write its part files, and its mark last.

    Faults of the data are returned in the report, since they do not go away on a second try.

    Raises:
        ArtifactError: if the disk is full.
    """
    class_ids = {name: k for k, name in enumerate(shard.class_names)}
    render, out = Path(shard.frames_file).parent, Path(shard.out)
    items: list[tuple[Item, ItemExtras]] = []
    posed: list[FrameRecord] = []
    bop_left_out: Counter[str] = Counter()
    dropped: list[Dropped] = []
    problems: list[str] = []
    n_unlabelled = 0
    try:
        for frame in read_jsonl(Path(shard.frames_file), FrameRecord):
            _check_inside(frame)
            labels = label_frame(frame, class_ids, shard.config)
            n_unlabelled += labels.n_unlabelled
            if isinstance(labels.made, Dropped):
                dropped.append(labels.made)
                continue
            problems += item_problems(labels.made, len(shard.class_names), render)
            items.append((labels.made, labels.extras))
            if "bop" in shard.config.formats:
                reason = left_out(frame, shard.bop_objects)
                bop_left_out.update([reason] if reason else [])
                posed += [] if reason else [frame]
    except PhotosynthError as error:
        problems.append(str(error))
    if problems:
        return ShardReport(problems=tuple(problems))
    items.sort(key=lambda pair: pair[0].index)
    for item, _ in items:
        link_or_copy(render / item.image_file, out / item.image_file)
        _write_label_files(item, shard, out)
    write_jsonl(items_path(shard), (item for item, _ in items))
    write_jsonl(extras_path(shard), (extras for _, extras in items))
    if "bop" in shard.config.formats:
        posed.sort(key=lambda frame: frame.index)
        write_jsonl(bop_path(shard), (_write_bop(frame, shard, render, out) for frame in posed))
    write_jsonl(dropped_path(shard), sorted(dropped, key=lambda one: one.index))
    report = ShardReport(
        n_frames=len(items) + len(dropped),
        n_unlabelled=n_unlabelled,
        n_distractors=sum(extras.n_distractors for _, extras in items),
        bop_left_out=dict(sorted(bop_left_out.items())),
    )
    write_atomic(report_path(shard), to_json(report))
    return report


def _write_label_files(item: Item, shard: Shard, out: Path) -> None:
    if "yolo" in shard.config.formats:
        write_atomic(out / yolo_label_file(item.image_file), yolo_text(item).encode())
    if "voc" in shard.config.formats:
        write_atomic(out / voc_file(item.image_file), voc_xml(item, shard.class_names))


def _write_bop(frame: FrameRecord, shard: Shard, render: Path, out: Path) -> BopImage:
    split = split_for(shard.config, frame.index)
    return write_bop_image(frame, split, shard.bop_objects, render, out, hulls_path(out))


def _check_inside(frame: FrameRecord) -> None:
    parts = PurePosixPath(frame.image_file).parts
    if len(parts) < 2 or parts[0] != "images" or ".." in parts or "\\" in frame.image_file:
        raise ArtifactError(
            f"scene {frame.index}: its picture is {frame.image_file!r}; expected a file under the render's images/"
        )


def _part(shard: Shard, suffix: str) -> Path:
    return Path(shard.out) / PARTS_FOLDER / f"{shard.number:06d}.{suffix}"
