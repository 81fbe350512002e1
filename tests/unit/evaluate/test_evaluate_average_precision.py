"""Matching and average precision: hand-made cases, and pycocotools as the judge."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from detection_cases import case, random_cases

from photosynth.core.average_precision import average_precisions, class_mean, curve
from photosynth.core.matching import AREAS, IOU_THRESHOLDS, Case, overlaps, pool_class


def ones(cases: list[Case]) -> np.ndarray:
    return np.ones((1, len(cases)))


def judged(cases: list[Case], n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """pycocotools' precision, (T, 101, classes, areas), and its twelve numbers."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations, results = [], []
    for k, one in enumerate(cases):
        rows = [
            (c, b, a, 0) for c, b, a in zip(one.truth.class_ids, one.truth.boxes_xyxy, one.truth_area_px, strict=True)
        ]
        rows += [(c, b, 50.0, 1) for c, b in zip(one.crowds.class_ids, one.crowds.boxes_xyxy, strict=True)]
        rows += [(c, b, 50.0, 1) for b in one.regions_xyxy for c in range(n_classes)]
        annotations += [
            {"image_id": k + 1, "category_id": int(c) + 1, "bbox": xywh(b), "area": float(a), "iscrowd": crowd}
            for c, b, a, crowd in rows
        ]
        found = zip(one.found.class_ids, one.found.boxes_xyxy, one.found.scores, strict=True)
        results += [
            {"image_id": k + 1, "category_id": int(c) + 1, "bbox": xywh(b), "score": float(s)} for c, b, s in found
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": k + 1} for k in range(len(cases))],
            "categories": [{"id": c + 1, "name": str(c)} for c in range(n_classes)],
            "annotations": [row | {"id": k + 1} for k, row in enumerate(annotations)],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.eval["precision"][..., -1], evaluation.stats


def xywh(box: np.ndarray) -> list[float]:
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]


def test_nothing_to_find_has_no_precision():
    for cases in ([], [case([], [])], [case([], [(0, 0, 0, 9, 9, 0.5)])]):
        pool = pool_class(cases, 0)
        assert np.isnan(average_precisions(pool, ones(cases))[0]).all()
        assert curve(pool) is None
    assert np.isnan(class_mean([])).all()


def test_nothing_found_is_nothing_right():
    cases = [case([(0, 0, 0, 10, 10)], [])]
    assert (average_precisions(pool_class(cases, 0), ones(cases))[0] == 0).all()
    assert (curve(pool_class(cases, 0)) == 0).all()


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        ([(0, 0, 0, 100, 100)], [(0, 0, 0, 100, 100, 0.9)], 1.0),
        ([(0, 0, 0, 100, 100)], [(0, 0, 0, 100, 72, 0.9)], 0.5),  # right up to IoU 0.7
        ([(0, 0, 0, 100, 100)], [(1, 0, 0, 100, 100, 0.9)], 0.0),
        ([(0, 0, 0, 100, 100)], [(0, 200, 200, 300, 300, 0.9), (0, 0, 0, 100, 100, 0.5)], 0.5),
        ([(0, 0, 0, 100, 100)], [(0, 0, 0, 100, 100, 0.9), (0, 0, 0, 100, 100, 0.5)], 1.0),  # a late duplicate
        ([(0, 0, 0, 100, 100), (0, 200, 0, 300, 100)], [(0, 0, 0, 100, 100, 0.9)], 51 / 101),
    ],
)
def test_average_precision_by_hand(truth, found, expected):
    cases = [case(truth, found)]
    assert average_precisions(pool_class(cases, 0), ones(cases))[0].mean() == pytest.approx(expected)


def test_finds_in_a_crowd_or_a_region_do_not_count():
    found = [(0, 0, 0, 10, 10, 0.9), (0, 100, 100, 150, 150, 0.5)]
    truth = [(0, 100, 100, 150, 150)]
    assert average_precisions(pool_class([case(truth, found)], 0), np.ones((1, 1)))[0, 0, 0] == 0.5
    for extra in ({"crowds": [(0, 0, 0, 60, 60)]}, {"regions": [(0, 0, 60, 60)]}):
        assert average_precisions(pool_class([case(truth, found, **extra)], 0), np.ones((1, 1)))[
            0, 0, 0
        ] == pytest.approx(1)
    other = case(truth, found, crowds=[(1, 0, 0, 60, 60)])
    assert average_precisions(pool_class([other], 0), np.ones((1, 1)))[0, 0, 0] == 0.5


def test_overlaps_of_boxes_and_crowds():
    found, truth = np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0], [0, 0, 100, 100], [10, 0, 20, 10]])
    assert overlaps(found, truth, np.array([False, True, False]))[0] == pytest.approx([1 / 3, 1, 0])
    assert overlaps(np.zeros((1, 4)), np.zeros((1, 4)), np.array([False]))[0, 0] == 0


@pytest.mark.parametrize("seed", range(25))
def test_pycocotools_gives_the_same_numbers(seed):
    n_classes = 1 + seed % 4
    cases = random_cases(seed, n=3 + seed, n_classes=n_classes, crowds=seed % 3 > 0)
    if not any(len(one.found) for one in cases) or not any(len(one.truth) for one in cases):
        pytest.fail("the case is empty: choose another seed")
    precision, stats = judged(cases, n_classes)
    ours = np.empty((len(IOU_THRESHOLDS), n_classes, len(AREAS)))
    for k in range(n_classes):
        pool = pool_class(cases, k)
        ours[:, k] = average_precisions(pool, ones(cases))[:, 0].T
        for a in range(len(AREAS)):
            for t in (0, 5, 9):
                expected, drawn = precision[t, :, k, a], curve(pool, t, a)
                if drawn is None:
                    assert (expected == -1).all()
                else:
                    assert drawn == pytest.approx(expected, abs=1e-12)
    expected = np.where((precision == -1).all(1), np.nan, precision.mean(1))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    summary = [ours[..., 0], ours[0, :, 0], ours[5, :, 0], ours[..., 1], ours[..., 2], ours[..., 3]]
    for value, stat in zip(summary, stats[:6], strict=True):
        known = value[np.isfinite(value)]
        assert (known.mean() if known.size else -1) == pytest.approx(stat, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_a_photo_with_no_weight_might_as_well_not_be_there(seed):
    cases = random_cases(100 + seed, n=9)
    kept = np.random.default_rng(seed).random((4, len(cases))) < 0.6
    for k in range(3):
        together = average_precisions(pool_class(cases, k), kept.astype(float))
        for b, row in enumerate(kept):
            some = [one for one, keep in zip(cases, row, strict=True) if keep]
            alone = average_precisions(pool_class(some, k), ones(some))[:, 0]
            np.testing.assert_allclose(together[:, b], alone, atol=1e-12)


def test_a_weight_is_that_many_copies_of_the_photo():
    """Copies share their scores, so that a right find has the highest precision among its copies: the last one's."""
    cases = [
        case([(0, 0, 0, 50, 50)], [(0, 100, 100, 150, 150, 0.9), (0, 0, 0, 50, 50, 0.8)]),
        case([(0, 0, 0, 50, 50)], [(0, 0, 0, 50, 50, 0.7)]),
        case([(0, 0, 0, 50, 50)], []),
    ]
    weights = np.array([[2.0, 3.0, 1.0]])
    copies = [cases[0]] * 2 + [cases[1]] * 3 + [cases[2]]
    together = average_precisions(pool_class(cases, 0), weights)[0]
    np.testing.assert_allclose(together, average_precisions(pool_class(copies, 0), ones(copies))[0], atol=1e-12)


def test_scores_do_not_depend_on_the_order_of_photos_without_ties():
    cases = random_cases(7, n=14)
    rng = np.random.default_rng(7)
    for one in cases:
        one.found.scores[:] = rng.random(len(one.found))
    forward = average_precisions(pool_class(cases, 0), ones(cases))
    backward = average_precisions(pool_class(cases[::-1], 0), ones(cases))
    np.testing.assert_allclose(forward, backward, atol=1e-12)


def test_the_class_mean_leaves_out_what_is_not_there():
    assert class_mean([np.array([1.0, np.nan]), np.array([0.0, np.nan])]).tolist()[:1] == [0.5]
    assert np.isnan(class_mean([np.array([np.nan])])).all()
