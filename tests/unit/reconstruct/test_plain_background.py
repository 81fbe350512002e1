"""Photos of one thing before a plain background: the thing is found, and nothing of the background gets into it."""

import cv2
import numpy as np
import pytest
from made_up_walk import camera_at, photos_of, ring
from PIL import Image

from photosynth.core.camera import project
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.hull import hull_points
from photosynth.reconstruct.plain import object_mask, plain_masks
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.surface import SurfaceConfig, build_surface
from photosynth.reconstruct.texture import _blurred, _well_inside
from photosynth.reconstruct.views import load_view


def turntable_photo(seed=0, size=(600, 800), level=18.0, noise=5.0):
    """A photo (H, W, 3) of a printed ellipse before a dark ground that is darker in the corners; where it is."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    inside = ((x - 420) / 90.0) ** 2 + ((y - 310) / 150.0) ** 2 < 1
    fall = 1 - 0.4 * ((x / size[1] - 0.5) ** 2 + (y / size[0] - 0.5) ** 2) * 2
    print_ = 90 + 60 * np.sin(x / 5.0) * np.sin(y / 7.0)
    image = np.where(inside, print_, level * fall) + rng.normal(0, noise, size)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=2), inside


@pytest.mark.parametrize("level", [4.0, 18.0, 60.0, 235.0])
def test_the_outline_is_found_to_a_few_pixels(level):
    image, inside = turntable_photo(level=level)
    mask = object_mask(image)
    assert (mask & inside).sum() / (mask | inside).sum() > 0.97


def test_a_dark_print_inside_is_the_objects():
    image = turntable_photo()[0]
    image[290:330, 400:440] = 15
    assert object_mask(image)[310, 420]


def test_an_outline_that_melts_into_the_background_is_not_trusted():
    image, inside = turntable_photo(level=120.0, noise=1.0)
    image[inside & (np.arange(800) < 420)] = 114  # the left half is hardly darker than the background
    assert object_mask(image) is None


def test_a_room_is_not_plain():
    rng = np.random.default_rng(0)
    room = cv2.resize(rng.integers(0, 255, (20, 30, 3), np.uint8), (800, 600), interpolation=cv2.INTER_CUBIC)
    assert object_mask(room) is None


def test_nothing_before_it_is_no_object():
    rng = np.random.default_rng(0)
    assert object_mask(np.clip(rng.normal(15, 4, (600, 800, 3)), 0, 255).astype(np.uint8)) is None


@pytest.mark.parametrize(("rooms", "plain"), [(0, True), (1, True), (4, False)])
def test_nearly_all_photos_must_be_plain(tmp_path, rooms, plain):
    photos = photos_of(10)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(2)
    for k, photo in enumerate(photos):
        image = turntable_photo(k)[0]
        if k < rooms:
            image = cv2.resize(rng.integers(0, 255, (20, 30, 3), np.uint8), (800, 600))
        Image.fromarray(image).save(tmp_path / photo.file)
    found = plain_masks(photos, tmp_path, tmp_path / "work")
    assert (found is not None) == plain
    if plain:
        assert len(list(found.glob("*.png"))) == 10 - rooms
    assert plain_masks(photos, tmp_path, tmp_path / "work") == found  # an interrupted run goes on with the same


def ball_masks(folder, cameras, radius, middle):
    """Masks of a ball as the cameras see it."""
    folder.mkdir()
    for k, camera in enumerate(cameras):
        at, depth = project(camera, np.array([middle]))
        size = camera.size_wh[::-1]
        y, x = np.mgrid[: size[0], : size[1]] + 0.5
        reach = camera.focal_px * radius / np.sqrt(depth[0] ** 2 - radius**2)
        mask = np.hypot(x - at[0, 0], y - at[0, 1]) < reach
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder / f"{k:04d}.jpg.png")


def only_cameras(cameras):
    none = np.zeros((0, 2), np.int32)
    return SparseModel(
        files=tuple(f"photos/{k:04d}.jpg" for k in range(len(cameras))),
        cameras=tuple(cameras),
        points=np.zeros((0, 3)),
        colors=np.zeros((0, 3), np.uint8),
        errors_px=np.zeros(0, np.float32),
        tracks=none,
        tracks_px=none.astype(np.float32),
        pairs=none,
        pair_matches=np.zeros(0, np.int32),
        pair_agreement=np.zeros(0, np.float32),
    )


def test_the_hull_holds_the_object_and_little_else(tmp_path):
    middle = np.array([0.05, -0.03, 0.2])
    cameras = [camera_at(p) for p in [*ring(8, 10), *ring(6, 50), *ring(6, -40)]]
    ball_masks(tmp_path / "masks", cameras, 0.25, middle)
    places = hull_points(only_cameras(cameras), tmp_path / "masks", np.array([0.0, 0.0, 0.1]))
    away = np.linalg.norm(places - middle, axis=1)
    assert away.max() < 0.25 * 1.2
    for direction in np.concatenate([np.eye(3), -np.eye(3)]):
        assert ((places - middle) @ direction).max() == pytest.approx(0.25, abs=0.03)


def test_without_masks_there_is_no_hull(tmp_path):
    assert hull_points(only_cameras([camera_at(p) for p in ring(8, 10)]), tmp_path, np.zeros(3)) is None


def test_a_blur_takes_nothing_from_outside_the_mask():
    image = np.zeros((60, 60, 3), np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    image[mask] = 200
    assert (_blurred(image, mask, 6.0)[mask] >= 199).all()
    assert _blurred(image, None, 6.0)[20, 20].max() < 100


def test_the_rim_of_a_mask_is_not_used():
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    core = _well_inside(mask, (30, 30))
    assert core[15, 15]
    assert not core[10, 15]


def test_a_view_carries_its_mask(tmp_path):
    (tmp_path / "photos").mkdir()
    image, inside = turntable_photo()
    Image.fromarray(image).save(tmp_path / "photos" / "0000.jpg")
    (tmp_path / "masks").mkdir()
    Image.fromarray((inside * 255).astype(np.uint8)).save(tmp_path / "masks" / "0000.jpg.png")
    camera = camera_at(np.eye(4))
    view = load_view(tmp_path, "photos/0000.jpg", camera, 0.5, tmp_path / "masks")
    assert view.mask.shape == view.image.shape[:2] == (300, 400)
    assert view.mask.mean() == pytest.approx(inside.mean(), rel=0.02)
    assert load_view(tmp_path, "photos/0000.jpg", camera, 0.5).mask is None


def test_a_thing_on_nothing_gets_a_flat_base():
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    height = np.linspace(0.3, 1.0, 60)
    a, z = (v.ravel() for v in np.meshgrid(angle, height))
    wall = np.stack([0.3 * np.cos(a), 0.3 * np.sin(a), z], axis=1)
    facing = np.stack([np.cos(a), np.sin(a), 0 * a], axis=1)
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(-0.3, 0.3, 60), np.linspace(-0.3, 0.3, 60)))
    x, y = x[np.hypot(x, y) < 0.3], y[np.hypot(x, y) < 0.3]
    top = np.stack([x, y, np.ones_like(x)], axis=1)
    points = np.concatenate([wall, top])
    normals = np.concatenate([facing, np.tile([0.0, 0.0, 1.0], (len(top), 1))])
    cloud = PointCloud(points, normals, np.full((len(points), 3), 128.0), np.ones(len(points)))
    config = SurfaceConfig(faces=3000, octree_depth=6)
    surface = build_surface(config, cloud, 0.92, ground=0.3)
    assert surface.closed
    assert surface.vertices[:, 2].min() == pytest.approx(0.3, abs=0.02)
