"""The verbs: each parses its flags with tyro, calls one function of the library, and prints what came of it.

Annotations are evaluated here (no `from __future__ import annotations`): records inside functions name lazily
imported types, so that `--help` stays quick.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tyro

from photosynth.cli.terminal import BarProgress, PlainProgress, in_words, table
from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.progress import Progress
from photosynth.core.record import Record
from photosynth.pipeline import Inputs, RunConfig


def _here(name: str) -> Any:
    """The annotation of a positional path shown as NAME."""
    return Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar=name)]


Flat = tyro.conf.arg(name="")


class Common(Record, frozen=True, kw_only=True):
    """Flags of every stage."""

    out: Path
    """The folder to write; made if absent."""
    overwrite: bool = False
    """Replace what an earlier run with other settings left in that folder (never other people's files)."""
    workers: int = 0
    """Worker processes; 0 means one for each core. Results do not depend on it."""


class RunArgs(Record, frozen=True, kw_only=True):
    """Objects in, a classifier scored on real photos out: the whole chain, resumed where it was interrupted."""

    objects: _here("OBJECTS")
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
    """A folder of EXR or HDR environment maps to use instead of the built-in ones."""


def run_verb(argv: list[str]) -> int:
    """photosynth run"""
    args = _parse(RunArgs, "run", argv)
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

    args = _parse(DemoArgs, "demo", argv)
    objects = write_demo(args.common.out)
    return _run_chain(args.config, Inputs(objects), args.common)


def _run_chain(config: RunConfig, inputs: Inputs, common: Common) -> int:
    from photosynth import pipeline
    from photosynth.evaluate.summary import summary_table

    executor = _executor(common)
    planned = pipeline.plan(config, inputs, common.out, executor.workers)
    rows = [(s.name, s.what, "finished before" if s.finished else in_words(s.expected_s)) for s in planned]
    table(("stage", "what", "expected"), rows)
    left = sum(s.expected_s for s in planned if not s.finished)
    print(f"about {in_words(left)} on {executor.workers} cores; interrupt whenever you like, it resumes\n", flush=True)
    began = time.monotonic()
    with _progress() as progress:
        result = pipeline.run(
            config, inputs, common.out, executor=executor, progress=progress, overwrite=common.overwrite
        )
    print(f"\ndone in {in_words(time.monotonic() - began)}\n")
    table(("", "synthetic", "real", "gap"), [tuple(row) for row in summary_table(result.artifacts["evaluate"].folder)])
    print(f"\nreport: {result.report}")
    return 0


def capture_verb(argv: list[str]) -> int:
    """photosynth capture"""
    from photosynth.capture.stage import CaptureConfig, run

    if any(a.split("=")[0] in ("--print-sheet", "--print_sheet") for a in argv):
        return _print_sheet(argv)

    class CaptureArgs(Record, frozen=True, kw_only=True):
        """Take in the photos or the video of one object and judge each photo.

        `photosynth capture --print-sheet SHEET.pdf [--paper letter]` writes a sheet of markers instead: print it at
        100 %, put the object on it, and the model will be in metres.
        """

        photos: _here("PHOTOS")
        """A folder of photos (JPEG, PNG, HEIC), or a video."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[CaptureConfig, Flat] = msgspec.field(default_factory=CaptureConfig)
        """Settings."""

    args = _parse(CaptureArgs, "capture", argv)
    code = _run_stage(run, args.common, args.config, args.photos)
    from photosynth.core.capture import read_capture

    for line in read_capture(args.common.out).advice:
        print(f"advice: {line}")
    return code


def _print_sheet(argv: list[str]) -> int:
    from photosynth.capture.sheet import Paper, write_sheet

    class SheetArgs(Record, frozen=True, kw_only=True):
        """Write the sheet of markers that tells the reconstruction how large things are."""

        print_sheet: Path
        """The PDF to write."""
        paper: Paper = "a4"
        """The paper in the printer."""

    args = _parse(SheetArgs, "capture", argv)
    write_sheet(args.print_sheet, args.paper)
    print(f"{args.print_sheet}: print it at 100 % and check the ruler, put the object in its middle")
    return 0


def reconstruct_verb(argv: list[str]) -> int:
    """photosynth reconstruct"""
    from photosynth.reconstruct.stage import ReconstructConfig, run

    class ReconstructArgs(Record, frozen=True, kw_only=True):
        """Reconstruct the object that a capture shows: a textured model of it alone, with a plain verdict."""

        capture: _here("CAPTURE")
        """The folder that `photosynth capture` wrote."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[ReconstructConfig, Flat] = msgspec.field(default_factory=ReconstructConfig)
        """Settings."""
        masks: Path | None = None
        """A folder with FILE.png for photos of the capture: only what is not black is used."""

    args = _parse(ReconstructArgs, "reconstruct", argv)
    with _progress() as progress:
        artifact = run(
            args.config,
            args.capture,
            args.common.out,
            masks=args.masks,
            progress=progress,
            overwrite=args.common.overwrite,
        )
    for note in artifact.manifest.notes:
        print(f"note: {note}")
    print(f"verdict: {artifact.manifest.summary['verdict']}\n{artifact.folder}: done")
    return 0


def catalogue_verb(argv: list[str]) -> int:
    """photosynth catalogue"""
    from photosynth.catalogue.stage import CatalogueConfig, run

    class CatalogueArgs(Record, frozen=True, kw_only=True):
        """Import 3D models: .model, OBJ, GLB, glTF, PLY, DAE; cleaned, normalised, with a turntable preview."""

        objects: _here("OBJECTS")
        """A folder with one 3D model file, or one sub-folder, for each class."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[CatalogueConfig, Flat] = msgspec.field(default_factory=CatalogueConfig)
        """Settings."""

    args = _parse(CatalogueArgs, "catalogue", argv)
    return _run_stage(run, args.common, args.config, args.objects)


def sample_verb(argv: list[str]) -> int:
    """photosynth sample"""
    from photosynth.sample.stage import SampleConfig, run

    class SampleArgs(Record, frozen=True, kw_only=True):
        """Draw concrete scenes from a recipe. With --plot, only draw the recipe's distributions to a picture."""

        catalogue: _here("CATALOGUE")
        """A finished catalogue folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[SampleConfig, Flat] = msgspec.field(default_factory=SampleConfig)
        """Settings."""
        backgrounds: Path | None = None
        """A folder of photos to use as backgrounds, beside the built-in ones."""
        environments: Path | None = None
        """A folder of EXR or HDR environment maps to use instead of the built-in ones."""
        plot: bool = False
        """Write a picture of every distribution to --out (a .png) and sample nothing."""

    args = _parse(SampleArgs, "sample", argv)
    if args.plot:
        from photosynth.core.asset import read_assets
        from photosynth.sample.plot import plot_distributions
        from photosynth.sample.recipe import load_recipe

        target = args.common.out if args.common.out.suffix == ".png" else args.common.out / "distributions.png"
        plot_distributions(load_recipe(args.config.recipe), read_assets(args.catalogue), target, seed=args.config.seed)
        print(target)
        return 0
    folders = {"backgrounds": args.backgrounds, "environments": args.environments}
    return _run_stage(run, args.common, args.config, args.catalogue, **folders)


def render_verb(argv: list[str]) -> int:
    """photosynth render"""
    from photosynth.render.stage import RenderConfig, run

    class RenderArgs(Record, frozen=True, kw_only=True):
        """Render scenes to pictures and frame records."""

        scenes: _here("SCENES")
        """A finished sample folder."""
        catalogue: _here("CATALOGUE")
        """The catalogue it was drawn from."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[RenderConfig, Flat] = msgspec.field(default_factory=RenderConfig)
        """Settings."""
        open_in_blender: int | None = None
        """Write this scene as scene-NNNNNN.blend beside --out, for a person to open, and render nothing."""

    args = _parse(RenderArgs, "render", argv)
    if args.open_in_blender is not None:
        from photosynth.render.cycles.blend import write_blend

        folder = args.common.out.absolute().parent
        print(write_blend(args.scenes, args.catalogue, args.open_in_blender, folder, args.config.cycles))
        return 0
    return _run_stage(run, args.common, args.config, args.scenes, args.catalogue)


def dataset_verb(argv: list[str]) -> int:
    """photosynth dataset"""
    from photosynth.dataset.stage import DatasetConfig, run

    class DatasetArgs(Record, frozen=True, kw_only=True):
        """Compute labels from rendered layers, split by hash, audit every picture, export."""

        render: _here("RENDER")
        """A finished render folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[DatasetConfig, Flat] = msgspec.field(default_factory=DatasetConfig)
        """Settings."""
        catalogue: Path | None = None
        """The catalogue that was rendered: format bop takes its models from it."""

    args = _parse(DatasetArgs, "dataset", argv)
    return _run_stage(run, args.common, args.config, args.render, catalogue=args.catalogue)


def train_verb(argv: list[str]) -> int:
    """photosynth train"""
    from photosynth.train.stage import TrainConfig, run

    class TrainArgs(Record, frozen=True, kw_only=True):
        """Train a classifier on a dataset; chooses its epoch and calibrates on synthetic validation images."""

        dataset: _here("DATASET")
        """A finished dataset folder."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[TrainConfig, Flat] = msgspec.field(default_factory=TrainConfig)
        """Settings."""

    args = _parse(TrainArgs, "train", argv)
    return _run_stage(run, args.common, args.config, args.dataset)


def train_detector_verb(argv: list[str]) -> int:
    """photosynth train-detector"""
    from photosynth.live import LiveConfig, LiveFrames
    from photosynth.train.detect_stage import DetectConfig, run

    class TrainDetectorArgs(Record, frozen=True, kw_only=True):
        """Train a detector; chooses its epoch and its score threshold on synthetic validation images.

        With the default number of epochs it takes 40 minutes at most on two idle cores; it says how long beforehand.
        Given a catalogue in place of a dataset, it renders its pictures while it trains, each learnt once.
        """

        source: _here("DATASET")
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
        """A folder of EXR or HDR environment maps to use instead of the built-in ones, if a catalogue is given."""

    args = _parse(TrainDetectorArgs, "train-detector", argv)
    if open_artifact(args.source).manifest.stage != "catalogue":
        return _run_stage(run, args.common, args.config, args.source)
    folders = {"backgrounds": args.backgrounds, "environments": args.environments}
    workers = _executor(args.common).workers
    with LiveFrames(args.live, args.source, workers=workers, **folders) as frames:
        return _run_stage(run, args.common, args.config, frames)


def evaluate_verb(argv: list[str]) -> int:
    """photosynth evaluate"""
    from photosynth.evaluate.asked import is_detector
    from photosynth.evaluate.stage import EvaluateConfig, run
    from photosynth.evaluate.summary import summary_table

    class EvaluateArgs(Record, frozen=True, kw_only=True):
        """Score a classifier, a detector or both on real photos and on held-out synthetic images; write report.html."""

        model: _here("MODEL")
        """A finished train or train-detector folder, or what `photosynth export` made of one."""
        dataset: _here("DATASET")
        """The dataset it was trained on."""
        catalogue: _here("CATALOGUE")
        """The catalogue of its objects."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[EvaluateConfig, Flat] = msgspec.field(default_factory=EvaluateConfig)
        """Settings."""
        detector: Path | None = None
        """A detector to score beside a classifier: a finished train-detector folder, or its export."""
        real: Path | None = None
        """Real photos to score on: a folder CLASS/*.jpg; boxes from a COCO file FOLDER.coco.json, or inside it."""
        negatives: Path | None = None
        """Real photos that show none of the objects."""

    args = _parse(EvaluateArgs, "evaluate", argv)
    classifier, detector = args.model, args.detector
    if detector is None and is_detector(args.model):
        classifier, detector = None, args.model
    folders = (classifier, args.dataset, args.catalogue)
    named = {"detector": detector, "photos": args.real, "negatives": args.negatives}
    code = _run_stage(run, args.common, args.config, *folders, **named)
    table(("", "synthetic", "real", "gap"), [tuple(row) for row in summary_table(args.common.out)])
    print(f"\nreport: {args.common.out / 'report.html'}")
    return code


def export_verb(argv: list[str]) -> int:
    """photosynth export"""
    from photosynth.models.export import ExportConfig, run

    class ExportArgs(Record, frozen=True, kw_only=True):
        """Write a trained model as ONNX, in 8 bits and for Core ML, checked against PyTorch, with model.json."""

        model: _here("RUN_OR_MODEL")
        """A run's folder, or that of a finished train or train-detector stage."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[ExportConfig, Flat] = msgspec.field(default_factory=ExportConfig)
        """Settings."""

    args = _parse(ExportArgs, "export", argv)
    return _run_stage(run, args.common, args.config, args.model)


def predict_verb(argv: list[str]) -> int:
    """photosynth predict"""
    from photosynth.core.record import to_json
    from photosynth.models.footage import find_footage
    from photosynth.models.predict import PredictConfig, answers, run
    from photosynth.models.predictor import load_predictor

    class PredictArgs(Record, frozen=True, kw_only=True):
        """Ask an exported model about photos: JSON lines here, or with --out also pictures and COCO results."""

        model: _here("MODEL")
        """A folder that `photosynth export` made, or a run that has one in its folder `export`."""
        photos: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS")]
        """A folder of photos, a photo, a video, or a camera's number such as 0."""
        out: Path | None = None
        """The folder to write; without it, one line of JSON for each picture is printed."""
        overwrite: bool = False
        """Replace other predictions in that folder."""
        config: Annotated[PredictConfig, Flat] = msgspec.field(default_factory=PredictConfig)
        """Settings."""

    args = _parse(PredictArgs, "predict", argv)
    if args.out is not None:
        return _run_stage(run, Common(out=args.out, overwrite=args.overwrite), args.config, args.model, args.photos)
    predictor = load_predictor(args.model, precision=args.config.precision)
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

    args = _parse(ServeArgs, "serve", argv)
    from photosynth.serve.server import run

    run(args.config, args.models, progress=PlainProgress())
    return 0


class FolderArgs(Record, frozen=True, kw_only=True):
    """An artifact folder, or the folder of a whole run."""

    folder: _here("FOLDER")
    """The folder."""


def show_verb(argv: list[str]) -> int:
    """photosynth show"""
    from photosynth.cli.inspect import describe

    for line in describe(_parse(FolderArgs, "show", argv).folder):
        print(line)
    return 0


def verify_verb(argv: list[str]) -> int:
    """photosynth verify"""
    from photosynth.cli.inspect import verify

    problems = 0
    for folder, found in verify(_parse(FolderArgs, "verify", argv).folder):
        print(f"{folder}: {'ok' if not found else f'{len(found)} problems'}")
        for problem in found:
            print(f"  {problem}")
        problems += len(found)
    return 1 if problems else 0


def _parse(kind: Any, verb: str, argv: list[str]) -> Any:
    return tyro.cli(kind, prog=f"photosynth {verb}", args=argv, config=(tyro.conf.FlagCreatePairsOff,))


def _executor(common: Common) -> Any:
    from photosynth.executors.local import LocalExecutor

    return LocalExecutor(common.workers)


def _run_stage(run: Any, common: Common, config: Record, *inputs: Path | str | None, **named: Path | None) -> int:
    with _progress() as progress:
        artifact: Artifact = run(
            config,
            *inputs,
            common.out,
            executor=_executor(common),
            progress=progress,
            overwrite=common.overwrite,
            **named,
        )
    print(f"{artifact.folder}: " + ", ".join(f"{k} {v}" for k, v in artifact.manifest.summary.items()))
    return 0


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    if not sys.stdout.isatty():
        yield PlainProgress()
        return
    bars = BarProgress()
    try:
        yield bars
    finally:
        bars.close()
