"""Environment maps: convention, normalisation, errors, and the light made from them."""

import cv2
import numpy as np
import pytest

from photosynth.core.errors import ConfigError
from photosynth.render.environment import (
    LUMINANCE,
    SUN_CLIP,
    EnvironmentMap,
    load_environment,
    normalised,
    pixel_directions,
    row_weights,
    sample_directions,
)
from photosynth.render.raster.environment_light import (
    LEVEL_ROUGHNESS,
    _levels,
    bordered,
    environment_light,
    irradiance_sh,
    octahedral_directions,
)
from photosynth.render.raster.irradiance import HARMONICS, evaluate, harmonics, polynomial_of, terms_of


def sphere_mean(image):
    return (image.mean(axis=1) * row_weights(image.shape[0])[:, None]).sum(axis=0)


@pytest.mark.parametrize(("name", "n_suns"), [("lobby", 1), ("park", 0), ("night", 0), ("studio", 2), ("sky", 1)])
def test_shipped_maps_have_mean_luminance_one_with_their_suns(name, n_suns):
    environment = load_environment(f"package:{name}.exr")
    radiance = environment.radiance
    assert radiance.dtype == np.float32
    assert radiance.shape == (256, 512, 3)
    assert (radiance >= 0).all()
    assert len(environment.suns) == n_suns
    of_suns = sum(float(np.dot(sun.irradiance_linear, LUMINANCE)) for sun in environment.suns) / (4 * np.pi)
    assert sphere_mean(radiance) @ LUMINANCE + of_suns == pytest.approx(1, rel=2e-3 if n_suns else 1e-4)


def test_the_sky_is_above():
    """Row 0 is +z: outdoors, more light comes from above than from below."""
    up = sample_directions(load_environment("package:sky.exr"), np.array([[0, 0, 1.0], [0, 0, -1.0]]))
    assert up[0] @ LUMINANCE > up[1] @ LUMINANCE


def test_loading_twice_gives_the_same_object():
    assert load_environment("package:lab.exr") is load_environment("package:lab.exr")


def test_directions_follow_the_stated_convention():
    radiance = np.zeros((64, 128, 3), np.float32)
    radiance[32 - 8 : 32 + 8, 64 - 8 : 64 + 8, 0] = 1  # the middle is +x
    radiance[:8, :, 1] = 1  # the top is +z
    radiance[32 - 8 : 32 + 8, 32 - 8 : 32 + 8, 2] = 1  # a quarter to the left is +y
    seen = sample_directions(EnvironmentMap(radiance), np.eye(3)[[0, 2, 1]])
    np.testing.assert_allclose(seen, np.eye(3), atol=1e-6)
    turned = sample_directions(EnvironmentMap(radiance), np.eye(3)[[1]], rotation_rad=np.pi / 2)
    np.testing.assert_allclose(turned, [[1, 0, 0]], atol=1e-6)


def test_sampling_at_pixel_centres_returns_the_pixels():
    radiance = np.random.default_rng(0).random((16, 32, 3), dtype=np.float32)
    seen = sample_directions(EnvironmentMap(radiance), pixel_directions(16, 32))
    np.testing.assert_allclose(seen, radiance, atol=2e-3)


def test_sampling_crosses_the_seam_smoothly():
    column = np.cos(2 * np.pi * (np.arange(32) + 0.5) / 32)
    radiance = np.broadcast_to(column[None, :, None], (16, 32, 3)).astype(np.float32)
    azimuth = np.pi + np.linspace(-0.2, 0.2, 50)
    directions = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    seen = sample_directions(EnvironmentMap(radiance), directions)[:, 0]
    assert np.abs(np.diff(seen)).max() < 0.01
    assert sample_directions(EnvironmentMap(radiance), np.zeros((0, 3))).shape == (0, 3)


def test_broken_pixels_are_cleaned():
    image = np.ones((8, 16, 3), np.float32)
    image[0, 0], image[1, 1], image[2, 2] = np.nan, np.inf, -5
    clean = normalised(image).radiance
    assert np.isfinite(clean).all()
    assert (clean >= 0).all()
    assert not clean[0, 0].any()


def test_a_little_too_much_light_is_dropped():
    image = np.ones((64, 128, 3), np.float32)
    image[20, 30] = 100
    clean = normalised(image)
    assert clean.suns == ()
    assert clean.radiance[20, 30].max() < 1.02 * SUN_CLIP
    np.testing.assert_allclose(clean.radiance[40, 40], 1, atol=0.02)


def test_a_damaged_sun_is_dropped():
    """Without red and green, as a badly compressed map may have it."""
    image = np.ones((64, 128, 3), np.float32)
    image[20, 30] = (0, 0, 1e5)
    assert normalised(image).suns == ()


def test_hdr_files_are_read_in_rgb_order(tmp_path):
    image = np.zeros((8, 16, 3), np.float32)
    image[..., 0] = 2.0
    image[..., 2] = 0.5
    cv2.imwrite(str(tmp_path / "map.hdr"), image[..., ::-1])
    seen = load_environment(str(tmp_path / "map.hdr")).radiance
    np.testing.assert_allclose(seen[0, 0, 0] / seen[0, 0, 2], 4, rtol=0.05)


def test_unreadable_maps_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.exr.*does not exist"):
        load_environment(str(tmp_path / "nowhere.exr"))
    with pytest.raises(ConfigError, match=r"'moon\.exr'.*lobby\.exr"):
        load_environment("package:moon.exr")
    for name in ("broken.exr", "broken.hdr", "broken.png"):
        (tmp_path / name).write_bytes(b"not a picture")
        with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
            load_environment(str(tmp_path / name))
    with pytest.raises(ConfigError, match="no light"):
        normalised(np.zeros((4, 8, 3), np.float32))


def test_irradiance_of_a_linear_sky_is_exact():
    """Radiance 1 + z has irradiance / pi = 1 + 2 z / 3 (Ramamoorthi and Hanrahan 2001)."""
    directions = pixel_directions(64, 128)
    sky = EnvironmentMap(np.repeat(1 + directions[..., 2:], 3, axis=2).astype(np.float32))
    normals = np.random.default_rng(0).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    seen = harmonics(normals) @ irradiance_sh(sky)
    np.testing.assert_allclose(seen[:, 0], 1 + 2 / 3 * normals[:, 2], atol=2e-3)


def test_blurred_maps_keep_the_light_and_lose_contrast():
    levels = _levels(load_environment("package:lobby.exr"))
    inner = levels[:, 1:-1, 1:-1, :3]
    contrast = inner.std(axis=(1, 2, 3))
    assert (np.diff(contrast) < 0).all()
    for level in inner[1:]:
        assert level.mean() == pytest.approx(inner[0].mean(), rel=0.15)


def test_levels_mix_linearly_and_uniform_light_stays_uniform():
    light = environment_light("package:lobby.exr")
    middle = light.level((LEVEL_ROUGHNESS[1] + LEVEL_ROUGHNESS[2]) / 2)
    np.testing.assert_allclose(middle, (light.levels[1] + light.levels[2]) / 2, rtol=1e-5)
    np.testing.assert_array_equal(light.level(1.0), light.levels[-1])
    assert (environment_light(None).levels == 1).all()


def test_octahedral_borders_continue_the_map():
    """The border texel's direction is nearest to the texel it copies."""
    side = 8
    directions = octahedral_directions(side)
    around = bordered(directions)
    for edge, inner in ((around[0, 1:-1], directions[0]), (around[1:-1, -1], directions[:, -1])):
        cosine = (edge * inner).sum(axis=1)
        assert cosine.min() > np.cos(2 * np.pi / side)


def test_harmonics_are_orthonormal_and_higher_orders_bring_diffuse_light_nearer_the_truth():
    directions = pixel_directions(64, 128)
    area = (4 * np.pi * row_weights(64) / 128)[:, None] * np.ones((64, 128))
    basis = harmonics(directions).reshape(-1, len(HARMONICS))
    np.testing.assert_allclose(np.einsum("nk,nl,n->kl", basis, basis, area.ravel()), np.eye(len(HARMONICS)), atol=5e-3)
    environment = load_environment("package:studio.exr")
    small = cv2.resize(environment.radiance, (128, 64), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    normals = np.random.default_rng(0).normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cosine = np.maximum(normals @ directions.reshape(-1, 3).T, 0)
    true = (cosine * area.ravel()) @ small / np.pi
    each = harmonics(normals)[:, :, None] * irradiance_sh(environment)
    error_of = [np.abs(each[:, :count].sum(axis=1) / true - 1).max() for count in (9, 18, 31)]
    print(error_of)
    assert error_of[2] < 0.15 < error_of[1] < 0.25 < 0.4 < error_of[0]


def test_the_polynomial_is_the_sum_of_harmonics():
    """As kernels evaluate it."""
    rng = np.random.default_rng(1)
    coefficients = rng.normal(size=(len(HARMONICS), 3))
    normals = rng.normal(size=(40, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    table = polynomial_of(coefficients)
    found = [[evaluate(*normal, terms_of(table, k)) for k in range(3)] for normal in normals]
    np.testing.assert_allclose(found, harmonics(normals) @ coefficients, atol=1e-5)
