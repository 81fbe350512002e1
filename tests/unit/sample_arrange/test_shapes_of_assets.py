"""Shapes: few points that hold the whole mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photosynth.core.asset import Asset, AssetPart
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.sample.arrange.hull import hull_of
from photosynth.sample.arrange.shapes import MAX_POINTS, Shapes, simplified

SCANS = Path(__file__).parents[3].parent / "shared" / "data" / "scans" / "ycb"


def check(points: np.ndarray, loose: float) -> None:
    """`loose`: farthest that the simplified hull may stand off, in diagonals."""
    full, simple = hull_of(points), simplified(points)
    diagonal = np.linalg.norm(np.ptp(points, axis=0))
    assert len(simple.points_m) <= MAX_POINTS
    assert (points @ simple.normals.T - simple.offsets_m).max() <= 1.01e-4 * diagonal
    assert (simple.points_m @ full.normals.T - full.offsets_m).max() <= loose * diagonal


def test_a_ball_is_held_closely():
    points = np.random.default_rng(0).normal(size=(3000, 3))
    check(points / np.linalg.norm(points, axis=1)[:, None], loose=0.016)


def test_a_can_is_held_closely_and_keeps_its_ends():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.concatenate([np.column_stack([ring, np.full(400, z)]) for z in (-1.5, 1.5)])
    check(points, loose=0.004)
    assert np.abs(simplified(points).points_m[:, 2]) == pytest.approx(1.5, abs=1e-4)


def test_a_box_with_points_on_its_sides_is_its_corners():
    points = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    points[:8] = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    assert len(simplified(points).points_m) == 8


@pytest.mark.parametrize("name", ["003_cracker_box", "011_banana", "025_mug", "035_power_drill"])
def test_real_scans_are_held_closely(name):
    path = SCANS / name / "textured.obj"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    lines = [line.split()[1:4] for line in path.read_text().splitlines() if line.startswith("v ")]
    check(np.array(lines, dtype=float), loose=0.008)


def mesh(points: np.ndarray) -> Mesh:
    n = len(points)
    zeros = np.zeros((n, 3), np.float32)
    faces = np.zeros((1, 3), np.int32)
    return Mesh(points.astype(np.float32), zeros, zeros[:, :2], faces, np.zeros((2, 2, 3), np.uint8))


def test_both_halves_of_a_scan_make_one_shape_that_is_kept():
    rng = np.random.default_rng(4)
    top, bottom = (rng.normal(size=(300, 3)) + np.array([0, 0, z]) for z in (1, -1))
    parts = (AssetPart(name="top", model_file="a"), AssetPart(name="bottom", model_file="b"))
    asset = Asset(asset_id="a", class_name="a", parts=parts, size_m=(1.0, 1.0, 1.0), scale_known=True)
    shapes = Shapes(FixedMeshes({("a", "top"): mesh(top), ("a", "bottom"): mesh(bottom)}))
    shape = shapes.shape(asset)
    both = np.concatenate([top, bottom])
    assert (both @ shape.hull.normals.T - shape.hull.offsets_m).max() <= 2e-4 * shape.diagonal_m
    assert shapes.shape(asset) is shape
    large = shapes.shape(asset, 2.0)
    assert large.scale == 2.0
    assert large.points_m == pytest.approx(2.0 * shape.points_m)
    assert large.hull.volume_m3 == pytest.approx(8.0 * shape.hull.volume_m3)
    assert large.hull.volume_m3 == pytest.approx(hull_of(large.points_m).volume_m3)
