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
from photosynth.dataset.bop_export import begin_bop, finish_bop, models_for
from photosynth.dataset.bop_objects import BopObject
from photosynth.dataset.config import DatasetConfig, check_config
from photosynth.dataset.contact_sheet import contact_sheet_png
from photosynth.dataset.merge import Tally, merge_shards
from photosynth.dataset.shard import PARTS_FOLDER, Shard, label_shard, read_report

__all__ = ["SCHEMA", "STAGE", "DatasetConfig", "run"]

STAGE = "dataset"
SCHEMA = 3
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
    catalogue: Path | None = None,
) -> Artifact:
    """Label every picture of a ``render`` artifact, audit it, and sort it into train, val and test.

    Writes ``dataset.json``, ``items-SPLIT.jsonl``, ``images/`` (hard links where possible), ``dropped.jsonl``,
    ``contact_sheet.png`` and the label files of `config.formats`: ``annotations/SPLIT.coco.json``; ``data.yaml``,
    ``SPLIT.txt`` and ``labels/``; ``voc/``; ``bop/``. Bytes depend on the render, the settings and, for BOP's models,
    the catalogue alone.

    Raises:
        ConfigError: for settings that cannot work; for format BOP without layers or without the render's catalogue.
        ArtifactError: for an unusable input or output folder, or a full disk.
        QualityError: if a picture fails its audit (named, with the reason), or no picture is left; or none that BOP
            has words for, and no other format was asked for.
    """
    check_config(config)
    progress = progress or Silent()
    if executor is None:
        from photosynth.executors.local import LocalExecutor

        executor = LocalExecutor(workers=1)
    rendered = open_artifact(render, "render")
    inputs = {"render": rendered.key}
    if "bop" in config.formats:
        models = models_for(rendered, catalogue)
        inputs["catalogue"] = models.key
    with ArtifactWriter(out, STAGE, SCHEMA, config, config.seed, inputs, overwrite) as writer:
        if writer.finished:
            return writer.finished
        class_names = _class_names(rendered.folder)
        objects = begin_bop(models.folder, writer.folder) if "bop" in config.formats else ()
        shards = _shards(rendered.folder, writer.folder, config, class_names, objects)
        progress.start(STAGE, len(shards), "shards")
        counts_seen, bop_left_out = _label_all(shards, executor, progress)
        tally, picks = merge_shards(shards, writer.folder, config, class_names)
        _refuse_empty(tally, config)
        counts = {split: tally.pictures[split] for split in SPLITS}
        writer.write("dataset.json", to_pretty_json(DatasetInfo(class_names=class_names, counts=counts)))
        if config.contact_sheet_pictures:
            writer.write("contact_sheet.png", contact_sheet_png(picks.chosen(), writer.folder, class_names))
        notes = _notes(tally)
        if "bop" in config.formats:
            alone = config.formats == ("bop",)
            bop_summary, bop_notes = finish_bop(shards, writer.folder, bop_left_out, alone)
            counts_seen |= bop_summary
            notes += bop_notes
        shutil.rmtree(writer.folder / PARTS_FOLDER)
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


def _shards(
    render: Path, out: Path, config: DatasetConfig, class_names: tuple[str, ...], objects: tuple[BopObject, ...]
) -> list[Shard]:
    files = sorted(render.glob("frames-*.jsonl"))
    if not files:
        raise ArtifactError(f"{render} has no frames-*.jsonl; render it again")
    return [
        Shard(
            frames_file=str(path.resolve()),
            out=str(out.resolve()),
            number=k,
            config=config,
            class_names=class_names,
            bop_objects=objects,
        )
        for k, path in enumerate(files)
    ]


def _label_all(shards: Sequence[Shard], executor: Executor, progress: Progress) -> tuple[dict[str, int], Counter[str]]:
    """Run the shards that are not done yet.

    Returns how many seen objects got no label and how many distractors there are, by name; and how many pictures BOP
    has no words for, by reason.
    """
    reports, left = [], []
    for shard in shards:
        done = read_report(shard)
        if done is None:
            left.append(shard)
        else:
            reports.append(done)
            progress.advance()
    for result in executor.map(label_shard, left):
        if result.error is not None:
            raise ArtifactError(f"{left[result.position].frames_file} could not be labelled: {result.error}")
        if result.value.problems:
            _refuse_faulty(left[result.position], result.value.problems)
        reports.append(result.value)
        progress.advance()
    bop_left_out: Counter[str] = Counter()
    for report in reports:
        bop_left_out.update(report.bop_left_out)
    n_unlabelled, n_distractors = sum(r.n_unlabelled for r in reports), sum(r.n_distractors for r in reports)
    return {"objects_unlabelled": n_unlabelled, "distractors": n_distractors}, bop_left_out


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
