"""Arrangements of every kind: nothing is inside another thing, nothing hangs in the air, chance is the generator's."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.distributions import Fixed
from photosynth.core.record import digest
from photosynth.sample.arrange.arrange import arrange
from photosynth.sample.arrange.recipe import (
    BinRecipe,
    FloatRecipe,
    MixRecipe,
    PileRecipe,
    ShelfRecipe,
    TableRecipe,
)
from photosynth.sample.arrange.separate import boxes_apart, drop_m, overlap_m

RUNS = 100
RECIPES = [
    FloatRecipe(),
    TableRecipe(),
    ShelfRecipe(),
    ShelfRecipe(stack_share=0.9, behind_share=0.9, upright_share=0.2),
    ShelfRecipe(stack_share=0.9, behind_share=0.9, upright_share=0.2, settled=True),
    BinRecipe(),
    PileRecipe(),
]


def name(recipe) -> str:
    return f"{type(recipe).__name__}-{RECIPES.index(recipe)}"


def needs_physics(recipe) -> bool:
    return isinstance(recipe, BinRecipe | PileRecipe) or (isinstance(recipe, ShelfRecipe) and recipe.settled)


@pytest.fixture(scope="module", params=RECIPES, ids=name)
def runs(request, some_of):
    """RUNS arrangements of 1 to 6 things by one recipe, with the shapes they were made from."""
    if needs_physics(request.param):
        pytest.importorskip("mujoco")
    made = []
    for k in range(RUNS):
        rng = np.random.default_rng([11, k])
        shapes = some_of(rng, int(rng.integers(1, 7)))
        made.append((shapes, arrange(request.param, shapes, rng)))
    return request.param, made


def test_nothing_is_inside_another_thing(runs, solids):
    for _, arrangement in runs[1]:
        things, slabs = solids(arrangement)
        for k, thing in enumerate(things):
            for other in things[:k] + slabs:
                if not boxes_apart(thing, other):
                    smaller = min(diagonal(thing), diagonal(other))
                    assert overlap_m(thing, other) <= 0.005 * smaller


def test_everything_stands_on_something(runs, solids):
    recipe, made = runs
    if isinstance(recipe, FloatRecipe):
        assert all(not arrangement.slabs for _, arrangement in made)
        return
    for _, arrangement in made:
        things, slabs = solids(arrangement)
        for k, thing in enumerate(things):
            lower = thing.moved(np.eye(3), np.array([0.0, 0.0, -0.005 * diagonal(thing)]))
            others = [other for other in slabs + things[:k] + things[k + 1 :] if not boxes_apart(lower, other)]
            assert any(overlap_m(lower, other) > 0 for other in others)


def test_items_are_the_shapes_in_their_order(runs):
    kept = total = 0
    for shapes, arrangement in runs[1]:
        keys = [(shape.asset_id, round(shape.scale, 6)) for shape in shapes]
        kept, total = kept + len(arrangement.items), total + len(shapes)
        at = 0
        for item in arrangement.items:
            scale = float(np.cbrt(np.linalg.det(np.array(item.world_from_object)[:3, :3])))
            at = keys.index((item.asset_id, round(scale, 6)), at) + 1
        assert arrangement.items
    assert kept >= 0.97 * total


def test_the_sphere_holds_the_things(runs, solids):
    for _, arrangement in runs[1]:
        points = np.concatenate([thing.points_m for thing in solids(arrangement)[0]])
        distance = np.linalg.norm(points - arrangement.centre_m, axis=1).max()
        assert distance == pytest.approx(arrangement.radius_m)
        assert distance <= np.linalg.norm(np.ptp(points, axis=0)) / 2 * 1.0001
        low, high = arrangement.open_elevation_deg
        assert -90 <= low < high <= 90


def test_equal_generators_give_equal_arrangements(runs, some_of):
    recipe, made = runs
    for k in range(0, RUNS, 20):
        rng = np.random.default_rng([11, k])
        again = arrange(recipe, some_of(rng, int(rng.integers(1, 7))), rng)
        assert digest(again) == digest(made[k][1])
    assert len({digest(arrangement) for _, arrangement in made}) == RUNS


@pytest.mark.parametrize("recipe", RECIPES, ids=name)
def test_lengths_are_relative_to_the_things(recipe, shapes):
    if needs_physics(recipe):
        pytest.importorskip("mujoco")
    small = [shapes[key] for key in ("box", "can", "stone")]
    first = arrange(recipe, small, np.random.default_rng(3))
    large = arrange(recipe, [shape.scaled(64.0) for shape in small], np.random.default_rng(3))
    assert len(large.items) == len(first.items)
    assert large.radius_m == pytest.approx(64.0 * first.radius_m, rel=0.02)
    for a, b in zip(first.slabs, large.slabs, strict=True):
        assert b.size_m == pytest.approx(64.0 * np.array(a.size_m), rel=0.02)


def test_table_edges_are_near_and_far(shapes):
    shares = []
    for k in range(200):
        arrangement = arrange(TableRecipe(), [shapes["can"]] * 3, np.random.default_rng(k))
        (top,) = arrangement.slabs
        centre = np.array(top.world_from_slab)[:3, 3]
        assert centre[2] + top.size_m[2] / 2 == pytest.approx(0.0, abs=1e-12)
        edges = np.array(top.size_m[:2]) / 2 - np.abs(np.array(arrangement.centre_m[:2]) - centre[:2])
        shares.append(edges.min() / arrangement.radius_m)
    assert np.mean(np.array(shares) < 2.0) > 0.2
    assert np.mean(np.array(shares) > 5.0) > 0.1


def test_density_crowds_the_table(shapes):
    def spread(density: float) -> float:
        recipe = TableRecipe(density=Fixed(value=density))
        made = [arrange(recipe, [shapes["can"]] * 6, np.random.default_rng(k)) for k in range(20)]
        return float(np.mean([arrangement.radius_m for arrangement in made]))

    assert spread(0.05) > 2.0 * spread(0.45)


def test_upright_things_on_a_table_keep_their_z_axis(shapes):
    arrangement = arrange(TableRecipe(upright_share=1.0), [shapes["box"], shapes["can"]], np.random.default_rng(0))
    for item in arrangement.items:
        assert item.world_from_object[2][2] == pytest.approx(1.0)


def test_shelves_face_forward_on_all_boards(shapes, solids):
    recipe = ShelfRecipe(boards=Fixed(value=3), narrow_share=0.0, top_share=0.0, back_share=1.0, sides_share=0.0)
    shapes_in = [shapes["box"]] * 9
    arrangement = arrange(recipe, shapes_in, np.random.default_rng(1))
    boards = [s for s in arrangement.slabs if s.part == "board"]
    assert len(boards) == 3
    tops = sorted(s.world_from_slab[2][3] + s.size_m[2] / 2 for s in boards)
    assert tops[0] == pytest.approx(0.0, abs=1e-12)
    lows = np.array([thing.points_m[:, 2].min() for thing in solids(arrangement)[0]])
    assert all(np.isclose(lows, top, atol=1e-6).any() for top in tops)
    assert max(thing.points_m[:, 0].max() for thing in solids(arrangement)[0]) <= 0.0
    widths = [np.ptp(thing.points_m[:, 1]) / np.ptp(thing.points_m[:, 0]) for thing in solids(arrangement)[0]]
    assert min(widths) > 1.1  # never the narrow side to the front
    (wall,) = [s for s in arrangement.slabs if s.part == "wall"]
    assert wall.world_from_slab[0][3] < 0
    assert arrangement.open_azimuth_deg == (-60.0, 60.0)


def test_stacks_stand_over_what_carries_them(shapes, solids):
    recipe = ShelfRecipe(boards=Fixed(value=1), stack_share=1.0, upright_share=0.0)
    stacked = 0
    for k in range(30):
        things, _ = solids(arrange(recipe, [shapes["flat"]] * 5, np.random.default_rng(k)))
        for thing in things:
            if thing.points_m[:, 2].min() > 1e-6:
                stacked += 1
                below = [t for t in things if abs(drop_m(thing, [t])) < 1e-6]
                assert any(
                    (np.abs(thing.centre_m - t.centre_m)[:2] < np.ptp(t.points_m, axis=0)[:2] / 2).all() for t in below
                )
    assert stacked > 40


def test_one_of_a_mixture(shapes):
    recipe = MixRecipe(options=(FloatRecipe(), TableRecipe(), ShelfRecipe()), weights=(1.0, 2.0, 0.0))
    made = [arrange(recipe, [shapes["can"]], np.random.default_rng(k)) for k in range(300)]
    assert {len(arrangement.slabs) for arrangement in made} == {0, 1}
    assert np.mean([len(arrangement.slabs) for arrangement in made]) == pytest.approx(2 / 3, abs=0.09)


def test_nothing_cannot_be_arranged():
    with pytest.raises(ValueError, match="at least one shape"):
        arrange(TableRecipe(), [], np.random.default_rng(0))


def diagonal(hull) -> float:
    return float(np.linalg.norm(np.ptp(hull.points_m, axis=0)))
