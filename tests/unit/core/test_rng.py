"""The law of randomness."""

import pytest

from photosynth.core.rng import fraction_for, rng_for


def test_same_names_give_the_same_numbers_and_others_do_not():
    draw = lambda *key: rng_for(*key).random(4).tolist()  # noqa: E731
    assert draw(0, 5, "camera") == draw(0, 5, "camera")
    others = [draw(1, 5, "camera"), draw(0, 6, "camera"), draw(0, 5, "light")]
    assert all(other != draw(0, 5, "camera") for other in others)


def test_numbers_are_pinned_across_versions():
    assert rng_for(0, 0, "camera").integers(0, 2**31, 3).tolist() == PINNED


def test_fractions_are_uniform():
    values = [fraction_for(3, k, "split") for k in range(4000)]
    counts = [sum(int(v * 10) == k for v in values) for k in range(10)]
    chi2 = sum((c - 400) ** 2 / 400 for c in counts)
    assert chi2 < 27.9  # 9 degrees of freedom, p = 0.001


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -1)])
def test_negative_keys_are_refused(seed, index):
    with pytest.raises(ValueError, match="0 or more"):
        rng_for(seed, index, "x")


PINNED = [1572993328, 34688384, 1649324940]
