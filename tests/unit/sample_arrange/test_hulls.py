"""Convex hulls, how deep they are in each other, and how far they fall."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from photosynth.sample.arrange.hull import box_hull, hull_of
from photosynth.sample.arrange.separate import boxes_apart, drop_m, overlap_m


def test_box():
    hull = box_hull((3.0, 2.0, 1.0), position_m=np.array([1.0, -2.0, 0.5]))
    assert hull.volume_m3 == pytest.approx(6.0)
    assert hull.centre_m == pytest.approx((1.0, -2.0, 0.5))
    assert len(hull.points_m) == 8
    assert len(hull.edges) == 12  # not the diagonals of its sides
    assert (hull.points_m @ hull.normals.T <= hull.offsets_m + 1e-12).all()


def test_triangles_turn_outward_and_know_their_neighbours():
    hull = hull_of(np.random.default_rng(0).normal(size=(50, 3)))
    a, b, c = (hull.points_m[hull.triangles[:, k]] for k in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.normals) > 0).all()
    for k in range(3):
        for triangle, across in zip(hull.triangles, hull.neighbours[:, k], strict=True):
            assert set(np.delete(triangle, k)) <= set(hull.triangles[across])


def test_centre_of_mass_of_a_tetrahedron_is_the_mean_of_its_corners():
    corners = np.random.default_rng(3).normal(size=(4, 3))
    assert hull_of(corners).centre_m == pytest.approx(corners.mean(axis=0))


def test_moved_and_scaled_hulls_equal_hulls_of_moved_points():
    rng = np.random.default_rng(1)
    points, turn, shift = rng.normal(size=(30, 3)), Rotation.random(rng=rng).as_matrix(), rng.normal(size=3)
    moved, again = hull_of(points).scaled(2.5).moved(turn, shift), hull_of(2.5 * points @ turn.T + shift)
    assert moved.volume_m3 == pytest.approx(again.volume_m3)
    assert moved.centre_m == pytest.approx(again.centre_m)
    assert np.abs((moved.points_m @ moved.normals.T).max(axis=0) - moved.offsets_m).max() < 1e-9


def test_sheets_are_thickened_and_points_refused():
    sheet = hull_of(np.array([(0.0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]))
    assert 0 < sheet.volume_m3 < 0.01
    with pytest.raises(ValueError, match="without extent"):
        hull_of(np.zeros((5, 3)))


def test_depth_is_the_distance_of_the_origin_from_the_minkowski_difference():
    rng = np.random.default_rng(5)
    deep = 0
    for _ in range(60):
        a = hull_of(rng.normal(size=(12, 3)))
        b = hull_of(rng.normal(size=(15, 3))).moved(np.eye(3), rng.normal(size=3))
        difference = ConvexHull((a.points_m[:, None] - b.points_m).reshape(-1, 3))
        expected = float((-difference.equations[:, 3]).min())
        if expected > 0:
            deep += 1
            assert overlap_m(a, b) == pytest.approx(expected, abs=1e-9)
            assert overlap_m(b, a) == pytest.approx(expected, abs=1e-9)
        else:
            assert overlap_m(a, b) <= 1e-9
    assert 20 < deep < 60


def test_boxes_that_cross_edge_on_are_found():
    turn = Rotation.from_euler("x", 45, degrees=True).as_matrix()
    other = Rotation.from_euler("y", 45, degrees=True).as_matrix()
    low, size = box_hull((4.0, 1.0, 1.0), turn), (1.0, 4.0, 1.0)
    apart = box_hull(size, other, np.array([0.0, 0.0, math.sqrt(2) + 0.01]))
    inside = box_hull(size, other, np.array([0.0, 0.0, math.sqrt(2) - 0.01]))
    assert overlap_m(low, apart) == pytest.approx(-0.01)
    assert overlap_m(low, inside) == pytest.approx(0.01)
    assert not boxes_apart(low, inside)


def test_drop_ends_where_things_touch():
    floor, ball = box_hull((4.0, 4.0, 1.0), position_m=np.array([0, 0, -0.5])), box_hull((0.2, 0.2, 0.2))
    at = ball.moved(Rotation.from_euler("xy", [30, 40], degrees=True).as_matrix(), np.array([0.3, 0.1, 2.0]))
    drop = drop_m(at, [floor])
    assert drop == pytest.approx(at.points_m[:, 2].min(), abs=1e-6)
    assert drop_m(at.moved(np.eye(3), np.array([9.0, 0, 0])), [floor]) == np.inf
    assert drop_m(at, [floor], most_m=0.25) == 0.25
    sunk = at.moved(np.eye(3), np.array([0, 0, -drop - 0.05]))
    assert drop_m(sunk, [floor]) == pytest.approx(-0.05, abs=1e-6)
