"""The one resize, against golden values and a slow readable twin."""

import numpy as np
import pytest

from photosynth.core.errors import ConfigError
from photosynth.models.preprocess import normalise, resize_square, views_of


def axis_weights(n, size):
    """(size, n): the documented rule for one axis, in plain loops."""
    weights = np.zeros((size, n))
    for i in range(size):
        if n >= size:
            start, end = i * n / size, (i + 1) * n / size
            for j in range(n):
                weights[i, j] = max(0.0, min(end, j + 1) - max(start, j)) * size / n
        else:
            position = min(max((i + 0.5) * n / size - 0.5, 0.0), n - 1.0)
            low = min(int(position), n - 2) if n > 1 else 0
            weights[i, low] += 1.0 - (position - low)
            if n > 1:
                weights[i, low + 1] += position - low
    return weights


def slow_resize(image, size):
    """Shrink the long axes, round, then enlarge the short ones, round."""
    height, width = image.shape[:2]
    value = image.astype(np.float64)
    for shrink in (True, False):
        rows = axis_weights(height, size) if (height > size) == shrink else np.eye(value.shape[0])
        columns = axis_weights(width, size) if (width > size) == shrink else np.eye(value.shape[1])
        value = np.rint(np.einsum("ih,hwc,jw->ijc", rows, value, columns))
    return value


@pytest.mark.parametrize("shape", [(32, 32), (64, 96), (50, 41), (20, 13), (70, 20), (9, 64), (1, 1), (32, 100)])
def test_agrees_with_the_slow_twin(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    result = resize_square(image, 32)
    assert result.shape == (32, 32, 3)
    assert result.dtype == np.uint8
    assert np.abs(result - slow_resize(image, 32)).max() <= 1


def test_golden_values_for_other_languages():
    y, x = np.mgrid[:5, :6]
    image = np.stack([40 * x, 50 * y, 255 - 20 * x - 30 * y], 2).astype(np.uint8)
    shrunk = resize_square(image, 3)
    assert shrunk[:, :, 0].tolist() == [[20, 100, 180]] * 3
    assert shrunk[:, :, 1].tolist() == [[20] * 3, [100] * 3, [180] * 3]
    assert shrunk[0, :, 2].tolist() == [233, 193, 153]
    enlarged = resize_square(np.array([[[0, 0, 0], [100, 200, 40]]], np.uint8), 4)
    assert enlarged[0, :, 1].tolist() == enlarged[3, :, 1].tolist() == [0, 50, 150, 200]


def test_the_same_size_is_left_alone():
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_square(image, 24), image)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_refuses_what_is_not_a_picture(bad):
    with pytest.raises(ConfigError, match="uint8"):
        resize_square(bad, 8)


def test_normalise():
    images = np.array([[[[0, 255, 51]]]], np.uint8)
    result = normalise(images, (0.5, 0.4, 0.2), (0.5, 0.2, 0.1))
    assert result.shape == (1, 3, 1, 1)
    np.testing.assert_allclose(result.ravel(), [-1.0, 3.0, 0.0], atol=1e-6)


def test_views():
    image = np.arange(10 * 20 * 3, dtype=np.uint16).reshape(10, 20, 3).astype(np.uint8)
    assert len(views_of(image, 1)) == 1
    views = views_of(image, 5)
    assert [v.shape[:2] for v in views] == [(10, 20)] + [(7, 14)] * 4
    np.testing.assert_array_equal(views[4], image[3:, 6:])
