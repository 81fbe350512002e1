"""Artifact: a folder that is finished exactly when its manifest exists, and the writer that makes one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from photosynth.core.codec import write_atomic
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.manifest import (
    CHECKSUMS_FILE,
    LOCK_FILE,
    MANIFEST_FILE,
    STARTED_FILE,
    Manifest,
    content_key,
)
from photosynth.core.record import Record, from_json, to_plain, to_pretty_json
from photosynth.core.version import __version__

OWN_FILES = (MANIFEST_FILE, CHECKSUMS_FILE, STARTED_FILE, LOCK_FILE)


class Started(Record, frozen=True, kw_only=True):
    """Written first: marks a folder as ours and says what is being made in it."""

    stage: str
    key: str


class Artifact:
    """A finished artifact folder."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @property
    def key(self) -> str:
        """The manifest's key."""
        return self.manifest.key

    def path(self, relative: str) -> Path:
        """A file inside."""
        return self.folder / relative


def open_artifact(folder: Path, stage: str | None = None) -> Artifact:
    """Open a finished artifact.

    Raises:
        ArtifactError: if the folder is missing, unfinished, corrupt, or made by another stage than `stage`.
    """
    folder = Path(folder)
    path = folder / MANIFEST_FILE
    if not folder.is_dir():
        raise ArtifactError(f"{folder} does not exist; expected a finished {stage or 'artifact'} folder")
    if not path.is_file():
        if (folder / STARTED_FILE).is_file():
            raise ArtifactError(f"{folder} was begun and not finished; run the command that makes it again")
        raise ArtifactError(f"{folder} has no {MANIFEST_FILE}: it is not a photosynth artifact")
    try:
        manifest = from_json(path.read_bytes(), Manifest, str(path))
    except ConfigError as error:
        raise ArtifactError(f"{error}. Make it again with --overwrite.") from error
    if stage is not None and manifest.stage != stage:
        raise ArtifactError(f"{folder} was made by stage {manifest.stage!r}; expected {stage!r}")
    return Artifact(folder, manifest)


class ArtifactWriter:
    """Makes one artifact folder; use it as a context manager, which holds the folder's lock.

    On entry, `finished` is the Artifact if an equal one is already there: then return it. Otherwise files that an
    interrupted run left behind are still there and may be used: they belong to the same key.

    Args:
        out: the folder, made if absent.
        stage: the stage's name.
        schema: version of its file layout.
        config: its settings, a record.
        seed: the run's seed, if it draws random numbers.
        inputs: name and key of each input (an Artifact's key, or folder_key() of the user's own folder).
        overwrite: throw away another artifact of ours that is in the way.

    Raises (on entry):
        ArtifactError: if another process works there, if the folder holds other people's files, or if it holds
            an artifact with another key and `overwrite` is False.
    """

    def __init__(
        self,
        out: Path,
        stage: str,
        schema: int,
        config: Record,
        seed: int | None,
        inputs: dict[str, str],
        overwrite: bool = False,
    ) -> None:
        self.folder = Path(out)
        self.stage, self.schema, self.seed, self.inputs, self.overwrite = stage, schema, seed, dict(inputs), overwrite
        self.config: dict[str, Any] = to_plain(config)
        self.key = content_key(stage, schema, self.config, seed, self.inputs)
        self.finished: Artifact | None = None
        self._lock = filelock.FileLock(self.folder / LOCK_FILE)

    def __enter__(self) -> ArtifactWriter:
        self._refuse_foreign()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ArtifactError(
                f"{self.folder} is in use by another photosynth process; wait for it or choose another --out"
            ) from error
        except OSError as error:
            raise ArtifactError(f"{self.folder} cannot be made or locked: {error.strerror or error}") from error
        try:
            self._resume_or_begin()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def path(self, relative: str) -> Path:
        """A file inside the folder; its parent is made."""
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, relative: str, data: bytes) -> Path:
        """Write a file atomically. Raises ArtifactError if the disk is full."""
        path = self.folder / relative
        write_atomic(path, data)
        return path

    def finish(self, summary: dict[str, Any] | None = None, notes: tuple[str, ...] = ()) -> Artifact:
        """Check-sum every file, write the manifest last, and return the artifact."""
        for path in self.folder.rglob("*.tmp"):
            path.unlink()
        lines = [f"{_sha256(path)}  {relative}\n" for relative, path in _content_files(self.folder)]
        self.write(CHECKSUMS_FILE, "".join(lines).encode())
        manifest = Manifest(
            stage=self.stage,
            schema=self.schema,
            key=self.key,
            config=self.config,
            seed=self.seed,
            inputs=self.inputs,
            photosynth=__version__,
            summary=to_plain(summary or {}),
            notes=tuple(notes),
        )
        self.write(MANIFEST_FILE, to_pretty_json(manifest))
        (self.folder / STARTED_FILE).unlink(missing_ok=True)
        return Artifact(self.folder, manifest)

    def _refuse_foreign(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise ArtifactError(f"{self.folder} is a file; choose a folder for --out")
        if not self.folder.is_dir():
            return
        names = {p.name for p in self.folder.iterdir()}
        if names - {LOCK_FILE} and not names & {MANIFEST_FILE, STARTED_FILE}:
            raise ArtifactError(
                f"{self.folder} already holds files that photosynth did not make (such as "
                f"{sorted(names - {LOCK_FILE})[0]}); choose an empty or new folder for --out"
            )

    def _resume_or_begin(self) -> None:
        if (self.folder / MANIFEST_FILE).is_file():
            try:
                artifact = open_artifact(self.folder)
                stale = artifact.manifest.stage != self.stage or artifact.key != self.key
            except ArtifactError:
                if not self.overwrite:
                    raise
                stale = True
            if not stale:
                self.finished = artifact
                return
            self._refuse_or_clear("a finished artifact")
        elif (self.folder / STARTED_FILE).is_file():
            try:
                started = from_json((self.folder / STARTED_FILE).read_bytes(), Started, STARTED_FILE)
                stale = started.key != self.key
            except ConfigError:
                stale = True
            if stale:
                self._refuse_or_clear("an unfinished artifact")
        self.write(STARTED_FILE, to_pretty_json(Started(stage=self.stage, key=self.key)))

    def _refuse_or_clear(self, what: str) -> None:
        if not self.overwrite:
            raise ArtifactError(
                f"{self.folder} holds {what} made with other settings or inputs; "
                "give --overwrite to replace it, or choose another --out"
            )
        for path in self.folder.iterdir():
            if path.name == LOCK_FILE:
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def verify_artifact(folder: Path) -> list[str]:
    """Recompute every check-sum; return one line for each file that is missing, changed or unknown."""
    artifact = open_artifact(folder)
    listed: dict[str, str] = {}
    path = artifact.path(CHECKSUMS_FILE)
    if not path.is_file():
        return [f"{CHECKSUMS_FILE} is missing"]
    for line in path.read_text(encoding="utf-8").splitlines():
        value, _, relative = line.partition("  ")
        listed[relative] = value
    problems = []
    for relative, file in _content_files(artifact.folder):
        expected = listed.pop(relative, None)
        if expected is None:
            problems.append(f"{relative} is not part of the artifact")
        elif _sha256(file) != expected:
            problems.append(f"{relative} has changed since it was written")
    return problems + [f"{relative} is missing" for relative in listed]


def folder_key(folder: Path) -> str:
    """Hash of the names and contents of every visible file under one of the user's own folders.

    Raises:
        ConfigError: if the folder does not exist.
    """
    folder = Path(folder)
    if folder.is_file():
        return _sha256(folder)
    if not folder.is_dir():
        raise ConfigError(f"{folder} does not exist")
    hasher = hashlib.sha256()
    for relative, path in _content_files(folder):
        if not any(part.startswith(".") for part in Path(relative).parts):
            hasher.update(f"{relative}\0{_sha256(path)}\n".encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def _content_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(relative POSIX name, path) of every file but our own bookkeeping, sorted by name."""
    found = []
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in files:
            path = Path(root) / name
            relative = path.relative_to(folder).as_posix()
            if relative not in OWN_FILES:
                found.append((relative, path))
    yield from sorted(found)


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}") from error
