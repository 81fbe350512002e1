"""Every error a user can meet, as one tree.

    PhotosynthError                 anything we raise on purpose; the command line exits with 1
    ├── ConfigError                 a setting, a recipe or an input folder is wrong: nothing was started
    ├── ArtifactError               an artifact folder is missing, stale, corrupt, locked or not ours
    ├── DependencyError             an optional package is absent: the message names the extra to install
    ├── EngineError                 an engine failed on a unit of work: engine, unit, last log lines
    └── QualityError                the work ran, but its result is not usable

A message says what happened, where, what was expected, what was found and what to do next.
"""

from __future__ import annotations


class PhotosynthError(Exception):
    """The root of the tree."""


class ConfigError(PhotosynthError):
    """A setting, a recipe or an input is wrong."""


class ArtifactError(PhotosynthError):
    """An artifact folder cannot be used as asked."""


class DependencyError(PhotosynthError):
    """An optional package is needed and absent."""


class EngineError(PhotosynthError):
    """An engine failed on one unit of work.

    Args:
        engine: the engine's name, such as ``"raster"``.
        unit: what it was working on, such as ``"scene 12"``.
        reason: the last lines it said.
    """

    def __init__(self, engine: str, unit: str, reason: str) -> None:
        super().__init__(f"{engine} failed on {unit}: {reason}")
        self.engine, self.unit, self.reason = engine, unit, reason


class QualityError(PhotosynthError):
    """The work ran to its end, but the result is not usable."""
