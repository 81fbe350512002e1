"""Verbs that make models of objects: capture, reconstruct, catalogue.

Annotations are evaluated here (no `from __future__ import annotations`): records inside functions name lazily
imported types, so that `--help` stays quick.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from photosynth.cli.verbs.flags import Common, Flat, here, parse, run_stage, shown_progress
from photosynth.core.record import Record


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

        photos: here("PHOTOS")
        """A folder of photos (JPEG, PNG, HEIC), or a video."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[CaptureConfig, Flat] = msgspec.field(default_factory=CaptureConfig)
        """Settings."""

    args = parse(CaptureArgs, "capture", argv)
    code = run_stage(run, args.common, args.config, args.photos)
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

    args = parse(SheetArgs, "capture", argv)
    write_sheet(args.print_sheet, args.paper)
    print(f"{args.print_sheet}: print it at 100 % and check the ruler, put the object in its middle")
    return 0


def reconstruct_verb(argv: list[str]) -> int:
    """photosynth reconstruct"""
    from photosynth.reconstruct.stage import ReconstructConfig, run

    class ReconstructArgs(Record, frozen=True, kw_only=True):
        """Reconstruct the object that a capture shows: a textured model of it alone, with a plain verdict."""

        capture: here("CAPTURE")
        """The folder that `photosynth capture` wrote."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[ReconstructConfig, Flat] = msgspec.field(default_factory=ReconstructConfig)
        """Settings."""
        masks: Path | None = None
        """A folder with FILE.png for photos of the capture: only what is not black is used."""

    args = parse(ReconstructArgs, "reconstruct", argv)
    with shown_progress() as progress:
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

        objects: here("OBJECTS")
        """A folder with one 3D model file, or one sub-folder, for each class."""
        common: Annotated[Common, Flat]
        """Flags of every stage."""
        config: Annotated[CatalogueConfig, Flat] = msgspec.field(default_factory=CatalogueConfig)
        """Settings."""

    args = parse(CatalogueArgs, "catalogue", argv)
    return run_stage(run, args.common, args.config, args.objects)
