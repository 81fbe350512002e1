"""The camera: projection, its lens, and lenses that are none."""

import cv2
import numpy as np
import pytest

from photosynth.core.camera import Camera, distort, project, undistort
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import IDENTITY, as_matrix4, look_at
from photosynth.core.record import from_json, to_json

LENSES = [(-0.12, 0.0, 0.0, 0.0), (0.08, 0.0, 0.0, 0.0), (-0.28, 0.07, 0.001, -0.002, 0.01), (0.1, -0.03, 0.002, 0.001)]


def camera(distortion=(), world_from_cam=IDENTITY, focal_px=500.0):
    return Camera(
        size_wh=(640, 480),
        focal_px=focal_px,
        principal_px=(320.0, 240.0),
        world_from_cam=world_from_cam,
        distortion=distortion,
    )


@pytest.mark.parametrize("lens", [(), *LENSES])
def test_projection_is_opencvs(lens):
    points = np.random.default_rng(0).uniform((-0.6, -0.5, 1.0), (0.6, 0.5, 1.3), (200, 3))
    world_from_cam = look_at(np.array([1.0, 2.0, 0.5]), np.zeros(3), roll_rad=0.3)
    world = points @ world_from_cam[:3, :3].T + world_from_cam[:3, 3]
    pixels, depth = project(camera(lens, as_matrix4(world_from_cam)), world)
    matrix = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    expected = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(lens or (0.0,) * 4))[0][:, 0]
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    np.testing.assert_allclose(depth, points[:, 2])


@pytest.mark.parametrize("lens", [(), *LENSES])
def test_undistort_inverts_distort(lens):
    tangents = np.random.default_rng(1).uniform(-0.6, 0.6, (20, 30, 2))
    np.testing.assert_allclose(undistort(lens, distort(lens, tangents)), tangents, atol=1e-9)


def test_points_that_are_not_seen_are_not_numbers():
    barrel = camera((-0.12, 0.0, 0.0, 0.0))
    pixels, _ = project(barrel, np.array([[0, 0, -1.0], [2.0, 0, 1.0], [1.0, 0, 1.0]]))
    assert np.isnan(pixels[:2]).all(), "behind the camera; beyond 1.67 focal lengths the model turns back"
    assert pixels[2, 0] == pytest.approx(320 + 500 * 0.88)
    assert np.isnan(undistort((-0.12, 0.0, 0.0, 0.0), np.array([1.5, 0.0]))).all()


def test_a_lens_that_folds_the_picture_is_refused():
    with pytest.raises(ValueError, match=r"turns back .* within the picture"):
        camera((-0.6, 0.0, 0.0, 0.0))
    camera((-0.6, 0.0, 0.0, 0.0), focal_px=2000.0)  # a narrow view stays in the part that holds
    with pytest.raises(ValueError, match="folds"):
        camera((0.0, 0.0, 0.0, -0.5))
    with pytest.raises(ValueError, match="k1, k2, p1, p2"):
        camera((0.1, 0.2))
    data = to_json(camera()).replace(b'"distortion":[]', b'"distortion":[-0.6,0,0,0]')
    with pytest.raises(ConfigError, match="turns back"):
        from_json(data, Camera)


def test_a_camera_travels_with_its_lens():
    for lens in LENSES:
        assert from_json(to_json(camera(lens)), Camera) == camera(lens)
