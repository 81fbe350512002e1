"""Points, directions and rotations: what they draw, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from photosynth.core.directions import (
    AxisRotation,
    CompositeRings,
    RingOnShell,
    UniformRotation,
    UniformShell,
    UniformSphere,
    matrix_from_quaternion,
)
from photosynth.core.distributions import Fixed, Normal, Uniform, sample, sample_many

N = 20_000


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def azimuth(points: np.ndarray, axis: int) -> np.ndarray:
    return np.arctan2(points[:, (axis + 2) % 3], points[:, (axis + 1) % 3])


def test_sphere_is_uniform_by_area() -> None:
    points = sample_many(UniformSphere(), rng(), N)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(N))
    for axis in range(3):  # Archimedes: every coordinate is uniform
        assert stats.kstest(points[:, axis], stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_band_of_the_sphere_keeps_to_its_elevations() -> None:
    points = sample_many(UniformSphere(low_elevation_deg=30, high_elevation_deg=90), rng(), N)
    assert stats.kstest(points[:, 2], stats.uniform(0.5, 0.5).cdf).pvalue > 0.01


@pytest.mark.parametrize(("by", "power"), [("volume", 3), ("radius", 1)])
def test_shell_is_uniform_by_what_it_says(by, power) -> None:
    points = sample_many(UniformShell(low_radius=1, high_radius=3, by=by), rng(), N)
    radius = np.linalg.norm(points, axis=1)
    assert stats.kstest(radius**power, stats.uniform(1, 3**power - 1).cdf).pvalue > 0.01
    assert stats.kstest(points[:, 0] / radius, stats.uniform(-1, 2).cdf).pvalue > 0.01


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_ring_is_uniform_round_its_axis_and_normal_off_its_circle(axis) -> None:
    k = "xyz".index(axis)
    points = sample_many(RingOnShell(axis=axis, deviation_sd_deg=10, radius=Uniform(low=2, high=5)), rng(), N)
    radius = np.linalg.norm(points, axis=1)
    assert stats.kstest(radius, stats.uniform(2, 3).cdf).pvalue > 0.01
    assert stats.kstest(np.degrees(np.arcsin(points[:, k] / radius)), stats.norm(0, 10).cdf).pvalue > 0.01
    assert stats.kstest(azimuth(points, k), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.01


def test_composite_rings_follow_their_weights() -> None:
    points = sample_many(CompositeRings(weights_xyz=(1, 0, 3), deviation_sd_deg=0), rng(), N)
    on_x, on_z = np.abs(points[:, 0]) < 1e-12, np.abs(points[:, 2]) < 1e-12
    assert (on_x | on_z).all()
    assert stats.binomtest(int(on_z.sum()), N, 0.75).pvalue > 0.01


def test_uniform_rotation_is_uniform() -> None:
    quaternions = sample_many(UniformRotation(), rng(), N)
    assert np.linalg.norm(quaternions, axis=1) == pytest.approx(np.ones(N))
    turned = np.array([matrix_from_quaternion(q) for q in quaternions[:4000]])
    for vector in range(3):  # every axis lands uniformly on the sphere
        assert stats.kstest(turned[:, 2, vector], stats.uniform(-1, 2).cdf).pvalue > 0.01
    angle = 2 * np.arccos(np.clip(np.abs(quaternions[:, 0]), 0, 1))
    haar = lambda t: (t - np.sin(t)) / np.pi  # noqa: E731  angle of a uniform rotation
    assert stats.kstest(angle, haar).pvalue > 0.01


def test_axis_rotation_turns_right_handed_about_its_axis() -> None:
    turn = matrix_from_quaternion(sample(AxisRotation(axis=(0, 0, 2), angle_deg=Fixed(value=90)), rng()))
    assert turn @ [1, 0, 0] == pytest.approx([0, 1, 0])
    assert turn @ [0, 0, 1] == pytest.approx([0, 0, 1])


def test_matrix_of_a_quaternion_is_a_rotation() -> None:
    matrix = matrix_from_quaternion(sample(UniformRotation(), rng()))
    assert matrix @ matrix.T == pytest.approx(np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: UniformSphere(low_elevation_deg=10, high_elevation_deg=5), "must not be above"),
        (lambda: UniformSphere(high_elevation_deg=91), "-90..90"),
        (lambda: UniformShell(low_radius=2, high_radius=1), "low_radius must not be above high_radius"),
        (lambda: UniformShell(low_radius=-1, high_radius=1), "0 or more"),
        (lambda: RingOnShell(axis="z", deviation_sd_deg=-1), "deviation_sd_deg"),
        (lambda: RingOnShell(axis="z", radius=Fixed(value=0)), "radius"),
        (lambda: RingOnShell(axis="z", radius=Normal(mean=1, sd=1)), "radius"),
        (lambda: CompositeRings(weights_xyz=(0, 0, 0)), "all 0"),
        (lambda: AxisRotation(axis=(0, 0, 0)), "axis must not be zero"),
        (lambda: AxisRotation(axis=(1, -1, float("nan"))), "axis must be a finite"),
    ],
)
def test_what_makes_no_distribution_is_refused(make, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()
