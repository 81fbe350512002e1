"""The verdict on a reconstruction: the worst of registration, prediction and coverage, with reasons."""

import numpy as np
import pytest

from photosynth.core.asset import ModelFacts
from photosynth.core.errors import QualityError
from photosynth.core.mesh import Mesh
from photosynth.reconstruct import preview
from photosynth.reconstruct.dense import MEASURED_REL, measured_vertices
from photosynth.reconstruct.fusion import PointCloud
from photosynth.reconstruct.model import share_of
from photosynth.reconstruct.page import shown_from
from photosynth.reconstruct.quality import SfmQuality, after_registration
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


def test_one_side_is_weak_however_good_it_is() -> None:
    verdict = verdict_of(FINE, 30.0, 0.4, 0.98, arc_deg=75.0)
    assert verdict.grade == "weak"
    assert len(verdict.reasons) == 1  # little was photographed, but no more is shown
    assert "75 degrees round only" in verdict.reasons[0]
    assert verdict_of(FINE, 30.0, 0.4, 0.2, arc_deg=75.0).grade == "retake"


def test_errors_after_the_registration_say_how_many_photos_it_took() -> None:
    quality = SfmQuality(grade="weak", n_photos=11, n_registered=9, failed=(), checks=())
    with pytest.raises(QualityError, match=r"^9 of 11 photos registered, but no surface$"), after_registration(quality):
        raise QualityError("no surface")
    with pytest.raises(OSError, match=r"^full$"), after_registration(quality):
        raise OSError("full")


@pytest.mark.parametrize(
    ("azimuth_deg", "views", "shown"),
    [((150.0, 225.0), 7, (150.0, 225.0, 187.5)), ((-180.0, 180.0), 7, (-90.0, 210.0, -60.0))],
)
def test_the_preview_keeps_to_the_arc(azimuth_deg, views, shown, monkeypatch) -> None:
    asked, real = [], preview._scene
    monkeypatch.setattr(preview, "_scene", lambda *args: asked.append(np.degrees(args[2:4])) or real(*args))
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], np.int32)
    mesh = Mesh(corners, corners - 0.25, corners[:, :2], faces, np.full((4, 4, 3), 90, np.uint8))
    assert preview.turntable(mesh, (15.0, 45.0), azimuth_deg, 16).shape == (16, views * 16, 3)
    azimuth, elevation = np.array(asked).T
    assert (azimuth[0], azimuth[-2], azimuth[-1]) == pytest.approx(shown)
    assert elevation.tolist() == pytest.approx([20.0] * (views - 1) + [45.0])


def test_what_may_be_shown_in_words() -> None:
    facts = ModelFacts(elevation_deg=(-5.0, 55.0), azimuth_deg=(150.0, 225.0))
    assert shown_from(facts) == "75° round, elevations -5° to 55°"
    assert shown_from(ModelFacts()) == "all round, elevations -90° to 90°"


def test_surface_far_from_all_points_is_not_measured() -> None:
    """A square of two triangles, with points on one of its sides only."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
    surface = Surface(vertices, np.array([[0, 1, 2], [0, 2, 3]]), False)
    near = np.array([[0, 0.5 * MEASURED_REL, 0], [1, 0, 0.9 * MEASURED_REL], [1, 1 - 1.1 * MEASURED_REL, 0]])
    cloud = PointCloud(near, np.zeros((3, 3)), np.zeros((3, 3)), np.ones(3))
    measured = measured_vertices(surface, cloud, 1.0)
    assert measured.tolist() == [True, True, False, False]
    assert share_of(surface, measured, False) == pytest.approx((2 / 3 + 1 / 3) / 2)
