"""Progress: how a stage tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listens to a stage. Stages call it from their own process only."""

    def start(self, stage: str, total: int, unit: str) -> None:
        """A stage begins; `total` units (``"images"``, ``"epochs"``) lie before it."""

    def advance(self, n: int = 1) -> None:
        """n more units are done."""

    def note(self, message: str) -> None:
        """Something a person should know: a skip, a fallback, a score."""

    def finish(self) -> None:
        """The stage is done."""


class Silent:
    """Progress nobody watches; keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start(self, stage: str, total: int, unit: str) -> None:
        """Ignored."""

    def advance(self, n: int = 1) -> None:
        """Ignored."""

    def note(self, message: str) -> None:
        """Kept in `notes`."""
        self.notes.append(message)

    def finish(self) -> None:
        """Ignored."""
