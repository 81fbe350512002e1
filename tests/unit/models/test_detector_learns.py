"""Twelve composites are learnt until class and box are right; and what the head's first weights have to do with it."""

import numpy as np
import pytest
import torch
from detect_composites import CLASSES, composite

from photosynth.models.detect_info import DetectionScores, DetectorInfo, DetectorSpec
from photosynth.models.detect_targets import make_targets
from photosynth.models.detection_loss import detection_loss
from photosynth.models.detector import NetworkDetector, make_detector
from photosynth.models.preprocess import normalise

SIZE, STEPS, MEAN = 128, 30, (0.5, 0.5, 0.5)
LR = (6e-4, 3e-3)
NO_SCORES = DetectionScores(map50_95=0.0, map50=0.0, f1=0.0, f1_threshold=0.5, n=0, n_objects=0)


def composites():
    rng = np.random.default_rng(0)
    return [composite(rng, SIZE) for _ in range(12)]


def learn(spec, pictures, tower_std=None):
    """A detector after STEPS steps on all pictures; `tower_std` replaces the towers' first weights, and takes their
    normalisation away."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network, _ = make_detector(spec, len(CLASSES), "pretrained")
    for part in network.frozen_parts()[:6]:
        part.requires_grad_(False)
    if tower_std is not None:
        for module in (*network.head.class_tower.modules(), *network.head.box_tower.modules()):
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.normal_(module.weight, std=tower_std)
        for tower in (network.head.class_tower, network.head.box_tower):
            tower.norms = torch.nn.ModuleList(torch.nn.ModuleList([torch.nn.Identity()] * spec.convs) for _ in range(4))
    x = torch.from_numpy(normalise(np.stack([p[0] for p in pictures]), MEAN, MEAN))
    boxes, class_ids = [p[1] for p in pictures], [p[2] for p in pictures]
    targets = make_targets(boxes, class_ids, [np.zeros((0, 4))] * len(pictures))
    rest = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    body = [p for p in network.backbone.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": body, "lr": LR[0]}, {"params": rest, "lr": LR[1]}], weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, list(LR), total_steps=STEPS + 1, pct_start=0.15)
    network.train()
    network.backbone.eval()
    for _ in range(STEPS):
        loss = sum(detection_loss(*network(x), targets, SIZE, spec))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return network


def detector_of(network, spec):
    info = DetectorInfo(
        class_names=CLASSES,
        network=spec,
        input_px=SIZE,
        mean=MEAN,
        std=MEAN,
        answer_threshold=0.3,
        epoch=1,
        validation=NO_SCORES,
    )
    return NetworkDetector(network, info)


def right(network, spec, pictures):
    """Of all objects: the share found (the surest box on it has IoU 0.5), found and named, and their mean IoU."""
    found = detector_of(network, spec).detect([p[0] for p in pictures], 0.01)
    hits, named, ious = [], [], []
    for one, (_, boxes, class_ids) in zip(found, pictures, strict=True):
        for box, class_id in zip(boxes, class_ids, strict=True):
            iou = iou_with(box, one.boxes_xyxy)
            on_it = np.flatnonzero(iou >= 0.5)
            hits.append(len(on_it) > 0)
            named.append(len(on_it) > 0 and one.class_ids[on_it[0]] == class_id)
            ious.append(iou.max(initial=0.0))
    return np.mean(hits), np.mean(named), np.mean(ious)


def iou_with(box, others):
    side = np.clip(np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2]), 0, None)
    shared = side.prod(1)
    return shared / ((others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod() - shared)


@pytest.mark.parametrize("head", ["aligned", "retinanet"])
def test_twelve_composites_are_learnt_class_and_box(head):
    spec, pictures = DetectorSpec(head=head, channels=64), composites()
    found, named, iou = right(learn(spec, pictures), spec, pictures)
    assert found == 1.0
    assert named == 1.0
    assert iou > 0.7


def test_with_the_common_first_weights_the_class_of_plain_towers_stays_at_chance():
    """What the test above is for: torchvision's spread of 0.01, and no normalisation, finds the boxes and learns no
    class in this time."""
    spec, pictures = DetectorSpec(channels=64), composites()
    found, named, _ = right(learn(spec, pictures, tower_std=0.01), spec, pictures)
    assert found > 0.8
    assert named < 0.6


def test_towers_keep_the_spread_of_what_they_are_given():
    torch.manual_seed(0)
    network, _ = make_detector(DetectorSpec(channels=64), 3)
    x = torch.randn(4, 64, 16, 16)
    for tower in (network.head.class_tower, network.head.box_tower):
        for level in range(4):
            assert 0.2 < float(tower(x * 10**level, level).std().detach()) < 5.0
    logits, _ = network(torch.randn(2, 3, 64, 64))
    assert float(torch.sigmoid(logits.detach()).mean()) == pytest.approx(0.01, abs=0.01)
