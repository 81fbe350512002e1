"""What people see while they wait: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

PLAIN_INTERVAL_S = 10.0


class PlainProgress:
    """One line at the start of a stage, one every ten seconds or so, one at its end."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self._stage, self._unit, self._total, self._done = "", "", 0, 0
        self._began = self._said = 0.0
        self._first: tuple[float, int] | None = None

    def start(self, stage: str, total: int, unit: str) -> None:
        """Say what begins."""
        self._stage, self._unit, self._total, self._done = stage, unit, total, 0
        self._began = self._said = time.monotonic()
        self._first = None
        self._say(f"{stage}: {total} {unit}")

    def advance(self, n: int = 1) -> None:
        """Count, and say so now and then."""
        self._done += n
        now = time.monotonic()
        self._first = self._first or (now, self._done)
        if now - self._said >= PLAIN_INTERVAL_S:
            self._said = now
            self._say(f"{self._stage}: {self._done}/{self._total} {self._unit}{self._left(now)}")

    def note(self, message: str) -> None:
        """Say it."""
        self._say(f"{self._stage}: {message}" if self._stage else message)

    def finish(self) -> None:
        """Say how long it took."""
        self._say(f"{self._stage}: done in {in_words(time.monotonic() - self._began)}")
        self._stage = ""

    def _left(self, now: float) -> str:
        """From the pace since the first step, which may be all that an earlier run did."""
        began, before = self._first or (now, self._done)
        if not before < self._done < self._total:
            return ""
        return f", about {in_words((now - began) / (self._done - before) * (self._total - self._done))} left"

    def _say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


class BarProgress:
    """A rich bar for each stage, notes above it."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Left

        self._bars = Progress(
            TextColumn("[bold]{task.description:<10}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            Left(),
        )
        self._task = None
        self._bars.start()

    def start(self, stage: str, total: int, unit: str) -> None:
        """Add the stage's bar."""
        self._task = self._bars.add_task(stage, total=total, unit=unit)

    def advance(self, n: int = 1) -> None:
        """Move it."""
        if self._task is not None:
            self._bars.advance(self._task, n)

    def note(self, message: str) -> None:
        """Print above the bars."""
        self._bars.console.print(f"  {message}", style="dim", highlight=False, markup=False)

    def finish(self) -> None:
        """Fill it."""
        if self._task is not None:
            self._bars.update(self._task, completed=self._bars.tasks[self._task].total)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bars.stop()


def in_words(seconds: float) -> str:
    """A duration for people: ``"45 s"``, ``"3 min"``, ``"1 h 20 min"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table: boxed on a terminal, aligned plain text elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        view = Table(*headings)
        for row in rows:
            view.add_row(*row)
        Console().print(view)
        return
    widths = [max(len(line[k]) for line in [headings, *rows]) for k in range(len(headings))]
    for line in [headings, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
