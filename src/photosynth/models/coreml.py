"""Core ML: a graph as an .mlpackage for Apple's devices. It is made on any computer; only a Mac can run it."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.errors import DependencyError
from photosynth.models.exported import COREML_FOLDER, INPUT
from photosynth.models.graphs import Graph

LOWEST_OS = "iOS16"
Runtime = Callable[[np.ndarray], dict[str, np.ndarray]]
"""(n, S, S, 3) uint8 to outputs by name."""


def check_coreml() -> None:
    """Raise DependencyError if coremltools is not installed."""
    import importlib.util

    if importlib.util.find_spec("coremltools") is None:
        raise DependencyError("Core ML needs coremltools: pip install 'photosynth[coreml]', or leave out --coreml")


def coreml_files(
    graph: Graph, class_names: tuple[str, ...], licence: str, check: Callable[[Runtime], None]
) -> dict[str, bytes]:
    """The package's files by their names in the exported folder.

    It takes one picture at a time, (1, S, S, 3) with values 0..255 as float32, since Core ML tensors are not uint8, and
    computes in half precision, which Apple's neural engine needs.

    Args:
        graph: the network.
        class_names: go into the package.
        licence: goes into the package.
        check: is given the program that is about to be converted, as a runtime; raises if it answers wrongly.

    Raises:
        DependencyError: if coremltools is not installed.
    """
    check_coreml()
    import coremltools
    import torch

    example = torch.zeros(1, graph.input_px, graph.input_px, 3, dtype=torch.float32)
    with torch.no_grad():
        program = torch.export.export(graph.module, (example,)).run_decompositions({})
    for node in program.graph.nodes:
        if node.target is torch.ops.aten.hardtanh.default:  # relu6 has whole numbers here, which coremltools refuses
            node.args = (node.args[0], *map(float, node.args[1:]))
    program.graph_module.recompile()
    check(_runtime(program.module(), graph.output_names))
    with contextlib.redirect_stderr(io.StringIO()):  # its bars would cut through ours
        model = coremltools.convert(
            program,
            inputs=[coremltools.TensorType(name=INPUT, shape=tuple(example.shape), dtype=np.float32)],
            outputs=[coremltools.TensorType(name=name, dtype=np.float32) for name in graph.output_names],
            minimum_deployment_target=getattr(coremltools.target, LOWEST_OS),
            convert_to="mlprogram",
            compute_precision=coremltools.precision.FLOAT16,
        )
    model.license = licence
    model.user_defined_metadata["classes"] = "\n".join(class_names)
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / COREML_FOLDER
        model.save(str(package))
        files = sorted(path for path in package.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _runtime(module: Any, output_names: tuple[str, ...]) -> Runtime:
    """A program that takes one picture at a time, as one that takes any number."""
    import torch

    def run(squares: np.ndarray) -> dict[str, np.ndarray]:
        with torch.no_grad():
            answers = [module(torch.from_numpy(square[None].astype(np.float32))) for square in squares]
        rows = [answer if isinstance(answer, tuple) else (answer,) for answer in answers]
        return {name: torch.cat([row[k] for row in rows]).numpy() for k, name in enumerate(output_names)}

    return run
