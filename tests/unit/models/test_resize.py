"""The one resize, against its readable twin and the golden vectors that other languages are tested with."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from photosynth.core.errors import ConfigError
from photosynth.models import resize as module
from photosynth.models.resize import (
    PADDING,
    axis_weights,
    denominator,
    fit_square,
    resize,
    resize_slowly,
    resize_square,
)

GOLDEN = Path(__file__).parents[2] / "data" / "resize_golden.json"


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def from_golden(entry):
    rgb = np.frombuffer(base64.b64decode(entry["rgb"]), np.uint8)
    return rgb.reshape(entry["height"], entry["width"], 3)


def test_golden_vectors():
    golden = json.loads(GOLDEN.read_text())
    assert golden["resize_version"] == module.RESIZE_VERSION
    assert len(golden["cases"]) >= 10
    for case in golden["cases"]:
        result = from_golden(case["result"])
        np.testing.assert_array_equal(resize(from_golden(case["source"]), result.shape[1::-1]), result)


@pytest.mark.parametrize(
    ("shape", "size_wh"),
    [
        ((32, 32), (16, 16)),
        ((64, 96), (16, 16)),
        ((25, 41), (16, 24)),
        ((20, 13), (24, 12)),
        ((1, 1), (4, 4)),
        ((9, 300), (16, 7)),
        ((200, 1), (3, 8)),
        ((130, 61), (31, 30)),
    ],
)
def test_agrees_with_the_readable_twin_in_every_byte(shape, size_wh):
    image = picture(*shape)
    result = resize(image, size_wh)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, resize_slowly(image, size_wh))


def test_both_ways_of_summing_give_the_same_bytes(monkeypatch):
    image = picture(301, 407)
    expected = resize_square(image, 48)
    for ratio in (1, 100):
        monkeypatch.setattr(module, "SUM_ROWS_RATIO", ratio)
        np.testing.assert_array_equal(resize_square(image, 48), expected)


def test_a_whole_number_of_pixels_is_their_mean_rounded_half_up():
    image = np.zeros((2, 4, 3), np.uint8)
    image[0, 0], image[0, 2], image[1, 3] = (1, 2, 3), 255, 255
    assert resize(image, (2, 1)).tolist() == [[[0, 1, 1], [128, 128, 128]]]


def test_enlarging_interpolates_between_centres_and_clamps():
    enlarged = resize_square(np.array([[[0, 0, 0], [100, 200, 40]]], np.uint8), 4)
    assert enlarged[0, :, 1].tolist() == enlarged[3, :, 1].tolist() == [0, 50, 150, 200]


@pytest.mark.parametrize(("n", "size"), [(1, 1), (1, 7), (5, 7), (7, 7), (8, 7), (100, 7), (7, 100)])
def test_weights_of_every_output_pixel_add_up(n, size):
    weights = axis_weights(n, size)
    assert len(weights) == size
    assert {sum(w for _, w in pairs) for pairs in weights} == {denominator(n, size)}
    assert all(0 <= j < n and w > 0 for pairs in weights for j, w in pairs)


def test_white_stays_white_at_the_largest_sums():
    assert resize_square(np.full((5000, 40, 3), 255, np.uint8), 3).min() == 255
    assert resize(np.full((70001, 1, 3), 255, np.uint8), (1, 2)).min() == 255


def test_sums_too_long_for_single_precision_are_still_exact():
    image = np.full((70001, 1, 3), 255, np.uint8)
    image[::2] = 254
    mean = (2 * int(image[:, 0, 0].sum()) + 70001) // (2 * 70001)
    assert resize(image, (1, 1)).tolist() == [[[mean] * 3]]
    assert module._row_kind(70001, 1) is np.float64
    assert module._row_kind(4000, 224) is np.float32


def test_the_same_size_is_left_alone():
    image = picture(24, 24)
    np.testing.assert_array_equal(resize_square(image, 24), image)
    np.testing.assert_array_equal(resize_slowly(image[:5, :4], (4, 5)), image[:5, :4])


def test_a_view_of_a_larger_picture_is_resized_like_a_copy():
    image = picture(60, 80)
    view = image[5:50, 70:10:-1]
    np.testing.assert_array_equal(resize_square(view, 16), resize_square(np.ascontiguousarray(view), 16))


def test_squash_and_letterbox_say_how_boxes_go_back():
    image = picture(60, 80)
    square, scale = fit_square(image, 20)
    np.testing.assert_array_equal(square, resize_square(image, 20))
    assert scale == (4.0, 3.0)
    square, scale = fit_square(image, 20, "letterbox")
    np.testing.assert_array_equal(square[:15], resize(image, (20, 15)))
    assert (square[15:] == PADDING).all()
    assert scale == (4.0, 4.0)
    thin, scale = fit_square(picture(1, 400), 20, "letterbox")
    assert (thin[1:] == PADDING).all()
    assert scale == (20.0, 1.0)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_refuses_what_is_not_a_picture(bad):
    with pytest.raises(ConfigError, match="uint8"):
        resize_square(bad, 8)
    with pytest.raises(ConfigError, match="uint8"):
        fit_square(bad, 8, "letterbox")


def test_refuses_an_empty_result():
    with pytest.raises(ConfigError, match="0 x 4"):
        resize(picture(4, 4), (0, 4))
