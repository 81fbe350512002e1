"""The camera's part in recipes: physical units, and draws that stay what they were."""

import math

import msgspec
import numpy as np
import pytest

from photosynth.core.camera import Camera
from photosynth.core.distributions import Fixed, LogUniform, TruncatedNormal, Uniform
from photosynth.core.geometry import IDENTITY
from photosynth.sample.camera import MAX_CORNER_SHIFT, lens_of
from photosynth.sample.color import LUMINANCE_REC709
from photosynth.sample.finish import QUANTISATION_NOISE, FinishRecipe, mired_gains, noise_of_iso, sample_finish

ON = FinishRecipe(
    white_balance_warm=Fixed(value=0.0),
    white_balance_mired=TruncatedNormal(mean=0.0, sd=28.0, low=-110.0, high=110.0),
    depth_of_field_share=0.25,
    vignetting=Uniform(low=0.0, high=1.0),
    tone_shoulder=Uniform(low=0.0, high=0.6),
    iso_share=1.0,
)


def draws(recipe, count=400, **subject):
    return [sample_finish(recipe, np.random.default_rng(seed), **subject) for seed in range(count)]


def test_new_parts_are_off_by_default_and_leave_the_other_draws_alone():
    everything = msgspec.structs.replace(ON, white_balance_warm=FinishRecipe().white_balance_warm)
    plain, rich = draws(FinishRecipe(), 50), draws(everything, 50, subject_diagonal_m=0.2, subject_distance_m=0.5)
    changed = {"vignetting", "tone_shoulder", "depth_of_field", "white_balance_linear", "shot_noise", "read_noise"}
    for old, new in zip(plain, rich, strict=True):
        assert (old.vignetting, old.tone_shoulder, old.depth_of_field) == (0.0, 0.0, None)
        kept = {f: getattr(new, f) for f in changed}
        assert msgspec.structs.replace(old, **kept) == new


def test_noise_follows_the_speed():
    shot, read = noise_of_iso(50.0, 250e3, 3.0)
    assert shot == pytest.approx(0.002)
    assert read == pytest.approx(QUANTISATION_NOISE, rel=0.01)
    faster_shot, faster_read = noise_of_iso(5000.0, 250e3, 3.0)
    assert faster_shot == pytest.approx(10 * shot)
    assert math.sqrt(faster_read**2 - QUANTISATION_NOISE**2) == pytest.approx(100 * 3.0 / 250e3)
    drawn = draws(ON)
    noise = np.array([(f.shot_noise, f.read_noise) for f in drawn])
    assert noise[:, 0].min() > 0.0019
    assert noise[:, 0].max() < 0.051
    assert 0.00028 < noise[:, 1].min()
    assert noise[:, 1].max() < 0.021
    assert 0.0004 < np.median(noise[:, 1]) < 0.001
    assert np.corrcoef(np.log(noise).T)[0, 1] > 0.7, "a fast sensor is noisy in both ways"


@pytest.mark.parametrize("shift", [10.0, 28.0, 60.0, 118.0])
def test_mired_move_along_the_locus(shift):
    warm, cool = mired_gains(shift), mired_gains(-shift)
    np.testing.assert_allclose(warm * cool, 1, rtol=1e-9)
    assert warm[0] > warm[1] > warm[2]
    log = np.log(warm)
    assert (log[0] - log[2]) / 2 == pytest.approx(0.14 * shift / 28, rel=0.1), "the spread of white_balance_warm"
    assert abs(log[1] - log.mean()) < 0.2 * (log[0] - log[2])
    np.testing.assert_array_equal(mired_gains(0.0), 1)


def test_white_balance_keeps_the_luminance_of_grey():
    for finish in draws(ON, 50):
        assert LUMINANCE_REC709 @ np.array(finish.white_balance_linear) == pytest.approx(1)


def test_depth_of_field_is_relative_to_the_subject():
    assert all(f.depth_of_field is None for f in draws(ON, 50)), "nothing is known of the subject"
    small, large = (draws(ON, subject_diagonal_m=0.1 * k, subject_distance_m=0.5 * k) for k in (1, 3))
    lenses = [f.depth_of_field for f in small if f.depth_of_field]
    assert 0.18 < len(lenses) / len(small) < 0.32
    assert all(0.0004 <= lens.aperture_m <= 0.012 for lens in lenses)
    assert np.mean([abs(lens.focus_m - 0.5) < 0.05 for lens in lenses]) > 0.9
    for a, b in zip(small, large, strict=True):
        if a.depth_of_field:
            assert b.depth_of_field.aperture_m == pytest.approx(3 * a.depth_of_field.aperture_m)
            assert b.depth_of_field.focus_m == pytest.approx(3 * a.depth_of_field.focus_m)
    near = sample_finish(
        msgspec.structs.replace(ON, depth_of_field_share=1.0, focus_offset_diagonals=Fixed(value=-50.0)),
        np.random.default_rng(0),
        0.1,
        0.5,
    )
    assert near.depth_of_field.focus_m == pytest.approx(0.125), "never behind the camera"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iso_share", 1.5),
        ("depth_of_field_share", -0.1),
        ("vignetting", Fixed(value=-1.0)),
        ("tone_shoulder", Uniform(low=0.0, high=1.5)),
        ("iso", LogUniform(low=10.0, high=100.0)),
        ("white_balance_mired", Fixed(value=500.0)),
        ("full_well_e", Fixed(value=0.0)),
    ],
)
def test_impossible_ranges_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        FinishRecipe(**{field: value})


@pytest.mark.parametrize("size_wh", [(256, 256), (480, 640), (640, 360)])
@pytest.mark.parametrize("k1", [-1.0, -0.12, -0.01, 0.08, 1.0])
def test_every_lens_that_is_drawn_is_one(size_wh, k1):
    for focal_rel in (0.3, 0.7, 2.5):
        focal_px = focal_rel * size_wh[0]
        lens = lens_of(k1, focal_px, size_wh)
        camera = Camera(
            size_wh=size_wh,
            focal_px=focal_px,
            principal_px=(size_wh[0] / 2, size_wh[1] / 2),
            world_from_cam=IDENTITY,
            distortion=lens,
        )
        corner2 = (math.hypot(*size_wh) / 2 / focal_px) ** 2
        assert abs(camera.distortion[0]) * corner2 <= MAX_CORNER_SHIFT + 1e-9
        assert np.sign(lens[0]) == np.sign(k1)
    assert lens_of(0.0, 300.0, size_wh) == ()
