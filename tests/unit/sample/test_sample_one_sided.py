"""Scenes with things that were scanned from one side: they face the camera, and nothing is shown that was not seen."""

from __future__ import annotations

import importlib.util
from collections import Counter

import msgspec
import numpy as np
import pytest
from arranged_assets import ASSETS, TABLE, asset, replaced, scenes

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.distributions import Fixed
from photosynth.core.seen import check_seen
from photosynth.sample.arrange.recipe import ShelfRecipe, TableRecipe
from photosynth.sample.group import GroupRecipe
from photosynth.sample.kind import KindRecipe
from photosynth.sample.recipe import load_recipe, recipe_names
from photosynth.sample.scene import sample_scene
from photosynth.sample.source import ArrangementSource

OBJECTS_ONLY = KindRecipe(empty_share=0.0, lookalike_share=0.0)
HAS_PHYSICS = importlib.util.find_spec("mujoco") is not None


def front(name: str, start: float, end: float, low=-10.0, high=60.0, role="object") -> Asset:
    part = AssetPart(name="whole", model_file="f.glb", elevation_deg=(low, high), azimuth_deg=(start, end))
    return asset(name, (0.09, 0.07, 0.12), (part,), role)


FROG, OWL = front("frog", -130.0, -50.0), front("owl", 120.0, 250.0, 0.0, 70.0)
MASK = front("mask", 0.0, 75.0, role="distractor")
MIXED = (*ASSETS, FROG, OWL, MASK)


def yaw_deg(placement) -> float:
    matrix = np.array(placement.world_from_object)
    return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


@pytest.mark.parametrize("name", sorted(set(recipe_names()) - {"anywhere", "plain2018"}))
def test_what_was_scanned_from_one_side_is_in_most_of_its_pictures(name) -> None:
    if name == "bin" and not HAS_PHYSICS:
        pytest.skip("mujoco is not installed")
    recipe = replaced(load_recipe(name), kinds=OBJECTS_ONLY)
    source = ArrangementSource(recipe, MIXED, 4) if recipe.arrangement is not None else None
    asked, there = Counter(), Counter()
    for index in range(24):
        scene = sample_scene(recipe, MIXED, index, 4, arrangements=source)
        check_seen(scene, MIXED)
        assert scene.kind != "object" or scene.placements[0].role == "object"
        there.update(p.asset_id for p in scene.placements)
        if source is None:
            asked.update(p.asset_id for p in scene.placements)
        else:
            asked.update(t.asset.asset_id for t in source.of_scene(index).things)
    for whole in ("milk", "tea", "cup"):
        assert there[whole] == asked[whole]
    for one_sided in ("frog", "owl"):
        assert asked[one_sided] >= 3
        if name != "bin":  # in a heap many lie on their faces
            assert there[one_sided] >= 0.9 * asked[one_sided]


def test_a_one_sided_subject_of_a_heap_is_mostly_seen() -> None:
    if not HAS_PHYSICS:
        pytest.skip("mujoco is not installed")
    recipe = replaced(load_recipe("bin"), kinds=OBJECTS_ONLY)
    source, shown = ArrangementSource(recipe, (FROG, OWL, *ASSETS), 4), []
    for index in range(60):
        subject = source.of_scene(index).subject(index % recipe.group.reuse)
        if subject.asset in (FROG, OWL):
            scene = sample_scene(recipe, (FROG, OWL, *ASSETS), index, 4, arrangements=source)
            check_seen(scene, MIXED)
            shown.append(scene.placements[0].asset_id == subject.asset.asset_id)
    assert len(shown) >= 10
    assert np.mean(shown) >= 0.5


def test_a_one_sided_subject_is_in_its_own_picture() -> None:
    recipe = replaced(TABLE, kinds=OBJECTS_ONLY, group=GroupRecipe(objects=Fixed(value=4), clutter=Fixed(value=2)))
    for scene in scenes(recipe, 10, (FROG, OWL, MASK, *ASSETS)):
        check_seen(scene, MIXED)
        assert scene.kind == "object"
    shown = Counter(scene.placements[0].asset_id for scene in scenes(recipe, 20, (FROG, OWL)))
    assert shown == {"frog": 10, "owl": 10}


def test_one_sided_things_face_one_way_but_not_exactly_and_not_always_the_same() -> None:
    group = GroupRecipe(objects=Fixed(value=6), clutter=Fixed(value=0))
    recipe = replaced(TABLE, kinds=OBJECTS_ONLY, group=group, arrangement=TableRecipe(upright_share=1.0))
    source, ways, spreads, missing = ArrangementSource(recipe, (FROG,), 1), [], [], []
    for index in range(24):
        scene = sample_scene(recipe, (FROG,), index, 1, arrangements=source)
        missing.append(len(source.of_scene(index).things) - len(scene.placements))
        turned = np.exp(1j * np.radians([yaw_deg(p) for p in scene.placements]))
        ways.append(np.angle(turned.mean()))
        spreads.append(np.degrees(np.ptp(np.angle(turned / turned.mean()))))
    assert np.mean(missing) <= 0.6  # of six
    assert np.max(spreads) <= 80.0  # the arc
    assert np.mean(spreads) > 15.0
    assert np.abs(np.exp(1j * np.array(ways)).mean()) < 0.4


def test_a_shelf_shows_the_front() -> None:
    recipe = replaced(load_recipe("shelf"), kinds=OBJECTS_ONLY, arrangement=ShelfRecipe(upright_share=1.0))
    for scene in scenes(recipe, 8, (FROG,)):
        for placement in scene.placements:
            assert abs((yaw_deg(placement) - 90.0 + 180.0) % 360.0 - 180.0) <= 40.0


def test_what_nobody_can_see_is_left_out() -> None:
    below = front("sole", -90.0, 0.0, -90.0, -70.0)
    recipe = replaced(TABLE, arrangement=TableRecipe(upright_share=1.0), kinds=OBJECTS_ONLY)
    group = GroupRecipe(objects=Fixed(value=1), clutter=Fixed(value=1))
    alone = scenes(replaced(recipe, group=msgspec.structs.replace(group, clutter=Fixed(value=0))), 6, (below,))
    assert {(scene.kind, scene.placements) for scene in alone} == {("empty", ())}
    cup = asset("cup", (0.1, 0.1, 0.1), role="distractor")
    among = scenes(replaced(recipe, group=group), 6, (below, cup))
    assert {(scene.kind, scene.placements[0].asset_id) for scene in among} == {("lookalike", "cup")}


def test_the_law_of_randomness_holds_with_one_sided_things() -> None:
    in_order = scenes(TABLE, 6, MIXED)
    assert sample_scene(TABLE, MIXED, 5, 3) == in_order[5]
