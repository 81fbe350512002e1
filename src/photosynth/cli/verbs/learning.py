"""Verbs that train and score: train, train-detector, evaluate.

Annotations are evaluated here (no `from __future__ import annotations`): records inside functions name lazily
imported types, so that `--help` stays quick.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from photosynth.cli.terminal import table
from photosynth.cli.verbs.flags import Common, Flat, executor_of, here, parse, run_stage
from photosynth.core.artifact import open_artifact
from photosynth.core.record import Record


def train_verb(argv: list[str]) -> int:
    """photosynth train"""
    from photosynth.train.stage import TrainConfig, run

    class TrainArgs(Record, frozen=True, kw_only=True):
        """Train a classifier on a dataset; chooses its epoch and calibrates on synthetic validation images."""

        dataset: here("DATASET")
        """A finished dataset folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[TrainConfig, Flat] = msgspec.field(default_factory=TrainConfig)
        """Settings."""

    args = parse(TrainArgs, "train", argv)
    return run_stage(run, args.common, args.config, args.dataset)


def train_detector_verb(argv: list[str]) -> int:
    """photosynth train-detector"""
    from photosynth.live import LiveConfig, LiveFrames
    from photosynth.train.detect_stage import DetectConfig, run

    class TrainDetectorArgs(Record, frozen=True, kw_only=True):
        """Train a detector; chooses its epoch and its score threshold on synthetic validation images.

        With the default number of epochs it takes 40 minutes at most on two idle cores; it says how long beforehand.
        Given a catalogue in place of a dataset, it renders its pictures while it trains, each learnt once.
        """

        source: here("DATASET")
        """A finished dataset folder, or a finished catalogue folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage; `--workers` render, if anything is rendered."""
        config: Annotated[DetectConfig, Flat] = msgspec.field(default_factory=DetectConfig)
        """Settings."""
        live: LiveConfig = msgspec.field(default_factory=LiveConfig)
        """Which pictures to render, if a catalogue is given."""
        backgrounds: Path | None = None
        """A folder of photos to use as backgrounds, if a catalogue is given."""
        environments: Path | None = None
        """A folder of EXR or HDR environment maps to use instead of the built-in ones, if a catalogue is given; their
        suns throw shadows."""
        classifier: Path | None = None
        """A finished train folder: begin with that classifier's backbone, if it is the same one, and fit the threshold
        of its second look at what the detector finds."""

    args = parse(TrainDetectorArgs, "train-detector", argv)
    if open_artifact(args.source).manifest.stage != "catalogue":
        return run_stage(run, args.common, args.config, args.source, classifier=args.classifier)
    folders = {"backgrounds": args.backgrounds, "environments": args.environments}
    workers = executor_of(args.common).workers
    shared = args.common.out.with_name(f".{args.common.out.name}.meshes")
    with LiveFrames(args.live, args.source, workers=workers, shared_folder=shared, **folders) as frames:
        return run_stage(run, args.common, args.config, frames, classifier=args.classifier)


def evaluate_verb(argv: list[str]) -> int:
    """photosynth evaluate"""
    from photosynth.evaluate.asked import is_detector
    from photosynth.evaluate.stage import EvaluateConfig, run
    from photosynth.evaluate.summary import summary_table

    class EvaluateArgs(Record, frozen=True, kw_only=True):
        """Score a classifier, a detector or both on real photos and on held-out synthetic images; write report.html."""

        model: here("MODEL")
        """A finished train or train-detector folder, or what `photosynth export` made of one."""
        dataset: here("DATASET")
        """The dataset it was trained on."""
        catalogue: here("CATALOGUE")
        """The catalogue of its objects."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[EvaluateConfig, Flat] = msgspec.field(default_factory=EvaluateConfig)
        """Settings."""
        detector: Path | None = None
        """A detector to score beside a classifier: a finished train-detector folder, or its export."""
        second_look: Path | None = None
        """A classifier that looks again at what the detector finds: a finished train folder, or its export."""
        real: Path | None = None
        """Real photos to score on: a folder CLASS/*.jpg; boxes from a COCO file FOLDER.coco.json, or inside it."""
        negatives: Path | None = None
        """Real photos that show none of the objects."""

    args = parse(EvaluateArgs, "evaluate", argv)
    classifier, detector = args.model, args.detector
    if detector is None and is_detector(args.model):
        classifier, detector = None, args.model
    folders = (classifier, args.dataset, args.catalogue)
    named = {"detector": detector, "second_look": args.second_look, "photos": args.real, "negatives": args.negatives}
    code = run_stage(run, args.common, args.config, *folders, **named)
    table(("", "synthetic", "real", "gap"), [tuple(row) for row in summary_table(args.common.out)])
    print(f"\nreport: {args.common.out / 'report.html'}")
    return code
