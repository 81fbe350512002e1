"""EfficientNet-Lite0: published weights, TensorFlow padding, folded normalisation."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from photosynth.core.errors import ConfigError
from photosynth.models.backbones import LITE0, blocks_of, make_backbone, read_state
from photosynth.models.lite0 import (
    ConvNorm,
    EfficientNetLite0,
    imagenet_file,
    relu6,
    same_padding,
    state_from_published,
)
from photosynth.models.preprocess import normalise
from photosynth.models.resize import resize_square
from photosynth.train.pictures import decode

torch.set_num_threads(1)
HALF = (0.5, 0.5, 0.5)
COCO = Path(__file__).parents[3].parent / "shared" / "data" / "backgrounds" / "coco128" / "images"


@pytest.fixture(scope="module")
def published():
    return read_state(imagenet_file())


def imagenet_logits(backbone, published, image):
    head = state_from_published(published)[1]
    with torch.inference_mode():
        x = torch.from_numpy(normalise(image[None], HALF, HALF))
        return (backbone(x) @ head["weight"].T + head["bias"])[0].numpy()


def test_every_published_tensor_is_used_once(published):
    state, head = state_from_published(published)
    assert len(state) + len(head) == 247
    backbone, notes = make_backbone(LITE0, "imagenet")
    assert notes == ()
    own = {k: v for k, v in backbone.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert set(own) == set(state)
    assert all(torch.equal(own[k], state[k]) for k in own)


def test_logits_of_a_fixed_picture_are_pinned(published):
    y, x = np.mgrid[:96, :96]
    image = np.stack([x * 2, y * 2, (x + y) % 256], 2).astype(np.uint8)
    logits = imagenet_logits(make_backbone(LITE0, "imagenet")[0].eval(), published, image)
    np.testing.assert_allclose(
        logits[[0, 1, 207, 292, 999]], [-0.83116, -0.05520, -0.92742, -0.23744, -0.03116], atol=2e-3
    )
    assert logits.argmax() == 885


@pytest.mark.parametrize(
    ("name", "imagenet_class"),
    [("000000000034.jpg", 340), ("000000000321.jpg", 934), ("000000000450.jpg", 963), ("000000000471.jpg", 779)],
    ids=["zebra", "hotdog", "pizza", "school bus"],
)
def test_names_photos(published, name, imagenet_class):
    if not (COCO / name).is_file():
        pytest.skip("shared/data/backgrounds/coco128 is absent")
    backbone = make_backbone(LITE0, "imagenet")[0].eval()
    logits = imagenet_logits(backbone, published, resize_square(decode(COCO / name), 224))
    assert logits.argmax() == imagenet_class


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "expected"),
    [
        (224, 3, 2, (0, 1)),
        (225, 3, 2, (1, 1)),
        (112, 5, 2, (1, 2)),
        (7, 5, 2, (2, 2)),
        (14, 3, 1, (1, 1)),
        (1, 3, 2, (1, 1)),
    ],
)
def test_same_padding(length, kernel, stride, expected):
    assert same_padding(length, kernel, stride) == expected


@pytest.mark.parametrize("size", [31, 32, 33, 64])
def test_feature_map_rounds_up(size):
    with torch.inference_mode():
        assert EfficientNetLite0().eval().feature_map(torch.zeros(1, 3, size, size)).shape[2:] == (-(-size // 32),) * 2


def plain_forward(layer, x):
    """The slow twin of ConvNorm.forward: pad, convolve, normalise, clamp."""
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    x = F.pad(x, (*same_padding(x.shape[3], kernel, stride), *same_padding(x.shape[2], kernel, stride)))
    x = layer.norm(F.conv2d(x, layer.conv.weight, None, stride, 0, groups=layer.conv.groups))
    return x.clamp(0, 6) if layer.activate else x


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("activate", [True, False])
def test_folded_normalisation_is_the_same_function_with_the_same_gradients(stride, activate):
    torch.manual_seed(3)
    layer = ConvNorm(8, 8, 5, stride, groups=8, activate=activate)
    layer.norm.running_mean.uniform_(-1, 1)
    layer.norm.running_var.uniform_(0.5, 2)
    torch.nn.init.uniform_(layer.norm.weight, 0.5, 4)
    layer.eval()
    results = []
    for forward in (layer, lambda x: plain_forward(layer, x)):
        x = torch.linspace(-3, 3, 2 * 8 * 12 * 12).reshape(2, 8, 12, 12).requires_grad_()
        layer.zero_grad()
        y = forward(x * 1.0)
        (y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum().backward()
        results.append([y.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())])
    for folded, plain in zip(*results, strict=True):
        torch.testing.assert_close(folded, plain, rtol=1e-4, atol=1e-4)


def test_relu6_gradient():
    x = torch.tensor([-1.0, 0.5, 5.9, 6.5], requires_grad=True)
    relu6(x * 1.0).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_has_18_blocks():
    assert len(blocks_of(EfficientNetLite0())) == 18


def test_a_file_that_does_not_fit_is_refused_by_name(published):
    wrong = dict(published)
    wrong["_blocks.3._bn1.weight"] = torch.zeros(3)
    with pytest.raises(ConfigError, match=r"blocks\.3\.depthwise\.norm\.weight"):
        state_from_published(wrong)
    del wrong["_blocks.3._bn1.weight"]
    with pytest.raises(ConfigError, match="the file has 244"):
        state_from_published(wrong)
