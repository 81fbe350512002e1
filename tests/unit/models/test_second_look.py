"""A second look: which finds are looked at, what is cut out, and the scores of both."""

import subprocess
import sys

import numpy as np
import pytest

from photosynth.core.asset import NONE_CLASS
from photosynth.core.engine import FakeDetector
from photosynth.core.errors import ConfigError
from photosynth.core.instances import Instances
from photosynth.models.fake import FakeClassifier
from photosynth.models.second_look import LEAST_SCORE, MOST_LOOKED_AT, SecondLook, class_columns, cut_out, weights

RED, WINE, BLUE = (200, 40, 30), (170, 40, 30), (30, 60, 210)


class Told:
    """A detector with given finds: for each picture (class id, box, score), as they stand."""

    class_names = ("red", "blue")
    answer_threshold = 0.9

    def __init__(self, *finds):
        self.finds, self.asked = finds, []

    def detect(self, images, min_score=None):
        self.asked.append(min_score)
        return [
            Instances(
                (image.shape[1], image.shape[0]),
                np.array([box for _, box, _ in rows], float).reshape(-1, 4),
                np.array([k for k, _, _ in rows], np.int64),
                np.array([score for _, _, score in rows], float),
            )
            for image, rows in zip(images, self.finds, strict=True)
        ]


class Sized:
    """A classifier that tells a cut-out by its width, and keeps what it was shown; classes in another order."""

    class_names = ("blue", "red", NONE_CLASS)

    def __init__(self, red_of_width, input_px=1):
        self.red_of_width, self.input_px, self.shown = red_of_width, input_px, []

    def predict(self, images):
        self.shown.append([image.shape[:2] for image in images])
        red = np.array([self.red_of_width[image.shape[1]] for image in images])
        return np.stack([0.25 * (1 - red), red, 0.75 * (1 - red)], 1)


def picture(width=60, height=40):
    return np.zeros((height, width, 3), np.uint8)


def test_both_scores_count_and_the_surest_of_both_comes_first():
    detector = Told(
        [(0, (0, 0, 10, 6), 0.9), (0, (20, 10, 32, 20), 0.5)],
        [],
        [(1, (5, 5, 19, 19), 0.8)],
    )
    classifier = Sized({10: 0.1, 12: 0.72, 14: 0.2})
    looked = SecondLook(detector, classifier, 0.35)
    first, second, third = looked.detect([picture(), picture(), picture()])
    assert first.scores == pytest.approx([0.6])  # sqrt(0.5 * 0.72); the other has sqrt(0.09) = 0.3
    assert first.boxes_xyxy.tolist() == [[20, 10, 32, 20]]
    assert len(second) == 0
    assert third.scores == pytest.approx([0.4])  # blue is the first column: sqrt(0.8 * 0.25 * 0.8)
    assert third.class_ids.tolist() == [1]
    assert detector.asked == [pytest.approx(0.35**2)]  # with less, sqrt(s p) stays below 0.35
    assert len(classifier.shown) == 1, "all cut-outs at once"
    everything = looked.detect([picture()] * 3, 0.0)[0]
    assert everything.scores == pytest.approx([0.6, 0.3])
    assert detector.asked[1:] == [LEAST_SCORE]
    assert (looked.class_names, looked.answer_threshold) == (("red", "blue"), 0.35)


def test_only_the_surest_finds_are_looked_at():
    scores = np.linspace(0.1, 0.9, MOST_LOOKED_AT + 5)
    finds = [(0, (k, 0, k + 10, 10), s) for k, s in enumerate(scores)]
    classifier = Sized({10: 1.0})
    (found,) = SecondLook(Told(finds), classifier, 0.5).detect([picture()], 0.0)
    assert len(classifier.shown[0]) == MOST_LOOKED_AT
    surest = scores[::-1]
    assert found.scores == pytest.approx([*np.sqrt(surest[:MOST_LOOKED_AT]), *surest[MOST_LOOKED_AT:]])


def test_what_is_too_small_to_be_seen_keeps_the_detectors_score():
    sides = {8: 0.0, 10: 0.0, 20: 0.25, 30: 0.5, 40: 0.5}
    boxes = np.array([(3, 2, 3 + side, 2 + side / 2) for side in sides])
    assert weights(boxes, 40) == pytest.approx(list(sides.values()))
    assert weights(boxes[:, [1, 0, 3, 2]], 40) == pytest.approx(list(sides.values()))
    assert weights(np.zeros((0, 4)), 40).shape == (0,)
    classifier = Sized({20: 0.5, 30: 0.5}, input_px=40)
    finds = [(0, (0, 0, 8, 8), 0.4), (0, (9, 9, 29, 29), 0.8), (0, (9, 9, 39, 39), 0.64)]
    (found,) = SecondLook(Told(finds), classifier, 0.5).detect([picture()], 0.0)
    assert classifier.shown == [[(20, 20), (30, 30)]]
    assert found.scores == pytest.approx([0.8**0.75 * 0.5**0.25, 0.32**0.5, 0.4])
    assert found.boxes_xyxy[-1].tolist() == [0, 0, 8, 8]
    small = SecondLook(Told(finds[:1]), Sized({}, input_px=40), 0.5)
    assert small.detect([picture()], 0.0)[0].scores.tolist() == [0.4]


def test_without_finds_nobody_is_asked():
    classifier = Sized({})
    (found,) = SecondLook(Told([]), classifier, 0.5).detect([picture()])
    assert (len(found), found.size_wh, found.scores.shape, classifier.shown) == (0, (60, 40), (0,), [])
    assert SecondLook(Told(), classifier, 0.5).detect([]) == []


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 10, 20, 14), (7, 17, 10, 20)),  # a square round the middle
        ((10, 2, 30, 6), (0, 14, 10, 30)),  # cut above
        ((50, 30, 60, 40), (30, 40, 50, 60)),  # in the corner
        ((-10, -10, 90, 70), (0, 40, 0, 60)),  # larger than the picture
        ((12, 7, 12, 7), (7, 8, 12, 13)),  # a point
        ((60, 40, 60, 40), (39, 40, 59, 60)),  # a point on the far corner
        ((100, 90, 120, 95), (39, 40, 59, 60)),  # outside
        ((-30, -9, -20, -9), (0, 1, 0, 1)),
    ],
)
def test_what_is_cut_out(box, expected):
    rows, columns = np.mgrid[:40, :60]
    cut = cut_out(np.stack([rows, columns, rows], 2).astype(np.uint8), np.array(box, float))
    shown = (cut[..., 0].min(), cut[..., 0].max() + 1, cut[..., 1].min(), cut[..., 1].max() + 1)
    assert shown == expected


def test_a_colour_that_fools_the_detector_does_not_fool_both():
    image = np.full((80, 120, 3), 128, np.uint8)
    image[10:40, 10:40] = RED
    image[10:40, 70:100] = WINE
    classifier = FakeClassifier({"red": RED, "blue": BLUE}, reach=15, sharpness=1.0)
    for color, box, n_left in ((RED, [10, 10, 40, 40], 1), (WINE, [70, 10, 100, 40], 0)):
        detector = FakeDetector({"blue": BLUE, "red": color}, reach=10)
        assert detector.detect([image])[0].boxes_xyxy.tolist() == [box]
        assert len(SecondLook(detector, classifier, 0.5).detect([image])[0]) == n_left


def test_a_classifier_of_other_objects_is_refused():
    assert class_columns(("b", "a"), ("a", "c", "b", NONE_CLASS)).tolist() == [2, 0]
    with pytest.raises(ConfigError, match="does not know red"):
        SecondLook(Told(), FakeClassifier({"blue": BLUE}), 0.5)


def test_it_needs_no_torch():
    code = "import sys, photosynth.models.second_look; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
