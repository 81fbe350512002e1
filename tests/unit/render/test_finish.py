"""The camera's part: each step does what its docstring says."""

import numpy as np
import pytest

from photosynth.core.scene import Finish
from photosynth.render.color import linear_from_bytes, linear_from_srgb, luminance, srgb_from_linear
from photosynth.render.finish import apply_finish, auto_gain, motion_kernel


def grey(level, size=(48, 64)):
    return np.full((*size, 3), level, np.float32)


def test_srgb_curve_round_trips_every_byte():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    np.testing.assert_array_equal(apply_finish(linear_from_bytes(image), Finish()), image)
    values = np.linspace(0, 1, 101)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=1e-5)


def test_one_stop_doubles_light():
    out = apply_finish(grey(0.1), Finish(exposure_ev=1.0))
    assert linear_from_bytes(out).mean() == pytest.approx(0.2, rel=0.02)


def test_auto_exposure_brings_the_mean_to_middle_grey():
    out = apply_finish(grey(0.02), Finish(auto_exposure=1.0))
    assert linear_from_bytes(out).mean() == pytest.approx(0.18, rel=0.03)
    assert auto_gain(grey(0.02), 0.5) == pytest.approx(3.0, rel=1e-3)
    assert auto_gain(grey(0.0), 1.0) == 16.0


def test_white_balance_saturation_and_gamma():
    image = np.array([[[0.4, 0.2, 0.1]]], np.float32).repeat(8, 0).repeat(8, 1)
    balanced = linear_from_bytes(apply_finish(image, Finish(white_balance_linear=(0.5, 1.0, 2.0))))[0, 0]
    np.testing.assert_allclose(balanced, 0.2, rtol=0.02)
    colourless = apply_finish(image, Finish(saturation=0.0))[0, 0]
    assert colourless.max() - colourless.min() == 0
    assert linear_from_bytes(colourless[None])[0, 0] == pytest.approx(float(luminance(image)[0, 0]), rel=0.02)
    assert linear_from_bytes(apply_finish(grey(0.5), Finish(tone_gamma=2.0))).mean() == pytest.approx(0.25, rel=0.02)


def test_noise_has_the_stated_spread_and_is_fixed_by_its_seed():
    finish = Finish(shot_noise=0.05, read_noise=0.02, noise_seed=4)
    noisy = linear_from_bytes(apply_finish(grey(0.25, (200, 200)), finish))
    assert noisy.std() == pytest.approx(np.sqrt(0.05**2 * 0.25 + 0.02**2), rel=0.05)
    np.testing.assert_array_equal(apply_finish(grey(0.25), finish), apply_finish(grey(0.25), finish))
    other = Finish(shot_noise=0.05, read_noise=0.02, noise_seed=5)
    assert (apply_finish(grey(0.25), other) != apply_finish(grey(0.25), finish)).any()


def test_defocus_spreads_a_point_by_its_sigma():
    image = grey(0.0, (101, 101))
    image[50, 50] = 30.0
    out = linear_from_bytes(apply_finish(image, Finish(defocus_rel=3 / 101)))[..., 0].astype(float)
    offset = np.arange(101) - 50
    assert np.sqrt((out.sum(0) * offset**2).sum() / out.sum()) == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi / 2, 3.0])
@pytest.mark.parametrize("length", [1.2, 5.0, 15.0])
def test_motion_kernel_is_a_centred_line_of_the_length(angle, length):
    kernel = motion_kernel(length, angle).astype(float)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    offset = np.arange(len(kernel)) - len(kernel) // 2
    assert abs((kernel.sum(0) * offset).sum()) < 0.3
    assert abs((kernel.sum(1) * offset).sum()) < 0.3
    along = np.cos(angle) * offset[None, :] + np.sin(angle) * offset[:, None]
    if length >= 5:
        assert np.sqrt((kernel * along**2).sum()) == pytest.approx(length / np.sqrt(12), rel=0.25)
