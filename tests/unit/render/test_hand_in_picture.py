"""Hands are drawn at the subject's outline, in the scene's light, and no brighter than the subject allows."""

import msgspec
import numpy as np
import pytest

from photosynth.core.camera import Camera
from photosynth.core.frame import Layers
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.scene import Background, Environment, Finish, Hand, Light, Placement, PlainFill, Scene
from photosynth.render.environment import first_moment, load_environment, pixel_directions, row_weights
from photosynth.render.hand import paste_hand, skin_light

SIZE = (120, 100)
BLACK = Background(fill=PlainFill(color_srgb=(0, 0, 0)))
EYE_M = np.array([-2.0, 0.0, 0.0])


def layers(mask=None, level=0.5) -> Layers:
    """One subject that fills a mask; none without it."""
    masks = np.zeros((0, *SIZE[::-1]), bool) if mask is None else mask[None]
    mask = np.zeros(SIZE[::-1], bool) if mask is None else mask
    coverage = mask.astype(np.float32)
    radiance = np.repeat(coverage[..., None] * np.float32(level), 3, axis=2)
    depth = np.where(mask, 2.0, np.inf).astype(np.float32)
    return Layers(radiance, coverage, depth, mask.astype(np.uint16), np.zeros((*mask.shape, 3), np.float32), masks,
                  masks.sum(axis=(1, 2)).astype(float))  # fmt: skip


def scene(placed=True, **changes) -> Scene:
    """A camera that looks along +x at the origin: right is -y, up is +z."""
    camera = Camera(
        size_wh=SIZE, focal_px=100.0, principal_px=(60.0, 50.0), world_from_cam=as_matrix4(look_at(EYE_M, np.zeros(3)))
    )
    placements = (Placement(asset_id="a", part="whole", class_name="a"),) if placed else ()
    return Scene(
        index=0,
        camera=camera,
        placements=placements,
        background=Background(fill=PlainFill(color_srgb=(0, 0, 0))),
        **changes,
    )


def hand(**changes) -> Hand:
    settings = dict(
        anchor_rel=(0.25, 0.5), inward_rad=0.0, finger_width_rel=0.08,
        fingers=((2.5, 0.0), (2.8, 0.0), (2.6, 0.0), (1.7, 0.0)), skin_srgb=(0.8, 0.6, 0.5), seed=1,
    )  # fmt: skip
    return Hand(**(settings | changes))


def disc(x_px: float, y_px: float, radius_px: float) -> np.ndarray:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    return (x - x_px) ** 2 + (y - y_px) ** 2 < radius_px**2


def lamp(position_m, radiance=1.0) -> Light:
    distance = float(np.linalg.norm(position_m))
    return Light(position_m=position_m, radius_m=0.1, power_w=4 * np.pi**2 * distance**2 * radiance)


def drawn(shot: Scene, seen: Layers, one: Hand) -> tuple[np.ndarray, np.ndarray]:
    canvas = seen.radiance + np.float32(0.1)
    return canvas, paste_hand(canvas, one, shot, seen)


@pytest.mark.parametrize("x_px", [50.0, 70.0, 90.0])
def test_fingers_reach_as_far_over_the_outline_wherever_it_is(x_px):
    """The anchor is on the box; what is in the box starts farther in."""
    mask = disc(x_px, 50, 20)
    _, covered = drawn(scene(), layers(mask), hand())
    tip = np.nonzero((covered > 0.5).any(axis=0))[0].max() + 1
    assert tip - (x_px - 20) == pytest.approx(2.8 * 8, abs=2)


def test_without_a_subject_a_hand_stays_at_its_anchor():
    _, covered = drawn(scene(placed=False), layers(), hand())
    assert np.nonzero((covered > 0.5).any(axis=0))[0].max() + 1 == pytest.approx(30 + 2.8 * 8, abs=2)


def test_a_hand_with_one_finger_is_as_broad_as_one_with_four():
    few, many = (drawn(scene(), layers(disc(80, 50, 20)), hand(fingers=hand().fingers[:n]))[1] for n in (1, 4))
    assert few[:, 36].sum() == pytest.approx(many[:, 36].sum(), rel=0.15)
    assert few[:, 36].sum() > 4 * 8


@pytest.mark.parametrize("up_m", [6.0, -6.0])
def test_a_finger_is_lit_on_the_side_where_the_lamp_is(up_m):
    """It points right, along row 50."""
    shot = scene(lights=(lamp((-1.0, 0.0, up_m)),), environment=Environment(strength=0.02))
    canvas, covered = drawn(shot, layers(), hand(fingers=((4.0, 0.0),), finger_width_rel=0.16))
    skin = np.where(covered[:, 50:80] > 0.9, canvas[:, 50:80].sum(axis=2), np.nan)
    upper, lower = np.nanmean(skin[:50]), np.nanmean(skin[50:])
    assert (upper > 1.5 * lower) == (up_m > 0)
    assert (lower > 1.5 * upper) == (up_m < 0)


def test_the_environments_light_is_that_of_a_lambertian_surface():
    """Against the integral over the map, for a surface that faces the camera; higher orders give the difference."""
    shot = scene(environment=Environment(map_file="package:lobby.exr", rotation_rad=0.8, strength=0.5))
    radiance = load_environment("package:lobby.exr").radiance
    height, width = radiance.shape[:2]
    c, s = np.cos(0.8), np.sin(0.8)
    directions = pixel_directions(height, width) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
    facing = np.maximum(directions @ np.array([-1.0, 0.0, 0.0]), 0)
    weights = row_weights(height)[:, None, None] / width
    expected = 0.5 * 4 * (radiance * facing[..., None] * weights).sum(axis=(0, 1))
    light = skin_light(shot)
    assert light.ambient + light.slant @ np.array([0, 0, -1.0]) == pytest.approx(expected, rel=0.25)


def test_the_first_moment_of_a_map():
    mean, moment = first_moment("package:lobby.exr")
    assert mean @ [0.2126, 0.7152, 0.0722] == pytest.approx(1, abs=1e-3)
    assert (np.linalg.norm(moment, axis=1) < mean).all()


@pytest.mark.parametrize("level", [0.2, 3.0])
def test_skin_is_burnt_out_only_if_the_subject_is(level):
    shot = scene(lights=(lamp((-5.0, 0.0, 0.0), 20.0),), finish=Finish(exposure_ev=0.0))
    canvas, covered = drawn(shot, layers(disc(80, 50, 20), level), hand(skin_srgb=(0.96, 0.84, 0.76)))
    skin = canvas[covered > 0.99].max(axis=1)
    assert np.percentile(skin, 98) == pytest.approx(max(0.85, level + 0.1), rel=0.02)


def test_a_hand_in_an_empty_picture_is_about_as_bright_as_it():
    for strength in (0.01, 10.0):
        shot = scene(placed=False, environment=Environment(strength=strength))
        canvas, covered = drawn(shot, layers(), hand())
        assert 0.03 < canvas[covered > 0.99].mean() < 0.3


def test_its_shadow_falls_on_what_is_solid_only():
    lit = scene(lights=(lamp((-1.0, 0.0, 6.0)),))
    canvas, covered = drawn(lit, layers(disc(80, 50, 30)), hand())
    beside = covered == 0
    solid = disc(80, 50, 30)
    assert canvas[solid & beside].min() < 0.5
    assert canvas[~solid & beside].min() == pytest.approx(0.1, abs=1e-6)


def test_a_hand_is_fixed_by_its_record():
    results = [drawn(scene(), layers(disc(80, 50, 20)), hand())[0] for _ in range(2)]
    np.testing.assert_array_equal(*results)
    other, _ = drawn(scene(), layers(disc(80, 50, 20)), msgspec.structs.replace(hand(), seed=2))
    assert np.abs(other - results[0]).max() > 0
