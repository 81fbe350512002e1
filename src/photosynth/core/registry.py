"""Engines by name, imported only when asked for: the one place where a stage reaches another room's code."""

from __future__ import annotations

import importlib

from photosynth.core.engine import MeshSource, RenderEngine
from photosynth.core.errors import ConfigError, DependencyError
from photosynth.core.record import Record

RENDER_ENGINES = {
    "raster": "photosynth.render.raster.engine:RasterEngine",
    "cuda": "photosynth.render.cuda.engine:CudaEngine",
    "cycles": "photosynth.render.cycles.engine:CyclesEngine",
    "fake": "photosynth.core.engine:FakeEngine",
}


def render_engine(name: str, meshes: MeshSource, options: Record | None = None) -> RenderEngine:
    """Make the render engine of that name; engines take a MeshSource, and their options if there are any.

    Raises:
        ConfigError: for an unknown name.
        DependencyError: if the engine's package is not installed.
    """
    check_render_engine(name)
    module_name, _, class_name = RENDER_ENGINES[name].partition(":")
    try:
        engine = getattr(importlib.import_module(module_name), class_name)
    except ImportError as error:
        raise DependencyError(f"render engine {name!r} needs a package that is not installed: {error}") from error
    return engine(meshes) if options is None else engine(meshes, options)


def check_render_engine(name: str) -> None:
    """Raise ConfigError if there is no render engine of that name."""
    if name not in RENDER_ENGINES:
        raise ConfigError(f"there is no render engine {name!r}; choose one of {', '.join(sorted(RENDER_ENGINES))}")
