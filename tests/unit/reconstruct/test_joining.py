"""Two sides of one object laid onto each other."""

import numpy as np
import pytest

from photosynth.core.errors import QualityError
from photosynth.core.geometry import transform_points
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.joining import Features, JoinConfig, join, matched_points, umeyama


def similarity(rng, scale=1.7):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = scale * q * np.sign(np.linalg.det(q))
    matrix[:3, 3] = rng.normal(size=3)
    return matrix


def box(rng, n):
    """Points and normals on the sides of a box 1 x 0.6 x 1.4."""
    half = np.array([0.5, 0.3, 0.7])
    axis, sign = rng.integers(0, 3, n), rng.choice([-1.0, 1.0], n)
    points = rng.uniform(-1, 1, (n, 3))
    points[np.arange(n), axis] = sign
    normals = np.zeros((n, 3))
    normals[np.arange(n), axis] = sign
    return points * half, normals


def cloud_of(points, normals):
    return PointCloud(points, normals, np.zeros_like(points), np.ones(len(points)))


def sides(rng, n_pairs=300, n_wrong=700, noise=0.004):
    """Matched points of both sides, dense clouds of both, and the true transform."""
    truth = similarity(rng)
    back = np.linalg.inv(truth)
    on_box, _ = box(rng, n_pairs + n_wrong)
    pairs = on_box + rng.normal(0, noise, on_box.shape)
    others = on_box.copy()
    others[n_pairs:] = box(rng, n_wrong)[0]
    turn = back[:3, :3] / np.cbrt(np.linalg.det(back[:3, :3]))
    clouds = []
    for k in range(2):
        points, normals = box(rng, 20_000)
        points = points + rng.normal(0, 0.001, points.shape)
        upper = points[:, 2] > -0.5 if k == 0 else points[:, 2] < 0.5
        points, normals = points[upper], normals[upper]
        clouds.append(
            cloud_of(points, normals) if k == 0 else cloud_of(transform_points(back, points), normals @ turn.T)
        )
    return (pairs, transform_points(back, others)), tuple(clouds), truth


def test_umeyama_undoes_a_similarity():
    rng = np.random.default_rng(3)
    truth, points = similarity(rng), rng.normal(size=(20, 3))
    assert umeyama(points, transform_points(truth, points)) == pytest.approx(truth)


def test_sides_are_joined_among_wrong_pairs():
    rng = np.random.default_rng(4)
    pairs, clouds, truth = sides(rng)
    joint = join(JoinConfig(trials=600), pairs, clouds, 1.8)
    corners = box(rng, 200)[0]
    off = transform_points(joint.first_from_second, transform_points(np.linalg.inv(truth), corners)) - corners
    assert np.linalg.norm(off, axis=1).max() < 0.0015
    assert 250 <= joint.n_pairs <= 330
    assert joint.error < 0.01


def test_nothing_in_common_is_refused():
    pairs, clouds, _ = sides(np.random.default_rng(5), n_pairs=4, n_wrong=900)
    with pytest.raises(QualityError, match="laid onto each other"):
        join(JoinConfig(trials=400), pairs, clouds, 1.8)


@pytest.mark.parametrize("ulps", [-2, -1, 0, 1, 2])  # products of matrices round as the processor pleases
def test_only_clear_and_mutual_matches_count(ulps):
    rng = np.random.default_rng(6)
    descriptors = np.abs(rng.normal(size=(30, 128))).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    again = descriptors[:5] * np.float32(1 + ulps * 1.2e-7)  # the first five are there twice: not clear
    twice = np.concatenate([descriptors, again])
    a = Features(twice, np.arange(35.0)[:, None] * np.ones(3))
    b = Features(descriptors, np.arange(30.0)[:, None] * np.ones(3))
    first, second = matched_points(JoinConfig(), [b], [a])
    assert first[:, 0].astype(int).tolist() == list(range(5, 30))
    assert np.array_equal(first, second)
