"""What augmentation may and may not do to a picture."""

import numpy as np
import pytest

from photosynth.train.augment import augment, erase, mix_batch, random_crop, recolour, salt_and_pepper
from photosynth.train.config import AugmentConfig

OFF = AugmentConfig(
    quarter_turns=False,
    crop_area=(1.0, 1.0),
    crop_aspect=1.0,
    brightness=0.0,
    contrast=0.0,
    gamma=0.0,
    tint=0.0,
    saturation=0.0,
    erase_probability=0.0,
)


def only(**changes):
    return AugmentConfig(**{**{name: getattr(OFF, name) for name in OFF.__struct_fields__}, **changes})


def noise(size=40, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def test_all_off_changes_nothing():
    image = noise()
    np.testing.assert_array_equal(augment(image, None, 40, OFF, np.random.default_rng(0)), image)


def test_quarter_turns_give_all_four_and_no_mirror_image():
    image = noise()
    turned = {np.rot90(image, k).tobytes(): k for k in range(4)}
    seen = [
        turned[augment(image, None, 40, only(quarter_turns=True), np.random.default_rng(s)).tobytes()]
        for s in range(200)
    ]
    counts = np.bincount(seen, minlength=4)
    assert ((counts - 50) ** 2 / 50).sum() < 16.3  # chi-square, 3 degrees of freedom, p = 0.001


def test_flip_is_a_mirror_image_half_of_the_time():
    image = noise()
    flips = [
        (augment(image, None, 40, only(flip=True), np.random.default_rng(s)) == image[:, ::-1]).all()
        for s in range(100)
    ]
    assert 30 < sum(flips) < 70


@pytest.mark.parametrize(
    "box", [(0.1, 0.1, 0.3, 0.3), (0.4, 0.4, 0.6, 0.6), (0.0, 0.0, 1.0, 1.0), (0.9, 0.0, 1.0, 0.9)]
)
def test_crops_keep_the_object(box):
    config = AugmentConfig()
    areas = []
    for seed in range(300):
        x0, y0, x1, y1 = random_crop(box, config, np.random.default_rng(seed))
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
        kept = max(0, min(x1, box[2]) - max(x0, box[0])) * max(0, min(y1, box[3]) - max(y0, box[1]))
        assert kept >= config.keep_visible * (box[2] - box[0]) * (box[3] - box[1]) - 1e-9
        areas.append((x1 - x0) * (y1 - y0))
    assert min(areas) > 0.37  # an aspect at its limit may lose some to the picture's edge
    assert np.std(areas) > 0.03


def test_crops_without_an_object_go_anywhere():
    corners = [random_crop(None, AugmentConfig(), np.random.default_rng(s))[:2] for s in range(200)]
    assert np.max(corners, axis=0).min() > 0.2


def test_the_crop_is_cut_where_it_says():
    y, x = np.mgrid[:100, :100]
    image = np.stack([x * 2, y * 2, 0 * x], 2).astype(np.uint8)
    config = only(crop_area=(0.3, 0.5), crop_aspect=1.3)
    x0, y0, x1, y1 = random_crop(None, config, np.random.default_rng(5))
    result = augment(image, None, 50, config, np.random.default_rng(5)).astype(float)
    assert result[:, :, 0].mean() == pytest.approx((x0 + x1) * 100, abs=3)
    assert result[:, :, 1].mean() == pytest.approx((y0 + y1) * 100, abs=3)


def test_recolour_stays_mild_and_changes_every_time():
    image = np.full((8, 8, 3), (120, 130, 110), np.uint8)
    results = [recolour(image, AugmentConfig(), np.random.default_rng(s))[0, 0].astype(int) for s in range(100)]
    assert np.abs(np.array(results) - [120, 130, 110]).max() < 100
    assert len({tuple(r) for r in results}) > 90


def test_saturation_zero_is_grey():
    class Low:
        def uniform(self, low, high, size=None):
            return np.zeros(size) if size else low

    result = recolour(noise(), only(saturation=1.0), Low())
    assert np.ptp(result.astype(int), axis=2).max() <= 1


def test_erase_paints_a_share_of_the_picture():
    for seed in range(50):
        image = np.zeros((64, 64, 3), np.uint8)
        erase(image, AugmentConfig(), np.random.default_rng(seed))
        assert image.any(2).mean() < 0.2


def test_salt_and_pepper_share():
    image = np.full((200, 200, 3), 100, np.uint8)
    salt_and_pepper(image, 0.1, np.random.default_rng(0))
    assert (image == 0).all(2).mean() == pytest.approx(0.05, abs=0.01)
    assert (image == 255).all(2).mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("name", ["mixup_alpha", "cutmix_alpha"])
def test_mixing_keeps_pictures_and_targets_in_step(name):
    images = np.stack([np.full((16, 16, 3), v, np.uint8) for v in range(0, 200, 20)])
    targets = np.eye(10, dtype=np.float32)
    mixed, soft = mix_batch(images, targets, only(**{name: 1.0}), np.random.default_rng(4))
    np.testing.assert_allclose(soft.sum(1), 1.0, atol=1e-6)
    np.testing.assert_allclose(mixed.mean((1, 2, 3)), soft @ np.arange(0.0, 200.0, 20.0), atol=1.0)
    assert not np.array_equal(soft, targets)


def test_mixing_off_returns_the_batch():
    images, targets = np.zeros((2, 4, 4, 3), np.uint8), np.eye(2, dtype=np.float32)
    assert mix_batch(images, targets, OFF, np.random.default_rng(0))[0] is images
