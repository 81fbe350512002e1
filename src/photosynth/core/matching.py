"""Matching: which found boxes are objects, decided as pycocotools' COCOeval decides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photosynth.core.instances import Instances

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Overlaps from which a box counts as right: COCO's ten."""
AREAS = ("all", "small", "medium", "large")
"""COCO's sizes of objects ..."""
AREA_RANGES_PX = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
"""... and their areas in pixels of the picture as it is."""
MAX_DETECTIONS = 100
"""Boxes of one class in one picture that count, the surest ones."""


@dataclass(frozen=True, eq=False)
class Case:
    """One picture: what it shows and what was found.

    truth: its objects; truth_area_px (n,) decides their size.
    crowds: boxes of a class in which finds of that class do not count, like COCO's ``iscrowd``.
    regions_xyxy (m, 4): the same for finds of any class.
    found: with scores.
    """

    truth: Instances
    truth_area_px: np.ndarray
    crowds: Instances
    regions_xyxy: np.ndarray
    found: Instances


def case_of_boxes(truth: Instances, ignored_xyxy: np.ndarray, found: Instances) -> Case:
    """A picture whose objects are as large as their boxes, without crowds.

    Args:
        truth: its objects.
        ignored_xyxy: (m, 4) boxes in which finds of any class do not count; (0,) for none.
        found: with scores.
    """
    sides_px = truth.boxes_xyxy[:, 2:] - truth.boxes_xyxy[:, :2]
    no_crowds = Instances(truth.size_wh, np.zeros((0, 4)), np.zeros(0, np.int64))
    return Case(truth, sides_px.prod(1), no_crowds, np.reshape(ignored_xyxy, (-1, 4)), found)


@dataclass(frozen=True, eq=False)
class Pool:
    """All finds of one class over all pictures, from the highest score down. A areas, T thresholds, D finds.

    scores (D,). photo (D,) and place (D,): which picture, and which box of its `found`.
    matched (A, T, D) int32: which object of the picture's truth it is, -1 for none.
    ignored (A, T, D) bool: it does not count. counted (A, n): objects of each picture that are to be found.
    """

    scores: np.ndarray
    photo: np.ndarray
    place: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    counted: np.ndarray

    def right(self, area: int, threshold: int) -> np.ndarray:
        """Which finds are objects that count, (D,) bool."""
        return (self.matched[area, threshold] >= 0) & ~self.ignored[area, threshold]


def overlaps(found_xyxy: np.ndarray, truth_xyxy: np.ndarray, is_crowd: np.ndarray) -> np.ndarray:
    """Intersection over union (d, g); over the found box's own area where the truth is a crowd.

    Computed from corner, width and height in the order of pycocotools' bbIou, so that rounding is the same.
    """
    found_wh = found_xyxy[:, 2:] - found_xyxy[:, :2]
    truth_wh = truth_xyxy[:, 2:] - truth_xyxy[:, :2]
    low = np.maximum(found_xyxy[:, None, :2], truth_xyxy[None, :, :2])
    high = np.minimum((found_xyxy[:, :2] + found_wh)[:, None], (truth_xyxy[:, :2] + truth_wh)[None])
    side = high - low
    shared = np.where((side > 0).all(2), side[..., 0] * side[..., 1], 0.0)
    own, theirs = found_wh.prod(1)[:, None], truth_wh.prod(1)[None]
    whole = np.where(is_crowd[None], own, own + theirs - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)


def pool_class(cases: Sequence[Case], class_id: int, areas: Sequence[tuple[float, float]] = AREA_RANGES_PX) -> Pool:
    """Match the finds of one class in every picture.

    Within a picture the surest find chooses first, and takes the object it overlaps most among those left over; at
    equal overlap the last one; ignored ones only if no other will do.
    """
    n_areas, n_thresholds = len(areas), len(IOU_THRESHOLDS)
    counted = np.zeros((n_areas, len(cases)), np.int64)
    scores, photo, place = [np.empty(0)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    matched = [np.empty((n_areas, n_thresholds, 0), np.int32)]
    ignored = [np.empty((n_areas, n_thresholds, 0), bool)]
    for k, case in enumerate(cases):
        ours = np.flatnonzero(case.found.class_ids == class_id)
        ours = ours[np.argsort(-case.found.scores[ours], kind="stable")][:MAX_DETECTIONS]
        one, ignore, counted[:, k] = _match_case(case, class_id, ours, areas)
        scores.append(case.found.scores[ours])
        photo.append(np.full(len(ours), k))
        place.append(ours)
        matched.append(one)
        ignored.append(ignore)
    all_scores = np.concatenate(scores)
    order = np.argsort(-all_scores, kind="stable")
    return Pool(
        all_scores[order],
        np.concatenate(photo)[order],
        np.concatenate(place)[order],
        np.concatenate(matched, axis=2)[..., order],
        np.concatenate(ignored, axis=2)[..., order],
        counted,
    )


def _match_case(
    case: Case, class_id: int, ours: np.ndarray, areas: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """matched (A, T, d), ignored (A, T, d) and counted (A,) of one class in one picture; finds `ours`, in order."""
    objects = np.flatnonzero(case.truth.class_ids == class_id)
    crowds = np.concatenate([case.crowds.boxes_xyxy[case.crowds.class_ids == class_id], case.regions_xyxy])
    boxes = np.concatenate([case.truth.boxes_xyxy[objects], crowds])
    is_crowd = np.arange(len(boxes)) >= len(objects)
    found = case.found.boxes_xyxy[ours]
    wh = found[:, 2:] - found[:, :2]
    found_area = wh[:, 0] * wh[:, 1]
    low, high = np.array(areas).T[..., None]
    shape = (len(areas), len(IOU_THRESHOLDS), len(ours))
    matched = np.full(shape, -1, np.int32)
    ignored = np.broadcast_to(((found_area < low) | (found_area > high))[:, None], shape).copy()
    area = case.truth_area_px[objects]
    outside = (area < low) | (area > high)
    counted = np.count_nonzero(~outside, axis=1)
    ious = overlaps(found, boxes, is_crowd)
    if not ious.size or ious.max() < IOU_THRESHOLDS[0]:
        return matched, ignored, counted
    for a in range(len(areas)):
        uncounted = np.concatenate([outside[a], np.ones(len(crowds), bool)])
        which = _greedy(ious, uncounted, is_crowd)
        ignored[a] = np.where(which >= 0, uncounted[which], ignored[a])
        of_truth = (which >= 0) & (which < len(objects))
        matched[a][of_truth] = objects[which[of_truth]]
    return matched, ignored, counted


def _greedy(ious: np.ndarray, uncounted: np.ndarray, is_crowd: np.ndarray) -> np.ndarray:
    """For each threshold and find, which of the truth boxes it takes, (T, d); -1 for none. `ious` is (d, g)."""
    limits = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)[:, None]
    which = np.full((len(limits), len(ious)), -1)
    if not ious.size:
        return which
    taken = np.zeros((len(limits), ious.shape[1]), bool)
    rows = np.arange(len(limits))
    for d in np.flatnonzero(ious.max(1) >= limits[0, 0]):
        free = (ious[d] >= limits) & (~taken | is_crowd)
        for group in (~uncounted, uncounted):
            value = np.where(free & group, ious[d], -1.0)
            best = value.shape[1] - 1 - value[:, ::-1].argmax(1)
            takes = (value[rows, best] >= 0) & (which[:, d] < 0)
            which[takes, d] = best[takes]
            taken[rows[takes], best[takes]] = True
    return which
