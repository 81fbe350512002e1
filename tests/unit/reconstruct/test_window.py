"""From where a model may be shown: arcs, bands, what hides what, and what holes show."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.asset import ALL_ROUND_DEG, AssetPart
from photosynth.core.seen import seen_from
from photosynth.reconstruct.model import seen_elevations
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.window import Window, longest_run, visible_shares, widest_window, window_of


def sphere(rings=36, middle=(0.0, 0.0, 0.0), radius=1.0) -> Surface:
    i, j = np.meshgrid(np.arange(rings + 1), np.arange(2 * rings), indexing="ij")
    e, a = np.pi * (i.ravel() / rings - 0.5), np.pi * j.ravel() / rings
    points = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    row = 2 * rings
    k, n = (m.ravel() for m in np.meshgrid(np.arange(rings), np.arange(row), indexing="ij"))
    here, right = k * row + n, k * row + (n + 1) % row
    faces = np.concatenate([np.stack([here, right, right + row], 1), np.stack([here, right + row, here + row], 1)])
    return Surface(np.array(middle) + radius * points, faces, True)


def towards(azimuth_deg, elevation_deg) -> np.ndarray:
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1)


def photographed(azimuths_deg, elevations_deg=(0.0, 40.0)) -> tuple[np.ndarray, np.ndarray]:
    """Cameras (c, 3), and what they see of the unit sphere: where it faces one with a cosine of 0.15 or more."""
    cameras = np.array([4.0 * towards(a, e) for a in azimuths_deg for e in elevations_deg])
    return cameras, (BALL.vertices @ (cameras / 4.0).T).max(axis=1) > 0.15


BALL = sphere()
EVERY = np.ones(len(BALL.vertices), bool)
FRONT = np.arange(-150.0, -29.0, 15.0)


def test_a_sphere_photographed_from_an_arc_is_shown_from_about_that_arc() -> None:
    cameras, seen = photographed(FRONT)
    window = window_of(BALL, seen, EVERY, cameras)
    assert 110 <= window.arc_deg <= 140
    assert np.mean(window.azimuth_deg) == pytest.approx(-90, abs=6)
    low, high = window.elevation_deg
    assert -15 <= low <= 5
    assert 35 <= high <= 60
    assert window.measured_share == pytest.approx(1.0)
    part = AssetPart(name="whole", model_file="", azimuth_deg=window.azimuth_deg, elevation_deg=window.elevation_deg)
    shown = [d for d in np.random.default_rng(0).normal(size=(3000, 3)) if seen_from(part, d)]
    unit = np.array(shown) / np.linalg.norm(shown, axis=1, keepdims=True)
    unseen = 1 - visible_shares(BALL, np.stack([seen, seen], 1), unit[:200])[:, 0]
    assert unseen.max() < 0.02


def test_an_arc_over_the_back_wraps() -> None:
    cameras, seen = photographed(FRONT - 90.0)
    start, end = window_of(BALL, seen, EVERY, cameras).azimuth_deg
    assert 110 <= start <= 130
    assert 230 <= end <= 250


def test_all_round_stays_what_it_was() -> None:
    cameras, seen = photographed(np.arange(0.0, 360.0, 15.0))
    window = window_of(BALL, seen, EVERY, cameras)
    assert window == Window(ALL_ROUND_DEG, seen_elevations(BALL, seen))
    assert window.measured_share is None
    assert window.elevation_deg[1] >= 85


def test_one_side_alone_is_too_little() -> None:
    half = BALL.vertices[:, 1] < 0
    assert window_of(BALL, half, EVERY, np.array([[0.0, -4.0, 0.0]])) is None  # from 15 degrees aside 1.7 % is unseen


def test_directions_far_from_all_photos_are_left_out() -> None:
    cameras, seen = photographed(FRONT)
    assert window_of(BALL, seen, EVERY, cameras[8:9]) is None  # 25 degrees to either side of one is no arc
    narrow = window_of(BALL, seen, EVERY, cameras[6:12:2])
    assert 60 <= narrow.arc_deg <= 80


def test_what_photos_agree_on_is_judged_where_it_is_shown() -> None:
    cameras, seen = photographed(FRONT)
    assert window_of(BALL, seen, BALL.vertices[:, 1] < 0.3, cameras).measured_share > 0.93
    assert window_of(BALL, seen, BALL.vertices[:, 0] < 0, cameras).measured_share == pytest.approx(0.5, abs=0.06)


def test_hidden_surface_counts_for_nothing() -> None:
    """A small ball that no photo saw behind a large one, which all saw."""
    large, small = sphere(24), sphere(12, (0.0, 2.0, 0.0), 0.5)
    both = Surface(
        np.concatenate([large.vertices, small.vertices]),
        np.concatenate([large.faces, small.faces + len(large.vertices)]),
        True,
    )
    marks = np.zeros((len(both.vertices), 2))
    marks[: len(large.vertices)] = 1
    front, aside, behind = visible_shares(both, marks, towards(np.array([-90.0, 0.0, 90.0]), np.zeros(3)))[:, 0]
    assert front == pytest.approx(1.0)
    assert aside == pytest.approx(1 / 1.25, abs=0.02)
    assert behind == pytest.approx(0.75, abs=0.08)  # it is nearer


def test_the_inside_of_a_surface_with_holes_was_never_photographed() -> None:
    bowl = Surface(BALL.vertices, BALL.faces[BALL.vertices[BALL.faces][:, :, 1].max(axis=1) <= 1e-9], False)
    marks = np.ones((len(bowl.vertices), 2))
    front, aside, behind = visible_shares(bowl, marks, towards(np.array([-90.0, 0.0, 90.0]), np.zeros(3)))[:, 0]
    assert front == pytest.approx(1.0)
    assert aside == pytest.approx(1.0, abs=0.03)
    assert behind == pytest.approx(0.0)


def by_trying_all(good, elevations, step) -> float:
    """The largest solid angle, the slow way."""
    count, best = good.shape[1], 0.0
    for i in range(len(elevations)):
        for k in range(i, len(elevations)):
            for start in range(count):
                for length in range(1, count + 1):
                    if good[i : k + 1, (start + np.arange(length)) % count].all():
                        arc = 360.0 if length == count else (length - 1) * step
                        if arc >= 60 and elevations[k] - elevations[i] >= 20:
                            low, high = np.sin(np.radians([elevations[i], elevations[k]]))
                            best = max(best, np.radians(arc) * (high - low))
    return best


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_the_widest_window_is_the_widest(share) -> None:
    rng = np.random.default_rng(5)
    elevations, azimuths = np.arange(-90.0, 91.0, 20.0), np.arange(-180.0, 180.0, 30.0)
    for _ in range(5):
        good = rng.random((len(elevations), len(azimuths))) < share
        window = widest_window(good, elevations, azimuths, np.ones(good.shape))
        found = 0.0 if window is None else window.solid_angle_sr()
        assert found == pytest.approx(by_trying_all(good, elevations, 30.0))
        if window is not None:
            assert -180 <= window.azimuth_deg[0] < 180
            assert window.arc_deg <= 360
            assert (window.measured_share is None) == (window.arc_deg == 360)


@pytest.mark.parametrize(
    ("ring", "run"),
    [("0000", (0, 0)), ("1111", (0, 4)), ("1011", (2, 3)), ("0110", (1, 2)), ("0001", (3, 1)), ("110100", (0, 2))],
)
def test_runs_go_over_the_end(ring, run) -> None:
    assert longest_run(np.array([c == "1" for c in ring])) == run
