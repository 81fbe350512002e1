"""Which pictures are compared."""

import numpy as np

from photosynth.reconstruct.pairs import all_pairs, neighbour_pairs, similar_pairs, word_histograms


def test_all_pairs_once_near_ones_first():
    pairs = all_pairs(6)
    assert len(pairs) == len(set(pairs)) == 15
    assert [b - a for a, b in pairs] == sorted(b - a for a, b in pairs)
    assert all_pairs(1) == []


def test_neighbours_and_powers_of_two():
    pairs = set(neighbour_pairs(40, 4))
    assert {(0, 1), (0, 4), (10, 14), (0, 8), (0, 16), (7, 39)} <= pairs
    assert not {(0, 5), (0, 7), (0, 9)} & pairs
    assert all(0 <= a < b < 40 for a, b in pairs)


def test_look_alikes_close_a_loop():
    """Twenty views of a ring, the last five look like the first five."""
    rng = np.random.default_rng(0)
    world = rng.integers(0, 255, (15, 60, 128)).astype(np.uint8)
    views = [
        np.concatenate([world[k % 15], world[(k + 1) % 15]]) + rng.integers(0, 3, (120, 128)).astype(np.uint8)
        for k in range(20)
    ]
    histograms = word_histograms(views, np.random.default_rng(1))
    assert np.allclose(np.linalg.norm(histograms, axis=1), 1)
    found = similar_pairs(histograms, 1, min_gap=3)
    assert {(k, k + 15) for k in range(5)} <= set(found)


def test_no_features_no_look_alikes():
    empty = [np.zeros((0, 128), np.uint8)] * 3
    assert similar_pairs(word_histograms(empty, np.random.default_rng(0)), 2, min_gap=5) == []
