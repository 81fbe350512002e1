"""The seen-surface law."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.camera import Camera
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.scene import Background, Placement, PlainFill, Scene
from photosynth.core.seen import angles_deg, camera_direction, check_seen, goes_round, seen_from, seen_part

HALVES = Asset(
    asset_id="box",
    class_name="box",
    parts=(
        AssetPart(name="top", model_file="top.glb", elevation_deg=(0, 90)),
        AssetPart(name="bottom", model_file="bottom.glb", elevation_deg=(-90, 0)),
    ),
    size_m=(1, 1, 1),
    scale_known=False,
)


def transform(rotation=None, scale=1.0, position=(0, 0, 0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = scale * (np.eye(3) if rotation is None else rotation)
    matrix[:3, 3] = position
    return matrix


def scene(part: str, eye: tuple[float, float, float], world_from_object: np.ndarray, asset_id="box") -> Scene:
    camera = Camera(
        size_wh=(64, 64),
        focal_px=64,
        principal_px=(32, 32),
        world_from_cam=as_matrix4(look_at(np.array(eye), world_from_object[:3, 3])),
    )
    placement = Placement(
        asset_id=asset_id, part=part, class_name="box", world_from_object=as_matrix4(world_from_object)
    )
    fill = PlainFill(color_srgb=(0, 0, 0))
    return Scene(index=41, camera=camera, placements=(placement,), background=Background(fill=fill))


UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0])


YAWED = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # +x onto +y


@pytest.mark.parametrize(
    ("world_from_object", "eye", "azimuth", "elevation"),
    [
        (transform(), (1, 0, 1), 0, 45),
        (transform(), (0, 2, 0), 90, 0),
        (transform(), (-1, -1, 0), -135, 0),
        (transform(scale=5), (1, 0, 1), 0, 45),
        (transform(position=(0, 0, 2)), (1, 0, 1), 0, -45),
        (transform(UPSIDE_DOWN), (0, 1, 1), -90, -45),
        (transform(UPSIDE_DOWN, 0.1, (0, 0, 2)), (1, 0, 1), 0, 45),
        (transform(YAWED, 3.0, (1, 1, 1)), (1, 3, 1), 0, 0),
        (transform(YAWED), (1, 0, 0), -90, 0),
    ],
)
def test_direction_is_that_of_the_camera_in_the_objects_frame(world_from_object, eye, azimuth, elevation) -> None:
    direction = camera_direction(world_from_object, np.array(eye))
    assert angles_deg(direction) == (pytest.approx(azimuth), pytest.approx(elevation))


def test_straight_below_is_an_elevation_of_minus_90() -> None:
    assert angles_deg(camera_direction(transform(), np.array((0, 0, -3))))[1] == -90


def towards(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    level = np.cos(elevation)
    return 3.0 * np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def test_part_is_chosen_by_elevation() -> None:
    assert seen_part(HALVES, towards(70, 30)).name == "top"
    assert seen_part(HALVES, towards(70, -0.1)).name == "bottom"
    band = AssetPart(name="whole", model_file="w.glb", elevation_deg=(-10, 60))
    only_band = Asset(asset_id="b", class_name="b", parts=(band,), size_m=(1, 1, 1), scale_known=False)
    assert seen_part(only_band, towards(-100, 61)) is None
    assert seen_part(only_band, towards(-100, 59.99)).name == "whole"


def part(start: float, end: float, name="front", elevation_deg=(-20.0, 90.0)) -> AssetPart:
    return AssetPart(name=name, model_file="f.glb", elevation_deg=elevation_deg, azimuth_deg=(start, end))


@pytest.mark.parametrize(
    ("arc", "inside", "outside"),
    [
        ((-120, -60), (-119, -90, -61), (-121, -59, 0, 90, 180)),
        ((150, 210), (151, 180, -180, -151), (149, -149, 0, 90, -90)),
        ((-180, 90), (-179, 0, 89), (91, 135, 179)),
        ((-30, 330), (0, 90, 180, -90, -30), ()),
        ((180, 181), (180.5, -179.5), (179, -178)),
    ],
)
def test_the_arc_goes_anticlockwise_from_its_start_to_its_end(arc, inside, outside) -> None:
    assert [a for a in inside if not seen_from(part(*arc), towards(a, 10))] == []
    assert [a for a in outside if seen_from(part(*arc), towards(a, 10))] == []
    assert [a for a in inside if seen_from(part(*arc), towards(a, -21))] == []
    assert goes_round(part(*arc)) == (not outside)


def test_only_at_the_poles_the_azimuth_is_not_asked() -> None:
    front = part(-120, -60)
    assert seen_from(front, np.array([0.0, 0.0, 2.0]))
    assert seen_from(front, towards(90, 89.5))
    assert not seen_from(front, towards(90, 88.5))
    assert not seen_from(front, np.array([0.0, 0.0, -2.0]))


def test_tolerance_is_an_angle_between_directions() -> None:
    front = part(-120, -60)
    for azimuth in (-60.5, -59.5, -120.5):
        assert seen_from(front, towards(azimuth, 0), 0.6)
    assert not seen_from(front, towards(-59.5, 0), 0.4)
    assert seen_from(front, towards(-59.5, 60), 0.4)  # half as far, at 60 degrees


def test_part_is_chosen_by_azimuth() -> None:
    pieces = (part(-180, 0, "right"), part(0, 180, "left"))
    two = Asset(asset_id="t", class_name="t", parts=pieces, size_m=(1, 1, 1), scale_known=False)
    assert seen_part(two, towards(-50, 0)).name == "right"
    assert seen_part(two, towards(50, 0)).name == "left"
    assert seen_part(two, towards(50, -30)) is None


def test_a_camera_behind_a_front_is_refused_by_name() -> None:
    front = Asset(asset_id="box", class_name="box", parts=(part(-60, 60),), size_m=(1, 1, 1), scale_known=False)
    check_seen(scene("front", (3, 1, 1), transform()), (front,))
    check_seen(scene("front", (-1, 3, 1), transform(YAWED)), (front,))
    with pytest.raises(ConfigError, match=r"azimuth 161\.57 degrees.*azimuths -60\.\.60 only"):
        check_seen(scene("front", (-3, 1, 1), transform()), (front,))


@pytest.mark.parametrize("given", [(HALVES,), [HALVES], {"box": HALVES}])
def test_lawful_scenes_pass(given) -> None:
    check_seen(scene("top", (1, 0, 1), transform()), given)
    check_seen(scene("bottom", (1, 0, 1), transform(UPSIDE_DOWN)), given)
    check_seen(scene("bottom", (1, 0, 1), transform(position=(0, 0, 3))), given)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (scene("top", (1, 0, -1), transform()), r"scene 41, placement 0 \(box, part 'top'\).*-45.00.*elevations 0..90"),
        (scene("top", (1, 0, 1), transform(UPSIDE_DOWN)), "elevation -45"),
        (scene("top", (1, 0, 1), transform(position=(0, 0, 3))), "elevation -6"),
        (scene("side", (1, 0, 1), transform()), "no part 'side'"),
        (scene("top", (1, 0, 1), transform(), "bag"), "no such asset"),
    ],
)
def test_broken_scenes_are_refused_by_name(broken, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        check_seen(broken, (HALVES,))
