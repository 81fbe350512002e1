import numpy as np
import pytest
import torch

from photosynth.models.anchors import anchor_boxes, grid_points
from photosynth.models.detect_assign import PLACES_PER_OBJECT, align_points, match_anchors, pair_iou
from photosynth.models.detect_info import STRIDES, DetectorSpec
from photosynth.models.detect_nms import overlaps
from photosynth.models.detect_targets import make_targets
from photosynth.models.detection_loss import detection_loss

NONE = np.zeros((0, 4))
SIZE = 128


def aligned(boxes, class_ids, ignored=NONE, scores=None, predicted=None):
    points, strides = grid_points(SIZE, STRIDES)
    n = len(points)
    scores = torch.full((1, n, 2), 0.01) if scores is None else scores
    if predicted is None:
        predicted = torch.cat([points - 3 * strides, points + 3 * strides], 1)[None]
    targets = make_targets([np.array(boxes, float)], [np.array(class_ids)], [ignored])
    return points, strides, *(t[0] for t in align_points(scores, predicted, points, strides, targets))


def test_without_objects_all_is_background():
    _, _, matched, quality, weight = aligned(NONE, [])
    assert (matched == -1).all()
    assert (quality == 0).all()
    assert (weight == 1).all()


def test_an_object_is_learnt_inside_it_at_the_level_that_suits_its_size():
    points, strides, matched, quality, _ = aligned([[40, 40, 88, 88]], [1])
    chosen = matched == 0
    assert 1 <= chosen.sum() <= PLACES_PER_OBJECT
    assert ((points[chosen] > 40) & (points[chosen] < 88)).all()
    best = quality.argmax()
    assert strides[best] == 8  # 6 strides wide before training
    assert quality[best] == pytest.approx(
        float(pair_iou(torch.tensor([[[40.0, 40, 88, 88]]]), best_box(best))[0, 0, 0])
    )
    assert (quality[~chosen] == 0).all()


def best_box(k):
    points, strides = grid_points(SIZE, STRIDES)
    return torch.cat([points - 3 * strides, points + 3 * strides], 1)[None, k : k + 1]


def test_the_better_score_is_chosen_among_equal_boxes():
    points, _ = grid_points(SIZE, STRIDES)
    box = torch.tensor([40.0, 40.0, 88.0, 88.0])
    scores = torch.full((1, len(points), 2), 0.01)
    inside = torch.nonzero(((points > 48) & (points < 80)).all(1))[:, 0]
    scores[0, inside[3], 1] = 0.9
    scores[0, inside[5], 0] = 0.9  # of the other class: no merit
    _, _, _, quality, _ = aligned([box.tolist()], [1], scores=scores, predicted=box.expand(1, len(points), 4))
    assert quality.argmax() == inside[3]
    assert quality[inside[3]] == pytest.approx(1.0)
    assert quality[inside[5]] < 0.05


def test_a_point_wanted_by_two_learns_the_one_it_encloses_better():
    boxes = [[40, 40, 88, 88], [42, 42, 90, 90]]
    _, _, matched, _, _ = aligned(boxes, [0, 1])
    assert {0, 1} <= set(matched.tolist())


def test_a_tiny_object_between_the_points_is_learnt_too():
    _, strides, matched, quality, _ = aligned([[6.5, 6.5, 9.5, 9.5]], [0])
    assert (matched == 0).any()
    assert strides[matched == 0].min() == 8
    assert quality.max() > 0


@pytest.mark.parametrize("assign", ["aligned", "retinanet"])
def test_what_lies_in_ignored_boxes_is_not_background(assign):
    ignored = np.array([[0.0, 0.0, 64.0, 64.0]])
    if assign == "aligned":
        places, _, matched, _, weight = aligned([[80, 80, 120, 120]], [0], ignored)
    else:
        anchors = anchor_boxes(SIZE, STRIDES)
        places = (anchors[:, :2] + anchors[:, 2:]) / 2
        targets = make_targets([np.array([[80.0, 80, 120, 120]])], [np.array([0])], [ignored])
        matched, weight = (t[0] for t in match_anchors(anchors, targets))
    inside = ((places > 0) & (places < 64)).all(1)
    assert (weight[inside & (matched < 0)] == 0).all()
    outside = ~((places >= 0) & (places <= 64)).all(1) & (matched < 0)
    assert (weight[outside] == 1).float().mean() > 0.9
    assert (weight[matched >= 0] == 1).all()


def test_anchors_learn_by_overlap_and_every_object_is_learnt():
    anchors = anchor_boxes(SIZE, STRIDES)
    boxes = np.array([[30.0, 30, 70, 70], [100, 3, 105, 8]])  # the second is smaller than any anchor
    targets = make_targets([boxes, NONE], [np.array([1, 0]), np.array([], int)], [NONE, NONE])
    matched, weight = match_anchors(anchors, targets)
    iou = pair_iou(targets.boxes_xyxy[:1], anchors[None])[0]
    assert (iou[0][matched[0] == 0] >= 0.4).all()
    assert (matched[0] == 1).any()
    assert (weight[0][(iou.max(0).values >= 0.4) & (matched[0] < 0)] == 0).all()
    assert (matched[1] == -1).all()
    assert (weight[1] == 1).all()


def test_pair_iou_agrees_with_overlaps():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (2, 7, 2))
    boxes = torch.from_numpy(np.concatenate([low, low + rng.uniform(2, 40, (2, 7, 2))], 2)).float()
    torch.testing.assert_close(pair_iou(boxes, boxes), overlaps(boxes))


@pytest.mark.parametrize("head", ["aligned", "retinanet"])
def test_padding_and_order_do_not_change_the_loss(head):
    spec = DetectorSpec(head=head)
    n = len(anchor_boxes(SIZE, STRIDES)) if head == "retinanet" else len(grid_points(SIZE, STRIDES)[0])
    rng = torch.Generator().manual_seed(0)
    logits, values = torch.randn(2, n, 2, generator=rng) - 3, 0.1 * torch.randn(2, n, 4, generator=rng)
    a, b = np.array([[10.0, 10, 60, 70]]), np.array([[20.0, 30, 80, 90], [90, 90, 120, 110]])
    first = detection_loss(
        logits, values, make_targets([a, b], [np.array([0]), np.array([1, 0])], [NONE, a]), SIZE, spec
    )
    flipped = make_targets([b[::-1], a], [np.array([0, 1]), np.array([0])], [a, NONE])
    second = detection_loss(logits.flip(0), values.flip(0), flipped, SIZE, spec)
    assert float(first[0]) == pytest.approx(float(second[0]), rel=1e-4)
    assert float(first[1]) == pytest.approx(float(second[1]), rel=1e-4)
    nothing = make_targets([NONE, NONE], [np.array([], int)] * 2, [NONE, NONE])
    empty = detection_loss(logits, values, nothing, SIZE, spec)
    assert float(empty[0]) > 0
    assert float(empty[1]) == 0
