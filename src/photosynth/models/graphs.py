"""Graphs: trained networks as functions of 8-bit pictures, ready to be exported, and their ONNX form."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from photosynth.core.geometry import Vec3
from photosynth.models.classifier import NetworkClassifier
from photosynth.models.detector import NetworkDetector
from photosynth.models.exported import CLASSIFIER_OUTPUTS, DETECTOR_OUTPUTS, INPUT

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


class _Normalise(nn.Module):
    """(n, S, S, 3) uint8 to (n, 3, S, S) float32: less the mean, by the standard deviation."""

    def __init__(self, mean: Vec3, std: Vec3) -> None:
        super().__init__()
        scale = 1.0 / (255.0 * torch.tensor(std, dtype=torch.float64))
        offset = torch.tensor(mean, dtype=torch.float64) / torch.tensor(std, dtype=torch.float64)
        self.register_buffer("scale", scale.float().reshape(1, 3, 1, 1))
        self.register_buffer("offset", offset.float().reshape(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        return images.permute(0, 3, 1, 2).float() * self.scale - self.offset


class _ClassifierModule(nn.Module):
    """Normalise, classify, divide by the temperature, softmax."""

    def __init__(self, classifier: NetworkClassifier) -> None:
        super().__init__()
        info = classifier.info
        self.network = classifier.network
        self.temperature = info.temperature
        self.normalise = _Normalise(info.mean, info.std)

    def forward(self, images: Tensor) -> Tensor:
        """(n, S, S, 3) uint8 to (n, classes)."""
        return torch.softmax(self.network(self.normalise(images)) / self.temperature, 1)


class _DetectorModule(nn.Module):
    """Normalise, find, and empty the rows beyond the last find: else they hold whatever was suppressed."""

    def __init__(self, detector: NetworkDetector) -> None:
        super().__init__()
        self.finder = detector.finder
        self.normalise = _Normalise(detector.info.mean, detector.info.std)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, S, S, 3) uint8 to boxes (n, k, 4), scores (n, k), class ids (n, k)."""
        boxes, scores, class_ids = self.finder(self.normalise(images))
        found = scores > 0
        return boxes * found[:, :, None].to(boxes.dtype), scores, class_ids * found.to(class_ids.dtype)


def classifier_graph(classifier: NetworkClassifier) -> Graph:
    """The graph of a trained classifier; its views are averaged outside."""
    module = _ClassifierModule(classifier).eval().to(memory_format=torch.contiguous_format)
    return Graph(module, classifier.info.input_px, CLASSIFIER_OUTPUTS)


def detector_graph(detector: NetworkDetector) -> Graph:
    """The graph of a trained detector, with decoding and non-maximum suppression inside."""
    module = _DetectorModule(detector).eval().to(memory_format=torch.contiguous_format)
    return Graph(module, detector.info.input_px, DETECTOR_OUTPUTS)


def onnx_bytes(graph: Graph) -> bytes:
    """The graph in ONNX, for any number of pictures; normalisation and padding are folded into convolutions."""
    import onnx
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
        model = onnx.load(str(tidy))
    merge_padding(model)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def merge_padding(model: Any) -> None:
    """Give the zeros that Pad nodes add to the convolutions behind them, in place: a copy of the activations less.

    A fifth of EfficientNet-Lite0's time at 224 px goes into these copies.
    """
    from onnx import numpy_helper

    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    for conv in [node for node in graph.node if node.op_type == "Conv"]:
        pad = makers.get(conv.input[0])
        if pad is None or pad.op_type != "Pad" or readers[pad.output[0]] > 1 or not _adds_zeros(pad, constants):
            continue
        more = numpy_helper.to_array(constants[pad.input[1]]).tolist()
        own = next((attribute for attribute in conv.attribute if attribute.name == "pads"), None)
        if own is None or more[:2] + more[4:6] != [0] * 4 or min(more) < 0:
            continue
        own.ints[:] = [a + b for a, b in zip(own.ints, more[2:4] + more[6:8], strict=True)]
        conv.input[0] = pad.input[0]
        graph.node.remove(pad)
        readers[pad.input[1]] -= 1
        if not readers[pad.input[1]]:
            graph.initializer.remove(constants[pad.input[1]])


def _adds_zeros(pad: Any, constants: dict[str, Any]) -> bool:
    """Whether a Pad node of four axes adds zeros, as many as a constant says."""
    mode = next((attribute.s for attribute in pad.attribute if attribute.name == "mode"), b"constant")
    other_value = len(pad.input) > 2 and pad.input[2] != ""
    known = pad.input[1] in constants and list(constants[pad.input[1]].dims) == [8]
    return mode == b"constant" and not other_value and known and len(pad.input) < 4
