"""A small object before a black background is judged by the object, not by the background."""

import numpy as np

from photosynth.capture.config import CaptureConfig
from photosynth.capture.ingest import Taken
from photosynth.capture.measure import measure
from photosynth.capture.verdict import judge


def picture(width, level=200, size=(480, 640)):
    """Black with a little noise; in the middle a checked thing 150 px high and `width` px wide."""
    rng = np.random.default_rng(width)
    image = rng.integers(0, 8, (*size, 3)).astype(np.uint8)
    checks = np.kron(rng.integers(level // 3, level, (25, width // 6)), np.ones((6, 6))).astype(np.uint8)
    image[160 : 160 + checks.shape[0], 300 : 300 + checks.shape[1]] = checks[..., None]
    return image


def verdicts(pictures):
    taken = [Taken(source=f"{k}.jpg", file=f"photos/{k}.jpg", size_wh=(640, 480)) for k in range(len(pictures))]
    return [p.verdict for p in judge(taken, [measure(p) for p in pictures], [], CaptureConfig())]


def test_a_narrow_side_is_not_too_dark():
    assert "too dark" not in verdicts([picture(w) for w in (90, 80, 30, 24, 70)])


def test_a_dark_thing_still_is():
    assert verdicts([picture(90), picture(80), picture(85), picture(70, level=20)])[-1] == "too dark"
