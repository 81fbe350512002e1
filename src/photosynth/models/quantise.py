"""Quantise: an ONNX model in 8 bits, kept only if it answers about as well."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.models.exported import INPUT

OPERATORS = ("Conv", "Gemm", "MatMul", "Add", "Clip", "Relu", "MaxPool")
"""What runs in 8 bits; normalisation, softmax and a detector's last steps stay in float32."""

LAYERS = ("Conv", "Gemm", "MatMul")
"""Operators that have weights, if one of their inputs is a constant."""


@dataclass(frozen=True)
class Verdict:
    """Scores are shares or mAP, 0..1."""

    accepted: bool
    score_before: float
    score_after: float

    @property
    def drop_points(self) -> float:
        """How far the score fell, in points (hundredths)."""
        return 100.0 * (self.score_before - self.score_after)


def quantise(model: Path, out: Path, squares: np.ndarray, batch: int = 8, *, exact_end: bool = False) -> None:
    """Write `model` in 8 bits to `out`: static, QDQ form, weights per channel, activations by their extremes.

    Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference".
    Weights take 7 of the 8 bits: x86 processors without VNNI add two products in 16 bits, which more would overflow.

    Args:
        model: float32 ONNX.
        out: the file to write.
        squares: (n, S, S, 3) uint8: rendered pictures that show the activations' ranges.
        batch: pictures run at once.
        exact_end: leave the last layers with weights, and what follows them, in float32: a detector's boxes are
            exponentials of what they give, and its suppression counts.

    Raises:
        ConfigError: if there are no pictures.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    if not len(squares):
        raise ConfigError("an 8-bit model needs pictures to calibrate with; give the dataset it was trained on")
    with _quiet():
        quantize_static(
            str(model),
            str(out),
            _Batches(squares, batch),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            nodes_to_exclude=_end_nodes(model) if exact_end else [],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )


def judge(before: Path, after: Path, score: Callable[[Path], float], max_drop: float) -> Verdict:
    """Whether a model may stand in for another: its score falls by no more than `max_drop` (0.01 is one point).

    Args:
        before: the float32 model.
        after: the 8-bit one.
        score: scores a model's file, 0..1.
        max_drop: the largest fall allowed.
    """
    score_before, score_after = score(before), score(after)
    return Verdict(score_before - score_after <= max_drop + 1e-12, score_before, score_after)


def _end_nodes(model: Path) -> list[str]:
    """Names of the nodes that no layer with weights follows."""
    import onnx

    graph = onnx.load(str(model)).graph
    weights = {tensor.name for tensor in graph.initializer}
    leads_on: set[str] = set()
    end = []
    for node in reversed(graph.node):  # they are in the order of their work
        if not leads_on.intersection(node.output):
            end.append(node.name)
            if node.op_type not in LAYERS or not weights.intersection(node.input):
                continue
        leads_on.update(node.input)
    return end


class _Batches:
    """What onnxruntime calls a CalibrationDataReader."""

    def __init__(self, squares: np.ndarray, batch: int) -> None:
        self._groups: Iterator[np.ndarray] = (squares[k : k + batch] for k in range(0, len(squares), batch))

    def get_next(self) -> dict[str, np.ndarray] | None:
        group = next(self._groups, None)
        return None if group is None else {INPUT: group}


@contextmanager
def _quiet() -> Iterator[None]:
    """onnxruntime warns through the root logger of things that are meant."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
