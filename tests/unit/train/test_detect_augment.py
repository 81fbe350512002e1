import msgspec
import numpy as np
import pytest

from photosynth.train.detect_augment import augment, crop, fit, mirrored, mosaic, quarter_turns, without_specks
from photosynth.train.detect_config import DetectAugmentConfig
from photosynth.train.detect_pictures import Labelled

MARK = (250, 20, 20)
CALM = DetectAugmentConfig(
    brightness=0.0, contrast=0.0, gamma=0.0, tint=0.0, saturation=0.0, erase_probability=0.0, mosaic_probability=0.0
)
NONE = np.zeros((0, 4))


def marked(width=120, height=90, box=(30, 20, 70, 50), class_id=4):
    """A dark picture with a box of one colour."""
    image = np.full((height, width, 3), 30, np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1, x0:x1] = MARK
    return Labelled(image, np.array([box], float), np.array([class_id]), NONE)


def seen_box(image):
    mask = (image[..., 0].astype(int) - image[..., 1]) > 110
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], float)


@pytest.mark.parametrize("seed", range(40))
def test_boxes_stay_on_their_pixels(seed):
    config = msgspec.structs.replace(CALM, crop_probability=0.7, zoom_out_probability=0.5, flip=True)
    result = augment(marked(), 96, config, np.random.default_rng(seed), [])
    assert result.image.shape == (96, 96, 3)
    if len(result.boxes_xyxy):
        np.testing.assert_allclose(result.boxes_xyxy[0], seen_box(result.image), atol=1.6)
        assert result.class_ids.tolist() == [4]
    else:
        assert len(result.ignored_xyxy) <= 1


def test_augmentations_differ_and_repeat():
    config = DetectAugmentConfig()
    first, again, other = (augment(marked(), 64, config, np.random.default_rng(s), []) for s in (1, 1, 2))
    assert (first.image == again.image).all()
    assert (first.boxes_xyxy == again.boxes_xyxy).all()
    assert (first.image != other.image).any()


@pytest.mark.parametrize(
    ("window", "kept", "ignored"),
    [
        ((0, 0, 120, 90), [[30, 20, 70, 50]], []),
        ((40, 10, 120, 90), [[0, 10, 30, 40]], []),
        ((60, 10, 120, 90), [], [[0, 10, 10, 40]]),
        ((70, 10, 120, 90), [], []),
    ],
)
def test_crop_keeps_ignores_or_drops_by_what_is_left(window, kept, ignored):
    result = crop(marked(), window, 0.5)
    assert result.boxes_xyxy.tolist() == kept
    assert result.ignored_xyxy.tolist() == ignored
    assert len(result.class_ids) == len(kept)


@pytest.mark.parametrize("turns", range(5))
def test_quarter_turns(turns):
    result = quarter_turns(marked(), turns)
    np.testing.assert_array_equal(result.boxes_xyxy[0], seen_box(result.image))


def test_mirrored():
    result = mirrored(marked())
    np.testing.assert_array_equal(result.boxes_xyxy[0], seen_box(result.image))


@pytest.mark.parametrize("shrink", [1.0, 1.7])
def test_fit_letterboxes_with_boxes_and_ignored_boxes(shrink):
    picture = marked()
    both = Labelled(picture.image, picture.boxes_xyxy, picture.class_ids, picture.boxes_xyxy)
    result = fit(both, 60, shrink, np.random.default_rng(0))
    np.testing.assert_allclose(result.boxes_xyxy[0], seen_box(result.image), atol=1.0)
    np.testing.assert_array_equal(result.boxes_xyxy, result.ignored_xyxy)
    if shrink == 1.0:
        np.testing.assert_allclose(result.boxes_xyxy[0], np.array([30, 20, 70, 50]) / 2)


@pytest.mark.parametrize("seed", range(6))
def test_a_mosaic_shows_parts_of_all_four(seed):
    shades = [60, 90, 140, 190]
    pictures = [
        Labelled(np.full((50 + k, 80, 3), shade, np.uint8), np.array([[20.0, 10, 60, 40]]), np.array([k]), NONE)
        for k, shade in enumerate(shades)
    ]
    result = mosaic(pictures, 64, DetectAugmentConfig(), np.random.default_rng(seed))
    assert sorted(np.unique(result.image)) == shades
    for box, class_id in zip(result.boxes_xyxy, result.class_ids, strict=True):
        x, y = ((box[:2] + box[2:]) / 2).astype(int)
        assert result.image[y, x, 0] == shades[class_id]
    assert len(result.boxes_xyxy) + len(result.ignored_xyxy) <= 4


def test_specks_become_ignored():
    picture = marked()
    boxes = np.array([[1.0, 1, 3, 30], [5, 5, 30, 30]])
    result = without_specks(Labelled(picture.image, boxes, np.array([7, 8]), NONE))
    assert (result.class_ids.tolist(), result.ignored_xyxy.tolist()) == ([8], [[1, 1, 3, 30]])


def test_a_picture_without_objects_stays_one():
    empty = Labelled(marked().image, NONE, np.array([], np.int64), NONE)
    for seed in range(10):
        result = augment(empty, 64, DetectAugmentConfig(), np.random.default_rng(seed), [empty] * 3)
        assert len(result.boxes_xyxy) == len(result.class_ids) == len(result.ignored_xyxy) == 0
