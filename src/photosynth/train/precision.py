"""Precision: which arithmetic a training step uses, and convolutions that are fast in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from photosynth.train.config import Precision
from photosynth.train.processor import uses_bfloat16

BFLOAT16 = torch.bfloat16


def chosen_precision(wanted: Precision, device: torch.device) -> torch.dtype:
    """The type of a step's products: float32, or bfloat16 where `wanted` says so or, for ``"auto"``, where it is
    known to be faster: on GPUs, and on processors with matrix units for it."""
    on_gpu = device.type == "cuda" and wanted == "auto"
    return BFLOAT16 if on_gpu or uses_bfloat16(wanted) else torch.float32


@contextmanager
def mixed_precision(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Inside, forward passes use bfloat16 where it is safe (torch's autocast) if `dtype` is that; weights, losses and
    gradients of weights stay float32. On a CPU, depthwise convolutions take their own way back: see Depthwise."""
    with torch.autocast(device.type, BFLOAT16, enabled=dtype == BFLOAT16):
        if dtype == BFLOAT16 and device.type == "cpu":
            with _OwnDepthwise():
                yield
        else:
            yield


class Depthwise(torch.autograd.Function):
    """A depthwise convolution in bfloat16 whose way back avoids two slow paths of oneDNN on CPUs.

    Measured with one thread, torch 2.15: a stride of 2 makes the gradient of the input 7 times slower than in float32
    (63 times with a kernel of 5), a kernel of 5 that of the weights 5 times. The first is computed with stride 1 from a
    gradient with zeros between its places, which is the same sum; the second in float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        """(N, C, H, W) and (C, 1, K, K) of any float type to bfloat16."""
        x, low = x.to(BFLOAT16), weight.to(BFLOAT16)
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, low, None if bias is None else bias.to(BFLOAT16), stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        """Gradients of input, weight and bias, where they are asked for."""
        x, weight = ctx.saved_tensors
        stride, padding, kernel = ctx.stride, ctx.padding, weight.shape[-1]
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            spread = grad if stride == 1 else _with_zeros_between(grad, x.shape, stride, padding, kernel)
            of_x = _back(spread, x, weight.to(BFLOAT16), 1, padding, 0)
        if ctx.needs_input_grad[1] and stride == 1 and kernel <= 3:
            of_weight = _back(grad, x, weight.to(BFLOAT16), 1, padding, 1).float()
        elif ctx.needs_input_grad[1]:
            of_weight = _back(grad.float(), x.float(), weight, stride, padding, 1)
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum((0, 2, 3), dtype=torch.float32)
        return of_x, of_weight, of_bias, None, None


def _back(grad: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int, which: int) -> Tensor:
    """The gradient of a depthwise convolution's input (0) or weight (1)."""
    mask = [which == 0, which == 1, False]
    pair = [stride] * 2, [padding] * 2
    back = torch.ops.aten.convolution_backward
    return back(grad, x, weight, None, *pair, [1, 1], False, [0, 0], len(weight), mask)[which]


def _with_zeros_between(grad: Tensor, shape: Sequence[int], stride: int, padding: int, kernel: int) -> Tensor:
    """The gradient at the places that the same convolution with stride 1 would have had."""
    n, channels, height, width = shape
    size = (n, channels, height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1)
    spread = torch.empty(size, dtype=grad.dtype, memory_format=torch.channels_last).zero_()
    spread[:, :, ::stride, ::stride] = grad
    return spread


class _OwnDepthwise(TorchFunctionMode):
    """Inside, every depthwise convolution that learns is a Depthwise."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func is F.conv2d and torch.is_grad_enabled():
            taken = _depthwise_arguments(*args, **given)
            if taken is not None:
                return Depthwise.apply(*taken)
        return func(*args, **given)


def _depthwise_arguments(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> tuple[Tensor, Tensor, Tensor | None, int, int] | None:
    """What Depthwise wants to know of a call of conv2d; None if it is another kind of convolution, or not square."""
    if groups == 1 or weight.shape[1] != 1 or len(weight) != groups or isinstance(padding, str):
        return None
    if input.dim() != 4 or weight.shape[2] != weight.shape[3]:
        return None
    steps, pads, gaps = ({*one} if isinstance(one, Sequence) else {one} for one in (stride, padding, dilation))
    if len(steps) > 1 or len(pads) > 1 or gaps != {1}:
        return None
    return input, weight, bias, steps.pop(), pads.pop()
