"""Walls and base under a thing on a table."""

import numpy as np
import pytest

from photosynth.reconstruct.foot import foot_points, table_roughness
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.surface import SurfaceConfig, build_surface, object_points

DIAGONAL = 2.2


def cloud_of(points, normals):
    return PointCloud(
        np.asarray(points, float), np.asarray(normals, float), np.zeros((len(points), 3)), np.ones(len(points))
    )


def cylinder(low=0.02, inner=0.0, seed=0):
    """Walls from `low` to 2 and the top of a cylinder of radius 0.45, with a bore of radius `inner`."""
    rng = np.random.default_rng(seed)
    parts = []
    for radius, outward, n in ((0.45, 1.0, 40_000), (inner, -1.0, 20_000 if inner else 0)):
        turn = rng.uniform(0, 2 * np.pi, n)
        side = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(n)])
        parts.append((radius * side + rng.uniform(low, 2, (n, 1)) * [0, 0, 1], outward * side))
    flat = rng.uniform(-0.45, 0.45, (20_000, 2))
    distance = np.linalg.norm(flat, axis=1)
    flat = flat[(distance < 0.45) & (distance > inner)]
    parts.append((np.column_stack([flat, np.full(len(flat), 2.0)]), np.tile([0.0, 0.0, 1.0], (len(flat), 1))))
    return cloud_of(*(np.concatenate([p[k] for p in parts]) for k in range(2)))


def table(rng, rough=0.0):
    flat = rng.uniform(-1.2, 1.2, (30_000, 2))
    flat = flat[np.linalg.norm(flat, axis=1) > 0.45]
    points = np.column_stack([flat, rng.normal(0, rough, len(flat))])
    return points, np.tile([0.0, 0.0, 1.0], (len(points), 1))


def test_walls_reach_the_table_and_the_base_is_inside_them():
    foot = foot_points(cylinder(low=0.03), DIAGONAL, 0.025)
    radius = np.linalg.norm(foot.points[:, :2], axis=1)
    down = foot.normals[:, 2] < -0.5
    assert foot.points[down, 2] == pytest.approx(0.0)
    assert radius.max() < 0.47
    area = down.sum() * (DIAGONAL / 250) ** 2
    assert area == pytest.approx(np.pi * 0.45**2, rel=0.06)
    walls = foot.points[~down]
    assert radius[~down].min() > 0.44
    assert walls[:, 2].min() < 0.01
    assert walls[:, 2].max() < 0.03 + DIAGONAL * 0.025


def test_half_an_outline_is_closed_by_its_hull():
    half = cylinder()
    half = half.select(half.points[:, 0] > 0.0)
    foot = foot_points(half, DIAGONAL, 0.025)
    down = foot.normals[:, 2] < -0.5
    assert down.sum() * (DIAGONAL / 250) ** 2 == pytest.approx(np.pi * 0.45**2 / 2, rel=0.1)


def test_nothing_low_needs_no_foot():
    assert len(foot_points(cylinder(low=0.5), DIAGONAL, 0.025)) == 0


def test_roughness_of_the_table():
    points, normals = table(np.random.default_rng(1), rough=0.004)
    assert table_roughness(cloud_of(points, normals), 0.02) == pytest.approx(0.004, rel=0.1)


def test_closed_mesh_of_a_thing_on_a_table_has_its_height():
    thing, (points, normals) = cylinder(low=0.0), table(np.random.default_rng(1), rough=0.002)
    both = cloud_of(np.concatenate([thing.points, points]), np.concatenate([thing.normals, normals]))
    kept = object_points(SurfaceConfig(), both, thing.points[::50], DIAGONAL, table=True)
    assert np.linalg.norm(kept.points[:, :2], axis=1).max() < 0.5
    assert kept.points[:, 2].min() < 0.01 * DIAGONAL
    surface = build_surface(SurfaceConfig(faces=3000, octree_depth=6), kept, DIAGONAL, ground=0.0)
    assert surface.closed
    assert surface.vertices[:, 2].min() == pytest.approx(0.0, abs=0.02)
    low = surface.vertices[surface.vertices[:, 2] < 0.03]
    assert np.linalg.norm(low[:, :2], axis=1).max() == pytest.approx(0.45, abs=0.03)
