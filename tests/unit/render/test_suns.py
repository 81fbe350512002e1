"""Suns: found in maps where they are, as bright and as large, and made into lamps."""

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene
from photosynth.render.color import LUMINANCE
from photosynth.render.environment import SUN_CLIP, normalised, pixel_directions, row_weights
from photosynth.render.sunlight import FAR, with_suns
from photosynth.render.suns import LEAST_SHARE, MAX_SUNS

TOWARDS = np.array([0.6, -0.2, 0.9]) / np.linalg.norm([0.6, -0.2, 0.9])
COLOR = np.array([1.2, 1.0, 0.7], np.float32)


def sky_with(*discs, height=256):
    """A grey map with discs (direction, radius in degrees, radiance); and what they add to the irradiance of a surface
    that faces them, per disc."""
    directions = pixel_directions(height, 2 * height)
    image = np.ones((height, 2 * height, 3), np.float32)
    areas = np.repeat(4 * np.pi * row_weights(height)[:, None] / (2 * height), 2 * height, axis=1)
    added = []
    for towards, radius_deg, radiance in discs:
        inside = directions @ np.asarray(towards) > np.cos(np.radians(radius_deg))
        image[inside] = radiance * COLOR
        added.append(float((areas * (directions @ np.asarray(towards)))[inside].sum()))
    return image, added


def sphere_mean(image):
    return (image.mean(axis=1) * row_weights(image.shape[0])[:, None]).sum(axis=0)


@pytest.mark.parametrize("towards", [TOWARDS, (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.6, -0.8)])
def test_a_sun_is_found_where_it_is(towards):
    """In the middle, across the seam, at a pole, below the horizon."""
    image, (seen_sr,) = sky_with((towards, 2.0, 9000.0))
    found = normalised(image)
    (sun,) = found.suns
    assert np.degrees(np.arccos(min(1.0, np.dot(sun.direction, towards)))) < 0.15
    assert np.degrees(sun.radius_rad) == pytest.approx(2.0, rel=0.06)
    mean = float(sphere_mean(image) @ LUMINANCE)
    whole = np.array(sun.irradiance_linear) + found.radiance.max(axis=(0, 1)) * seen_sr
    np.testing.assert_allclose(whole, 9000 * COLOR * seen_sr / mean, rtol=0.01)
    assert found.radiance.max() < 1.02 * SUN_CLIP


def test_no_light_is_lost():
    """Weak lamps, and more than MAX_SUNS of them, stay in the map."""
    bearings = np.radians([0, 60, 120, 180, 240, 300])
    discs = [((np.cos(a), np.sin(a), 0.0), 1.5, 4000.0 / (k + 1)) for k, a in enumerate(bearings)]
    image, _ = sky_with(*discs)
    found = normalised(image)
    assert len(found.suns) == MAX_SUNS
    irradiance = sum(np.array(sun.irradiance_linear) for sun in found.suns)
    whole = sphere_mean(image) / (sphere_mean(image) @ LUMINANCE)
    np.testing.assert_allclose(sphere_mean(found.radiance) + irradiance / (4 * np.pi), whole, rtol=2e-3)
    strengths = [sun.irradiance_linear[0] for sun in found.suns]
    assert strengths == sorted(strengths, reverse=True)
    assert found.suns[0].direction[0] > 0.999


def test_a_weak_sun_makes_no_lamp():
    image, _ = sky_with((TOWARDS, 0.8, 300.0))
    share = 1 - 1 / float(sphere_mean(image) @ LUMINANCE)
    assert 0 < share < LEAST_SHARE
    assert normalised(image).suns == ()


@pytest.fixture
def scene(tmp_path) -> Scene:
    """One thing off the origin under a map with a sun, turned."""
    path = tmp_path / "sun.hdr"
    image, _ = sky_with((TOWARDS, 2.0, 9000.0))
    cv2.imwrite(str(path), image[..., ::-1])
    matrix = np.eye(4)
    matrix[:3, 3] = (0.2, 0.1, 0.0)
    view = look_at(np.array([0.2, -0.9, 0.0]), np.array([0.2, 0.1, 0.0]), 0.0)
    return Scene(
        index=0,
        camera=Camera(size_wh=(64, 48), focal_px=80, principal_px=(32, 24), world_from_cam=as_matrix4(view)),
        placements=(Placement(asset_id="a", part="whole", class_name="a", world_from_object=as_matrix4(matrix)),),
        lights=(Light(position_m=(1, 0, 0), radius_m=0.1, power_w=3.0),),
        environment=Environment(map_file=str(path), rotation_rad=0.8, strength=0.3),
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )


def test_the_lamp_is_the_sun(scene):
    first, lamp = with_suns(scene).lights
    assert first == scene.lights[0]
    towards = np.array(lamp.position_m) - (0.2, 0.1, 0.0)
    distance = float(np.linalg.norm(towards))
    assert distance == pytest.approx(FAR * 1.0)
    c, s = np.cos(0.8), np.sin(0.8)
    turned = (c * TOWARDS[0] - s * TOWARDS[1], s * TOWARDS[0] + c * TOWARDS[1], TOWARDS[2])
    np.testing.assert_allclose(towards / distance, turned, atol=2e-3)
    assert np.degrees(np.arcsin(lamp.radius_m / distance)) == pytest.approx(2.0, rel=0.06)
    assert np.dot(lamp.color_linear, LUMINANCE) == pytest.approx(1, rel=1e-5)
    (sun,) = normalised(sky_with((TOWARDS, 2.0, 9000.0))[0]).suns
    white = np.array(lamp.color_linear) * lamp.power_w / (4 * np.pi**2 * distance**2)
    np.testing.assert_allclose(white, 0.3 * np.array(sun.irradiance_linear) / np.pi, rtol=0.02)


def test_nothing_to_light_no_lamp(scene):
    assert with_suns(replace(scene, placements=())).lights == scene.lights
    assert with_suns(replace(scene, environment=replace(scene.environment, strength=0.0))).lights == scene.lights
    assert with_suns(replace(scene, environment=Environment())).lights == scene.lights
