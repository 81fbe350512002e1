"""Layers to bytes and back, and how finely depth is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosynth.core.codec import DEPTH_PRECISION, depth_step_m, layers_npz, read_layers
from photosynth.core.errors import ArtifactError
from photosynth.core.frame import OCCLUDER_ID


def kept(folder, depth, ids=None, normals=None):
    depth = np.asarray(depth, np.float32)
    ids = np.zeros(depth.shape, np.uint16) if ids is None else ids
    normals = np.zeros((*depth.shape, 3), np.float32) if normals is None else normals
    path = folder / "layers.npz"
    path.write_bytes(layers_npz(depth, ids, normals))
    return read_layers(path)


@pytest.mark.parametrize(
    ("nearest", "farthest", "step"),
    [
        (0.05, 6.5, 1e-4),
        (0.3, 0.5, 1e-4),
        (0.049, 0.6, 5e-5),
        (0.006, 0.6, 1e-5),
        (0.2, 8.3, 2e-4),
        (0.3, 30.0, 5e-4),
        (5.1, 600.0, 1e-2),
        (0.04, 6.0, None),  # no step is both fine and large enough
        (0.004, 0.1, None),
        (1.0, 700.0, None),
    ],
)
def test_the_step_suits_the_distances(tmp_path, nearest, farthest, step):
    depth = np.linspace(nearest, farthest, 500, dtype=np.float32).reshape(20, 25)
    assert depth_step_m(depth) == step
    back = kept(tmp_path, depth)
    assert back.depth_step_m == step
    assert (np.abs(back.depth_m - depth) <= DEPTH_PRECISION * depth * 1.0001).all()


@given(near=st.floats(1e-3, 50.0), ratio=st.floats(1.0, 2000.0), seed=st.integers(0, 99))
def test_any_depth_is_within_the_precision(tmp_path_factory, near, ratio, seed):
    rng = np.random.default_rng(seed)
    depth = (near * ratio ** rng.random((6, 7))).astype(np.float32)
    depth[0, 0], depth[0, 1], depth[1, 0] = near, near * ratio, np.inf
    depth[1, 1] = 0.0
    back = kept(tmp_path_factory.mktemp("layers"), depth).depth_m
    assert np.isinf(back[1, 0])
    assert back[1, 1] == 0
    finite = np.isfinite(depth)
    assert np.array_equal(np.isfinite(back), finite)
    assert (np.abs(back[finite] - depth[finite]) <= DEPTH_PRECISION * depth[finite] * 1.0001).all()


def test_ids_normals_and_nothing(tmp_path):
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(9, 11, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    ids = rng.choice([0, 1, 12, OCCLUDER_ID], (9, 11)).astype(np.uint16)
    back = kept(tmp_path, np.full((9, 11), np.inf), ids, normals)
    assert np.array_equal(back.instance_ids, ids)
    assert np.isinf(back.depth_m).all()
    unit = back.normals / np.linalg.norm(back.normals, axis=-1, keepdims=True)
    assert np.degrees(np.arccos(np.clip((unit * normals).sum(-1), -1, 1))).max() < 0.5


def test_equal_layers_give_equal_bytes():
    depth, ids = np.full((8, 8), 0.7, np.float32), np.ones((8, 8), np.uint16)
    normals = np.zeros((8, 8, 3), np.float32)
    assert layers_npz(depth, ids, normals) == layers_npz(depth.copy(), ids.copy(), normals.copy())


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: b"PNG", lambda data: b""])
def test_damaged_files_are_named(tmp_path, damage):
    path = tmp_path / "000007.npz"
    path.write_bytes(damage(layers_npz(np.ones((4, 4)), np.ones((4, 4), np.uint16), np.zeros((4, 4, 3)))))
    with pytest.raises(ArtifactError, match=r"000007\.npz cannot be read as a picture's layers"):
        read_layers(path)
