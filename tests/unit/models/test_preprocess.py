"""Normalisation, and the views of a picture."""

import numpy as np

from photosynth.models.preprocess import normalise, views_of


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
