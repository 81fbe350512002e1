"""Verbs that put a trained model to use: export, predict, serve.

Annotations are evaluated here (no `from __future__ import annotations`): records inside functions name lazily
imported types, so that `--help` stays quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import tyro

from photosynth.cli.run_models import exported, exports, served
from photosynth.cli.terminal import PlainProgress
from photosynth.cli.verbs.flags import Common, Flat, here, parse, run_stage
from photosynth.core.record import Record


def export_verb(argv: list[str]) -> int:
    """photosynth export"""
    from photosynth.models.export import ExportConfig, run

    class ExportArgs(Record, frozen=True, kw_only=True):
        """Write a trained model as ONNX, in 8 bits and for Core ML, checked against PyTorch, with model.json.

        Of a run that has a classifier and a detector both are written: the detector beside --out, as OUT-detector.
        """

        model: here("RUN_OR_MODEL")
        """A run's folder, or that of a finished train or train-detector stage."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[ExportConfig, Flat] = msgspec.field(default_factory=ExportConfig)
        """Settings."""

    args = parse(ExportArgs, "export", argv)
    for model, out in exports(args.model, args.common.out):
        run_stage(run, msgspec.structs.replace(args.common, out=out), args.config, model)
    return 0


def predict_verb(argv: list[str]) -> int:
    """photosynth predict"""
    from photosynth.core.record import to_json
    from photosynth.models.exported import second_look_beside
    from photosynth.models.footage import find_footage
    from photosynth.models.predict import PredictConfig, answers, load_asked, run

    class PredictArgs(Record, frozen=True, kw_only=True):
        """Ask an exported model about photos: JSON lines here, or with --out also pictures and COCO results."""

        model: here("MODEL")
        """A folder that `photosynth export` made, or a run that has one in its folder `export`."""
        photos: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS")]
        """A folder of photos, a photo, a video, or a camera's number such as 0."""
        out: Path | None = None
        """The folder to write; without it, one line of JSON for each picture is printed."""
        overwrite: bool = False
        """Replace other predictions in that folder."""
        detector: bool = False
        """Of a run that has a classifier and a detector, ask the detector."""
        second_look: bool = True
        """Let the classifier that is exported beside a detector look again at what it finds, if that was fitted."""
        config: Annotated[PredictConfig, Flat] = msgspec.field(default_factory=PredictConfig)
        """Settings."""

    args = parse(PredictArgs, "predict", argv)
    model = exported(args.model, args.detector)
    looker = second_look_beside(model) if args.second_look else None
    if args.out is not None:
        common = Common(out=args.out, overwrite=args.overwrite)
        return run_stage(run, common, args.config, model, args.photos, second_look=looker)
    predictor = load_asked(args.config, model, looker)
    for shot, answer in answers(args.config, predictor, find_footage(args.photos, args.config.every)):
        if answer is None:
            print(f"photosynth predict: {shot.name} was left out: {shot.error}", file=sys.stderr)
        else:
            print(to_json(answer).decode(), flush=True)
    return 0


def serve_verb(argv: list[str]) -> int:
    """photosynth serve"""
    from photosynth.serve.config import ServeConfig

    class ServeArgs(Record, frozen=True, kw_only=True):
        """Serve models: a web page for any phone or browser, and an API for other programs (documented at /docs)."""

        models: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN_OR_MODEL...")]
        """Runs, or folders that `photosynth export` made; NAME=PATH gives one another name."""
        config: Annotated[ServeConfig, Flat] = msgspec.field(default_factory=ServeConfig)
        """Settings."""

    args = parse(ServeArgs, "serve", argv)
    from photosynth.serve.server import run

    run(args.config, served(args.models), progress=PlainProgress())
    return 0
