"""Core ML: a graph as an .mlpackage for Apple's devices. It is made on any computer; only a Mac can run it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from photosynth.core.errors import DependencyError
from photosynth.models.exported import COREML_FOLDER, INPUT
from photosynth.models.graphs import Graph

LOWEST_OS = "iOS16"


def check_coreml() -> None:
    """Raise DependencyError if coremltools is not installed."""
    import importlib.util

    if importlib.util.find_spec("coremltools") is None:
        raise DependencyError("Core ML needs coremltools: pip install 'photosynth[coreml]', or leave out --coreml")


def coreml_files(graph: Graph, class_names: tuple[str, ...], licence: str) -> dict[str, bytes]:
    """The package's files by their names in the exported folder.

    It takes one picture at a time, (1, S, S, 3) with values 0..255 as float32, since Core ML tensors are not uint8.

    Raises:
        DependencyError: if coremltools is not installed.
    """
    check_coreml()
    import coremltools
    import torch

    example = torch.zeros(1, graph.input_px, graph.input_px, 3, dtype=torch.float32)
    with torch.no_grad():
        program = torch.export.export(graph.module, (example,)).run_decompositions({})
    model = coremltools.convert(
        program,
        inputs=[coremltools.TensorType(name=INPUT, shape=tuple(example.shape))],
        outputs=[coremltools.TensorType(name=name) for name in graph.output_names],
        minimum_deployment_target=getattr(coremltools.target, LOWEST_OS),
        convert_to="mlprogram",
    )
    model.license = licence
    model.user_defined_metadata["classes"] = "\n".join(class_names)
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / COREML_FOLDER
        model.save(str(package))
        files = sorted(path for path in package.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
