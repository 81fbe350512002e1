from dataclasses import replace as replace_fields
from itertools import combinations

import cv2
import numpy as np
import pytest
from made_up_walk import FOCAL_PX, SIZE_WH, camera_at, photos_of
from msgspec.structs import replace

from photosynth.core.camera import project
from photosynth.core.geometry import look_at
from photosynth.core.progress import Silent
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.turntable import find_turntable, rotation_z, unfolded
from photosynth.reconstruct.turntable_bundle import adjust
from photosynth.reconstruct.turntable_model import on_turntable, taken_order

STEP_DEG = 15.0
RADII = np.array([0.25, 0.16, 0.4])
"""Of an ellipsoid: not round, so that its outline tells how it stands."""


def turning(counts=(24, 12), elevations=(15, 40), noise_deg=0.0, seed=0):
    """world_from_cam of a still camera at two heights round a thing that turns in even steps."""
    rng = np.random.default_rng(seed)
    poses = []
    for count, elevation in zip(counts, elevations, strict=True):
        e = np.radians(elevation)
        still = look_at(4.0 * np.array([np.cos(e), 0.02, np.sin(e)]), np.array([0.01, 0.0, 0.02]), 0.03)
        for k in range(count):
            pose = np.eye(4)
            pose[:3, :3] = rotation_z(np.radians(k * 360 / count + 40 + rng.normal(0, noise_deg)))
            poses.append(pose @ still)
    return poses


def surface(n, rng):
    """Points on the ellipsoid (n, 3) and their normals."""
    d = rng.normal(size=(n, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    normals = d / RADII
    return d * RADII, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def model_of(poses, numbers, rng, n=220, focal=FOCAL_PX, similarity=None, pose_noise=0.0, facing=None, k1=0.0):
    """What registration makes of some of the photos: seen points, in a world of its own. k1: of the true lens."""
    points, normals = surface(n, rng)
    if facing is not None:
        points = points[normals @ facing > 0.2]
        normals = normals[normals @ facing > 0.2]
    tracks, pixels = [], []
    for k, number in enumerate(numbers):
        camera = replace(camera_at(poses[number]), distortion=(k1, 0.0, 0.0, 0.0, 0.0))
        uv, _ = project(camera, points)
        away = camera.position_m() - points
        for i in np.flatnonzero((away * normals).sum(axis=1) > 0.3 * np.linalg.norm(away, axis=1)):
            tracks.append((i, k))
            pixels.append(uv[i] + rng.normal(0, 0.2, 2))
    order = np.lexsort(np.array(tracks).T[::-1])
    cameras = []
    for number in numbers:
        pose = poses[number].copy()
        pose[:3, :3] = pose[:3, :3] @ cv2.Rodrigues(rng.normal(0, pose_noise, 3))[0]
        pose[:3, 3] += rng.normal(0, pose_noise, 3) * 4.0
        cameras.append(camera_at(pose, focal))
    model = SparseModel(
        files=tuple(f"photos/{k:04d}.jpg" for k in numbers),
        cameras=tuple(cameras),
        points=points,
        colors=np.zeros((len(points), 3), np.uint8),
        errors_px=np.full(len(points), 0.25, np.float32),
        tracks=np.array(tracks, np.int32)[order],
        tracks_px=np.array(pixels, np.float32)[order],
        pairs=np.array(list(combinations(range(len(numbers)), 2)), np.int32),
        pair_matches=np.full(len(numbers) * (len(numbers) - 1) // 2, 200, np.int32),
        pair_agreement=np.ones(len(numbers) * (len(numbers) - 1) // 2, np.float32),
    )
    return model if similarity is None else model.transformed(similarity)


ORDER = {f"photos/{k:04d}.jpg": k for k in range(60)}
GROUPS = dict.fromkeys(ORDER, "phone")
OTHER_WORLD = np.eye(4)
OTHER_WORLD[:3, :3] = 1.7 * cv2.Rodrigues(np.array([0.4, -1.1, 0.3]))[0]
OTHER_WORLD[:3, 3] = [3.0, -2.0, 0.5]
FRONT = [0, 1, 2, 3, 4, 5, 6, 20, 21, 22, 23, 24, 25, 26, 35]
BACK = [*range(9, 18), 29, 30, 31]


def two_halves(poses, rng, **options):
    """Front and back that share neither photo nor point."""
    return (
        model_of(poses, FRONT, rng, facing=rotation_z(np.radians(40)) @ [1.0, 0, 0], **options),
        model_of(poses, BACK, rng, facing=rotation_z(np.radians(220)) @ [1.0, 0, 0], similarity=OTHER_WORLD, **options),
    )


def centre_error(poses, numbers, centres):
    """Largest distance from the true centres after the best similarity, in distances of the cameras."""
    from photosynth.reconstruct.joining import umeyama

    true = np.array([poses[k][:3, 3] for k in numbers])
    matrix = umeyama(np.asarray(centres), true)
    return float(np.linalg.norm(np.asarray(centres) @ matrix[:3, :3].T + matrix[:3, 3] - true, axis=1).max()) / 4.0


def table_centres(table):
    return [table.pose(k)[:3, 3] for k in range(len(table.number))]


def test_front_and_back_are_joined_by_the_steps_of_the_table():
    poses, rng = turning(noise_deg=0.05), np.random.default_rng(1)
    halves = two_halves(poses, rng, pose_noise=0.001)
    table = find_turntable(halves, ORDER)
    assert table is not None
    assert sorted(table.number) == sorted(FRONT + BACK)
    assert np.degrees(np.abs(table.step_rad)) == pytest.approx([15, 30], abs=0.1)
    assert centre_error(poses, table.number, table_centres(table)) < 0.005
    assert table.expected(18)[1] == pytest.approx(18 * table.step_rad[0])
    assert table.expected(34) == (1, pytest.approx(10 * table.step_rad[1]))
    assert table.expected(36) is None


def test_a_rhythm_that_was_lost_joins_nothing():
    rng = np.random.default_rng(2)
    uneven = turning(noise_deg=12.0)
    assert find_turntable(two_halves(uneven, rng), ORDER) is None
    slipped = turning()  # the table stood still for a while: the back lies 25 degrees from where its numbers say
    for k in [*range(8, 19)]:
        turn = np.eye(4)
        turn[:3, :3] = rotation_z(np.radians(25))
        slipped[k] = turn @ slipped[k]
    assert find_turntable(two_halves(slipped, rng), ORDER) is None


def test_a_front_laid_onto_its_back_is_taken_apart():
    """Poses of the back turned half way round, as registration of a bottle with two labels had them; the pairs that
    were matched link neighbours only, but for one chance likeness."""
    poses, rng = turning(), np.random.default_rng(10)
    folded, half_turn = [p.copy() for p in poses], np.diag([-1.0, -1.0, 1.0, 1.0])
    for k in BACK:
        folded[k] = half_turn @ folded[k]
    numbers = sorted(FRONT + BACK)
    near = [(a, b) for a in range(len(numbers)) for b in range(a) if (numbers[a] in FRONT) == (numbers[b] in FRONT)]
    pairs = np.array([*near, (numbers.index(9), numbers.index(2))], np.int32)
    model = replace_fields(
        model_of(folded, numbers, rng),
        pairs=pairs,
        pair_matches=np.array([300] * len(near) + [31], np.int32),
        pair_agreement=np.ones(len(pairs), np.float32),
    )
    parts = unfolded(model, ORDER)
    assert sorted(sorted(ORDER[f] for f in part.files) for part in parts) == sorted([FRONT, sorted(BACK)])
    table = find_turntable(parts, ORDER)
    assert centre_error(poses, table.number, table_centres(table)) < 0.002
    uneven = replace_fields(model, pair_matches=np.full(len(pairs), 300, np.int32))
    assert len(unfolded(uneven, ORDER)) == 1  # strong pairs hold a right model of an uneven table together


def test_one_ring_must_be_closed_to_join():
    poses, rng = turning(), np.random.default_rng(3)
    first = model_of(poses, list(range(0, 8)), rng)
    second = model_of(poses, list(range(10, 18)), rng, similarity=OTHER_WORLD)
    assert find_turntable((first, second), ORDER) is None
    around = model_of(poses, [0, 1, 2, 3, 4, 20, 21, 22, 23], rng)
    assert find_turntable((around, second), ORDER) is not None


def test_a_walk_by_hand_is_no_turntable():
    rng = np.random.default_rng(4)
    walk = [
        look_at(p[:3, 3] * rng.uniform(0.8, 1.2) + rng.normal(0, 0.2, 3), rng.normal(0, 0.05, 3)) for p in turning()
    ]
    assert find_turntable((model_of(walk, list(range(36)), rng),), ORDER) is None


@pytest.mark.parametrize("k1", [0.0, 3.0])
def test_adjustment_finds_the_lens_and_the_poses(k1):
    """So narrow a view shows distortion only where it is strong."""
    poses, rng = turning(noise_deg=0.05), np.random.default_rng(5)
    halves = two_halves(poses, rng, pose_noise=0.002, focal=0.97 * FOCAL_PX, k1=k1)
    table = find_turntable(halves, ORDER)
    before = centre_error(poses, table.number, table_centres(table))
    found = adjust(halves, table, ORDER, GROUPS)
    after = centre_error(poses, found.turntable.number, table_centres(found.turntable))
    assert after < 0.002
    assert after < 0.5 * before
    assert np.median(found.off_px) < 0.3
    assert found.lenses[0, 0] == pytest.approx(FOCAL_PX, rel=0.01)
    assert found.lenses[0, 1] == pytest.approx(k1, abs=0.0 if k1 == 0 else 0.15)
    assert len(found.points) == found.point_of.max() + 1 == len(found.origin)


def outlines(folder, poses, numbers, moved=()):
    """Masks of the ellipsoid; of `moved` ones as if it stood elsewhere."""
    points, _ = surface(6000, np.random.default_rng(9))
    for k in numbers:
        uv, _ = project(camera_at(poses[k]), points + np.array([0.3, 0, 0]) if k in moved else points)
        mask = np.zeros(SIZE_WH[::-1], np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(uv.astype(np.float32)).astype(np.int32), 255)
        cv2.imwrite(str(folder / f"{k:04d}.jpg.png"), mask)


def test_photos_that_did_not_register_are_placed_if_their_outlines_agree(tmp_path):
    poses, rng = turning(noise_deg=0.05), np.random.default_rng(6)
    outlines(tmp_path, poses, range(36), moved=(18,))
    photos = photos_of(36)
    halves = two_halves(poses, rng, pose_noise=0.001)
    model = on_turntable(halves, photos, [], tmp_path, Silent())
    numbers = [int(f[7:11]) for f in model.files]
    assert numbers == [k for k in range(36) if k != 18]
    assert centre_error(poses, numbers, model.centres()) < 0.002
    assert (np.diff(model.tracks[:, 0]) >= 0).all()
    assert model.tracks[:, 1].max() < len(model.files)
    alone = on_turntable(halves, photos, [], None, Silent())
    assert set(alone.files) == set(halves[0].files)  # without outlines nothing is joined or added


def test_a_camera_that_moved_keeps_its_free_model():
    poses = turning()
    rng = np.random.default_rng(7)
    for k in range(36):  # within what counts as a ring, but far more than the points allow
        poses[k] = poses[k].copy()
        poses[k][:3, 3] += rng.normal(0, 0.02, 3)
    photos = photos_of(36)
    assert on_turntable((model_of(poses, list(range(36)), rng),), photos, [], None, Silent()) is None


def test_numbers_of_unused_photos_are_kept():
    photos = photos_of(6)
    assert list(taken_order([photos[k] for k in (0, 2, 5)]).values()) == [0, 2, 5]
    named = [replace(photos[0], file=name) for name in ("b.jpg", "a.jpg")]
    assert taken_order(named) == {"b.jpg": 0, "a.jpg": 1}
