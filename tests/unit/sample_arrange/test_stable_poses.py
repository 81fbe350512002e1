"""Stable poses: how things rest on a plane."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from photosynth.sample.arrange.arrangement import Shape
from photosynth.sample.arrange.hull import box_hull, hull_of
from photosynth.sample.arrange.stable import rotation_onto, stable_poses
from photosynth.sample.polygon import area, convex_hull


def foot_is_inside(points: np.ndarray, centre: np.ndarray) -> bool:
    low = points[points[:, 2] < points[:, 2].min() + 1e-6 * np.ptp(points), :2]
    return len(low) >= 3 and area(convex_hull(np.vstack([low, centre[:2]]))) <= area(convex_hull(low)) * (1 + 1e-6)


def test_a_cube_rests_on_each_side_alike():
    poses = stable_poses(box_hull((1.0, 1.0, 1.0)))
    assert poses.probabilities == pytest.approx(np.full(6, 1 / 6))
    downs = np.round(-poses.rotations[:, 2, :]).astype(int)  # the object's direction that points down
    assert len({tuple(d) for d in downs}) == 6
    assert poses.rotations[poses.upright] == pytest.approx(np.eye(3))


def test_a_box_prefers_its_large_sides():
    poses = stable_poses(box_hull((3.0, 2.0, 1.0)))
    assert poses.probabilities.sum() == pytest.approx(1.0)
    heights = [np.ptp(box_hull((3.0, 2.0, 1.0)).points_m @ turn[2]) for turn in poses.rotations]
    assert heights == pytest.approx([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    area = 3.0 * 2.0  # solid angle of its largest side: Omega = 4 atan(ab / (2 d sqrt(4 d^2 + a^2 + b^2))), d = 1/2
    expected = 4 * np.arctan(area / np.sqrt(1 + 9 + 4)) / (4 * np.pi)
    assert poses.probabilities[0] == pytest.approx(expected)


def test_a_tilted_column_does_not_stand(shapes):
    corners = np.array([(x, y, 0.0) for x in (0, 1) for y in (0, 1)])
    leaning = hull_of(np.concatenate([corners, corners + np.array([3.0, 0.0, 4.0])]))
    poses = stable_poses(leaning)
    assert poses.upright is None
    assert poses.probabilities.sum() == pytest.approx(1.0)


def test_a_can_stands_on_both_ends_or_lies_on_its_side(shapes):
    poses = shapes["can"].poses
    up = np.abs(poses.rotations[:, 2, 2])
    standing, lying = up > 0.999, up < 0.01
    assert standing.sum() == 2
    assert (standing | lying).all()
    assert lying.sum() == 32
    assert poses.probabilities[lying] == pytest.approx(np.full(32, poses.probabilities[lying].mean()))


def test_a_ball_has_many_poses_of_little_probability(shapes):
    poses = shapes["ball"].poses
    assert len(poses.probabilities) > 30
    assert poses.probabilities.max() < 0.1


@pytest.mark.parametrize("name", ["box", "flat", "can", "bottle", "ball", "stone"])
def test_centre_of_mass_is_over_what_it_stands_on(shapes, name):
    shape, poses = shapes[name], shapes[name].poses
    assert poses.probabilities.sum() == pytest.approx(1.0)
    assert (np.diff(poses.probabilities) <= 1e-12).all()
    for turn in poses.rotations:
        assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1.0)
        hull = shape.hull.moved(turn, np.zeros(3))
        assert foot_is_inside(hull.points_m, hull.centre_m)


def test_poses_depend_neither_on_scale_nor_on_chance(shapes):
    first = stable_poses(shapes["stone"].hull)
    again = stable_poses(hull_of(shapes["stone"].points_m * 1000.0))
    assert again.probabilities == pytest.approx(first.probabilities)
    assert again.rotations == pytest.approx(first.rotations, abs=1e-9)
    assert shapes["stone"].scaled(3.0).poses is shapes["stone"].poses


def test_probabilities_turn_with_the_thing(shapes):
    turn = Rotation.from_euler("xyz", [20, 50, 70], degrees=True).as_matrix()
    poses, turned = stable_poses(shapes["bottle"].hull), stable_poses(hull_of(shapes["bottle"].points_m @ turn.T))
    assert turned.probabilities == pytest.approx(poses.probabilities, abs=2e-4)


def test_share_that_stands_upright(shapes):
    poses, rng = shapes["box"].poses, np.random.default_rng(0)
    stands = np.mean([np.array_equal(poses.draw(rng, 0.7), poses.rotations[poses.upright]) for _ in range(4000)])
    expected = 0.7 + 0.3 * poses.probabilities[poses.upright]
    assert stands == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 4000))
    flat = np.mean([np.array_equal(poses.draw(rng), poses.rotations[0]) for _ in range(4000)])
    assert flat == pytest.approx(poses.probabilities[0], abs=0.035)


def test_a_base_that_is_a_little_bumpy_still_counts_as_upright():
    rng = np.random.default_rng(2)
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-2, 2)], dtype=float)
    shape = Shape("bumpy", corners + rng.normal(scale=0.01, size=(8, 3)))
    assert shape.poses.upright is not None
    assert shape.poses.rotations[shape.poses.upright][2, 2] > np.cos(np.radians(2))


@pytest.mark.parametrize("normal", [(0, 0, -1), (0, 0, 1), (1, 0, 0), (0.6, 0, 0.8), (0.0, 0.6, -0.8)])
def test_rotation_onto_the_ground(normal):
    assert rotation_onto(np.array(normal, dtype=float)) @ normal == pytest.approx((0, 0, -1))


@pytest.mark.parametrize("tilt", [1e-2, 1e-4, 3e-6, 1e-8, 1e-13])
@pytest.mark.parametrize("up", [1.0, -1.0])
def test_rotation_onto_is_a_rotation_for_a_normal_that_is_nearly_upright_and_nearly_unit(tilt, up):
    normal = (1 - 3e-8) * np.array([0.6 * tilt, 0.8 * tilt, up * np.sqrt(1 - tilt**2)])
    rotation = rotation_onto(normal)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-14)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-14)
    assert rotation @ normal == pytest.approx((0, 0, -1), abs=1e-7)
