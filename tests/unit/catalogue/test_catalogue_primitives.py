"""Primitives are closed, outward meshes with unit normals; patterns fill their texture; their share is kept."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from photosynth.catalogue.config import CatalogueConfig, check_config
from photosynth.catalogue.patterns import random_pattern
from photosynth.catalogue.primitives import disc, extruded, joined, lathed, random_primitive, rounded_box
from photosynth.catalogue.units import made_up_kind
from photosynth.core.errors import ConfigError


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, k]].astype(float) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def open_edges(vertices: np.ndarray, faces: np.ndarray) -> int:
    """Edges without a partner that runs the other way, vertices at one place being one."""
    _, place = np.unique(np.round(vertices.astype(float), 6), axis=0, return_inverse=True)
    corners = place[faces].reshape(-1, 3)
    edges = Counter(tuple(e) for k in range(3) for e in corners[:, [k, (k + 1) % 3]])
    return sum(count != edges[(b, a)] for (a, b), count in edges.items())


@pytest.mark.parametrize("seed", range(24))
def test_primitives_are_closed_outward_meshes(seed) -> None:
    mesh = random_primitive(np.random.default_rng(seed))
    vertices, faces = mesh.vertices_m, mesh.faces
    a, b, c = (vertices[faces[:, k]].astype(float) for k in range(3))
    flat = np.cross(b - a, c - a)
    area = np.linalg.norm(flat, axis=1)
    assert (area > 1e-12).all()
    assert open_edges(vertices, faces) == 0
    assert volume(vertices, faces) > 0
    normals = mesh.normals[faces].mean(axis=1)
    assert (np.einsum("ij,ij->i", flat / area[:, None], normals) > 0.5).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vertices.min(0) + vertices.max(0), 0, atol=1e-6)
    assert 0.04 - 1e-6 <= np.ptp(vertices, axis=0).max() <= 0.30 + 1e-6
    assert mesh.uv.min() >= -1e-6
    assert mesh.uv.max() <= 1 + 1e-6
    assert mesh.texture.shape == (256, 256, 3)


def test_bodies_have_the_volumes_of_their_formulas() -> None:
    t = np.linspace(-np.pi / 2, np.pi / 2, 41)
    ball = lathed(np.stack([np.cos(t), np.sin(t)], axis=1))
    assert volume(ball[0], ball[3]) == pytest.approx(4 / 3 * np.pi, rel=0.01)
    can = joined([disc(1.0, -2.0), lathed(np.array([(1.0, -2.0), (1.0, 2.0)])), disc(1.0, 2.0)])
    assert volume(can[0], can[3]) == pytest.approx(4 * np.pi, rel=0.01)
    brick = extruded(np.array([(1, 2), (-1, 2), (-1, -2), (1, -2)], float), 3.0)
    assert volume(brick[0], brick[3]) == pytest.approx(2 * 4 * 6)
    r, half = 0.4, np.array([1.0, 1.5, 2.0])  # Steiner's formula: box, slabs, quarter cylinders, ball
    a, b, c = 2 * (half - r)
    steiner = a * b * c + 2 * r * (a * b + b * c + c * a) + np.pi * r**2 * (a + b + c) + 4 / 3 * np.pi * r**3
    soap = rounded_box(half, r)
    assert volume(soap[0], soap[3]) == pytest.approx(steiner, rel=0.01)


def test_primitives_are_fixed_by_their_generator_and_differ_otherwise() -> None:
    one, same = (random_primitive(np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.vertices_m, same.vertices_m)
    np.testing.assert_array_equal(one.texture, same.texture)
    sizes = {len(random_primitive(np.random.default_rng(seed)).vertices_m) for seed in range(60)}
    assert len(sizes) >= 8


def test_patterns_vary() -> None:
    textures = [random_pattern(np.random.default_rng(seed)).astype(float) for seed in range(40)]
    spread = [texture.std(axis=(0, 1)).max() for texture in textures]
    assert sum(value < 8 for value in spread) >= 2  # plain ones
    assert sum(value > 25 for value in spread) >= 15  # and loud ones
    assert np.std([texture.mean() for texture in textures]) > 20


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.75])
def test_primitives_take_the_place_of_packages(share) -> None:
    kinds = [made_up_kind(number, share) for number in range(400)]
    counts = Counter(kinds)
    assert counts["produce"] == 100
    assert counts["primitive"] == pytest.approx(400 * share, abs=1)
    assert counts["package"] == 300 - counts["primitive"]
    if share == 0.1:
        assert 1 <= Counter(kinds[:20])["primitive"] <= 3


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(ConfigError, match="primitive_share"):
        check_config(CatalogueConfig(primitive_share=0.8))
