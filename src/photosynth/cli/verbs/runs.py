"""Verbs of whole runs: run, demo, show, verify.

Annotations are evaluated here (no `from __future__ import annotations`): records inside functions name lazily
imported types, so that `--help` stays quick.
"""

import time
from pathlib import Path
from typing import Annotated

import msgspec

from photosynth.cli.terminal import in_words, table
from photosynth.cli.verbs.flags import Common, Flat, executor_of, here, parse, shown_progress
from photosynth.core.record import Record
from photosynth.pipeline import Inputs, RunConfig


class RunArgs(Record, frozen=True, kw_only=True):
    """Objects in, a classifier, a detector or both out, scored on real photos: the whole chain, resumed where it was
    interrupted."""

    objects: here("OBJECTS")
    """A folder with one 3D model file, or one sub-folder, for each class."""
    common: Annotated[Common, Flat]
    """Flags of every stage."""
    config: Annotated[RunConfig, Flat] = msgspec.field(default_factory=RunConfig)
    """Settings."""
    real: Path | None = None
    """Real photos to score on: a folder CLASS/*.jpg, and a COCO json if there is one."""
    negatives: Path | None = None
    """Real photos that show none of the objects."""
    backgrounds: Path | None = None
    """A folder of photos to use as backgrounds, beside the built-in ones."""
    environments: Path | None = None
    """A folder of EXR or HDR environment maps (equirectangular, +z up) to use instead of the built-in ones. A map
    lights the objects and is seen behind them. Its sun, or up to three strong lamps, throw shadows: light above 40
    times the map's mean becomes a distant lamp where it is 3 % of the whole or more. Broken maps are left out."""


def run_verb(argv: list[str]) -> int:
    """photosynth run"""
    args = parse(RunArgs, "run", argv)
    inputs = Inputs(args.objects, args.real, args.negatives, args.backgrounds, args.environments)
    return _run_chain(args.config, inputs, args.common)


class DemoArgs(Record, frozen=True, kw_only=True):
    """The main job on supermarket packages that photosynth draws itself: no download, no scan needed."""

    common: Annotated[Common, Flat]
    """Flags of every stage."""
    config: Annotated[RunConfig, Flat] = msgspec.field(default_factory=lambda: RunConfig(images=5000))
    """Settings."""


def demo_verb(argv: list[str]) -> int:
    """photosynth demo"""
    from photosynth.pipeline import write_demo

    args = parse(DemoArgs, "demo", argv)
    objects = write_demo(args.common.out)
    return _run_chain(args.config, Inputs(objects), args.common)


def _run_chain(config: RunConfig, inputs: Inputs, common: Common) -> int:
    from photosynth import pipeline
    from photosynth.pipeline.report import closing_rows

    executor = executor_of(common)
    planned = pipeline.plan(config, inputs, common.out, executor.workers)
    rows = [(s.name, s.what, "finished before" if s.finished else in_words(s.expected_s)) for s in planned]
    table(("stage", "what", "expected"), rows)
    left = sum(s.expected_s for s in planned if not s.finished)
    print(f"about {in_words(left)} on {executor.workers} cores; interrupt whenever you like, it resumes\n", flush=True)
    began = time.monotonic()
    with shown_progress() as progress:
        result = pipeline.run(
            config, inputs, common.out, executor=executor, progress=progress, overwrite=common.overwrite
        )
    print(f"\ndone in {in_words(time.monotonic() - began)}\n")
    table(("", "synthetic", "real", "gap"), closing_rows(result.evaluations))
    print(f"\nreport: {result.report}")
    return 0


class FolderArgs(Record, frozen=True, kw_only=True):
    """An artifact folder, or the folder of a whole run."""

    folder: here("FOLDER")
    """The folder."""


def show_verb(argv: list[str]) -> int:
    """photosynth show"""
    from photosynth.cli.inspect import describe

    for line in describe(parse(FolderArgs, "show", argv).folder):
        print(line)
    return 0


def verify_verb(argv: list[str]) -> int:
    """photosynth verify"""
    from photosynth.cli.inspect import verify

    problems = 0
    for folder, found in verify(parse(FolderArgs, "verify", argv).folder):
        print(f"{folder}: {'ok' if not found else f'{len(found)} problems'}")
        for problem in found:
            print(f"  {problem}")
        problems += len(found)
    return 1 if problems else 0
