import numpy as np
import pytest

from photosynth.core.engine import Detector, FakeDetector

RED, BLUE = (220, 20, 20), (20, 20, 220)


def test_it_finds_what_has_a_classs_colour():
    detector: Detector = FakeDetector({"red": RED, "blue": BLUE})
    image = np.full((40, 60, 3), 128, np.uint8)
    image[5:15, 10:30] = BLUE
    image[20:30, 0:10] = RED
    image[25:30, 5:10] = 128
    empty, found = detector.detect([np.full((8, 9, 3), 128, np.uint8), image])
    assert (empty.size_wh, len(empty), empty.boxes_xyxy.shape) == ((9, 8), 0, (0, 4))
    assert [detector.class_names[k] for k in found.class_ids] == ["blue", "red"]
    assert found.boxes_xyxy.tolist() == [[10, 5, 30, 15], [0, 20, 10, 30]]
    assert found.scores.tolist() == [1.0, pytest.approx(0.75)]


def test_boxes_below_the_threshold_are_left_out_unless_asked_for():
    detector = FakeDetector({"red": RED}, answer_threshold=0.9)
    image = np.full((40, 60, 3), 128, np.uint8)
    image[0, 0] = image[9, 9] = RED
    assert len(detector.detect([image])[0]) == 0
    assert detector.detect([image], 0.0)[0].scores.tolist() == [pytest.approx(0.02)]
