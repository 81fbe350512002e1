"""photosynth: photos or scans of a few objects in, trained vision models out, scored on real photos.

The public names are here; everything else may move between versions.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from photosynth.core.version import __version__

_HOMES = {
    "Artifact": "core.artifact",
    "Asset": "core.asset",
    "Camera": "core.camera",
    "Frame": "core.frame",
    "Inputs": "pipeline",
    "Instances": "core.instances",
    "Item": "core.items",
    "PhotosynthError": "core.errors",
    "Report": "core.report",
    "RunConfig": "pipeline",
    "RunResult": "pipeline",
    "Scene": "core.scene",
    "load_classifier": "models.classifier",
    "load_recipe": "sample.recipe",
    "open_artifact": "core.artifact",
    "run": "pipeline",
}
__all__ = [*sorted(_HOMES), "__version__"]

if TYPE_CHECKING:
    from photosynth.core.artifact import Artifact, open_artifact
    from photosynth.core.asset import Asset
    from photosynth.core.camera import Camera
    from photosynth.core.errors import PhotosynthError
    from photosynth.core.frame import Frame
    from photosynth.core.instances import Instances
    from photosynth.core.items import Item
    from photosynth.core.report import Report
    from photosynth.core.scene import Scene
    from photosynth.models.classifier import load_classifier
    from photosynth.pipeline import Inputs, RunConfig, RunResult, run
    from photosynth.sample.recipe import load_recipe


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import photosynth` is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'photosynth' has no attribute {name!r}")
    return getattr(importlib.import_module(f"photosynth.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
