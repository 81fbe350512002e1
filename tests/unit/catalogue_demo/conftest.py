"""What a printed package's mesh must be, checked the same way for demo objects and random packages."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from photosynth.core.mesh import Mesh


def _check(mesh: Mesh) -> None:
    n, f = len(mesh.vertices_m), mesh.faces
    assert mesh.vertices_m.shape == mesh.normals.shape == (n, 3)
    assert mesh.uv.shape == (n, 2)
    assert mesh.vertices_m.dtype == mesh.normals.dtype == mesh.uv.dtype == np.float32
    assert f.dtype == np.int32
    assert f.min() >= 0
    assert f.max() == n - 1
    assert mesh.texture.dtype == np.uint8
    assert np.isfinite(mesh.vertices_m).all()
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-5)
    assert mesh.uv.min() >= 0.0
    assert mesh.uv.max() <= 1.0
    assert np.allclose(mesh.vertices_m.min(axis=0) + mesh.vertices_m.max(axis=0), 0.0, atol=1e-5)
    p = mesh.vertices_m[f].astype(np.float64)
    cross = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    assert (np.einsum("fd,fcd->fc", cross, mesh.normals[f]) > -1e-12).all(), "a normal points into the object"
    assert _open_edges(mesh) == 0
    box = np.prod(np.ptp(mesh.vertices_m, axis=0))
    volume = np.einsum("fd,fd->", p[:, 0], np.cross(p[:, 1], p[:, 2])) / 6
    assert 0.3 * box < volume <= 1.05 * box
    _check_uv_not_mirrored(mesh, p, cross)


def _open_edges(mesh: Mesh) -> int:
    """Directed edges without exactly one opposite, after welding vertices at the same place (1 micrometre)."""
    _, welded = np.unique(np.round(mesh.vertices_m.astype(np.float64) * 1e6 / 2), axis=0, return_inverse=True)
    faces = welded.reshape(-1)[mesh.faces]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    edges = Counter((int(a), int(b)) for t in faces for a, b in zip(t, np.roll(t, -1), strict=True))
    return sum(1 for (a, b), count in edges.items() if edges.get((b, a), 0) != count)


def _check_uv_not_mirrored(mesh: Mesh, p: np.ndarray, cross: np.ndarray) -> None:
    """Seen from outside, print reads forwards: uv turns the same way as the triangle, for the visible bulk of it."""
    t = mesh.uv[mesh.faces].astype(np.float64)
    a, b = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    turn = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    area = np.linalg.norm(cross, axis=1)
    mirrored = area[turn < -1e-10].sum() / area.sum()
    assert mirrored < 0.02


@pytest.fixture
def check_mesh():
    return _check
