"""Stage ``dataset``: rendered frames in, labelled and split pictures out."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from photosynth.core.artifact import Artifact, ArtifactWriter, open_artifact
from photosynth.core.engine import Executor
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.items import SPLITS, DatasetInfo
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import from_json, to_pretty_json
from photosynth.dataset.config import DatasetConfig, check_config
from photosynth.dataset.contact_sheet import contact_sheet_png
from photosynth.dataset.merge import Tally, merge_shards
from photosynth.dataset.shard import PARTS_FOLDER, Shard, ShardReport, label_shard, read_report

__all__ = ["SCHEMA", "STAGE", "DatasetConfig", "run"]

STAGE = "dataset"
SCHEMA = 2
MANY_DROPPED = 0.2
"""Share of dropped pictures from which the manifest says so."""
SHOWN_PROBLEMS = 5


def run(
    config: DatasetConfig,
    render: Path,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Label every picture of a ``render`` artifact, audit it, and sort it into train, val and test.

    Writes ``dataset.json``, ``items-SPLIT.jsonl``, ``images/`` (hard links where possible), ``dropped.jsonl``,
    ``contact_sheet.png`` and the label files of `config.formats`: ``annotations/SPLIT.coco.json``; ``data.yaml``,
    ``SPLIT.txt`` and ``labels/``; ``voc/``. Bytes depend on the render and the settings alone.

    Raises:
        ConfigError: for settings that cannot work.
        ArtifactError: for an unusable input or output folder, or a full disk.
        QualityError: if a picture fails its audit (named, with the reason), or no picture is left.
    """
    check_config(config)
    progress = progress or Silent()
    if executor is None:
        from photosynth.executors.local import LocalExecutor

        executor = LocalExecutor(workers=1)
    rendered = open_artifact(render, "render")
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, {"render": rendered.key}, overwrite) as writer:
        if writer.finished:
            return writer.finished
        class_names = _class_names(rendered.folder)
        shards = _shards(rendered.folder, writer.folder, config, class_names)
        progress.start(STAGE, len(shards), "shards")
        counts_seen = _label_all(shards, executor, progress)
        tally, picks = merge_shards(shards, writer.folder, config, class_names)
        _refuse_empty(tally, config)
        counts = {split: tally.pictures[split] for split in SPLITS}
        writer.write("dataset.json", to_pretty_json(DatasetInfo(class_names=class_names, counts=counts)))
        if config.contact_sheet_pictures:
            writer.write("contact_sheet.png", contact_sheet_png(picks.chosen(), writer.folder, class_names))
        shutil.rmtree(writer.folder / PARTS_FOLDER)
        notes = _notes(tally)
        for note in notes:
            progress.note(note)
        progress.finish()
        return writer.finish(tally.summary() | counts_seen, notes)


def _class_names(render: Path) -> tuple[str, ...]:
    path = render / "classes.json"
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; expected the render's class list. Render again.")
    try:
        names = from_json(path.read_bytes(), tuple[str, ...], str(path))
    except ConfigError as error:
        raise ArtifactError(f"{error}. Render again.") from error
    if list(names) != sorted(set(names)):
        raise ArtifactError(f"{path} holds {list(names)}; expected each class once, sorted. Render again.")
    return names


def _shards(render: Path, out: Path, config: DatasetConfig, class_names: tuple[str, ...]) -> list[Shard]:
    files = sorted(render.glob("frames-*.jsonl"))
    if not files:
        raise ArtifactError(f"{render} has no frames-*.jsonl; render it again")
    return [
        Shard(frames_file=str(path.resolve()), out=str(out.resolve()), number=k, config=config, class_names=class_names)
        for k, path in enumerate(files)
    ]


def _label_all(shards: Sequence[Shard], executor: Executor, progress: Progress) -> dict[str, int]:
    """Run the shards that are not done yet; returns how many seen objects got no label, and how many distractors
    there are."""
    counts: Counter[str] = Counter(objects_unlabelled=0, distractors=0)
    left = []
    for shard in shards:
        done = read_report(shard)
        if done is None:
            left.append(shard)
        else:
            _count(counts, done)
            progress.advance()
    for result in executor.map(label_shard, left):
        if result.error is not None:
            raise ArtifactError(f"{left[result.position].frames_file} could not be labelled: {result.error}")
        if result.value.problems:
            _refuse_faulty(left[result.position], result.value.problems)
        _count(counts, result.value)
        progress.advance()
    return dict(counts)


def _count(counts: Counter[str], report: ShardReport) -> None:
    counts["objects_unlabelled"] += report.n_unlabelled
    counts["distractors"] += report.n_distractors


def _refuse_faulty(shard: Shard, problems: Sequence[str]) -> None:
    shown = "\n  ".join(problems[:SHOWN_PROBLEMS])
    more = f"\n  and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
    raise QualityError(
        f"{shard.frames_file} does not pass the audit; render again, and report it if that does not help:\n"
        f"  {shown}{more}"
    )


def _refuse_empty(tally: Tally, config: DatasetConfig) -> None:
    if not tally.pictures.total():
        why = ", ".join(f"{n} {reason}" for reason, n in sorted(tally.dropped.items())) or "the render has none"
        raise QualityError(
            f"no picture is left for the dataset ({why}); lower dataset.min_visible_fraction "
            f"({config.min_visible_fraction}) or dataset.min_visible_px ({config.min_visible_px}), or render more "
            "of the objects"
        )


def _notes(tally: Tally) -> tuple[str, ...]:
    notes = []
    kept, dropped = tally.pictures.total(), tally.dropped.total()
    if dropped > MANY_DROPPED * (kept + dropped):
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(tally.dropped.items()))
        notes.append(f"{dropped} of {kept + dropped} pictures were dropped: {reasons}; see dropped.jsonl")
    empty = [split for split in SPLITS if not tally.pictures[split]]
    if empty:
        notes.append(f"no picture fell into {' or '.join(empty)}: the set has only {kept}")
    return tuple(notes)
