"""Scenes as a whole: the law of randomness, the seen-surface law, size and place, balance, distractors."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import msgspec
import numpy as np
import pytest
from scipy import stats

from photosynth.core.asset import ALL_ROUND_DEG, NONE_CLASS, Asset, AssetPart
from photosynth.core.camera import project
from photosynth.core.directions import AxisRotation, CompositeRings, UniformRotation, UniformSphere
from photosynth.core.distributions import Discrete, Fixed, LogUniform, Uniform
from photosynth.core.errors import ConfigError
from photosynth.core.record import from_json, to_json
from photosynth.core.scene import Scene
from photosynth.core.seen import angles_deg, camera_direction, check_seen
from photosynth.sample.camera import CameraRecipe, FramingRecipe, box_corners
from photosynth.sample.distractor import DistractorRecipe
from photosynth.sample.light import LightRecipe
from photosynth.sample.placement import SurfaceRecipe, choose_object
from photosynth.sample.polygon import box_share_inside
from photosynth.sample.recipe import KindRecipe, Recipe
from photosynth.sample.scene import check_inputs, sample_scene

WHOLE = (AssetPart(name="whole", model_file="whole.glb"),)
HALVES = (
    AssetPart(name="top", model_file="top.glb", elevation_deg=(0, 90)),
    AssetPart(name="bottom", model_file="bottom.glb", elevation_deg=(-90, 0)),
)


def asset(asset_id: str, class_name: str, size_m=(0.2, 0.1, 0.3), parts=WHOLE, role="object") -> Asset:
    return Asset(asset_id=asset_id, class_name=class_name, parts=parts, size_m=size_m, scale_known=True, role=role)


def distractor(asset_id: str, size_m=(0.1, 0.1, 0.1), parts=WHOLE) -> Asset:
    return asset(asset_id, NONE_CLASS, size_m, parts, "distractor")


MILK, JUICE, TEA = asset("milk", "milk"), asset("juice", "juice", (0.7, 0.5, 0.4), HALVES), asset("tea", "tea")
CUP, TIN = distractor("cup"), distractor("tin", (2.0, 3.0, 1.0), HALVES)
ASSETS = (MILK, JUICE, CUP, TIN)
OBJECTS_ONLY = KindRecipe(empty_share=0.0, lookalike_share=0.0)
RECIPE = Recipe(size_wh=(200, 200))


def replaced(recipe: Recipe, **sections) -> Recipe:
    return msgspec.structs.replace(recipe, **sections)


def scenes(recipe: Recipe, n: int, assets=ASSETS, seed=5, **given) -> list[Scene]:
    return [sample_scene(recipe, assets, index, seed, **given) for index in range(n)]


def corners_px(scene: Scene, placement, assets=ASSETS) -> np.ndarray:
    size_m = next(a.size_m for a in assets if a.asset_id == placement.asset_id)
    matrix = np.array(placement.world_from_object)
    return project(scene.camera, box_corners(size_m) @ matrix[:3, :3].T + matrix[:3, 3])[0]


def subject_angles(scene: Scene) -> tuple[float, float]:
    """Azimuth and elevation of the camera, in degrees, in the subject's frame."""
    return angles_deg(camera_direction(np.array(scene.placements[0].world_from_object), scene.camera.position_m()))


def subject_elevation(scene: Scene) -> float:
    return subject_angles(scene)[1]


# the law of randomness


def test_a_scene_depends_on_recipe_seed_and_index_alone() -> None:
    assert sample_scene(RECIPE, ASSETS, 17, 5) == scenes(RECIPE, 18)[17]
    assert sample_scene(RECIPE, ASSETS, 17, 5) != sample_scene(RECIPE, ASSETS, 17, 6)
    assert sample_scene(RECIPE, ASSETS, 17, 0) != sample_scene(RECIPE, ASSETS, 18, 0)


SECTIONS = {
    "lights": LightRecipe(count=Fixed(value=7)),
    "environment": msgspec.structs.replace(RECIPE.environment, strength=Fixed(value=3)),
    "finish": msgspec.structs.replace(RECIPE.finish, exposure_ev=Fixed(value=1)),
    "background": msgspec.structs.replace(RECIPE.background, clutter_count=Fixed(value=9)),
    "occluders": msgspec.structs.replace(RECIPE.occluders, hand_share=1.0, patch_share=0.0),
    "surface": msgspec.structs.replace(RECIPE.surface, roughness=Fixed(value=0.33)),
    "camera": CameraRecipe(roll_deg=Fixed(value=10)),
    "framing": FramingRecipe(size_rel=Fixed(value=0.5)),
    "distractors": DistractorRecipe(share=0.0),
}
UNTOUCHED = {
    "lights": {"camera", "placements", "environment", "background", "occluders", "finish"},
    "environment": {"camera", "placements", "lights", "finish"},  # patches may show views as bright as it
    "finish": {"camera", "placements", "lights", "environment", "background", "occluders"},
    "background": {"camera", "placements", "lights", "environment", "occluders", "finish"},
    "occluders": {"camera", "placements", "lights", "environment", "background", "finish"},
    "surface": {"camera", "lights", "environment", "background", "occluders", "finish"},
    "camera": {"lights", "environment", "finish"},
    "framing": {"lights", "environment", "finish"},
    "distractors": {"camera", "lights", "environment", "background", "occluders", "finish"},
}


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_changing_one_aspect_leaves_the_others_as_they_were(section) -> None:
    before = scenes(RECIPE, 20)
    after = scenes(replaced(RECIPE, **{section: SECTIONS[section]}), 20)
    assert any(a != b for a, b in zip(after, before, strict=True))
    for field in UNTOUCHED[section]:
        same = [getattr(a, field) == getattr(b, field) for a, b in zip(after, before, strict=True)]
        assert all(same), f"{section} changed {field}"


def test_scenes_come_back_from_json() -> None:
    for scene in scenes(RECIPE, 30):
        assert from_json(to_json(scene), Scene) == scene


# the seen-surface law


@pytest.mark.parametrize(
    "direction", [CompositeRings(deviation_sd_deg=30), UniformSphere(), UniformSphere(high_elevation_deg=-60)]
)
@pytest.mark.parametrize("azimuth_deg", [ALL_ROUND_DEG, (150.0, 215.0)])
@pytest.mark.parametrize("orientation", [AxisRotation(), UniformRotation()])
def test_no_part_is_ever_shown_from_where_it_was_not_scanned(direction, orientation, azimuth_deg) -> None:
    narrow = (AssetPart(name="front", model_file="f.glb", elevation_deg=(10, 25), azimuth_deg=azimuth_deg),)
    assets = (JUICE, asset("band", "band", parts=narrow), TIN, distractor("pin", parts=narrow))
    recipe = replaced(
        RECIPE,
        camera=CameraRecipe(direction=direction),
        surface=SurfaceRecipe(orientation=orientation),
        distractors=DistractorRecipe(share=1.0),
    )
    drawn = scenes(recipe, 80, assets)
    for scene in drawn:
        check_seen(scene, assets)
    assert {p.part for s in drawn for p in s.placements} >= {"bottom", "front"}
    assert any(len(s.placements) > 1 for s in drawn)


def test_two_halves_show_the_whole_sphere() -> None:
    recipe = replaced(RECIPE, kinds=OBJECTS_ONLY, camera=CameraRecipe(direction=UniformSphere()))
    drawn = scenes(recipe, 300, (JUICE,))
    elevations = np.array([subject_elevation(scene) for scene in drawn])
    assert stats.kstest(np.sin(np.radians(elevations)), stats.uniform(-1, 2).cdf).pvalue > 0.01
    assert [s.placements[0].part for s in drawn] == ["top" if e > 0 else "bottom" for e in elevations]


def test_directions_outside_every_scan_are_moved_into_one() -> None:
    low = asset("low", "low", parts=(AssetPart(name="whole", model_file="w.glb", elevation_deg=(-5, 5)),))
    recipe = replaced(RECIPE, kinds=OBJECTS_ONLY, camera=CameraRecipe(direction=UniformSphere(low_elevation_deg=60)))
    elevations = [subject_elevation(scene) for scene in scenes(recipe, 60, (low,))]
    assert min(elevations) >= -5
    assert max(elevations) <= 5
    assert np.ptp(elevations) > 5


def test_directions_outside_every_arc_are_moved_into_one() -> None:
    front = AssetPart(name="whole", model_file="w.glb", elevation_deg=(0, 30), azimuth_deg=(150, 215))
    low = asset("low", "low", parts=(front,))
    recipe = replaced(RECIPE, kinds=OBJECTS_ONLY, camera=CameraRecipe(direction=UniformSphere(low_elevation_deg=60)))
    drawn = scenes(recipe, 200, (low,))
    azimuths = np.array([subject_angles(scene)[0] % 360 for scene in drawn])
    assert stats.kstest(azimuths, stats.uniform(150, 65).cdf).pvalue > 0.01


# size and place


@pytest.mark.parametrize("size_wh", [(256, 256), (400, 240)])
def test_subject_has_the_wanted_size(size_wh) -> None:
    recipe = Recipe(
        size_wh=size_wh,
        kinds=OBJECTS_ONLY,
        camera=CameraRecipe(focal_rel=Uniform(low=1.5, high=2.5)),
        framing=FramingRecipe(size_rel=LogUniform(low=0.2, high=0.6), offset_rel=Uniform(low=-0.1, high=0.1)),
    )
    sizes = [
        np.ptp(corners_px(scene, scene.placements[0]), axis=0).max() / min(size_wh) for scene in scenes(recipe, 200)
    ]
    assert stats.kstest(sizes, stats.loguniform(0.2, 0.6).cdf).pvalue > 0.01


def test_subject_centre_lands_where_the_offset_says() -> None:
    offset = Uniform(low=-0.2, high=0.2)
    recipe = replaced(RECIPE, kinds=OBJECTS_ONLY, framing=FramingRecipe(size_rel=Fixed(value=0.3), offset_rel=offset))
    centres = np.array([project(scene.camera, np.zeros((1, 3)))[0][0] / 200 - 0.5 for scene in scenes(recipe, 200)])
    for axis in range(2):
        assert stats.kstest(centres[:, axis], stats.uniform(-0.2, 0.4).cdf).pvalue > 0.01


def test_enough_of_the_subject_stays_inside() -> None:
    framing = FramingRecipe(size_rel=LogUniform(low=0.3, high=1.1), offset_rel=Uniform(low=-0.9, high=0.9))
    recipe = replaced(RECIPE, kinds=OBJECTS_ONLY, framing=framing)
    shares = [box_share_inside(corners_px(s, s.placements[0]), (200, 200)) for s in scenes(recipe, 150)]
    assert min(shares) >= 0.55
    assert np.mean(np.array(shares) < 0.9) > 0.3  # and the frame does cut


def test_distance_may_be_given_instead() -> None:
    recipe = replaced(
        RECIPE,
        kinds=OBJECTS_ONLY,
        camera=CameraRecipe(distance_diagonals=Fixed(value=4.0)),
        framing=FramingRecipe(offset_rel=Fixed(value=0.0)),
    )
    for scene in scenes(recipe, 10, (MILK,)):
        assert np.linalg.norm(scene.camera.position_m()) == pytest.approx(4 * MILK.diagonal_m())


def test_near_cameras_stay_outside_the_object() -> None:
    recipe = replaced(
        RECIPE,
        kinds=OBJECTS_ONLY,
        camera=CameraRecipe(focal_rel=Fixed(value=0.5)),
        framing=FramingRecipe(size_rel=Fixed(value=1.1)),
    )
    for scene in scenes(recipe, 30, (MILK,)):
        assert np.linalg.norm(scene.camera.position_m()) >= 0.9 * MILK.diagonal_m() - 1e-12


def test_roll_turns_the_picture() -> None:
    rolls = []
    recipe = replaced(
        RECIPE,
        kinds=OBJECTS_ONLY,
        camera=CameraRecipe(
            roll_deg=Uniform(low=-180, high=180), direction=UniformSphere(low_elevation_deg=-30, high_elevation_deg=30)
        ),
        framing=FramingRecipe(offset_rel=Fixed(value=0.0)),
    )
    for scene in scenes(recipe, 200):
        up_in_camera = np.array(scene.camera.world_from_cam)[2, :3]
        rolls.append(math.atan2(up_in_camera[0], -up_in_camera[1]))
    assert stats.kstest(rolls, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 0.01


# balance and kinds


def test_classes_and_their_assets_take_turns() -> None:
    objects = (MILK, asset("milk2", "milk"), asset("milk3", "milk"), JUICE, TEA)
    chosen = Counter(choose_object(objects, 3, index).asset_id for index in range(36))
    assert chosen == {"milk": 4, "milk2": 4, "milk3": 4, "juice": 12, "tea": 12}
    order = [choose_object(objects, 3, index).class_name for index in range(300)]
    assert len({tuple(order[k : k + 3]) for k in range(0, 300, 3)}) == 6  # not always in the same order


def test_kinds_have_their_shares() -> None:
    recipe = replaced(
        RECIPE,
        kinds=KindRecipe(empty_share=0.2, lookalike_share=0.3),
        distractors=DistractorRecipe(share=0.0, lookalike_share=0.0),
    )
    drawn = scenes(recipe, 300)
    counts = Counter(scene.kind for scene in drawn)
    assert stats.chisquare([counts[k] for k in ("empty", "lookalike", "object")], [60, 90, 150]).pvalue > 0.01
    for scene in drawn:
        roles = [placement.role for placement in scene.placements]
        assert roles == {"empty": [], "lookalike": ["distractor"], "object": ["object"]}[scene.kind]


def test_without_distractors_lookalikes_are_empty() -> None:
    recipe = replaced(RECIPE, kinds=KindRecipe(empty_share=0.2, lookalike_share=0.3))
    counts = Counter(scene.kind for scene in scenes(recipe, 200, (MILK,)))
    assert set(counts) == {"empty", "object"}
    assert stats.binomtest(counts["empty"], 200, 0.5).pvalue > 0.01


def test_lookalike_pictures_have_a_framing_and_company_of_their_own() -> None:
    wide = FramingRecipe(size_rel=Fixed(value=2.0), min_inside=0.2)
    alone = DistractorRecipe(share=0.0, lookalike_share=1.0, lookalike_count=Fixed(value=2))
    kinds = KindRecipe(empty_share=0.0, lookalike_share=0.5)
    drawn = scenes(replaced(RECIPE, kinds=kinds, distractors=alone, lookalike_framing=wide), 60)
    plain = scenes(replaced(RECIPE, kinds=kinds, distractors=alone), 60)
    lookalikes = [k for k, scene in enumerate(drawn) if scene.kind == "lookalike"]
    assert max(len(drawn[k].placements) for k in lookalikes) > 1
    assert all(len(scene.placements) == 1 for scene in drawn if scene.kind == "object")
    nearer = [np.linalg.norm(drawn[k].camera.position_m()) for k in lookalikes]
    farther = [np.linalg.norm(plain[k].camera.position_m()) for k in lookalikes]
    assert np.mean(nearer) < np.mean(farther)
    for k in set(range(60)) - set(lookalikes):
        assert drawn[k].camera == plain[k].camera, "pictures of objects are left as they were"


# distractors


def test_distractors_touch_nothing_and_can_be_seen() -> None:
    recipe = replaced(
        RECIPE,
        kinds=OBJECTS_ONLY,
        framing=FramingRecipe(size_rel=Uniform(low=0.2, high=0.5)),
        distractors=DistractorRecipe(share=1.0, count=Fixed(value=2), scale=Uniform(low=0.5, high=1.5)),
    )
    drawn = scenes(recipe, 80)
    assert np.mean([len(scene.placements) for scene in drawn]) > 2.7
    diagonals = {a.asset_id: a.diagonal_m() for a in ASSETS}
    overlaps = 0
    for scene in drawn:
        subject = scene.placements[0]
        spheres = []
        for placement in scene.placements:
            matrix = np.array(placement.world_from_object)
            scale = np.cbrt(np.linalg.det(matrix[:3, :3]))
            spheres.append((matrix[:3, 3], scale * diagonals[placement.asset_id] / 2))
        for (centre_a, radius_a), (centre_b, radius_b) in itertools.combinations(spheres, 2):
            assert np.linalg.norm(centre_a - centre_b) >= (radius_a + radius_b) * (1 - 1e-6)
        for placement, (centre, radius) in zip(scene.placements[1:], spheres[1:], strict=True):
            assert placement.role == "distractor"
            assert placement.class_name == NONE_CLASS
            assert 0.5 - 1e-9 <= radius / spheres[0][1] <= 1.5 + 1e-9
            box, subject_box = corners_px(scene, placement), corners_px(scene, subject)
            assert box_share_inside(box, scene.camera.size_wh) >= 0.25 - 1e-9
            shared = np.minimum(box.max(0), subject_box.max(0)) - np.maximum(box.min(0), subject_box.min(0))
            overlaps += (shared > 0).all()
            toward = scene.camera.position_m() / np.linalg.norm(scene.camera.position_m())
            assert centre @ toward < 1e-9  # beside or behind, never before
    assert overlaps > 20


def test_distractor_share_and_count() -> None:
    recipe = replaced(
        RECIPE,
        kinds=OBJECTS_ONLY,
        framing=FramingRecipe(size_rel=Fixed(value=0.2)),
        distractors=DistractorRecipe(share=0.4, count=Discrete(values=(1, 2))),
    )
    counts = Counter(len(scene.placements) - 1 for scene in scenes(recipe, 200))
    assert stats.chisquare([counts[0], counts[1], counts[2]], [120, 40, 40]).pvalue > 0.01


# what cannot be sampled


@pytest.mark.parametrize(
    ("assets", "complaint"),
    [
        ((), "no objects"),
        ((CUP,), "no objects"),
        ((asset("flat", "flat", (0, 0, 0)),), "flat has size"),
        ((asset("bare", "bare", parts=()),), "bare has no parts"),
    ],
)
def test_unusable_assets_are_refused_by_name(assets, complaint) -> None:
    with pytest.raises(ConfigError, match=complaint):
        check_inputs(RECIPE, assets, ())


def test_a_recipe_of_photos_alone_needs_photos() -> None:
    kinds = msgspec.structs.replace(RECIPE.background.kinds, environment=0.0, mesh=0.0, plain=0.0, print=0.0)
    recipe = replaced(RECIPE, background=msgspec.structs.replace(RECIPE.background, kinds=kinds))
    with pytest.raises(ConfigError, match=r"background\.kinds uses photos only"):
        check_inputs(recipe, ASSETS, ())
