"""The small samplers one by one: colours, polygons, lights, environments, fills, occluders, finish."""

from __future__ import annotations

import math
import shutil
from importlib import resources
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from scipy import stats

from photosynth.core.camera import Camera
from photosynth.core.distributions import Discrete, Fixed, LogUniform, Normal, Uniform
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.photo import Photo
from photosynth.core.scene import Environment, EnvironmentFill, Hand, Patch, PhotoFill
from photosynth.sample.color import LUMINANCE_REC709, linear_from_temperature, planckian_xy, random_skin
from photosynth.sample.environment import (
    EnvironmentRecipe,
    folder_maps,
    recipe_maps,
    sample_environment,
    shipped_maps,
)
from photosynth.sample.fill import FillRecipe, FillSource, FillWeights, sample_fill, true_view_fill
from photosynth.sample.finish import FinishRecipe, sample_finish
from photosynth.sample.hand import hidden_share
from photosynth.sample.light import LightRecipe, power_for_radiance, sample_lights
from photosynth.sample.occluder import OccluderRecipe, cover_share, sample_occluders
from photosynth.sample.outline import sample_outline
from photosynth.sample.polygon import area, box_share_inside, clip, convex_hull, frame_polygon, point_on_edge

SQUARE = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def camera(size_wh=(256, 256), eye=(2.0, 1.0, 0.5), roll_rad=0.0) -> Camera:
    pose = as_matrix4(look_at(np.array(eye), np.zeros(3), roll_rad))
    return Camera(size_wh=size_wh, focal_px=300.0, principal_px=(size_wh[0] / 2, size_wh[1] / 2), world_from_cam=pose)


def source(photos=(), maps=("package:lobby.exr",), size_wh=(256, 256), **recipe) -> FillSource:
    environment = Environment(map_file="package:lobby.exr", rotation_rad=0.7, strength=0.4)
    return FillSource(FillRecipe(**recipe), photos, maps, camera(size_wh), environment)


# colours


@pytest.mark.parametrize(
    ("temperature_k", "xy"),
    # CIE 15: illuminant A is a black body of 2856 K; the others from the Planckian locus (Wyszecki and Stiles)
    [(2000, (0.5267, 0.4133)), (2856, (0.4476, 0.4074)), (5000, (0.3451, 0.3516)), (10000, (0.2806, 0.2883))],
)
def test_chromaticity_of_black_bodies(temperature_k, xy) -> None:
    assert planckian_xy(temperature_k) == pytest.approx(xy, abs=1e-3)


def test_lamp_colours_have_luminance_one_and_run_from_red_to_blue() -> None:
    colors = np.array([linear_from_temperature(t) for t in (1700, 2500, 4000, 6500, 9000, 20000)])
    assert colors @ LUMINANCE_REC709 == pytest.approx(np.ones(6))
    assert (colors >= 0).all()
    assert (np.diff(colors[:, 2]) > 0).all()
    assert (np.diff(colors[:, 0]) < 0).all()
    assert colors[3] == pytest.approx([1, 1, 1], abs=0.08)


@pytest.mark.parametrize("temperature_k", [1000, 30000])
def test_temperatures_outside_the_fit_are_refused(temperature_k) -> None:
    with pytest.raises(ValueError, match="must lie in 1667"):
        linear_from_temperature(temperature_k)


def test_skin_is_red_over_green_over_blue() -> None:
    tones = np.array([random_skin(rng(seed)) for seed in range(100)])
    assert ((0 <= tones) & (tones <= 1)).all()
    assert (np.median(tones, axis=0)[0] > np.median(tones, axis=0)[1]) & (np.ptp(tones[:, 0]) > 0.5)


# polygons


def test_area_and_hull() -> None:
    assert area(SQUARE) == pytest.approx(1)
    assert area(np.zeros((0, 2))) == 0
    hull = convex_hull(np.concatenate([SQUARE, [(0.5, 0.5), (0.2, 0.9), (0.5, 0.0)]]))
    assert sorted(map(tuple, hull)) == sorted(map(tuple, SQUARE))
    assert area(hull) == pytest.approx(1)


def test_the_hull_of_many_points_is_that_of_their_hull_and_holds_them_all() -> None:
    rng = np.random.default_rng(0)
    for n in (15, 16, 40, 500):
        for points in (rng.normal(size=(n, 2)), 1e3 + 1e-3 * rng.normal(size=(n, 2)), rng.integers(0, 4, (n, 2))):
            hull = convex_hull(points)
            np.testing.assert_array_equal(convex_hull(hull), hull)
            edges = np.roll(hull, -1, axis=0) - hull
            beside = points[:, None] - hull[None]
            assert (edges[:, 0] * beside[..., 1] - edges[:, 1] * beside[..., 0]).min() > -1e-6 * area(hull)


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (SQUARE + 0.5, 0.25),
        (SQUARE - 2, 0.0),
        (SQUARE * 3 - 1, 1.0),
        (SQUARE[::-1] * 0.5, 0.25),
        (np.array([(0, 0), (2, 0), (2, 2), (0.5, 0.5), (0, 2)]), 5 / 6),  # not convex: a notch from above
    ],
)
def test_clip_keeps_the_shared_area(polygon, expected) -> None:
    assert area(clip(polygon, SQUARE)) == pytest.approx(expected)


def test_points_on_the_edge_are_spread_by_length() -> None:
    wide = SQUARE * (4, 1)
    points = np.array([point_on_edge(wide, generator) for generator in [rng()] for _ in range(4000)])
    on_long = (points[:, 1] < 1e-9) | (points[:, 1] > 1 - 1e-9)
    assert stats.binomtest(int(on_long.sum()), len(points), 0.8).pvalue > 0.01


def test_share_of_a_box_inside() -> None:
    assert box_share_inside(SQUARE * 100 - 50, (200, 100)) == pytest.approx(0.25)
    assert box_share_inside(SQUARE * 100 + 500, (200, 100)) == 0


def test_outlines_stay_near_the_unit_circle() -> None:
    generator = rng()
    for _ in range(300):
        outline = sample_outline(generator)
        assert len(outline) >= 4
        assert np.linalg.norm(outline, axis=1).max() < 1.4
        assert area(outline) > 0.2


# lights


def test_power_gives_the_wanted_radiance() -> None:
    # Light.power_w: radiance of a white Lambertian surface is power / (4 pi^2 d^2)
    assert power_for_radiance(0.7, 3.0) / (4 * math.pi**2 * 3.0**2) == pytest.approx(0.7)


@pytest.mark.parametrize("diagonal_m", [0.02, 1.0, 7.0])
def test_lights_scale_with_the_subject(diagonal_m) -> None:
    recipe = LightRecipe(count=Fixed(value=8), radiance=LogUniform(low=0.1, high=0.4))
    for light in sample_lights(recipe, diagonal_m, rng()):
        distance = np.linalg.norm(light.position_m)
        assert 2.5 <= distance / diagonal_m <= 9
        assert light.radius_m < distance - diagonal_m / 2
        assert 0.1 <= light.power_w / (4 * math.pi**2 * distance**2) <= 0.4
        assert light.color_linear == pytest.approx(linear_from_temperature(light.temperature_k))


def test_light_count_follows_the_recipe() -> None:
    recipe = LightRecipe(count=Discrete(values=(0, 2, 8), weights=(1, 1, 2)))
    counts = [len(sample_lights(recipe, 1.0, rng(seed))) for seed in range(400)]
    assert stats.chisquare([counts.count(k) for k in (0, 2, 8)], [100, 100, 200]).pvalue > 0.01


@pytest.mark.parametrize(("share", "distinct"), [(1.0, 1), (0.0, 5)])
def test_lights_may_share_one_temperature(share, distinct) -> None:
    lights = sample_lights(LightRecipe(count=Fixed(value=5), same_temperature_share=share), 1.0, rng())
    assert len({light.temperature_k for light in lights}) == distinct


# environments


def test_shipped_maps_are_there() -> None:
    assert len(shipped_maps()) == 18
    assert shipped_maps()["lobby"] == "package:lobby.exr"
    assert recipe_maps(EnvironmentRecipe(maps=("park", "lobby"))) == ("package:park.exr", "package:lobby.exr")
    with pytest.raises(ValueError, match=r"no shipped map 'attic'; choose from apartment"):
        EnvironmentRecipe(maps=("attic",))


def test_environment_choices() -> None:
    maps = ("package:a.exr", "/my/b.hdr")
    recipe = EnvironmentRecipe(grey_share=0.2)
    drawn = [sample_environment(recipe, maps, rng(seed)) for seed in range(1000)]
    files = [environment.map_file for environment in drawn]
    expected = [200, 400, 400]
    assert stats.chisquare([files.count(name) for name in (None, *maps)], expected).pvalue > 0.01
    assert stats.kstest([e.strength for e in drawn], stats.loguniform(0.08, 1.2).cdf).pvalue > 0.01


def test_folder_of_maps(tmp_path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        folder_maps(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no environment maps"):
        folder_maps(tmp_path)
    (tmp_path / "a.exr").write_bytes(b"\x76\x2f\x31\x01rest")
    (tmp_path / "b.HDR").write_bytes(b"#?RADIANCE\n")
    (tmp_path / "c.exr").write_bytes(b"<html>")
    cv2.imwrite(str(tmp_path / "dark.hdr"), np.zeros((8, 16, 3), np.float32))
    with pytest.raises(ConfigError, match=r"none can be used of the 4 in it, .*a\.exr cannot be read"):
        folder_maps(tmp_path)
    cv2.imwrite(str(tmp_path / "good.hdr"), np.ones((8, 16, 3), np.float32))
    shutil.copy(resources.files("photosynth") / "data" / "environments" / "night.exr", tmp_path / "night.EXR")
    maps, skipped = folder_maps(tmp_path)
    assert maps == (str(tmp_path / "good.hdr"), str(tmp_path / "night.EXR"))
    assert [Path(path).name for path, _ in skipped] == ["a.exr", "b.HDR", "c.exr", "dark.hdr"]
    assert "holds no light" in skipped[-1][1]


# fills


def test_fill_kinds_follow_their_weights() -> None:
    weights = FillWeights(environment=1, mesh=2, plain=3, print=4, photo=100)  # no photos: their weight is void
    generator, given = rng(), source()
    names = [type(sample_fill(weights, given, 1.0, generator)).__name__ for _ in range(1000)]
    counts = [names.count(name) for name in ("EnvironmentFill", "MeshFill", "PlainFill", "PrintFill")]
    assert stats.chisquare(counts, np.array([1, 2, 3, 4]) * 100).pvalue > 0.01


@pytest.mark.parametrize("size_wh", [(640, 480), (480, 640), (100, 1000)])
@pytest.mark.parametrize("aspect", [1.0, 2.0, 0.4])
def test_photo_crops_lie_inside_and_are_not_distorted(size_wh, aspect, tmp_path) -> None:
    given = source(photos=(Photo(path=tmp_path / "p.jpg", size_wh=size_wh),))
    generator, turned = rng(), set()
    for _ in range(60):
        fill = sample_fill(FillWeights(photo=1), given, aspect, generator)
        assert isinstance(fill, PhotoFill)
        x0, y0, x1, y1 = fill.crop_rel
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
        ratio = (x1 - x0) * size_wh[0] / ((y1 - y0) * size_wh[1])
        assert (1 / ratio if fill.quarter_turns % 2 else ratio) == pytest.approx(aspect)
        turned.add(fill.quarter_turns)
    assert turned == {0, 1, 2, 3}


def test_photos_only_without_photos_is_refused() -> None:
    with pytest.raises(ConfigError, match="give a folder"):
        sample_fill(FillWeights(photo=1), source(), 1.0, rng())


@pytest.mark.parametrize("eye", [(2, 1, 0.5), (-1, 3, -2), (0.3, -2, 4)])
@pytest.mark.parametrize("roll_rad", [0.0, 0.6, -2.5])
@pytest.mark.parametrize("size_wh", [(256, 256), (320, 200)])
def test_true_view_sees_along_the_cameras_rays(eye, roll_rad, size_wh) -> None:
    """Rays of the fill, built from its angles as scene.py words them, are the camera's rays in the map's frame."""
    seen_by = camera(size_wh, eye, roll_rad)
    environment = Environment(map_file="package:lobby.exr", rotation_rad=0.7, strength=0.4)
    fill = true_view_fill(seen_by, environment)
    toward = np.array(
        [
            math.cos(fill.pitch_rad) * math.cos(fill.yaw_rad),
            math.cos(fill.pitch_rad) * math.sin(fill.yaw_rad),
            math.sin(fill.pitch_rad),
        ]
    )
    axes = look_at(np.zeros(3), toward, fill.roll_rad)[:3, :3]
    c, s = math.cos(-0.7), math.sin(-0.7)
    map_from_world = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    assert axes == pytest.approx(map_from_world @ np.array(seen_by.world_from_cam)[:3, :3])
    assert math.tan(fill.fov_rad / 2) == pytest.approx(min(size_wh) / 2 / seen_by.focal_px)
    assert fill.exposure == 0.4


def test_environment_fills_use_the_true_view_only_behind_everything() -> None:
    given = source(true_view_share=1.0)
    true_view = true_view_fill(given.camera, given.environment)
    assert sample_fill(FillWeights(environment=1), given, 1.0, rng(), whole=True) == true_view
    other = sample_fill(FillWeights(environment=1), given, 1.0, rng())
    assert isinstance(other, EnvironmentFill)
    assert other != true_view


# occluders


@pytest.mark.parametrize("scale", [0.15, 0.6, 1.4])
@pytest.mark.parametrize("size_wh", [(256, 256), (320, 200)])
def test_occluders_cross_the_edge_and_hide_no_more_than_allowed(scale, size_wh) -> None:
    recipe = OccluderRecipe(patch_share=1.0, hand_share=1.0, max_cover=0.35, patch_size=Uniform(low=0.3, high=2.0))
    given, size = source(size_wh=size_wh), np.array(size_wh)
    box = (SQUARE - 0.5) * scale * size.min() + size * (0.45, 0.6)
    subject = clip(convex_hull(box), frame_polygon(size_wh))
    spread = rng().uniform(subject.min(axis=0), subject.max(axis=0), (4000, 2))
    inside = np.array([p for p in spread if is_inside(p, subject)])
    largest, kinds = 0.0, set()
    for seed in range(40):
        total = 0.0
        for occluder in sample_occluders(recipe, given, box, rng(seed), rng(seed + 1000)):
            kinds.add(type(occluder))
            if isinstance(occluder, Patch):
                cover = cover_share([np.array(occluder.outline_rel) * size], subject)
            else:
                assert abs(distance_to_edge(np.array(occluder.anchor_rel) * size, subject)) < 1e-6
                cover = hidden_share(occluder, size_wh, inside)
            assert cover > 0
            total += cover
        largest = max(largest, total)
    assert 0.25 < largest <= 0.35 + 0.01
    assert kinds == {Patch, Hand}


def is_inside(point: np.ndarray, polygon: np.ndarray) -> bool:
    along, away = np.roll(polygon, -1, axis=0) - polygon, point - polygon
    return bool((along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0] >= 0).all())


def hands(recipe: OccluderRecipe, metre_px: float | None, side_px: float = 100.0, count: int = 60) -> list[Hand]:
    box = (SQUARE - 0.5) * side_px + 128
    drawn = [sample_occluders(recipe, source(), box, rng(k), rng(k + 500), metre_px) for k in range(count)]
    return [hand for found in drawn for hand in found]


ONLY_HANDS = OccluderRecipe(patch_share=0.0, hand_share=1.0, max_cover=0.9)


def test_a_hand_before_a_subject_of_known_size_has_its_true_size() -> None:
    widths_mm = [hand.finger_width_rel * 256 / 400 * 1000 for hand in hands(ONLY_HANDS, 400.0)]
    assert 13 <= min(widths_mm) < max(widths_mm) <= 23
    assert np.mean(widths_mm) == pytest.approx(18, abs=1)


def test_a_hand_before_a_subject_of_unknown_size_follows_its_area() -> None:
    for side_px in (60.0, 150.0):
        widths = [hand.finger_width_rel * 256 / side_px for hand in hands(ONLY_HANDS, None, side_px)]
        assert 0.07 <= min(widths) < max(widths) <= 0.2


@pytest.mark.parametrize("metre_px", [None, 500.0])
def test_a_hand_hides_what_is_wanted(metre_px) -> None:
    recipe = msgspec.structs.replace(ONLY_HANDS, hand_cover=Uniform(low=0.2, high=0.4), max_cover=0.5)
    inside = rng().uniform(78, 178, (4000, 2))
    shares = [hidden_share(hand, (256, 256), inside) for hand in hands(recipe, metre_px)]
    assert 0.19 < min(shares) < max(shares) < 0.5
    assert np.mean(shares) == pytest.approx(0.32, abs=0.04)


def test_a_hand_that_cannot_but_hide_too_much_is_not_drawn() -> None:
    """Its finger is as wide as the subject."""
    recipe = msgspec.structs.replace(ONLY_HANDS, max_cover=0.05)
    assert not hands(recipe, 1000.0, side_px=20.0)
    assert len(hands(recipe, 1000.0, side_px=400.0)) > 50


def test_hands_are_left_and_right() -> None:
    mirrored = [hand.mirrored for hand in hands(ONLY_HANDS, None)]
    assert 0.25 < np.mean(mirrored) < 0.75


def distance_to_edge(point: np.ndarray, polygon: np.ndarray) -> float:
    along = np.roll(polygon, -1, axis=0) - polygon
    t = np.clip(((point - polygon) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
    return float(np.linalg.norm(polygon + t[:, None] * along - point, axis=1).min())


def test_no_occluders_for_a_subject_outside_the_picture() -> None:
    recipe = OccluderRecipe(patch_share=1.0, hand_share=1.0)
    assert sample_occluders(recipe, source(), SQUARE * 10 - 500, rng(), rng()) == ()


def test_occluder_shares() -> None:
    recipe = OccluderRecipe(patch_share=0.2, hand_share=0.4)
    box = (SQUARE - 0.5) * 150 + 128
    drawn = [sample_occluders(recipe, source(), box, rng(k), rng(k + 9000)) for k in range(300)]
    patches = sum(isinstance(o, Patch) for found in drawn for o in found)
    hands = sum(isinstance(o, Hand) for found in drawn for o in found)
    assert stats.binomtest(patches, 300, 0.2).pvalue > 0.01
    assert stats.binomtest(hands, 300, 0.4).pvalue > 0.01


# finish


def test_finish_follows_the_recipe() -> None:
    recipe = FinishRecipe(exposure_ev=Normal(mean=-1, sd=0.5), jpeg_quality=Uniform(low=35, high=95))
    drawn = [sample_finish(recipe, rng(seed)) for seed in range(500)]
    assert stats.kstest([f.exposure_ev for f in drawn], stats.norm(-1, 0.5).cdf).pvalue > 0.01
    assert all(isinstance(f.jpeg_quality, int) and 35 <= f.jpeg_quality <= 95 for f in drawn)
    assert all(0 <= f.motion_angle_rad <= math.pi for f in drawn)
    assert len({f.noise_seed for f in drawn}) > 495


@pytest.mark.parametrize(("warm", "redder"), [(0.5, True), (-0.5, False)])
def test_white_balance_keeps_the_luminance_of_grey(warm, redder) -> None:
    gains = np.array(sample_finish(FinishRecipe(white_balance_warm=Fixed(value=warm)), rng()).white_balance_linear)
    assert gains @ LUMINANCE_REC709 == pytest.approx(1)
    assert (gains[0] > gains[2]) == redder
    assert gains[0] / gains[2] == pytest.approx(math.exp(2 * warm))
