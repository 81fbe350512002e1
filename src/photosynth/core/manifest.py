"""Manifest: what a finished artifact says of itself."""

from __future__ import annotations

from typing import Any

from photosynth.core.record import Record, digest

MANIFEST_FILE = "manifest.json"
CHECKSUMS_FILE = "checksums.sha256"
STARTED_FILE = "started.json"
LOCK_FILE = ".lock"


class Manifest(Record, frozen=True, kw_only=True):
    """Written last: a folder is finished exactly when it has one."""

    stage: str
    """The stage that made it."""
    schema: int
    """Version of the stage's file layout."""
    key: str
    """Hash of all that determines the content."""
    config: dict[str, Any]
    """The resolved settings."""
    seed: int | None
    """The run's seed, if the stage draws random numbers."""
    inputs: dict[str, str]
    """Name and key of each input."""
    photosynth: str
    """Version of the program."""
    summary: dict[str, Any]
    """Counts and sizes, for people."""
    notes: tuple[str, ...] = ()
    """What a person should know."""


def content_key(stage: str, schema: int, config: dict[str, Any], seed: int | None, inputs: dict[str, str]) -> str:
    """The key of an artifact that these would make."""
    return digest({"stage": stage, "schema": schema, "config": config, "seed": seed, "inputs": inputs})
