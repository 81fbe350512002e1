"""A hand is a whole hand, however few of its fingers are seen."""

import numpy as np
import pytest

from photosynth.core.hand import covered_by, hand_axes, hand_limbs

FULL = ((3.5, 0.0), (3.8, 0.0), (3.6, 0.0), (2.7, 0.0))


def extent(limbs: np.ndarray, x: float) -> float:
    """How wide a hand is across its axis at x, in finger widths."""
    y = np.linspace(-15, 15, 3001)
    return float(covered_by(limbs, np.stack([np.full_like(y, x), y], axis=1)).mean() * 30)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_palm_and_arm_are_those_of_a_whole_hand(count):
    few, whole = hand_limbs(FULL[:count]), hand_limbs(FULL)
    knuckle = max(length for length, _ in FULL[:count]) - 4.7
    assert extent(few, knuckle - 2.5) == pytest.approx(extent(whole, -0.9 - 2.5), rel=0.1)
    assert extent(few, knuckle - 2.5) > 4.5, "palm and thumb"
    assert extent(few, knuckle - 10) > 3.2, "arm"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_only_the_fingers_that_are_seen_reach_over_the_edge(count):
    fingers = (*FULL, (2.0, 0.0))[:count]
    limbs = hand_limbs(fingers)
    y = np.linspace(-8, 8, 1601)
    for x in (0.6, 1.2):
        covered = covered_by(limbs, np.stack([np.full_like(y, x), y], axis=1))
        assert (np.diff(covered.astype(int)) == 1).sum() == count
    tips = covered_by(limbs, np.array([(3.4, 0.0), (9.0, 0.0)]))
    assert not tips[1]


@pytest.mark.parametrize("count", [1, 4, 5])
def test_a_fingers_tip_is_at_its_length(count):
    limbs = hand_limbs((*FULL, (2.0, 0.0))[:count])
    x = np.linspace(0, 6, 601)
    slots = 1.02 * (np.arange(4) - (min(count, 4) - 1) / 2)
    for (length, _), y in zip(FULL[:count], slots, strict=False):
        covered = covered_by(limbs, np.stack([x, np.full_like(x, y)], axis=1))
        assert x[covered].max() == pytest.approx(length, abs=0.02)


def test_long_fingers_take_the_palm_over_the_edge():
    near, far = ((hand_limbs(tuple((length + more, 0.0) for length, _ in FULL))) for more in (0.0, 4.0))
    assert extent(near, 1.0) < 4.2 < extent(far, 1.0)


def test_mirrored_and_bent_at_the_wrist():
    limbs, other = hand_limbs(FULL), hand_limbs(FULL, mirrored=True)
    assert other[:, [1, 4]] == pytest.approx(-limbs[:, [1, 4]])
    point = np.array([(-15.0, 6.0)])
    assert not covered_by(limbs, point)[0]
    assert covered_by(hand_limbs(FULL, wrist_rad=-0.6), point)[0]


def test_axes_turn_with_the_hand():
    assert hand_axes(np.pi / 2) @ np.array([0.0, 1.0]) == pytest.approx([1.0, 0.0])
