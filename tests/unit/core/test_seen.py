"""The seen-surface law."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.camera import Camera
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.scene import Background, Placement, PlainFill, Scene
from photosynth.core.seen import camera_elevation_deg, check_seen, seen_part

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


@pytest.mark.parametrize(
    ("world_from_object", "eye", "expected"),
    [
        (transform(), (1, 0, 1), 45),
        (transform(), (0, 2, 0), 0),
        (transform(), (0, 0, -3), -90),
        (transform(scale=5), (1, 0, 1), 45),
        (transform(position=(0, 0, 2)), (1, 0, 1), -45),
        (transform(UPSIDE_DOWN), (1, 0, 1), -45),
        (transform(UPSIDE_DOWN, 0.1, (0, 0, 2)), (1, 0, 1), 45),
    ],
)
def test_elevation_is_that_of_the_camera_in_the_objects_frame(world_from_object, eye, expected) -> None:
    assert camera_elevation_deg(world_from_object, np.array(eye)) == pytest.approx(expected)


def test_part_is_chosen_by_elevation() -> None:
    assert seen_part(HALVES, 30).name == "top"
    assert seen_part(HALVES, -0.1).name == "bottom"
    band = AssetPart(name="whole", model_file="w.glb", elevation_deg=(-10, 60))
    only_band = Asset(asset_id="b", class_name="b", parts=(band,), size_m=(1, 1, 1), scale_known=False)
    assert seen_part(only_band, 61) is None
    assert seen_part(only_band, 60).name == "whole"


@pytest.mark.parametrize("given", [(HALVES,), [HALVES], {"box": HALVES}])
def test_lawful_scenes_pass(given) -> None:
    check_seen(scene("top", (1, 0, 1), transform()), given)
    check_seen(scene("bottom", (1, 0, 1), transform(UPSIDE_DOWN)), given)
    check_seen(scene("bottom", (1, 0, 1), transform(position=(0, 0, 3))), given)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (scene("top", (1, 0, -1), transform()), r"scene 41, placement 0 \(box, part 'top'\).*-45.00.*0..90"),
        (scene("top", (1, 0, 1), transform(UPSIDE_DOWN)), "elevation -45"),
        (scene("top", (1, 0, 1), transform(position=(0, 0, 3))), "elevation -6"),
        (scene("side", (1, 0, 1), transform()), "no part 'side'"),
        (scene("top", (1, 0, 1), transform(), "bag"), "no such asset"),
    ],
)
def test_broken_scenes_are_refused_by_name(broken, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        check_seen(broken, (HALVES,))
