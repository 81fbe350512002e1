"""The command line: one verb per stage, and run, demo, show, verify. The only place that prints, asks or exits.

Exit codes: 0 done, 1 our error, 2 usage, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import sys

from photosynth.core.errors import PhotosynthError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""What the system says when a disk is full or may not be written."""
VERBS = {
    "run": ("runs", "the main job: objects in, a classifier, a detector or both out, scored on real photos"),
    "demo": ("runs", "the main job on the built-in demo objects"),
    "capture": ("objects", "take in photos or a video of one object and judge each photo; --print-sheet"),
    "reconstruct": ("objects", "a capture in, a textured 3D model of the object alone out"),
    "catalogue": ("objects", "import 3D models: clean, normalise, preview"),
    "sample": ("pictures", "draw concrete scenes from a recipe; --plot shows its distributions"),
    "render": ("pictures", "render scenes to pictures with their layers"),
    "dataset": ("pictures", "compute labels, split, audit; COCO, YOLO and VOC"),
    "train": ("learning", "train a classifier on a dataset"),
    "train-detector": ("learning", "train a detector on a dataset, or on pictures rendered meanwhile"),
    "evaluate": ("learning", "score a classifier, a detector or both on real photos and write the report"),
    "export": ("answering", "write a trained model as ONNX, in 8 bits and for Core ML, checked against PyTorch"),
    "predict": ("answering", "ask an exported model about photos, a video or a camera"),
    "serve": ("answering", "a web page and an API that answer with exported models"),
    "show": ("runs", "say what is in an artifact or run folder"),
    "verify": ("runs", "recompute the check-sums and audits of an artifact or run folder"),
}
"""Each verb with its module in cli/verbs and what it does."""


def main(argv: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    args = sys.argv[1:] if argv is None else argv
    if not args or args[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if args[0] in ("-V", "--version"):
        from photosynth import __version__

        print(f"photosynth {__version__}")
        return 0
    verb, rest = args[0], args[1:]
    if verb not in VERBS:
        print(f"photosynth: there is no verb {verb!r}\n\n{_help()}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"photosynth.cli.verbs.{VERBS[verb][0]}")
    function = getattr(module, f"{verb.replace('-', '_')}_verb")
    try:
        return function(rest) or 0
    except PhotosynthError as error:
        print(f"\nphotosynth {verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nphotosynth {verb}: interrupted; run the same command again and it goes on where it was", file=sys.stderr
        )
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = f" {error.filename}" if error.filename else ""
        print(
            f"\nphotosynth {verb}: cannot write{where}: {error.strerror}. Free space or choose another folder, then "
            "run the same command again: finished work is kept.",
            file=sys.stderr,
        )
        return 1


def _help() -> str:
    lines = [f"  {verb:<15} {what}" for verb, (_, what) in VERBS.items()]
    return (
        "photosynth: photos or 3D scans of a few objects in, a trained and honestly scored vision model out\n\n"
        "usage: photosynth VERB [options]      (photosynth VERB --help says more)\n\n"
        + "\n".join(lines)
        + "\n\nstart with:  photosynth run OBJECTS --real PHOTOS --out RUN"
    )
