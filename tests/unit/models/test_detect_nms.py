import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms

from photosynth.models.detect_nms import overlaps, select, survivors


def random_boxes(rng, n, size=100.0):
    low = rng.uniform(0, size * 0.7, (n, 2))
    return torch.from_numpy(np.concatenate([low, low + rng.uniform(5, size * 0.4, (n, 2))], 1)).float()


@pytest.mark.parametrize("seed", range(8))
def test_survivors_are_greedy_suppressions(seed):
    rng = np.random.default_rng(seed)
    boxes = torch.stack([random_boxes(rng, 200) for _ in range(3)])
    class_ids = torch.from_numpy(rng.integers(0, 3, (3, 200)))
    scores = torch.linspace(1.0, 0.1, 200)
    iou = float(rng.uniform(0.2, 0.7))
    stays = survivors(boxes, class_ids, iou)
    for k in range(3):
        expected = sorted(batched_nms(boxes[k], scores, class_ids[k], iou).tolist())
        assert torch.nonzero(stays[k])[:, 0].tolist() == expected


def test_a_chain_keeps_every_second_box():
    x = torch.arange(12) * 3.0
    boxes = torch.stack([x, torch.zeros(12), x + 10, torch.full((12,), 10.0)], 1)[None]
    assert survivors(boxes, torch.zeros(1, 12, dtype=torch.long), 0.5)[0].tolist() == [1, 0] * 6


def test_overlaps_of_known_boxes():
    boxes = torch.tensor([[[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [4, 4, 4, 4]]], dtype=torch.float32)
    expected = [[1, 1 / 3, 0, 0], [1 / 3, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(overlaps(boxes)[0].numpy(), expected, rtol=1e-6)


def slow_select(boxes, logits, iou, candidates, max_detections):
    """One picture, pair by pair."""
    pairs = [(float(torch.sigmoid(logits[p, c])), p, c) for p in range(len(logits)) for c in range(logits.shape[1])]
    pairs = sorted(pairs, reverse=True)[:candidates]
    kept = []
    for score, p, c in pairs:
        same = [q for _, q, d in kept if d == c]
        if all(float(overlaps(boxes[[p, q]][None])[0, 0, 1]) <= iou for q in same):
            kept.append((score, p, c))
    return kept[:max_detections]


@pytest.mark.parametrize("candidates", [5, 40, 1000])
def test_select_agrees_with_its_slow_twin(candidates):
    rng = np.random.default_rng(3)
    boxes = torch.stack([random_boxes(rng, 50) for _ in range(2)])
    logits = torch.from_numpy(rng.normal(-1, 2, (2, 50, 3))).float()
    found, scores, class_ids = select(boxes, logits, 0.4, candidates, 20)
    for k in range(2):
        expected = slow_select(boxes[k], logits[k], 0.4, candidates, 20)
        n = len(expected)
        np.testing.assert_allclose(scores[k, :n], [e[0] for e in expected], rtol=1e-5)
        assert class_ids[k, :n].tolist() == [e[2] for e in expected]
        np.testing.assert_allclose(found[k, :n], boxes[k][[e[1] for e in expected]])
        assert (scores[k, n:] == 0).all()


def test_a_picture_s_answer_does_not_depend_on_its_batch():
    rng = np.random.default_rng(4)
    boxes = torch.stack([random_boxes(rng, 60) for _ in range(3)])
    logits = torch.from_numpy(rng.normal(-1, 2, (3, 60, 2))).float()
    together = select(boxes, logits, 0.5, 30, 10)
    alone = select(boxes[1:2], logits[1:2], 0.5, 30, 10)
    assert all(torch.equal(a[1], b[0]) for a, b in zip(together, alone, strict=True))
