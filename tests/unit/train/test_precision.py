"""Arithmetic of a training step: which one is chosen, and that bfloat16 computes the same."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from photosynth.models.lite0 import EfficientNetLite0, relu6
from photosynth.train import processor
from photosynth.train.precision import chosen_precision, mixed_precision

CPU = torch.device("cpu")
KERNELS = ((3, 1, 1), (3, 2, 0), (3, 2, 1), (5, 1, 2), (5, 2, 0), (5, 2, 2))
"""Kernel, stride, padding of depthwise convolutions."""


@pytest.fixture(autouse=True)
def fixed_seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


def test_precision_follows_the_setting_and_else_the_machine(monkeypatch, tmp_path):
    cuda, low, high = torch.device("cuda"), torch.bfloat16, torch.float32
    for flags, on_cpu in (("flags\t\t: fpu avx512_bf16 amx_bf16 amx_tile", low), ("flags\t\t: fpu avx512_bf16", high)):
        (tmp_path / "cpuinfo").write_text(f"model name\t: amx_bf16\n{flags}\n", encoding="utf-8")
        monkeypatch.setattr(processor, "CPU_INFO", tmp_path / "cpuinfo")
        processor.has_bfloat16_units.cache_clear()
        assert chosen_precision("auto", CPU) == on_cpu
        assert chosen_precision("auto", cuda) == low
        for device in (CPU, cuda):
            assert chosen_precision("float32", device) == high
            assert chosen_precision("bfloat16", device) == low
    monkeypatch.setattr(processor, "CPU_INFO", tmp_path / "absent")
    processor.has_bfloat16_units.cache_clear()
    assert chosen_precision("auto", CPU) == high
    processor.has_bfloat16_units.cache_clear()


@pytest.mark.parametrize(("kernel", "stride", "padding"), KERNELS)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("size", [(12, 11), (9, 16)])
def test_depthwise_gradients_are_those_of_float32(kernel, stride, padding, biased, size):
    x = torch.randn(3, 8, *size).to(memory_format=torch.channels_last).bfloat16().float().requires_grad_()
    weight = torch.randn(8, 1, kernel, kernel).bfloat16().float().requires_grad_()
    bias = torch.randn(8).bfloat16().float().requires_grad_() if biased else None
    learnt = [x, weight, *([bias] if biased else [])]

    def conv() -> torch.Tensor:
        return F.conv2d(x, weight, bias, stride, padding, groups=8)

    exact = conv()
    grad = torch.randn_like(exact).bfloat16()
    wanted = torch.autograd.grad(exact, learnt, grad.float())
    with mixed_precision(CPU, torch.bfloat16):
        low = conv()
    assert low.dtype == torch.bfloat16
    assert type(low.grad_fn).__name__ == "DepthwiseBackward"
    torch.testing.assert_close(low.float(), exact, rtol=0.01, atol=0.05)
    for got, right in zip(torch.autograd.grad(low, learnt, grad), wanted, strict=True):
        assert got.dtype == torch.float32
        assert float((got - right).norm() / right.norm()) < 0.01


def test_only_depthwise_convolutions_that_learn_are_replaced():
    x = torch.randn(1, 4, 8, 8)
    weights = {"dense": (torch.randn(4, 4, 3, 3), 1), "grouped": (torch.randn(4, 2, 3, 3), 2)}
    own = torch.randn(4, 1, 3, 3).requires_grad_()
    with mixed_precision(CPU, torch.bfloat16):
        for weight, groups in weights.values():
            assert "Depthwise" not in type(F.conv2d(x, weight.requires_grad_(), groups=groups).grad_fn).__name__
        dilated = F.conv2d(x, own, dilation=2, groups=4)
        with torch.no_grad():
            assert F.conv2d(x, own, groups=4).grad_fn is None
        for oblong in (torch.randn(4, 1, 1, 7), torch.randn(4, 1, 7, 1)):
            taken = F.conv2d(x, oblong.requires_grad_(), stride=2, groups=4)
            assert "Depthwise" not in type(taken.grad_fn).__name__
        assert type(nn.Conv2d(4, 4, 3, groups=4)(x).grad_fn).__name__ == "DepthwiseBackward"
    assert "Depthwise" not in type(dilated.grad_fn).__name__
    assert type(F.conv2d(x, own, groups=4).grad_fn).__name__ != "DepthwiseBackward"
    with mixed_precision(CPU, torch.float32):
        assert F.conv2d(x, own, groups=4).dtype == torch.float32


def test_relu6_of_bfloat16_is_that_of_float32():
    values = torch.tensor([-torch.inf, -7.0, -0.0, 0.0, 1e-30, 0.25, 5.96875, 6.0, 6.03125, 300.0, torch.inf])
    x = torch.cat([values, 4.0 * torch.randn(500)]).bfloat16()
    wanted = x.float().clamp(0.0, 6.0)
    assert torch.equal(relu6(x.clone()).float(), wanted)
    leaf = x.clone().requires_grad_()
    y = relu6(leaf * 1.0)
    assert torch.equal(y.detach().float(), wanted)
    y.sum().backward()
    assert torch.equal(leaf.grad.float(), ((wanted > 0) & (wanted < 6)).float())


def test_a_networks_gradients_point_the_same_way():
    network = EfficientNetLite0().to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    x = torch.randn(4, 3, 64, 64).to(memory_format=torch.channels_last)
    towards = torch.randn(4, 1280)
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        network.zero_grad()
        with mixed_precision(CPU, dtype):
            features = network(x).float()
        (features * towards).sum().backward()
        assert all(p.grad.dtype == torch.float32 for p in network.parameters())
        found.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert float(F.cosine_similarity(*found, dim=0)) > 0.99
