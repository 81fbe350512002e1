"""The camera's part: each step does what its docstring says."""

import numpy as np
import pytest
from film_twin import develop_slowly, falloff_slowly, normals_slowly, shoulder_slowly

from photosynth.core.camera import Camera
from photosynth.core.geometry import IDENTITY
from photosynth.core.scene import Finish
from photosynth.render.color import curve_table, linear_from_bytes, linear_from_srgb, luminance, srgb_from_linear
from photosynth.render.finish import apply_finish, auto_gain, motion_kernel


def grey(level, size=(48, 64)):
    return np.full((*size, 3), level, np.float32)


def camera_of(image, focal_px=60.0, distortion=()):
    height, width = image.shape[:2]
    return Camera(
        size_wh=(width, height),
        focal_px=focal_px,
        principal_px=(width / 2, height / 2),
        world_from_cam=IDENTITY,
        distortion=distortion,
    )


def finished(image, finish):
    return apply_finish(image, finish, camera_of(image))


def gradient(low=0.0, high=1.5, size=(48, 64)):
    image = np.random.default_rng(3).uniform(low, high, (*size, 3)).astype(np.float32)
    image[0] = np.linspace(low, high, size[1])[:, None]
    return image


def test_srgb_curve_round_trips_every_byte():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    np.testing.assert_array_equal(finished(linear_from_bytes(image), Finish()), image)
    values = np.linspace(0, 1, 101)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=1e-5)


def test_one_stop_doubles_light():
    out = finished(grey(0.1), Finish(exposure_ev=1.0))
    assert linear_from_bytes(out).mean() == pytest.approx(0.2, rel=0.02)


def test_auto_exposure_brings_the_mean_to_middle_grey():
    out = finished(grey(0.02), Finish(auto_exposure=1.0))
    assert linear_from_bytes(out).mean() == pytest.approx(0.18, rel=0.03)
    assert auto_gain(grey(0.02), 0.5) == pytest.approx(3.0, rel=1e-3)
    assert auto_gain(grey(0.0), 1.0) == 16.0


def test_white_balance_saturation_and_gamma():
    image = np.array([[[0.4, 0.2, 0.1]]], np.float32).repeat(8, 0).repeat(8, 1)
    balanced = linear_from_bytes(finished(image, Finish(white_balance_linear=(0.5, 1.0, 2.0))))[0, 0]
    np.testing.assert_allclose(balanced, 0.2, rtol=0.02)
    colourless = finished(image, Finish(saturation=0.0))[0, 0]
    assert colourless.max() - colourless.min() == 0
    assert linear_from_bytes(colourless[None])[0, 0] == pytest.approx(float(luminance(image)[0, 0]), rel=0.02)
    assert linear_from_bytes(finished(grey(0.5), Finish(tone_gamma=2.0))).mean() == pytest.approx(0.25, rel=0.02)


SETTINGS = {
    "nothing": Finish(),
    "exposure": Finish(exposure_ev=-1.3, white_balance_linear=(1.2, 0.9, 0.7)),
    "saturation": Finish(saturation=0.4),
    "more saturation": Finish(saturation=1.6),
    "gamma": Finish(tone_gamma=0.7),
    "shoulder": Finish(tone_shoulder=0.5),
    "vignetting": Finish(vignetting=1.0),
    "all": Finish(
        exposure_ev=0.7,
        vignetting=0.6,
        white_balance_linear=(0.8, 1.0, 1.4),
        saturation=1.2,
        tone_gamma=1.3,
        tone_shoulder=0.3,
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_kernel_agrees_with_its_twin(name):
    image, finish = gradient(), SETTINGS[name]
    fast, slow = finished(image, finish), develop_slowly(image, finish, camera_of(image))
    assert np.abs(fast.astype(int) - slow).max() <= 1
    assert (fast != slow).mean() < 0.01


def test_the_noise_is_its_twins():
    image, finish = gradient(), Finish(shot_noise=0.04, read_noise=0.004, noise_seed=11)
    normal = normals_slowly(image.size, np.random.SeedSequence(11).generate_state(2)).reshape(image.shape)
    slow = develop_slowly(image, finish, camera_of(image), normal)
    fast = finished(image, finish)
    assert np.abs(fast.astype(int) - slow).max() <= 1
    assert (fast != slow).mean() < 0.01


def test_noise_is_normal_and_white():
    from scipy.stats import kstest, kurtosis

    from photosynth.render.film import develop

    out = np.empty((200, 600), np.uint8)
    curve = np.repeat(np.arange(256, dtype=np.uint8), 64)  # straight, so that noise can be read off
    curve.setflags(write=False)
    f = np.float32
    axis, none = np.zeros(2, np.float32), np.zeros(0, np.float32)
    fields = []
    for seed in (0, 1):
        seeds = np.random.SeedSequence(seed).generate_state(2)
        image = np.full((200, 600), 0.5, np.float32)
        develop(image, np.ones(3, f), f(1), none, axis, f(1), f(0), f(0.1**2), seeds, curve, f(len(curve) - 1), out)
        fields.append((out.astype(float) + 0.5) / 256 / 0.1 - 5.0)
    field = fields[0]
    jitter = np.random.default_rng(0).uniform(-0.5, 0.5, field.shape) / 256 / 0.1
    assert kstest((field + jitter).ravel(), "norm").statistic < 0.005
    assert abs(field.mean()) < 0.01
    assert field.std() == pytest.approx(1.0, abs=0.01)
    assert abs(kurtosis(field.ravel())) < 0.05
    bound = 4 / np.sqrt(field.size)
    for dy, dx in [(0, 1), (0, 2), (0, 3), (1, 0), (1, 3), (5, 30)]:
        lagged = field[dy:, dx:] * field[: field.shape[0] - dy, : field.shape[1] - dx]
        assert abs(lagged.mean()) < bound, (dy, dx)
    assert abs((field * fields[1]).mean()) < bound, "another seed is another field"


def test_not_a_number_is_black():
    image = gradient()
    image[3, 4] = np.nan
    image[5, 6] = np.inf
    out = finished(image, Finish(shot_noise=0.01, read_noise=0.001, saturation=0.9))
    assert (out[3, 4] == 0).all()
    assert np.isfinite(out).all()


def test_vignetting_follows_cos4_and_the_lens():
    image = grey(0.8, (61, 81))
    out = linear_from_bytes(finished(image, Finish(vignetting=1.0)))[..., 1]
    np.testing.assert_allclose(out, 0.8 * falloff_slowly(camera_of(image), 1.0), rtol=0.02)
    assert out[30, 40] == pytest.approx(0.8, rel=0.01)
    assert out[0, 0] < 0.4
    barrel = camera_of(image, distortion=(-0.1, 0.0, 0.0, 0.0))
    seen = linear_from_bytes(apply_finish(image, Finish(vignetting=1.0), barrel))[..., 1]
    corner = np.hypot(40, 30) / 60
    undistorted = next(r for r in np.linspace(corner, 2, 100001) if r * (1 - 0.1 * r * r) >= corner)
    assert seen[0, 0] == pytest.approx(0.8 * (1 + undistorted**2) ** -2, rel=0.03)


def test_exposure_is_metered_before_vignetting():
    bright = linear_from_bytes(finished(grey(0.02), Finish(auto_exposure=1.0, vignetting=1.0)))
    assert bright[24, 32, 0] == pytest.approx(0.18, rel=0.03)


def test_shoulder_rolls_highlights_off_and_leaves_the_rest():
    image = np.linspace(0, 4, 64, dtype=np.float32)[None, :, None].repeat(48, 0).repeat(3, 2)
    plain, rolled = (finished(image, Finish(tone_shoulder=s))[0, :, 0].astype(int) for s in (0.0, 0.5))
    dark = image[0, :, 0] <= 0.5
    np.testing.assert_array_equal(plain[dark], rolled[dark])
    assert (np.diff(rolled[image[0, :, 0] < 1.4]) > 0).all(), "highlights keep their detail"
    assert plain[20] == 255 > rolled[20]
    assert rolled[-1] == 255


def test_curve_table_against_the_formula():
    for gamma, strength in [(1.0, 0.0), (0.6, 0.0), (1.6, 0.3), (1.0, 1.0)]:
        table = curve_table(gamma, strength)
        light = np.arange(len(table)) / 16383
        exact = np.rint(srgb_from_linear(shoulder_slowly(light**gamma, strength)) * 255)
        assert np.abs(table - exact).max() <= 1
        assert (table != exact).sum() <= 2
        assert table[-1] == 255


def test_noise_has_the_stated_spread_and_is_fixed_by_its_seed():
    finish = Finish(shot_noise=0.05, read_noise=0.02, noise_seed=4)
    noisy = linear_from_bytes(finished(grey(0.25, (200, 200)), finish))
    assert noisy.std() == pytest.approx(np.sqrt(0.05**2 * 0.25 + 0.02**2), rel=0.05)
    np.testing.assert_array_equal(finished(grey(0.25), finish), finished(grey(0.25), finish))
    other = Finish(shot_noise=0.05, read_noise=0.02, noise_seed=5)
    assert (finished(grey(0.25), other) != finished(grey(0.25), finish)).any()


def test_defocus_spreads_a_point_by_its_sigma():
    image = grey(0.0, (101, 101))
    image[50, 50] = 30.0
    out = linear_from_bytes(finished(image, Finish(defocus_rel=3 / 101)))[..., 0].astype(float)
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
