import numpy as np
import pytest
import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import _default_anchorgen

from photosynth.models.anchors import anchor_boxes, boxes_from_deltas, boxes_from_values, grid_points, level_sizes
from photosynth.models.detect_info import RESNET_RETINANET_STRIDES, STRIDES, DetectorSpec
from photosynth.models.detector import make_detector
from photosynth.models.heads import DenseHead


@pytest.mark.parametrize("size_px", [64, 96, 256, 320])
def test_places_are_as_many_as_the_network_s_answers(size_px):
    for head, per_place in (("aligned", 1), ("retinanet", 9)):
        spec = DetectorSpec(head=head, channels=8)
        network = make_detector(spec, 2)[0].eval()
        with torch.inference_mode():
            logits, values = network(torch.zeros(1, 3, size_px, size_px))
        n = per_place * sum(side**2 for side in level_sizes(size_px, STRIDES))
        assert logits.shape == (1, n, 2)
        assert values.shape == boxes_from_values(values, size_px, spec).shape == (1, n, 4)


def test_anchors_are_torchvision_s():
    generator: AnchorGenerator = _default_anchorgen()
    maps = [torch.zeros(1, 1, side, side) for side in level_sizes(256, RESNET_RETINANET_STRIDES)]
    expected = generator(ImageList(torch.zeros(1, 3, 256, 256), [(256, 256)]), maps)[0]
    torch.testing.assert_close(anchor_boxes(256, RESNET_RETINANET_STRIDES), expected)


def test_deltas_are_torchvision_s():
    rng = torch.Generator().manual_seed(0)
    anchors = anchor_boxes(64, STRIDES)
    deltas = torch.randn(2, len(anchors), 4, generator=rng)
    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    expected = torch.stack([coder.decode_single(one, anchors) for one in deltas])
    torch.testing.assert_close(boxes_from_deltas(deltas, anchors), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(boxes_from_deltas(torch.zeros(1, len(anchors), 4), anchors)[0], anchors, atol=1e-4)


def test_points_lie_in_the_middle_of_their_pixels():
    points, strides = grid_points(64, (8, 64))
    assert points[:2].tolist() == [[4, 4], [12, 4]]
    assert points[8].tolist() == [4, 12]
    assert points[-1].tolist() == [32, 32]
    assert strides[-1].item() == 64
    box = boxes_from_values(torch.zeros(1, 65 + 16 + 4, 4)[:, :85], 64, DetectorSpec(head="aligned"))[0]
    assert box[0].tolist() == [4 - 24, 4 - 24, 4 + 24, 4 + 24]


@pytest.mark.parametrize("per_place", [1, 9])
def test_a_head_s_answers_come_in_the_order_of_the_places(per_place):
    """A mark at one pixel of one map is felt most by the answers of that place."""
    torch.manual_seed(0)
    head = DenseHead(8, 0, False, 2, per_place, 2).eval()
    for weight in (head.class_logits.weight, head.box_values.weight):  # a mark is felt by its own place alone
        weight.data[:, :, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = 0.0
    fine, coarse = torch.zeros(1, 8, 4, 4), torch.zeros(1, 8, 2, 2)
    with torch.inference_mode():
        blank = head([fine, coarse])
        for maps, (level, row, column), place in (
            ((fine.clone(), coarse), (0, 1, 2), 4 * 1 + 2),
            ((fine, coarse.clone()), (1, 1, 0), 16 + 2),
        ):
            maps[level][0, :, row, column] = 5.0
            for before, after in zip(blank, head(list(maps)), strict=True):
                change = (after - before)[0].abs().sum(1).reshape(-1, per_place).sum(1)
                assert int(change.argmax()) == place
