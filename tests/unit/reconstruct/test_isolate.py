"""Table, region and world of a made-up walk whose truth is known."""

import numpy as np
import pytest
from made_up_walk import box_and_table, model_of, ring

from photosynth.core.geometry import transform_points
from photosynth.reconstruct.coverage import left_out_advice
from photosynth.reconstruct.isolate import ENOUGH, isolate, isolated_model, trusted_points
from photosynth.reconstruct.stance import stance_of, triangulation_angles_deg

POSES = [*ring(12, 20, roll_rad=0.1), *ring(10, 45), *ring(8, 62)]


def turned(rng):
    """A similarity that hides the true world from the code."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = 2.7 * q * np.sign(np.linalg.det(q))
    matrix[:3, 3] = rng.normal(size=3)
    return matrix


@pytest.fixture(scope="module")
def hidden():
    rng = np.random.default_rng(4)
    points = box_and_table(rng)
    noisy = points + rng.normal(0, 0.001, points.shape)
    model_from_truth = turned(rng)
    return model_of(POSES, noisy, rng).transformed(model_from_truth), model_from_truth


def test_the_table_is_level_and_at_zero(hidden):
    model, model_from_truth = hidden
    found = isolate(model, metres_per_unit=1 / 2.7)
    world_from_truth = found.world_from_model @ model_from_truth
    assert np.degrees(np.arccos(world_from_truth[2, 2])) < 0.1
    assert np.allclose(np.linalg.norm(world_from_truth[:3, :3], axis=0), 1.0)
    assert abs(world_from_truth[2, 3]) < 0.002
    assert found.has_table
    assert found.metric
    assert np.linalg.norm(world_from_truth[:2, 3]) < 0.02


def test_the_region_holds_the_object_and_little_else(hidden):
    model, _ = hidden
    found = isolate(model, metres_per_unit=1 / 2.7)
    points = transform_points(found.world_from_model, model.points)
    box = points[:900]
    above = box[box[:, 2] > 0.02]
    assert found.region.holds(above).mean() > 0.995
    assert found.region.diagonal() < 1.35 * np.linalg.norm(np.ptp(box, axis=0))
    assert found.n_points > 600
    assert (found.object_points[:, 2] > 0.005).all()
    assert found.region.low[2] == 0.0


def test_what_stands_beside_the_object_is_counted():
    rng = np.random.default_rng(6)
    points = box_and_table(rng)
    low, high = points[:900].min(axis=0), points[:900].max(axis=0)
    wall = rng.uniform([high[0] + 0.12, low[1], 0.05], [high[0] + 0.13, high[1], high[2]], (500, 3))
    alone = isolate(model_of(POSES, points, rng))
    leaning = isolate(model_of(POSES, np.concatenate([points, wall]), rng))
    assert alone.n_beside < 0.02 * alone.n_points
    assert left_out_advice(alone) == ()
    assert leaning.n_points == pytest.approx(alone.n_points, rel=0.1)
    assert leaning.n_beside > 400
    (line,) = left_out_advice(leaning)
    assert str(leaning.n_beside) in line


def test_cameras_move_with_the_world(hidden):
    model, _ = hidden
    found = isolate(model)
    moved = isolated_model(model, found)
    assert np.allclose(moved.centres(), transform_points(found.world_from_model, model.centres()))
    first = moved.rotations()[0]
    assert np.allclose(first @ first.T, np.eye(3))
    assert moved.centres()[:, 2].min() > 0.4
    assert abs(moved.centres()[0, 0]) < 0.05 * np.linalg.norm(moved.centres()[0])  # the first camera is in front
    assert moved.centres()[0, 1] < 0


def test_stance(hidden):
    model, model_from_truth = hidden
    stance = stance_of(model)
    truth = transform_points(model_from_truth, np.array([[0.0, 0.0, 0.15]]))[0]
    assert np.linalg.norm(stance.focus - truth) < 0.02 * stance.distance
    assert stance.distance == pytest.approx(2.0 * 2.7, rel=0.02)
    up = model_from_truth[:3, 2] / 2.7
    assert np.degrees(np.arccos(stance.up @ up)) < 3
    assert stance.upright_share() == 1.0
    assert np.median(triangulation_angles_deg(model)) > 60


def test_up_survives_photos_on_their_side():
    rng = np.random.default_rng(0)
    poses = [*ring(14, 30), *ring(4, 40, roll_rad=np.pi / 2), *ring(2, 50, roll_rad=np.pi)]
    stance = stance_of(model_of(poses, box_and_table(rng), rng))
    assert np.degrees(np.arccos(stance.up[2])) < 3
    assert stance.upright_share() == pytest.approx(14 / 20)


def test_without_points_on_the_object_its_box_is_guessed():
    rng = np.random.default_rng(1)
    points = box_and_table(rng, n_box=20)
    found = isolate(model_of(POSES, points, rng))
    assert found.n_points < ENOUGH
    corners = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (-0.15, 0.15) for z in (0.01, 0.3)])
    angle = found.world_from_model  # the guess must hold the true box
    assert found.region.holds(transform_points(angle, corners)).all()


def test_without_a_table_the_object_stands_on_its_lowest_point():
    rng = np.random.default_rng(2)
    points = box_and_table(rng, n_table=0)
    points = np.concatenate([points, rng.normal(0, 3.0, (60, 3))])
    sphere = rng.normal(size=(900, 3))
    points[:900] = 0.15 * sphere / np.linalg.norm(sphere, axis=1, keepdims=True) + [0, 0, 0.15]
    found = isolate(model_of(POSES, points, rng))
    assert not found.has_table
    world = transform_points(found.world_from_model, points[:900])
    assert abs(world[:, 2].min()) < 0.03
    assert found.region.holds(world).mean() > 0.97


def test_trusted_points_leave_bad_ones_out(hidden):
    model, _ = hidden
    assert len(trusted_points(model, 3)) <= len(trusted_points(model, 2)) <= len(model.points)
    model.errors_px[:100] = 9.0
    assert len(trusted_points(model)) <= len(model.points) - 100
    model.errors_px[:100] = 0.3


@pytest.mark.parametrize("roll", [np.pi / 2, -np.pi / 2])
def test_a_whole_capture_on_its_side(roll):
    """Frames of a phone that was held upright and wrote no turn flag."""
    rng = np.random.default_rng(11)
    stance = stance_of(model_of(ring(9, 25, end_deg=110, roll_rad=roll), box_and_table(rng), rng))
    assert np.degrees(np.arccos(stance.up[2])) < 5
    assert stance.level_share() == 1.0
    assert stance.upright_share() == 0.0
