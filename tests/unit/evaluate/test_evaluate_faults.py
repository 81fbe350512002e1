"""Faults at a threshold, their pictures and the curves of the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from detection_cases import SIZE_WH, case
from PIL import Image

from photosynth.core.average_precision import RECALLS
from photosynth.evaluate.detection_charts import curves, worst_classes
from photosynth.evaluate.detector_side import LookedAt
from photosynth.evaluate.faults import TRUTH, WRONG, fault_shelves, find_faults
from photosynth.evaluate.galleries import Shelf
from photosynth.evaluate.measure_detector import Answers, measure_detector
from photosynth.evaluate.nearest import TrainingPictures
from photosynth.evaluate.photos import Picture
from photosynth.evaluate.thumbs import Mark, Thumbnails, draw_marks

NAMES = ("a", "b")
CASES = [
    case([(0, 0, 0, 100, 100), (1, 200, 0, 300, 100)], [(0, 0, 0, 100, 100, 0.9), (0, 200, 0, 300, 100, 0.6)]),
    case([(0, 0, 0, 100, 100)], [(0, 0, 0, 100, 40, 0.8), (0, 300, 200, 390, 290, 0.7), (1, 0, 0, 100, 45, 0.3)]),
    case([(1, 0, 0, 100, 100), (1, 200, 0, 380, 280)], [(1, 200, 0, 380, 280, 0.2)]),
]


def looked(root: Path) -> LookedAt:
    pictures = [Picture("photos", f"{k}.png", root / f"{k}.png", None) for k in range(4)]
    for picture in pictures:
        Image.new("RGB", SIZE_WH, (90, 90, 90)).save(picture.path)
    return LookedAt(CASES, pictures[:3], [case([], [(1, 0, 0, 50, 50, 0.95)]).found], pictures[3:], [], np.zeros(3))


def test_faults_are_those_of_boxes_that_are_shown(tmp_path):
    faults = find_faults(looked(tmp_path), NAMES, 0.5)
    rows = [(f.kind, f.picture.file, f.truth, f.answer) for f in faults]
    assert rows == [
        ("background", "3.png", None, "b"),
        ("localisation", "1.png", "a", "a"),
        ("background", "1.png", None, "a"),
        ("classification", "0.png", "b", "a"),
        ("missed", "2.png", "b", None),  # found with 0.2: not shown; the larger one first
        ("missed", "2.png", "b", None),
    ]
    poor = faults[1]
    assert poor.iou == pytest.approx(0.4)
    assert poor.find_rel == pytest.approx((0, 0, 0.25, 40 / 300))
    assert (poor.marks[-1].rgb, poor.marks[-1].box_rel) == (WRONG, poor.find_rel)
    assert sum(m.rgb == TRUTH for m in poor.marks) == 1
    assert faults[0].without
    assert not poor.without
    assert [f.kind for f in find_faults(looked(tmp_path), NAMES, 0.1)].count("missed") == 1


def test_the_costliest_kind_comes_first_and_a_picture_once(tmp_path):
    shown = looked(tmp_path)
    report = measure_detector(Answers(CASES, [], (0, 0), np.zeros(0)), NAMES, "real", 0.5, 100).report
    shelf = Shelf(Thumbnails(), {"photos": tmp_path, "dataset": tmp_path}, TrainingPictures(tmp_path, (), NAMES))
    shelves = fault_shelves(find_faults(shown, NAMES, 0.5), report, shelf, 5)
    assert [s.ap50_gain for s in shelves] == sorted((s.ap50_gain for s in shelves), reverse=True)
    missed = next(s for s in shelves if s.kind == "missed")
    assert (missed.count, len(missed.cards)) == (2, 1)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(missed.cards[0].uri.partition(",")[2]))))
    assert (pixels.min(2) > 200).any()  # the object's white box on grey
    wrong = next(s for s in shelves if s.kind == "classification").cards[0]
    assert [n.class_name for n in wrong.neighbours] == ["b", "a"]


def test_marks_are_drawn_where_they_are_in_their_colour():
    image = np.full((100, 200, 3), 90, np.uint8)
    drawn = draw_marks(image, (Mark((0.25, 0.2, 0.75, 0.8), (240, 110, 30), 2),))
    orange = np.argwhere((drawn == (240, 110, 30)).all(axis=2))
    assert np.abs(orange.min(axis=0) - (20, 50)).max() <= 2
    assert np.abs(orange.max(axis=0) - (79, 149)).max() <= 2
    assert (drawn[40:60, 80:120] == 90).all()
    assert draw_marks(image, ()) is image


def test_curves_end_where_recall_ends():
    report = measure_detector(Answers(CASES, [], (0, 0), np.zeros(0)), NAMES, "real", 0.5, 100).report
    assert worst_classes(report) == ("b", "a")
    drawn = curves(report, ("b", "a"))
    assert [(line.name, line.color) for line in drawn.classes] == [("b", 0), ("a", 1)]
    points = [tuple(map(float, p.split(","))) for p in drawn.classes[1].points.split()]
    assert points[0] == (60, 20)
    last = RECALLS[RECALLS <= 0.5].max()  # one of two objects of class a is found
    assert points[-1] == (pytest.approx(60 + 340 * last, abs=0.1), 280)
    assert (
        curves(measure_detector(Answers([], [], (0, 0), np.zeros(0)), NAMES, "real", 0.5, 100).report, ()).mean is None
    )
