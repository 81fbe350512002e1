import subprocess
import sys

import msgspec
import numpy as np
import pytest
import torch
from torchvision.models.detection import retinanet_resnet50_fpn_v2

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.instances import Instances
from photosynth.core.record import from_json, to_pretty_json
from photosynth.models.anchors import boxes_from_values
from photosynth.models.detect_answer import class_scores, top_class
from photosynth.models.detect_info import (
    DETECTOR_FILE,
    DETECTOR_WEIGHTS_FILE,
    DetectionScores,
    DetectorInfo,
    DetectorSpec,
    read_detector_info,
)
from photosynth.models.detector import FindingModule, NetworkDetector, load_detector, make_detector

INFO = DetectorInfo(
    class_names=("a", "b"),
    network=DetectorSpec(head="aligned", channels=16, convs=1),
    input_px=96,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    answer_threshold=0.4,
    candidates=60,
    max_detections=9,
    epoch=1,
    validation=DetectionScores(map50_95=0.0, map50=0.0, f1=0.0, f1_threshold=0.4, n=0, n_objects=0),
)


class MarkNetwork(torch.nn.Module):
    """Says that class 1 is where the picture is brightest, at the finest level, six strides wide."""

    def __init__(self):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        light = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), 8).flatten(1)
        n_places = sum((-(-x.shape[2] // s)) ** 2 for s in (8, 16, 32, 64))
        logits = torch.full((len(x), n_places, 2), -20.0)
        logits[:, : light.shape[1], 1] = 8.0 * light
        return logits, torch.zeros(len(x), n_places, 4)


@pytest.mark.parametrize("size_wh", [(96, 96), (192, 144), (60, 90), (31, 200)])
def test_boxes_come_back_in_the_picture_s_pixels(size_wh):
    width, height = size_wh
    image = np.zeros((height, width, 3), np.uint8)
    x, y = width // 3, height // 2
    reach = max(2, max(size_wh) // 16)
    image[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = 255
    (found,) = NetworkDetector(MarkNetwork(), INFO).detect([image], 0.5)
    assert found.size_wh == size_wh
    assert found.class_ids[0] == 1
    scale = max(size_wh) / 96
    x0, y0, x1, y1 = found.boxes_xyxy[0]
    left, top = x - 24 * scale, y - 24 * scale
    right, bottom = x + 24 * scale, y + 24 * scale
    expected = np.clip([left, top, right, bottom], 0, [width, height, width, height])
    np.testing.assert_allclose([x0, y0, x1, y1], expected, atol=9 * scale)


def test_answers_below_the_threshold_are_left_out_unless_asked_for():
    image = np.full((96, 96, 3), 128, np.uint8)  # zero after normalisation: score 0.5
    detector = NetworkDetector(MarkNetwork(), msgspec.structs.replace(INFO, answer_threshold=0.9))
    assert len(detector.detect([image])[0]) == 0
    assert len(detector.detect([image], 0.3)[0]) > 0
    assert detector.detect([]) == []


def test_scores_fall_and_batches_do_not_matter():
    torch.manual_seed(1)
    network, _ = make_detector(INFO.network, 2)
    detector, rng = NetworkDetector(network, INFO), np.random.default_rng(0)
    images = [rng.integers(0, 256, (70, 96, 3), dtype=np.uint8) for _ in range(18)]
    together, alone = detector.detect(images, 0.0), detector.detect(images[17:], 0.0)[0]
    assert all((np.diff(one.scores) <= 0).all() for one in together)
    assert all(len(one) <= INFO.max_detections for one in together)
    np.testing.assert_allclose(together[17].boxes_xyxy, alone.boxes_xyxy, atol=1e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("head", ["aligned", "retinanet"])
def test_the_finished_graph_gives_the_same_boxes_in_onnx_runtime_for_any_number_of_pictures(head, tmp_path):
    import onnxruntime

    spec = msgspec.structs.replace(INFO.network, head=head)
    info = msgspec.structs.replace(INFO, network=spec)
    torch.manual_seed(0)
    network, _ = make_detector(spec, 2)
    torch.nn.init.normal_(network.head.class_logits.weight, std=0.3)
    module = FindingModule(network, info).eval()
    names = ["boxes", "scores", "class_ids"]
    torch.onnx.export(
        module,
        (torch.zeros(2, 3, 96, 96),),
        str(tmp_path / "d.onnx"),
        dynamo=False,
        opset_version=17,
        input_names=["x"],
        output_names=names,
        dynamic_axes={name: {0: "n"} for name in ("x", *names)},
    )
    session = onnxruntime.InferenceSession(str(tmp_path / "d.onnx"), providers=["CPUExecutionProvider"])
    for n in (1, 2, 5):
        x = torch.randn(n, 3, 96, 96, generator=torch.Generator().manual_seed(n))
        with torch.inference_mode():
            expected = module(x)
        boxes, scores, class_ids = session.run(names, {"x": x.numpy()})
        assert boxes.shape == (n, 9, 4)
        np.testing.assert_allclose(scores, expected[1], atol=1e-4)
        np.testing.assert_allclose(boxes, expected[0], atol=0.05)
        assert class_ids.dtype == np.int64
        assert (class_ids == expected[2].numpy()).all()


def test_torchvision_s_retinanet_finds_what_torchvision_finds():
    torch.manual_seed(0)
    spec = DetectorSpec(head="retinanet", backbone="resnet50")
    network, notes = make_detector(spec, 3)
    assert notes == ()
    size = 64
    twin = retinanet_resnet50_fpn_v2(
        weights=None, weights_backbone=None, num_classes=3, min_size=size, max_size=size, score_thresh=0.0,
        nms_thresh=0.6, detections_per_img=8, topk_candidates=10**6, image_mean=[0.0] * 3, image_std=[1.0] * 3,
    )  # fmt: skip
    twin.load_state_dict(network.state_dict())
    info = msgspec.structs.replace(
        INFO, class_names=("a", "b", "c"), network=spec, input_px=size, nms_iou=0.6, candidates=400, max_detections=8
    )
    x = torch.rand(1, 3, size, size)
    with torch.inference_mode():
        boxes, scores, class_ids = FindingModule(network, info).eval()(x)
        expected = twin.eval()([x[0]])[0]
    np.testing.assert_allclose(scores[0], expected["scores"], rtol=1e-4)
    np.testing.assert_allclose(boxes[0], expected["boxes"], atol=1e-2)
    assert class_ids[0].tolist() == expected["labels"].tolist()


def test_torchvision_s_published_weights_keep_all_but_the_classes(tmp_path):
    torch.manual_seed(0)
    published = retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=5).state_dict()
    torch.save(published, tmp_path / "coco.pt")
    spec = DetectorSpec(head="retinanet", backbone="resnet50")
    own = make_detector(spec, 2, str(tmp_path / "coco.pt"))[0].state_dict()
    for name, value in published.items():
        assert torch.equal(own[name], value) or "cls_logits" in name, name
    del published["head.regression_head.bbox_reg.weight"]
    torch.save(published, tmp_path / "broken.pt")
    with pytest.raises(ConfigError, match=r"bbox_reg.*retinanet_resnet50_fpn_v2"):
        make_detector(spec, 2, str(tmp_path / "broken.pt"))


def test_pretrained_weights_without_a_connection_are_a_note(monkeypatch):
    from torchvision.models.detection import RetinaNet_ResNet50_FPN_V2_Weights

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(type(RetinaNet_ResNet50_FPN_V2_Weights.DEFAULT), "get_state_dict", offline)
    _, (note,) = make_detector(DetectorSpec(head="retinanet", backbone="resnet50"), 2, "pretrained")
    assert "no route to host" in note
    assert "--weights" in note


def test_resnet_with_the_other_head():
    spec = DetectorSpec(head="aligned", backbone="resnet50", channels=16)
    network = make_detector(spec, 2)[0].eval()
    with torch.inference_mode():
        logits, values = network(torch.zeros(1, 3, 64, 64))
    assert logits.shape[1] == values.shape[1] == 64 + 16 + 4 + 1
    assert boxes_from_values(values, 64, spec).shape == values.shape
    assert len(network.frozen_parts()) == 5


def test_read_back_and_refused_when_they_do_not_fit(tmp_path):
    torch.manual_seed(0)
    network, _ = make_detector(INFO.network, 2)
    torch.save(network.state_dict(), tmp_path / DETECTOR_WEIGHTS_FILE)
    (tmp_path / DETECTOR_FILE).write_bytes(to_pretty_json(INFO))
    assert read_detector_info(tmp_path) == INFO
    image = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    one, two = (d.detect([image], 0.0)[0] for d in (NetworkDetector(network, INFO), load_detector(tmp_path)))
    np.testing.assert_array_equal(one.boxes_xyxy, two.boxes_xyxy)
    wrong = msgspec.structs.replace(INFO, class_names=("a", "b", "c"))
    (tmp_path / DETECTOR_FILE).write_bytes(to_pretty_json(wrong))
    with pytest.raises(ArtifactError, match="Train again"):
        load_detector(tmp_path)
    (tmp_path / DETECTOR_FILE).unlink()
    with pytest.raises(ArtifactError, match="does not exist"):
        load_detector(tmp_path)
    assert from_json(to_pretty_json(INFO), DetectorInfo) == INFO


def test_a_classifier_s_weights_begin_a_detector(tmp_path):
    from photosynth.models.info import NetworkSpec
    from photosynth.models.network import make_network

    torch.manual_seed(0)
    classifier, _ = make_network(NetworkSpec(), 3, 64)
    torch.save(classifier.state_dict(), tmp_path / "weights.pt")
    network, _ = make_detector(INFO.network, 2, str(tmp_path / "weights.pt"))
    assert torch.equal(network.backbone.blocks[3].expand.conv.weight, classifier.backbone.blocks[3].expand.conv.weight)


def found(*rows):
    boxes = np.array([[0, 0, 5, 5]] * len(rows), float).reshape(-1, 4)
    return Instances((9, 9), boxes, np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], float))


@pytest.mark.parametrize(
    ("rows", "scores", "answer"),
    [
        ((), [0, 0, 0, 0.4], 3),
        (((1, 0.3),), [0, 0.3, 0, 0.4], 3),
        (((1, 0.5), (2, 0.9), (1, 0.7)), [0, 0.7, 0.9, 0.4], 2),
        (((0, 0.4),), [0.4, 0, 0, 0.4], 3),
    ],
)
def test_the_surest_box_answers_for_the_picture(rows, scores, answer):
    assert class_scores(found(*rows), 3, 0.4).tolist() == scores
    assert top_class(found(*rows), 3, 0.4) == answer


def test_a_retinanet_can_be_traced_before_torchvision_is_imported():
    code = (
        "import sys, torch\n"
        "from photosynth.models.detector import FindingModule, make_detector\n"
        "from photosynth.models.detect_info import DetectionScores, DetectorInfo, DetectorSpec\n"
        "spec = DetectorSpec(head='retinanet', channels=8)\n"
        "scores = DetectionScores(map50_95=0, map50=0, f1=0, f1_threshold=0, n=0, n_objects=0)\n"
        "half = (0.5, 0.5, 0.5)\n"
        "info = DetectorInfo(class_names=('a',), network=spec, input_px=64, mean=half, std=half, epoch=1,\n"
        "                    answer_threshold=0.5, validation=scores)\n"
        "network = make_detector(spec, 1)[0]\n"
        "assert 'torchvision' not in sys.modules\n"
        "module = FindingModule(network, info).eval()\n"
        "torch.jit.trace(module, torch.zeros(2, 3, 64, 64), check_trace=False)\n"
    )
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
