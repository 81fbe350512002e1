"""Physics: MuJoCo's frames, bins that hold their things, and what happens without it."""

from __future__ import annotations

import sys

import msgspec
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from photosynth.core.distributions import Fixed
from photosynth.core.errors import DependencyError
from photosynth.sample.arrange.arrange import arrange
from photosynth.sample.arrange.fall import above, fallen
from photosynth.sample.arrange.physics import Simulation, World
from photosynth.sample.arrange.posed import Posed
from photosynth.sample.arrange.recipe import BinRecipe, PileRecipe, ShelfRecipe, TableRecipe
from photosynth.sample.arrange.separate import overlap_m


@pytest.fixture
def engine():
    return pytest.importorskip("mujoco")


def test_vertices_are_where_the_records_say(engine, shapes):
    turns = Rotation.random(2, rng=np.random.default_rng(0)).as_matrix()
    things = [
        Posed(shapes[key], turn, np.array([x, 0.1, 0.3]))
        for key, turn, x in zip(("stone", "bottle"), turns, (0, 1), strict=True)
    ]
    simulation = Simulation(things, World(), unit_m=0.1)
    model, data = simulation._model, simulation._data
    for k, thing in enumerate(things):
        geom = int(model.body_geomadr[k + 1])
        start = model.mesh_vertadr[model.geom_dataid[geom]]
        local = model.mesh_vert[start : start + model.mesh_vertnum[model.geom_dataid[geom]]]
        world = data.geom_xpos[geom] + local @ data.geom_xmat[geom].reshape(3, 3).T
        assert cKDTree(world).query(2.0 * thing.hull.points_m)[0].max() < 1e-6  # 0.2 m over 0.1 m
        assert data.xipos[k + 1] == pytest.approx(2.0 * thing.hull.centre_m, abs=1e-6)
    for before, after in zip(things, simulation.things(), strict=True):
        assert after.rotation == pytest.approx(before.rotation, abs=1e-9)
        assert after.position_m == pytest.approx(before.position_m, abs=1e-9)


def test_a_box_dropped_flat_lies_where_it_was_dropped(engine, shapes):
    (box,) = fallen([Posed(shapes["box"], np.eye(3), np.array([0.02, 0.03, 0.2]))], World(), np.ones(2), 0.27)
    assert box.position_m == pytest.approx((0.02, 0.03, 0.105), abs=5e-4)
    assert box.rotation == pytest.approx(np.eye(3), abs=5e-3)


def test_things_end_up_in_stable_poses(engine, shapes):
    """Tipped over beyond its edge, a box comes to rest on the next side."""
    lean = Rotation.from_euler("y", 50, degrees=True).as_matrix()
    (box,) = fallen([Posed(shapes["box"], lean, np.array([0.0, 0.0, 0.2]))], World(), np.ones(2), 0.27)
    assert np.sort(np.abs(box.rotation[2])) == pytest.approx((0, 0, 1), abs=0.01)
    assert abs(box.rotation[2, 0]) > 0.99  # on its end


def test_things_start_apart(shapes, some_of):
    rng = np.random.default_rng(2)
    for _ in range(10):
        things = above(some_of(rng, 10), np.array([0.1, 0.1]), rng)
        for k, thing in enumerate(things):
            assert thing.hull.points_m[:, 2].min() >= -1e-9
            assert all(overlap_m(thing.hull, other.hull) <= 1e-9 for other in things[:k])


def test_things_that_roll_away_are_missing(engine, shapes):
    far = Posed(shapes["box"], np.eye(3), np.array([2.0, 0.0, 0.2]))
    near = Posed(shapes["can"], np.eye(3), np.array([0.0, 0.0, 0.2]))
    left = fallen([far, near], World(), np.ones(2), 0.2)
    assert [thing.shape.asset_id for thing in left] == ["can"]


def test_what_a_removed_thing_carried_falls_down(engine, shapes):
    """The lower box stands outside the allowed region: it goes, and the one on it must come down to the floor."""
    low = Posed(shapes["flat"], np.eye(3), np.array([0.103, 0.0, 0.02]))
    high = Posed(shapes["flat"], np.eye(3), np.array([0.08, 0.0, 0.06]))
    (left,) = fallen([low, high], World(), np.array([0.1, 1.0]), 0.14)
    assert left.shape.asset_id == "flat"
    assert left.hull.points_m[:, 2].min() == pytest.approx(0.0, abs=5e-4)


def test_bins_hold_their_things(engine, some_of, solids):
    for k in range(8):
        rng = np.random.default_rng([5, k])
        arrangement = arrange(BinRecipe(), some_of(rng, 8), rng)
        assert [slab.part for slab in arrangement.slabs] == ["floor", "wall", "wall", "wall", "wall"]
        floor, walls = arrangement.slabs[0], arrangement.slabs[1:]
        assert floor.world_from_slab[2][3] + floor.size_m[2] / 2 == pytest.approx(0.0, abs=1e-12)
        inner = np.array(floor.size_m[:2]) / 2 - walls[0].size_m[0]
        for thing in solids(arrangement)[0]:
            assert (np.abs(thing.centre_m[:2]) < inner).all()
        assert 25.0 <= arrangement.open_elevation_deg[0] <= 60.0
        assert arrangement.open_elevation_deg[1] == 90.0


def test_fuller_bins_are_narrower(engine, some_of):
    shapes = some_of(np.random.default_rng(0), 8)
    sizes = [
        arrange(BinRecipe(fill=Fixed(value=f)), shapes, np.random.default_rng(1)).slabs[0].size_m for f in (0.05, 0.2)
    ]
    assert sizes[0][0] * sizes[0][1] > 1.5 * sizes[1][0] * sizes[1][1]


def test_piles_are_heaps(engine, some_of, solids):
    """In most piles something lies on something else."""
    high = 0
    for k in range(8):
        rng = np.random.default_rng([6, k])
        things, (top,) = solids(arrange(PileRecipe(), some_of(rng, 8), rng))
        assert top.points_m[:, 2].max() == pytest.approx(0.0, abs=1e-12)
        high += any(thing.points_m[:, 2].min() > 0.02 * np.ptp(thing.points_m) for thing in things)
    assert high >= 5


STACKED = ShelfRecipe(stack_share=0.8, settled=True)


def shelves(recipe, some_of, n=30):
    return [arrange(recipe, some_of(np.random.default_rng([7, k]), 6), np.random.default_rng([8, k])) for k in range(n)]


def test_stacks_settle_and_all_else_stays(engine, some_of, solids):
    """Only things of stacks move, by a few hundredths of their size; boards and walls are the same."""
    put = shelves(msgspec.structs.replace(STACKED, settled=False), some_of)
    moved = stayed = 0
    for before, after in zip(put, shelves(STACKED, some_of), strict=True):
        assert after.slabs == before.slabs
        boards = [s.world_from_slab[2][3] + s.size_m[2] / 2 for s in after.slabs if s.part == "board"]
        hulls = solids(before)[0]
        on_boards = [min(abs(hull.points_m[:, 2].min() - board) for board in boards) < 1e-9 for hull in hulls]
        for old, new, hull, low in zip(before.items, after.items, hulls, on_boards, strict=True):
            shift = np.array(new.world_from_object) - np.array(old.world_from_object)
            assert np.abs(shift[:3, 3]).max() < 0.05 * np.linalg.norm(np.ptp(hull.points_m, axis=0))
            moved += new != old and not low
            stayed += new == old and low
            assert new != old or low or after.items == before.items
    assert moved > 10
    assert stayed > 10


def test_a_shelf_that_does_not_come_to_rest_stays_as_it_was_put(engine, some_of, monkeypatch):
    put = shelves(msgspec.structs.replace(STACKED, settled=False), some_of)
    monkeypatch.setattr(Simulation, "settle", lambda self, _: np.zeros(len(self._things), bool))
    assert shelves(STACKED, some_of) == put


@pytest.mark.parametrize("recipe", [BinRecipe(), PileRecipe()])
def test_without_the_engine_the_extra_is_named(monkeypatch, recipe, shapes):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(DependencyError, match=r"photosynth\[physics\]"):
        arrange(recipe, [shapes["can"]], np.random.default_rng(0))


@pytest.mark.parametrize("recipe", [TableRecipe(), ShelfRecipe()])
def test_tables_and_shelves_do_without_it(monkeypatch, recipe, shapes):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    assert arrange(recipe, [shapes["can"]], np.random.default_rng(0)).items
