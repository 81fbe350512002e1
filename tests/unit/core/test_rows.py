"""The different rows of a table are those that numpy finds."""

import numpy as np
import pytest

from photosynth.core.rows import unique_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (200, 1), (500, 2), (400, 5)])
def test_the_same_as_numpy(dtype, shape):
    rng = np.random.default_rng(shape)
    rows = (rng.integers(-3, 4, shape) / (1 if np.issubdtype(dtype, np.integer) else 3)).astype(dtype)
    expected = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    found = unique_rows(rows)
    assert found[0].dtype == dtype
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b.reshape(a.shape))


def test_negative_zero_is_zero():
    rows, inverse, counts = unique_rows(np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, -1.0]]))
    np.testing.assert_array_equal(rows, [[0, -1], [0, 1]])
    assert inverse.tolist() == [1, 1, 0]
    assert counts.tolist() == [1, 2]
