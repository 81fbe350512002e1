"""A run's folder: whose it is, what is finished in it, which models it holds."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import filelock

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.manifest import LOCK_FILE, MANIFEST_FILE
from photosynth.core.record import Record, from_json, to_plain, to_pretty_json
from photosynth.pipeline.settings import Inputs, RunConfig, stages_of

RUN_FILE = "run.json"
EVERY_STAGE = stages_of("both")


class RunSettings(Record, frozen=True, kw_only=True):
    """``run.json``."""

    config: RunConfig
    """The settings of the latest command."""
    inputs: dict[str, str]
    """What the user brought, as paths."""


class Claim:
    """Holds a run's folder while it is worked on, and notes the settings; a context manager.

    Args:
        out: the folder, made if absent.
        config: goes into ``run.json`` ...
        inputs: ... with these.

    Raises (on entry):
        ArtifactError: if it holds other people's files, is in use by another process, or cannot be written.
    """

    def __init__(self, out: Path, config: RunConfig, inputs: Inputs) -> None:
        self.out, self.config, self.inputs = Path(out), config, inputs
        self._lock = filelock.FileLock(self.out / LOCK_FILE)

    def __enter__(self) -> Claim:
        if self.out.exists() and not self.out.is_dir():
            raise ArtifactError(f"{self.out} is a file; choose a folder for --out")
        if self.out.is_dir():
            names = {p.name for p in self.out.iterdir()} - {LOCK_FILE}
            if names and RUN_FILE not in names:
                raise ArtifactError(
                    f"{self.out} already holds files that photosynth did not make (such as {sorted(names)[0]}); "
                    "choose an empty or new folder for --out"
                )
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            settings = {"config": to_plain(self.config), "inputs": {k: str(v) for k, v in vars(self.inputs).items()}}
            (self.out / RUN_FILE).write_bytes(to_pretty_json(settings))
        except filelock.Timeout as error:
            raise ArtifactError(
                f"{self.out} is in use by another photosynth process; wait for it or choose another --out"
            ) from error
        except OSError as error:
            self._lock.release()
            raise ArtifactError(f"{self.out} cannot be written: {error.strerror or error}") from error
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()


def is_run(folder: Path) -> bool:
    """Whether the main job worked in this folder."""
    return (Path(folder) / RUN_FILE).is_file()


def run_settings(run_folder: Path) -> RunSettings:
    """What a run was asked for.

    Raises:
        ArtifactError: if its ``run.json`` is absent or cannot be read.
    """
    path = Path(run_folder) / RUN_FILE
    try:
        return from_json(path.read_bytes(), RunSettings, str(path))
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}; is {run_folder} a run?") from error
    except ConfigError as error:
        raise ArtifactError(f"{error}. Give the run's command again: it writes the file anew.") from error


def run_stages(run_folder: Path) -> tuple[str, ...]:
    """The stages of a run in order: those of the models it was last asked for, and what an earlier command left."""
    asked = stages_of(run_settings(run_folder).config.models)
    return tuple(name for name in EVERY_STAGE if name in asked or _is_finished(Path(run_folder) / name))


def finished_stages(run_folder: Path) -> dict[str, Artifact]:
    """The finished stages of a run's folder, by name, in order."""
    folders = [Path(run_folder) / name for name in EVERY_STAGE]
    return {folder.name: open_artifact(folder) for folder in folders if _is_finished(folder)}


def trained_models(run_folder: Path) -> dict[str, Path]:
    """The folders of a run's finished models by kind, ``"classifier"`` before ``"detector"``."""
    folders = {"classifier": Path(run_folder) / "train", "detector": Path(run_folder) / "train_detector"}
    return {kind: folder for kind, folder in folders.items() if _is_finished(folder)}


def _is_finished(folder: Path) -> bool:
    return (folder / MANIFEST_FILE).is_file()


def write_demo(out: Path) -> Path:
    """Write the built-in demo objects beside a demo run; returns their folder.

    Raises:
        ArtifactError: if `out` belongs to something else.
    """
    from photosynth.catalogue.demo.packages import write_demo_objects

    objects = Path(out).with_name(Path(out).name + "-objects")
    if objects.exists() and not (objects / ".photosynth-demo").is_file():
        raise ArtifactError(f"{objects} already exists and is not ours; choose another --out")
    objects.mkdir(parents=True, exist_ok=True)
    (objects / ".photosynth-demo").touch()
    write_demo_objects(objects)
    return objects
