"""What the rasteriser promises: the contract of Layers, units of light, orientation, masks and areas."""

import numpy as np
import pytest
from raster_scenes import box, camera, ground, lamp, placement, plain, scene, source, sphere

from photosynth.core.registry import render_engine
from photosynth.core.scene import Environment
from photosynth.render.raster.engine import RasterEngine
from photosynth.render.raster.texture import linear_from_srgb

MESHES = source(
    box=box(), ball=sphere(), ground=ground(), white_ball=sphere(texture=plain()), white_ground=ground(texture=plain()),
    white_box=box(texture=plain()),
)  # fmt: skip
DARK = Environment(strength=0.0)


@pytest.fixture(scope="module")
def engine():
    return RasterEngine(MESHES)


def overhead(**settings):
    return camera((0, 0, 0.5), (0, 0, 0), **settings)


def test_layers_have_the_stated_shapes_and_types(engine):
    layers = engine.render(scene([placement("box"), placement("ball", (0.1, 0, 0))], [lamp()]))
    assert layers.radiance.shape == (40, 48, 3)
    assert layers.radiance.dtype == layers.coverage.dtype == layers.depth_m.dtype == layers.normals.dtype == np.float32
    assert layers.instance_ids.dtype == np.uint16
    assert layers.amodal_masks.shape == (2, 40, 48)
    assert layers.amodal_masks.dtype == bool
    assert layers.full_area_px.dtype == np.float64
    owned = layers.instance_ids > 0
    assert set(np.unique(layers.instance_ids)) == {0, 1, 2}
    assert np.isfinite(layers.depth_m[owned]).all()
    assert np.isinf(layers.depth_m[~owned]).all()
    np.testing.assert_allclose(np.linalg.norm(layers.normals[owned], axis=1), 1, atol=1e-5)
    assert not layers.normals[~owned].any()
    assert not layers.radiance[layers.coverage == 0].any()


def test_the_registry_finds_it():
    assert render_engine("raster", MESHES).name == "raster"


def test_a_scene_without_placements_is_empty(engine):
    layers = engine.render(scene([], [lamp()]))
    assert not layers.radiance.any()
    assert not layers.coverage.any()
    assert layers.amodal_masks.shape == (0, 40, 48)


def test_the_same_scene_gives_the_same_bytes_whatever_came_before():
    wanted = scene([placement("box", turn_rad=1), placement("ball", (0.05, 0, 0.1))], [lamp(), lamp((-1, 0, 1))])
    first = RasterEngine(MESHES).render(wanted)
    used = RasterEngine(MESHES)
    used.render(scene([placement("ground"), placement("ball")], [lamp()] * 5, cam=camera(size_wh=(90, 120))))
    again = used.render(wanted)
    kept = again.radiance.copy()
    used.render(scene([placement("ground")], [lamp()]))
    np.testing.assert_array_equal(again.radiance, kept)  # returned arrays are the caller's own
    for name in ("radiance", "coverage", "depth_m", "instance_ids", "normals", "amodal_masks", "full_area_px"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes(), name


def test_white_furnace_returns_the_strength_and_no_more(engine):
    """A white surface under uniform light has its radiance, coat or not, edges premultiplied."""
    matte = engine.render(scene([placement("white_ball", specular_f0=0.0)], [], Environment(strength=0.7)))
    np.testing.assert_allclose(matte.radiance, 0.7 * matte.coverage[..., None].repeat(3, 2), atol=2e-3)
    glossy = engine.render(scene([placement("white_ball", roughness=0.3)], [], Environment(strength=0.7)))
    np.testing.assert_allclose(glossy.radiance, 0.7 * glossy.coverage[..., None].repeat(3, 2), atol=2e-3)


@pytest.mark.parametrize("height_m", [0.5, 1.0, 3.0])
def test_a_lamp_gives_the_radiance_its_docstring_states(engine, height_m):
    flat = scene([placement("white_ground", specular_f0=0.0)], [lamp((0, 0, height_m), 9.0)], DARK, overhead())
    middle = engine.render(flat).radiance[20, 24]
    np.testing.assert_allclose(middle, 9.0 / (4 * np.pi**2 * height_m**2), rtol=5e-3)


def test_a_mirror_shows_the_lamp_at_the_lamps_own_radiance(engine):
    """A sphere of power P and radius r has radiance P / (4 pi^2 r^2); f0 = 1 returns all of it."""
    smooth = placement("ground", roughness=0.0, specular_f0=1.0)
    light = lamp((0, 0, 0.5), 1.0, radius_m=0.1)
    cam = camera((0, 0, 0.5), (0, 0, 0), size_wh=(41, 41), focal_px=200)
    brightest = engine.render(scene([smooth], [light], DARK, cam)).radiance.max()
    assert brightest == pytest.approx(1.0 / (4 * np.pi**2 * 0.1**2), rel=0.06)


def test_rougher_coats_have_lower_and_wider_highlights(engine):
    peaks, widths = [], []
    for roughness in (0.2, 0.4, 0.7):
        ball = placement("ball", roughness=roughness, scale=2, albedo_gain_linear=(0, 0, 0))
        seen = engine.render(scene([ball], [lamp((0.6, -0.8, 0.6))], DARK)).radiance[..., 0]
        peaks.append(seen.max())
        widths.append((seen > seen.max() / 4).sum())
    assert peaks == sorted(peaks, reverse=True)
    assert widths == sorted(widths)


def test_textures_stand_upright_and_are_not_mirrored(engine):
    """Seen from above with +y up in the picture, u runs right and v runs up; row 0 of the texture is v = 1."""
    cam = overhead(size_wh=(64, 64), focal_px=70)
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32] = (255, 0, 0)  # top left
    picture[:32, 32:] = (0, 255, 0)  # top right
    picture[32:, :32] = (0, 0, 255)  # bottom left
    flat = RasterEngine(source(ground=ground(texture=picture)))
    matte = placement("ground", specular_f0=0.0)
    seen = flat.render(scene([matte], [], Environment(strength=1.0), cam)).radiance
    for (y, x), color in {(16, 16): (1, 0, 0), (16, 48): (0, 1, 0), (48, 16): (0, 0, 1), (48, 48): (0, 0, 0)}.items():
        np.testing.assert_allclose(seen[y, x], color, atol=2e-3)


@pytest.mark.parametrize("size", [(64, 64), (50, 33), (7, 130), (1, 1)])
def test_textures_of_any_size_keep_their_mean(size):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    flat = RasterEngine(source(ground=ground(texture=picture)))
    far = overhead(size_wh=(8, 8), focal_px=8)  # the whole texture in a few pixels
    seen = flat.render(scene([placement("ground", specular_f0=0.0)], [], Environment(strength=1.0), far))
    mean = seen.radiance.sum(axis=(0, 1)) / seen.coverage.sum()
    np.testing.assert_allclose(mean, linear_from_srgb(picture / 255).mean(axis=(0, 1)), atol=0.05)


def test_texture_coordinates_wrap():
    once, shifted = ground(), ground()
    shifted.uv[:] += (3, -2)
    a = RasterEngine(source(ground=once)).render(scene([placement("ground")], []))
    b = RasterEngine(source(ground=shifted)).render(scene([placement("ground")], []))
    np.testing.assert_allclose(a.radiance, b.radiance, atol=1e-4)


def test_depth_is_along_the_axis_and_coverage_counts_samples(engine):
    layers = engine.render(scene([placement("ground", specular_f0=0.0)], cam=overhead(size_wh=(64, 64))))
    owned = layers.instance_ids == 1
    np.testing.assert_allclose(layers.depth_m[owned], 0.5, rtol=1e-6)
    assert layers.coverage.sum() == pytest.approx((0.4 / 0.5 * 70) ** 2, rel=0.01)
    assert set(np.unique(layers.coverage)) <= {0.0, 0.25, 0.5, 0.75, 1.0}


def test_masks_are_as_large_as_what_they_show(engine):
    """However it is turned and wherever its outline runs through the pixels."""
    shift = 0.5 / 70  # metres that a pixel covers
    areas = []
    for k in range(40):
        at = (shift * (0.618 * k % 1), shift * (0.755 * k % 1), 0)
        layers = engine.render(scene([placement("ground", at, turn_rad=0.19 * k)], cam=overhead(size_wh=(84, 84))))
        areas.append((layers.instance_ids == 1).sum())
    assert np.mean(areas) == pytest.approx((0.4 / 0.5 * 70) ** 2, abs=1.5)


def test_back_faces_are_not_drawn(engine):
    below = camera((0, 0, -0.5), (0, 0, 0))
    assert not engine.render(scene([placement("ground")], cam=below)).coverage.any()


def test_nearer_placements_hide_others_and_amodal_masks_do_not_care(engine):
    behind, before = placement("box"), placement("ball", (0.1, -0.13, 0.1))
    layers = engine.render(scene([behind, before]))
    alone = [engine.render(scene([p])).instance_ids == 1 for p in (behind, before)]
    assert (layers.amodal_masks != np.array(alone)).sum() <= 2  # pixels covered by half
    hidden = alone[0] & (layers.instance_ids == 2)
    assert hidden.sum() > 20
    for k in range(2):
        assert layers.amodal_masks[k][layers.instance_ids == k + 1].all()
    np.testing.assert_array_equal(layers.full_area_px, layers.amodal_masks.sum(axis=(1, 2)))


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_full_area_counts_what_the_edges_cut_off(engine, scale):
    cut = engine.render(scene([placement("box", scale=scale)], cam=camera((0.3, -0.4, 0.3), (0.16, 0.1, 0))))
    wide = camera((0.3, -0.4, 0.3), (0.16, 0.1, 0), size_wh=(548, 540))
    whole = engine.render(scene([placement("box", scale=scale)], cam=wide))
    assert 0 < cut.amodal_masks.sum() < 0.8 * whole.amodal_masks.sum()
    assert cut.full_area_px[0] == pytest.approx(whole.full_area_px[0], rel=2e-3)


def test_environment_turns_with_its_rotation(engine):
    """Turning map, object and camera together changes nothing; turning the map alone does."""

    def seen(angle, map_angle):
        eye = (0.5 * np.cos(angle), 0.5 * np.sin(angle), 0.2)
        environment = Environment(map_file="package:sunset.exr", rotation_rad=map_angle)
        ball = placement("white_ball", turn_rad=angle, roughness=0.3)
        return engine.render(scene([ball], [], environment, camera(eye))).radiance

    np.testing.assert_allclose(seen(0.0, 0.0), seen(2.0, 2.0), atol=5e-3)
    assert np.abs(seen(0.0, 0.0) - seen(0.0, 2.0)).max() > 0.02


def test_larger_lamps_throw_softer_shadows(engine):
    things = [placement("white_ground"), placement("white_box", (0, 0, 0.1))]
    cam = overhead(size_wh=(120, 120), focal_px=130)
    partly = []
    for radius_m in (0.005, 0.15):
        light = lamp((0.5, 0.1, 0.8), radius_m=radius_m)
        seen = engine.render(scene(things, [light], DARK, cam))
        free = engine.render(scene(things[:1], [light], DARK, cam))
        ratio = seen.radiance[..., 0] / np.maximum(free.radiance[..., 0], 1e-6)
        floor = (seen.instance_ids == 1) & (seen.coverage == 1)
        assert (floor & (ratio < 0.05)).sum() > 50
        partly.append((floor & (ratio > 0.1) & (ratio < 0.9)).sum())
    assert partly[1] > 1.5 * partly[0]


def test_lit_convex_surfaces_have_no_acne(engine):
    """Without shadows of others, a lit sphere is as bright as the formula says almost everywhere."""
    cam = camera((0.3, -0.4, 0.3), size_wh=(200, 200), focal_px=700)
    light = lamp((0.5, -0.2, 0.4), 5.0)
    seen = engine.render(scene([placement("white_ball", specular_f0=0.0)], [light], DARK, cam))
    inside = seen.coverage == 1
    offset = np.array(light.position_m) - 0.05 * seen.normals[inside]
    distance = np.linalg.norm(offset, axis=1)
    cosine = (seen.normals[inside] * offset).sum(axis=1) / distance
    expected = 5.0 / (4 * np.pi**2 * distance**2) * np.maximum(cosine, 0)
    lit = cosine > 0.25
    ratio = seen.radiance[inside][lit, 0] / expected[lit]
    assert (np.abs(ratio - 1) > 0.04).mean() < 0.002
