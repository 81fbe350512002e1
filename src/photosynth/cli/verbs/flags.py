"""Flags that verbs share, and how a stage is run with them."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import tyro

from photosynth.cli.terminal import BarProgress, PlainProgress
from photosynth.core.artifact import Artifact
from photosynth.core.engine import Executor
from photosynth.core.progress import Progress
from photosynth.core.record import Record


def here(name: str) -> Any:
    """The annotation of a positional path shown as NAME."""
    return Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar=name)]


Flat = tyro.conf.arg(name="")
"""Its fields are flags of their own, without a name before them."""


class Common(Record, frozen=True, kw_only=True):
    """Flags of every stage."""

    out: Path
    """The folder to write; made if absent."""
    overwrite: bool = False
    """Replace what an earlier run with other settings left in that folder (never other people's files)."""
    workers: int = 0
    """Worker processes; 0 means one for each core. Results do not depend on it."""


def parse(kind: Any, verb: str, argv: list[str]) -> Any:
    """The flags of a verb as a record of that kind; exits with 2 and says why if they are wrong."""
    return tyro.cli(kind, prog=f"photosynth {verb}", args=argv, config=(tyro.conf.FlagCreatePairsOff,))


def executor_of(common: Common) -> Executor:
    """Where the units of work run."""
    from photosynth.executors.local import LocalExecutor

    return LocalExecutor(common.workers)


def run_stage(run: Any, common: Common, config: Record, *inputs: Any, **named: Path | None) -> int:
    """Run one stage with its progress shown and print its summary; returns the exit code."""
    with shown_progress() as progress:
        artifact: Artifact = run(
            config,
            *inputs,
            common.out,
            executor=executor_of(common),
            progress=progress,
            overwrite=common.overwrite,
            **named,
        )
    print(f"{artifact.folder}: " + ", ".join(f"{k} {v}" for k, v in artifact.manifest.summary.items()))
    return 0


@contextlib.contextmanager
def shown_progress() -> Iterator[Progress]:
    """Bars on a terminal, plain lines elsewhere."""
    if not sys.stdout.isatty():
        yield PlainProgress()
        return
    bars = BarProgress()
    try:
        yield bars
    finally:
        bars.close()
