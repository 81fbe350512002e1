"""Gaps in the walk, and what is advised."""

import io

import numpy as np
import pytest
from made_up_walk import box_and_table, model_of, photos_of, ring
from PIL import Image

from photosynth.reconstruct.coverage import coverage_advice, coverage_picture, directions, gaps
from photosynth.reconstruct.isolate import isolate


def test_gaps_go_round_the_circle():
    assert gaps(np.arange(0, 360, 30.0)) == []
    assert gaps(np.array([350.0, 10.0, 40.0, 200.0])) == [(40.0, 200.0), (200.0, 350.0)]
    assert gaps(np.array([100.0])) == [(100.0, 460.0)]
    assert gaps(np.array([])) == [(0.0, 360.0)]


def test_a_gap_is_named_by_the_photos_beside_it(tmp_path):
    rng = np.random.default_rng(0)
    poses = [*ring(10, 20, end_deg=250), *ring(6, 55, end_deg=240)]
    model, photos = model_of(poses, box_and_table(rng), rng), photos_of(18)
    found = isolate(model)
    azimuth, elevation, distance = directions(model, found)
    assert np.ptp(azimuth) > 0
    assert np.allclose(distance, 2.0, rtol=0.05)
    assert np.allclose(elevation, [20] * 10 + [55] * 6, atol=4)
    lines = coverage_advice(model, photos, found)
    assert len(lines) == 1
    assert "gap of 135 degrees" in lines[0]
    assert "take 8 more" in lines[0]
    assert "IMG_9.jpg" in lines[0]
    picture = Image.open(io.BytesIO(coverage_picture(model, photos, found)))
    assert picture.format == "PNG"
    assert picture.width > 800


@pytest.mark.parametrize(("elevation", "word"), [(20, "higher up"), (60, "lower down")])
def test_a_single_ring_is_not_enough(elevation, word):
    rng = np.random.default_rng(1)
    model = model_of(ring(20, elevation), box_and_table(rng), rng)
    lines = coverage_advice(model, photos_of(20), isolate(model))
    assert [word in line for line in lines] == [True]
