"""Metric scale from the corners of the printed sheet."""

import numpy as np
import pytest
from made_up_walk import camera_at, ring

from photosynth.core.camera import project
from photosynth.core.geometry import as_matrix4, transform_points
from photosynth.core.markers import sheet_layout
from photosynth.reconstruct.scale import scale_from_corners


def seen_corners(cameras, paper, rng, noise_px=0.2, only=None):
    layout = sheet_layout(paper)
    seen = []
    for camera in cameras:
        found = {}
        for marker in layout.markers[:only]:
            flat = (marker.corners_mm() - np.array(layout.page_mm) / 2) / 1000
            uv, _ = project(camera, np.concatenate([flat, np.zeros((4, 1))], axis=1))
            for k in range(4):
                found[marker.marker_id, k] = uv[k] + rng.normal(0, noise_px, 2)
        seen.append(found)
    return seen


def cameras_in(units_per_metre):
    """Cameras 0.6 m from the sheet, in a model whose unit is not the metre."""
    cameras = [camera_at(p) for p in ring(8, 40, distance=0.6, aim=(0.0, 0.0, 0.0))]
    moved = []
    import msgspec

    for camera in cameras:
        pose = np.array(camera.world_from_cam)
        pose[:3, 3] = transform_points(np.diag([units_per_metre] * 3 + [1.0]), pose[None, :3, 3])[0]
        moved.append(msgspec.structs.replace(camera, world_from_cam=as_matrix4(pose)))
    return cameras, moved


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_scale_is_found(paper):
    rng = np.random.default_rng(0)
    true, moved = cameras_in(3.7)
    found = scale_from_corners(moved, seen_corners(true, paper, rng))
    assert found.metres_per_unit == pytest.approx(1 / 3.7, rel=1e-3)
    assert found.paper == paper
    assert found.n_corners >= 30
    assert found.error_mm < 0.5


def test_one_misread_marker_does_no_harm():
    rng = np.random.default_rng(1)
    true, moved = cameras_in(0.5)
    seen = seen_corners(true, "a4", rng)
    for found in seen:
        found[3, 0], found[3, 2] = found[3, 2], found[3, 0]
    assert scale_from_corners(moved, seen).metres_per_unit == pytest.approx(2.0, rel=3e-3)


def test_no_sheet_no_scale():
    rng = np.random.default_rng(2)
    true, moved = cameras_in(1.0)
    assert scale_from_corners(moved, [{} for _ in moved]) is None
    assert scale_from_corners(moved[:1], seen_corners(true[:1], "a4", rng)) is None
    shuffled = [dict(zip(s, rng.permutation(list(s.values())), strict=True)) for s in seen_corners(true, "a4", rng)]
    assert scale_from_corners(moved, shuffled) is None
