"""The verdict on a reconstruction: the worst of registration, prediction and coverage, with reasons."""

import numpy as np
import pytest

from photosynth.reconstruct.dense import MEASURED_REL, measured_vertices
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.model import share_of
from photosynth.reconstruct.quality import SfmQuality
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.verdict import verdict_of

FINE = SfmQuality(grade="good", n_photos=9, n_registered=9, failed=(), checks=())


def test_all_good_needs_no_words() -> None:
    verdict = verdict_of(FINE, 30.0, 0.99, 0.98)
    assert verdict.grade == "good"
    assert verdict.reasons == ()
    assert verdict_of(FINE, float("nan"), 0.99, 0.98).held_out_psnr_db is None


@pytest.mark.parametrize(
    ("figures", "grade", "word"),
    [
        ((20.0, 0.99, 0.98), "weak", "predicted at 20.0 dB"),
        ((15.0, 0.99, 0.98), "retake", "predicted at 15.0 dB"),
        ((30.0, 0.80, 0.98), "weak", "80% of the surface above the table was photographed"),
        ((30.0, 0.30, 0.98), "retake", "30% of the surface above the table was photographed"),
        ((30.0, 0.99, 0.50), "weak", "agree on the shape of only 50%"),
        ((30.0, 0.99, 0.20), "retake", "agree on the shape of only 20%"),
    ],
)
def test_each_figure_counts(figures, grade, word) -> None:
    verdict = verdict_of(FINE, *figures)
    assert verdict.grade == grade
    assert word in verdict.reasons[0]


def test_the_worst_comes_first() -> None:
    verdict = verdict_of(FINE, 20.0, 0.99, 0.1)
    assert verdict.grade == "retake"
    assert "10%" in verdict.reasons[0]
    assert "20.0 dB" in verdict.reasons[1]


def test_surface_far_from_all_points_is_not_measured() -> None:
    """A square of two triangles, with points on one of its sides only."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
    surface = Surface(vertices, np.array([[0, 1, 2], [0, 2, 3]]), False)
    near = np.array([[0, 0.5 * MEASURED_REL, 0], [1, 0, 0.9 * MEASURED_REL], [1, 1 - 1.1 * MEASURED_REL, 0]])
    cloud = PointCloud(near, np.zeros((3, 3)), np.zeros((3, 3)), np.ones(3))
    measured = measured_vertices(surface, cloud, 1.0)
    assert measured.tolist() == [True, True, False, False]
    assert share_of(surface, measured, False) == pytest.approx((2 / 3 + 1 / 3) / 2)
