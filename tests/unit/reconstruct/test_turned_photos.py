"""Portraits and landscapes of one camera: turned for registration and back again, nothing moves."""

import msgspec
import numpy as np
import pytest
from made_up_walk import photos_of, ring
from PIL import Image

from photosynth.capture.exif import Exif, camera_group
from photosynth.core.camera import Camera, project
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.reconstruct.stance import ring_axis
from photosynth.reconstruct.turned import as_registered, pictures_folder, pixels_back, turned_back, turned_files


def photos_held(sizes, group="one"):
    return [
        msgspec.structs.replace(p, size_wh=s, camera_group=group)
        for p, s in zip(photos_of(len(sizes)), sizes, strict=True)
    ]


def test_the_rarer_way_is_turned():
    photos = photos_held([(40, 30)] * 3 + [(30, 40)] * 2)
    turned = turned_files(photos)
    assert turned == {p.file for p in photos[3:]}
    assert {p.size_wh for p in as_registered(photos, turned)} == {(40, 30)}


@pytest.mark.parametrize("sizes", [[(40, 30)] * 4, [(30, 40)] * 4, [(40, 40)] * 4, [(40, 30), (32, 24)]])
def test_nothing_to_turn(sizes):
    assert not turned_files(photos_held(sizes))


def test_a_tie_turns_the_portraits():
    photos = photos_held([(30, 40), (40, 30)])
    assert turned_files(photos) == {photos[0].file}


def test_other_cameras_are_left_alone():
    photos = photos_held([(40, 30)] * 3) + photos_held([(30, 40)] * 2, "other")
    assert not turned_files(photos)


def test_portraits_and_landscapes_share_a_group():
    exif = Exif(make="Maker", model="Phone", focal_mm=4.2)
    assert camera_group(exif, (4000, 3000)) == camera_group(exif, (3000, 4000))
    assert camera_group(exif, (4000, 3000)) != camera_group(exif, (2000, 1500))


def test_pixels_and_cameras_come_back():
    """What a turned picture shows at a pixel, the stored one shows at that pixel turned back."""
    rng = np.random.default_rng(0)
    height, width = 40, 30
    stored = rng.integers(0, 255, (height, width, 3), np.uint8)
    turned = np.rot90(stored)
    pixels = np.array([[3.5, 7.5], [20.5, 1.5], [39.5, 29.5]])
    back = pixels_back(pixels, turned.shape[0])
    for (x, y), (u, v) in zip(pixels.astype(int), back.astype(int), strict=True):
        assert (turned[y, x] == stored[v, u]).all()

    camera = Camera(
        size_wh=(40, 30),
        focal_px=50.0,
        principal_px=(21.0, 14.0),
        world_from_cam=as_matrix4(look_at(np.array([1.0, 2.0, 0.5]), np.zeros(3), 0.3)),
        distortion=(0.05, 0.0, 0.0, 0.0, 0.0),
    )
    points = rng.normal(0, 0.2, (20, 3))
    seen, depth = project(camera, points)
    upright, same_depth = project(turned_back(camera), points)
    assert turned_back(camera).size_wh == (30, 40)
    np.testing.assert_allclose(upright, pixels_back(seen, 30), atol=1e-9)
    np.testing.assert_allclose(depth, same_depth)


def test_pictures_for_registration(tmp_path):
    photos = photos_held([(40, 30), (40, 30), (30, 40)])
    (tmp_path / "photos").mkdir()
    for photo in photos:
        ramp = np.zeros((photo.size_wh[1], photo.size_wh[0], 3), np.uint8)
        ramp[: photo.size_wh[1] // 2] = 255
        Image.fromarray(ramp).save(tmp_path / photo.file)
    turned = turned_files(photos)
    assert pictures_folder(photos, frozenset(), tmp_path, tmp_path / "work") == tmp_path
    folder = pictures_folder(photos, turned, tmp_path, tmp_path / "work")
    with Image.open(folder / photos[2].file) as image:
        assert image.size == (40, 30)
        left, right = np.asarray(image)[:, :10].mean(), np.asarray(image)[:, -10:].mean()
    assert left > 240  # what was above lies to the left
    assert right < 15
    assert (folder / photos[0].file).read_bytes() == (tmp_path / photos[0].file).read_bytes()


@pytest.mark.parametrize("rings", [((20, 12),), ((14, 15), (10, 45))])
def test_up_of_a_tilted_tripod_is_the_axis_of_the_ring(rings):
    tilt = look_at(np.zeros(3), np.array([0.4, 0.7, 0.2]))[:3, :3]
    poses = [p for count, elevation in rings for p in ring(count, elevation, aim=(0.0, 0.0, 0.0), roll_rad=0.8)]
    centres = np.array([p[:3, 3] for p in poses]) @ tilt.T
    assert ring_axis(centres, np.zeros(3)) == pytest.approx(tilt[:, 2], abs=0.02)


def test_half_a_ring_has_no_axis():
    centres = np.array([p[:3, 3] for p in ring(12, 15, end_deg=180.0)])
    assert ring_axis(centres, np.zeros(3)) is None
