"""Graphs: trained networks as functions of 8-bit pictures, ready to be exported, and their ONNX form."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from photosynth.models.classifier import NetworkClassifier
from photosynth.models.exported import CLASSIFIER_OUTPUTS, INPUT

OPSET = 17


@dataclass(frozen=True)
class Graph:
    """A network to export.

    module: (n, input_px, input_px, 3) uint8 to a tensor, or a tuple of tensors, as models/exported.py describes.
    output_names: of those tensors.
    """

    module: nn.Module
    input_px: int
    output_names: tuple[str, ...]

    def run(self, squares: np.ndarray) -> dict[str, np.ndarray]:
        """PyTorch's outputs by name for (n, input_px, input_px, 3) uint8."""
        with torch.inference_mode():
            outputs = self.module(torch.from_numpy(squares))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return {name: output.numpy() for name, output in zip(self.output_names, outputs, strict=True)}


class _ClassifierModule(nn.Module):
    """Normalise, classify, divide by the temperature, softmax."""

    def __init__(self, classifier: NetworkClassifier) -> None:
        super().__init__()
        info = classifier.info
        self.network = classifier.network
        self.temperature = info.temperature
        scale = 1.0 / (255.0 * torch.tensor(info.std, dtype=torch.float64))
        offset = torch.tensor(info.mean, dtype=torch.float64) / torch.tensor(info.std, dtype=torch.float64)
        self.register_buffer("scale", scale.float().reshape(1, 3, 1, 1))
        self.register_buffer("offset", offset.float().reshape(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(n, S, S, 3) uint8 to (n, classes)."""
        x = images.permute(0, 3, 1, 2).float() * self.scale - self.offset
        return torch.softmax(self.network(x) / self.temperature, 1)


def classifier_graph(classifier: NetworkClassifier) -> Graph:
    """The graph of a trained classifier; its views are averaged outside."""
    module = _ClassifierModule(classifier).eval().to(memory_format=torch.contiguous_format)
    return Graph(module, classifier.info.input_px, CLASSIFIER_OUTPUTS)


def onnx_bytes(graph: Graph) -> bytes:
    """The graph in ONNX with any number of pictures, constants folded and normalisation merged into convolutions."""
    import onnxruntime

    example = torch.zeros(2, graph.input_px, graph.input_px, 3, dtype=torch.uint8)
    axes = {name: {0: "n"} for name in (INPUT, *graph.output_names)}
    with tempfile.TemporaryDirectory() as folder:
        raw, tidy = Path(folder) / "raw.onnx", Path(folder) / "tidy.onnx"
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # traced sizes are constants on purpose; the exporter's age is known
            torch.onnx.export(
                graph.module,
                (example,),
                str(raw),
                dynamo=False,  # the newer exporter needs another package and knows no non-maximum suppression
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(graph.output_names),
                dynamic_axes=axes,
            )
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        )  # standard operators only
        options.optimized_model_filepath = str(tidy)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(str(raw), options, providers=["CPUExecutionProvider"])
        return tidy.read_bytes()
