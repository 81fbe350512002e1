"""Scenes of several things at rest: the laws, cameras that stand free and see something, surfaces, lamps, groups."""

from __future__ import annotations

import importlib.util
from collections import Counter
from itertools import combinations

import msgspec
import numpy as np
import pytest
from arranged_assets import ASSETS, TABLE, asset, replaced, scenes
from scipy import stats

from photosynth.core.asset import AssetPart
from photosynth.core.camera import project
from photosynth.core.distributions import Fixed, LogUniform, Uniform
from photosynth.core.errors import ConfigError, DependencyError
from photosynth.core.record import from_json, to_json
from photosynth.core.scene import EnvironmentFill, Scene
from photosynth.core.seen import check_seen
from photosynth.sample.arrange.recipe import FloatRecipe, ShelfRecipe, TableRecipe
from photosynth.sample.arrange.separate import overlap_m
from photosynth.sample.fill import FillWeights, true_view_fill
from photosynth.sample.group import GroupRecipe
from photosynth.sample.kind import KindRecipe
from photosynth.sample.light import LightRecipe
from photosynth.sample.recipe import load_recipe, recipe_names
from photosynth.sample.scene import check_inputs, sample_scene
from photosynth.sample.sight import blocked, clearance_m, seen_share
from photosynth.sample.source import ArrangementSource
from photosynth.sample.summary import notes_of
from photosynth.sample.surroundings import SurroundingsRecipe

ARRANGED = tuple(name for name in recipe_names() if load_recipe(name).arrangement is not None)
HAS_PHYSICS = importlib.util.find_spec("mujoco") is not None


def needs_physics(name: str) -> None:
    if name == "bin" and not HAS_PHYSICS:
        pytest.skip("mujoco is not installed")


# the recipes that come along


def test_the_named_recipes_are_there() -> None:
    assert set(recipe_names()) >= {"single", "plain2018", "tabletop", "shelf", "bin", "in_hand", "far"}
    assert set(ARRANGED) == {"tabletop", "shelf", "bin", "far"}


@pytest.mark.parametrize("name", ARRANGED)
def test_scenes_of_each_recipe_obey_the_laws(name) -> None:
    needs_physics(name)
    recipe = load_recipe(name)
    source = ArrangementSource(recipe, ASSETS, 3)
    subjects: Counter[str] = Counter()
    decent = shown = 0
    for index in range(50):
        scene, staged = sample_scene(recipe, ASSETS, index, 3, arrangements=source), source.of_scene(index)
        check_seen(scene, ASSETS)
        assert from_json(to_json(scene), Scene) == scene
        assert 1 <= len(staged.things) <= 24
        roles = Counter(placement.role for placement in scene.placements)
        for one, other in combinations(staged.things, 2):
            smaller = min(np.linalg.norm(np.ptp(t.hull.points_m, axis=0)) for t in (one, other))
            assert overlap_m(one.hull, other.hull) <= 0.005 * smaller
        assert len(scene.surroundings) == len(staged.arrangement.slabs)
        assert scene.background.contact_shadow == 0.0 or not scene.surroundings
        if scene.kind == "empty":
            assert scene.placements == ()
            continue
        eye = scene.camera.position_m()
        assert min(clearance_m(thing.hull, eye) for thing in staged.things) > 0
        assert min((clearance_m(hull, eye) for hull in staged.slab_hulls), default=1.0) > 0
        if scene.kind == "lookalike":
            assert roles["object"] == 0
            continue
        assert 1 <= roles["object"] <= 12
        assert scene.placements[0].role == "object"
        subjects[scene.placements[0].class_name] += 1
        shown += 1
        decent += any(
            seen_share(scene.camera, t.probes_m, [*staged.slab_hulls, *(o.hull for o in staged.things if o is not t)])
            >= 0.3
            for t in staged.things
            if t.asset.role == "object"
        )
    assert decent >= 0.95 * shown
    assert set(subjects) == {"milk", "tea", "tin"}


@pytest.mark.parametrize("name", ["tabletop", "shelf", "bin"])
def test_classes_are_the_subject_equally_often(name) -> None:
    needs_physics(name)
    recipe = replaced(load_recipe(name), kinds=KindRecipe(empty_share=0, lookalike_share=0))
    if name != "bin":
        counts = Counter(scene.placements[0].class_name for scene in scenes(recipe, 30))
        assert counts == {"milk": 10, "tea": 10, "tin": 10}
        return
    group = msgspec.structs.replace(recipe.group, objects=Fixed(value=6), clutter=Fixed(value=0), copies=Fixed(value=1))
    drawn = scenes(replaced(recipe, group=group), 12)
    for first in (0, 6):  # six scenes look at the six things of one heap in turn
        turns = Counter(scene.placements[0].class_name for scene in drawn[first : first + 6])
        assert max(turns.values()) <= 3
        assert set(turns) == {"milk", "tea", "tin"}


def test_far_objects_are_small() -> None:
    recipe = load_recipe("far")
    assert recipe.framing.size_rel == LogUniform(low=16 / 256, high=48 / 256)
    source = ArrangementSource(recipe, ASSETS, 3)
    for index in range(30):
        scene, staged = sample_scene(recipe, ASSETS, index, 3, arrangements=source), source.of_scene(index)
        corners = staged.subject(index % recipe.group.reuse).corners_m()
        side = np.ptp(project(scene.camera, corners)[0], axis=0).max()
        assert 15.9 <= side <= 48.1


# the law of randomness


@pytest.mark.parametrize("name", ARRANGED)
def test_a_scene_depends_on_recipe_seed_and_index_alone(name) -> None:
    needs_physics(name)
    recipe = load_recipe(name)
    in_order = scenes(recipe, 9)
    alone = sample_scene(recipe, ASSETS, 8, 3)
    backwards = ArrangementSource(recipe, ASSETS, 3)
    turned = [sample_scene(recipe, ASSETS, i, 3, arrangements=backwards) for i in reversed(range(9))]
    assert alone == in_order[8]
    assert turned[::-1] == in_order
    assert sample_scene(recipe, ASSETS, 8, 4) != alone


def test_scenes_that_share_an_arrangement_differ_in_all_else() -> None:
    group = GroupRecipe(objects=Fixed(value=3), clutter=Fixed(value=1), reuse=3)
    kinds = KindRecipe(empty_share=0, lookalike_share=0)
    drawn = scenes(replaced(TABLE, group=group, kinds=kinds, lights=LightRecipe(count=Fixed(value=2))), 6)
    places = [sorted((p.asset_id, p.world_from_object) for p in scene.placements) for scene in drawn]
    assert places[0] == places[1] == places[2]
    assert places[3] == places[4] == places[5] != places[0]
    for field in ("camera", "lights", "environment", "surroundings", "finish"):
        assert getattr(drawn[0], field) != getattr(drawn[1], field), field
    assert len({scene.placements[0].asset_id for scene in drawn[:3]}) == 3  # each of the objects is the subject once


SECTIONS = {
    "lights": LightRecipe(count=Fixed(value=7)),
    "viewpoint": msgspec.structs.replace(TABLE.viewpoint, elevation_deg=Fixed(value=50.0)),
    "surfaces": SurroundingsRecipe(pool=2),
    "surface": msgspec.structs.replace(TABLE.surface, roughness=Fixed(value=0.33)),
}
UNTOUCHED = {
    "lights": {"camera", "placements", "surroundings", "environment", "background", "finish"},
    "viewpoint": {"lights", "surroundings", "environment"},
    "surfaces": {"camera", "placements", "lights", "environment", "background", "occluders", "finish"},
    "surface": {"camera", "lights", "surroundings", "environment", "background", "occluders", "finish"},
}


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_changing_one_aspect_leaves_the_others_as_they_were(section) -> None:
    before, after = scenes(TABLE, 12), scenes(replaced(TABLE, **{section: SECTIONS[section]}), 12)
    assert any(a != b for a, b in zip(after, before, strict=True))
    for field in UNTOUCHED[section]:
        same = [getattr(a, field) == getattr(b, field) for a, b in zip(after, before, strict=True)]
        assert all(same), f"{section} changed {field}"


# groups


def test_sizes_are_true_when_all_are_known() -> None:
    for scene in scenes(TABLE, 10):
        for placement in scene.placements:
            assert np.cbrt(np.linalg.det(np.array(placement.world_from_object)[:3, :3])) == pytest.approx(1.0)


def diagonals_m(assets, n: int = 30) -> dict[str, list[float]]:
    """Asset -> the diagonals that it has in scenes of groups whose drawn ones are uniform in 0.15..0.45 m."""
    group = GroupRecipe(
        objects=Fixed(value=5), common_diagonal_m=0.3, size_factor=Uniform(low=0.5, high=1.5), clutter=Fixed(value=1)
    )
    found: dict[str, list[float]] = {a.asset_id: [] for a in assets}
    by_id = {a.asset_id: a for a in assets}
    for scene in scenes(replaced(TABLE, group=group), n, assets):
        for placement in scene.placements:
            scale = np.cbrt(np.linalg.det(np.array(placement.world_from_object)[:3, :3]))
            found[placement.asset_id].append(scale * by_id[placement.asset_id].diagonal_m())
    return found


def test_one_thing_without_a_scale_does_not_change_the_size_of_the_others() -> None:
    assets = (*ASSETS, asset("soap", (3.0, 2.0, 1.0), scale_known=False))
    found = diagonals_m(assets, 60)
    assert stats.kstest(found.pop("soap"), stats.uniform(0.15, 0.3).cdf).pvalue > 0.01
    for a in ASSETS:
        assert len(found[a.asset_id]) > 2
        assert found[a.asset_id] == pytest.approx([a.diagonal_m()] * len(found[a.asset_id]))


def test_diagonals_are_made_alike_when_no_object_has_a_scale() -> None:
    objects = (asset("soap", (3.0, 2.0, 1.0), scale_known=False), asset("salt", (1.0, 1.0, 1.0), scale_known=False))
    found = diagonals_m((*objects, asset("cup", (0.1, 0.09, 0.09), role="distractor")))
    assert min(len(diagonals) for diagonals in found.values()) > 5
    assert stats.kstest(np.concatenate(list(found.values())), stats.uniform(0.15, 0.3).cdf).pvalue > 0.01


def test_notes_name_the_objects_without_a_scale() -> None:
    assert notes_of(TABLE, ASSETS, 1) == ()
    soaps = (asset(f"soap{k}", (3.0, 2.0, 1.0), scale_known=False) for k in range(10))
    (note,) = notes_of(TABLE, (*ASSETS, *soaps), 1)
    assert note.startswith("10 of 14 objects have no scale (soap0, soap1, ")
    assert "soap7 and 2 more)" in note
    assert "--size-m NAME METRES" in note


def test_copies_come_in_a_row_and_count() -> None:
    group = GroupRecipe(objects=Fixed(value=6), clutter=Fixed(value=0), copies=Fixed(value=3))
    recipe = replaced(TABLE, group=group, kinds=KindRecipe(empty_share=0, lookalike_share=0))
    source = ArrangementSource(recipe, ASSETS, 0)
    for index in range(5):
        by_turn = [t.asset.asset_id for t in sorted(source.of_scene(index).things, key=lambda t: t.turn)]
        assert len(by_turn) <= 6
        assert max(Counter(by_turn).values()) >= 2


# the seen-surface law


def test_things_without_a_part_for_the_camera_are_left_out() -> None:
    below = (AssetPart(name="under", model_file="u.glb", elevation_deg=(-90, -60)),)
    assets = (asset("milk", (0.07, 0.07, 0.2)), asset("cup", (0.1, 0.1, 0.1), below, "distractor"))
    group = GroupRecipe(objects=Fixed(value=2), clutter=Fixed(value=3))
    recipe = replaced(
        TABLE,
        group=group,
        kinds=KindRecipe(empty_share=0, lookalike_share=0),
        arrangement=TableRecipe(upright_share=1.0),
    )
    for scene in scenes(recipe, 6, assets):
        check_seen(scene, assets)
        assert {p.asset_id for p in scene.placements} == {"milk"}


# cameras


def test_views_keep_to_what_is_open() -> None:
    recipe = replaced(
        TABLE,
        arrangement=ShelfRecipe(back_share=1.0, sides_share=1.0, top_share=1.0),
        kinds=KindRecipe(empty_share=0, lookalike_share=0),
    )
    source = ArrangementSource(recipe, ASSETS, 0)
    for index in range(20):
        scene, staged = sample_scene(recipe, ASSETS, index, 0, arrangements=source), source.of_scene(index)
        subject = staged.subject(0)
        seen = seen_share(scene.camera, subject.probes_m, staged.slab_hulls)
        best = max(seen_share(scene.camera, thing.probes_m, staged.slab_hulls) for thing in staged.leading())
        assert max(seen, best) >= recipe.viewpoint.min_seen


def test_group_views_show_all_and_subject_views_one() -> None:
    group = GroupRecipe(objects=Fixed(value=6), clutter=Fixed(value=0))
    base = replaced(TABLE, group=group, kinds=KindRecipe(empty_share=0, lookalike_share=0))
    shares = []
    for group_share in (0.0, 1.0):
        recipe = replaced(base, viewpoint=msgspec.structs.replace(base.viewpoint, group_share=group_share))
        source, found = ArrangementSource(recipe, ASSETS, 1), []
        for index in range(20):
            camera = sample_scene(recipe, ASSETS, index, 1, arrangements=source).camera
            found.append(np.mean([seen_share(camera, t.probes_m, ()) for t in source.of_scene(index).things]))
        shares.append(np.mean(found))
    assert shares[1] > 0.85
    assert shares[0] < shares[1] - 0.1


# lamps and backgrounds


def test_no_lamp_is_shut_away() -> None:
    recipe = replaced(TABLE, lights=LightRecipe(count=Fixed(value=8)))
    source = ArrangementSource(recipe, ASSETS, 2)
    for index in range(15):
        scene, staged = sample_scene(recipe, ASSETS, index, 2, arrangements=source), source.of_scene(index)
        targets = np.array([thing.probes_m[0] for thing in staged.things])
        for light in scene.lights:
            shut = [blocked(hull, np.array(light.position_m), targets) for hull in staged.slab_hulls]
            assert not np.any(shut, axis=0).all()
            distance = np.linalg.norm(np.array(light.position_m) - staged.arrangement.centre_m)
            assert 2.5 - 1e-9 <= distance / (2 * staged.arrangement.radius_m) <= 9 + 1e-9


def test_the_scenes_own_environment_keeps_its_brightness() -> None:
    recipe = replaced(
        TABLE,
        fills=msgspec.structs.replace(TABLE.fills, true_view_share=0.5),
        background=msgspec.structs.replace(TABLE.background, kinds=FillWeights(environment=1.0), match_share=1.0),
    )
    ties = Counter()
    for scene in scenes(recipe, 40):
        own = scene.environment.map_file is not None
        own = own and scene.background.fill == true_view_fill(scene.camera, scene.environment)
        assert isinstance(scene.background.fill, EnvironmentFill)
        assert (scene.background.match_luminance is None) == own
        ties[own] += 1
    assert min(ties.values()) > 8


def test_floating_things_may_drop_their_soft_shadow() -> None:
    recipe = replaced(TABLE, arrangement=FloatRecipe())
    drawn = scenes(recipe, 12)
    assert all(scene.surroundings == () for scene in drawn)
    assert any(scene.background.contact_shadow > 0 for scene in drawn)


# what cannot be


@pytest.mark.parametrize("name", ["bin"])
def test_recipes_that_pour_need_the_physics_extra(name, monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "mujoco" else found(name))
    with pytest.raises(DependencyError, match=r"pip install photosynth\[physics\]"):
        check_inputs(load_recipe(name), ASSETS, ())
    check_inputs(load_recipe("tabletop"), ASSETS, ())


def test_surfaces_of_photos_alone_need_photos() -> None:
    recipe = replaced(TABLE, surfaces=SurroundingsRecipe(kinds=FillWeights(photo=1.0)))
    with pytest.raises(ConfigError, match=r"surfaces\.kinds uses photos only"):
        check_inputs(recipe, ASSETS, ())


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        (lambda: GroupRecipe(objects=Fixed(value=13)), "objects must be.*at most 12"),
        (lambda: GroupRecipe(reuse=0), "reuse must lie in 1..64"),
        (lambda: GroupRecipe(common_diagonal_m=0.0), "common_diagonal_m"),
        (lambda: SurroundingsRecipe(kinds=FillWeights(environment=1.0)), "cannot show an environment"),
        (lambda: SurroundingsRecipe(pool=0), "pool"),
        (lambda: SurroundingsRecipe(albedo=Fixed(value=1.2)), "albedo"),
        (lambda: msgspec.structs.replace(TABLE.viewpoint, min_seen=2.0).__post_init__(), "min_seen"),
    ],
)
def test_impossible_sections_are_refused_by_name(section, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        section()
