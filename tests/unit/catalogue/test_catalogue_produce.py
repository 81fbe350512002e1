"""Heaps of produce are closed, outward meshes that differ by their generator; look-alikes can keep the palette."""

import numpy as np
import pytest

from photosynth.catalogue.lookalike import lookalike_meshes
from photosynth.catalogue.produce import random_produce
from photosynth.core.mesh import Mesh


@pytest.mark.parametrize("seed", range(6))
def test_heaps_are_valid_meshes(seed):
    mesh = random_produce(np.random.default_rng(seed))
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]].astype(float) for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    assert (areas > 1e-12).all()
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0, "faces look outward"
    centre = (mesh.vertices_m.min(0) + mesh.vertices_m.max(0)) / 2
    np.testing.assert_allclose(centre, 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1
    assert 0.02 < np.ptp(mesh.vertices_m, axis=0).max() < 1.2
    assert mesh.texture.shape == (256, 256, 3)


def test_heaps_are_fixed_by_their_generator_and_differ_otherwise():
    one, same, other = (random_produce(np.random.default_rng(k)) for k in (3, 3, 4))
    np.testing.assert_array_equal(one.vertices_m, same.vertices_m)
    np.testing.assert_array_equal(one.texture, same.texture)
    assert one.vertices_m.shape != other.vertices_m.shape or (one.texture != other.texture).any()


def quad(texture: np.ndarray) -> Mesh:
    vertices = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], np.float32)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    normals = np.tile(np.array([0, -1, 0], np.float32), (4, 1))
    return Mesh(vertices, normals, uv, np.array([[0, 1, 2], [0, 2, 3]], np.int32), texture)


def test_second_lookalike_keeps_the_objects_colours():
    colours = np.array([[200, 30, 30], [250, 240, 220], [20, 20, 90]], np.uint8)
    texture = colours[np.arange(3).repeat(32)][:, None].repeat(96, axis=1)

    def label(rng, width, height):
        return (
            rng.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
            .repeat(8, 0)
            .repeat(8, 1)[:height, :width]
        )

    made, note = lookalike_meshes({"whole": quad(texture)}, 1, np.random.default_rng(1), label, 96)
    new = made["whole"].texture.reshape(-1, 3).astype(int)
    distance = np.abs(new[:, None] - colours[None].astype(int)).sum(2).min(1)
    assert (distance < 90).mean() > 0.95, "every texel is near one of the object's colours"
    assert (made["whole"].texture != texture).any()
    assert "colours" in note
