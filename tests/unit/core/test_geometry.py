"""Transforms, cameras, axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosynth.core.camera import Camera, project
from photosynth.core.geometry import as_matrix4, elevation_rad, invert_rigid, look_at, transform_points
from photosynth.core.mesh import y_up_from_z_up, z_up_from_y_up

finite = st.floats(-5, 5)
eyes = st.tuples(finite, finite, finite).filter(lambda v: np.linalg.norm(v) > 0.1)


@given(eyes, st.floats(-3, 3), st.floats(0.1, 10))
def test_invert_rigid_undoes_a_similarity(eye, roll, scale):
    matrix = look_at(np.array(eye), np.zeros(3), roll)
    matrix[:3, :3] *= scale
    np.testing.assert_allclose(invert_rigid(matrix) @ matrix, np.eye(4), atol=1e-9)


@given(eyes, st.floats(-3, 3))
def test_look_at_is_a_rotation_that_faces_the_target(eye, roll):
    matrix = look_at(np.array(eye), np.zeros(3), roll)
    rotation = matrix[:3, :3]
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation[:, 2], -np.array(eye) / np.linalg.norm(eye), atol=1e-9)


def make_camera(eye, roll=0.0):
    return Camera(
        size_wh=(100, 80),
        focal_px=100.0,
        principal_px=(50.0, 40.0),
        world_from_cam=as_matrix4(look_at(eye, [0, 0, 0], roll)),
    )


def test_up_is_up_in_the_picture_and_right_is_right():
    pixels, depth = project(make_camera(np.array([0.0, -2.0, 0.0])), np.array([[0, 0, 0], [0, 0, 0.1], [0.1, 0, 0]]))
    np.testing.assert_allclose(pixels, [[50, 40], [50, 35], [55, 40]], atol=1e-9)
    np.testing.assert_allclose(depth, 2)


def test_positive_roll_turns_content_anticlockwise():
    pixels, _ = project(make_camera(np.array([0.0, -2.0, 0.0]), np.pi / 2), np.array([[0, 0, 0.1]]))
    np.testing.assert_allclose(pixels, [[45, 40]], atol=1e-9)


def test_points_behind_have_no_pixels():
    pixels, depth = project(make_camera(np.array([0.0, -2.0, 0.0])), np.array([[0, -3.0, 0]]))
    assert np.isnan(pixels).all()
    assert depth[0] == pytest.approx(-1)


def test_camera_on_its_target_is_refused():
    with pytest.raises(ValueError, match="its own target"):
        look_at(np.zeros(3), np.zeros(3))


def test_gltf_axes_round_trip_and_keep_handedness():
    points = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(y_up_from_z_up(z_up_from_y_up(points)), points)
    basis = z_up_from_y_up(np.eye(3))
    assert np.linalg.det(basis) == pytest.approx(1)
    np.testing.assert_array_equal(z_up_from_y_up(np.array([[0, 1, 0]])), [[0, 0, 1]])


def test_elevation_and_transform():
    assert elevation_rad(np.array([0, 0, 2.0])) == pytest.approx(np.pi / 2)
    assert elevation_rad(np.array([1.0, 0, -1.0])) == pytest.approx(-np.pi / 4)
    moved = transform_points(as_matrix4(np.diag([2, 2, 2, 1.0])), np.ones((1, 3)))
    np.testing.assert_allclose(moved, 2)
    with pytest.raises(ValueError, match="4, 4"):
        as_matrix4(np.eye(3))
