"""What is cut off a surface that was photographed from one side."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.trim import rim, trimmed

N = 20


def sheet() -> Surface:
    """N by N squares on z = 0, from 0 to 1."""
    j, i = (m.ravel() for m in np.meshgrid(np.arange(N + 1), np.arange(N + 1)))
    k, n = (m.ravel() for m in np.meshgrid(np.arange(N), np.arange(N)))
    here = k * (N + 1) + n
    faces = np.concatenate(
        [np.stack([here, here + 1, here + N + 2], 1), np.stack([here, here + N + 2, here + N + 1], 1)]
    )
    return Surface(np.stack([j / N, i / N, np.zeros(len(i))], axis=1), faces, False)


def area(surface: Surface) -> float:
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def within(x0: float, x1: float, y0: float = 0.0, y1: float = 1.0) -> np.ndarray:
    x, y, _ = sheet().vertices.T
    return (x >= x0 - 1e-9) & (x <= x1 + 1e-9) & (y >= y0 - 1e-9) & (y <= y1 + 1e-9)


EVERY = within(0, 1)


def test_the_rim_of_a_sheet_is_its_border() -> None:
    x, y, _ = sheet().vertices.T
    assert rim(sheet().faces, len(x)).tolist() == (((x % 1) * (y % 1)) == 0).tolist()


def test_a_sheet_beyond_the_last_points_is_cut_off() -> None:
    cut = trimmed(sheet(), EVERY, within(0.2, 0.7, 0.3, 1.0))
    assert area(cut) == pytest.approx(0.5 * 0.7)
    assert cut.vertices.min(axis=0).tolist() == pytest.approx([0.2, 0.3, 0.0])
    assert len(np.unique(cut.faces)) == len(cut.vertices)


def test_a_plain_patch_stays() -> None:
    cut = trimmed(sheet(), EVERY, within(0.2, 1.0) & ~within(0.5, 0.7, 0.4, 0.6))
    assert area(cut) == pytest.approx(0.8)


def test_a_patch_that_no_photo_saw_goes() -> None:
    hidden = within(0.55, 0.65, 0.5, 0.5)
    cut = trimmed(sheet(), ~hidden, ~within(0.5, 0.7, 0.4, 0.6))
    assert area(cut) == pytest.approx(1 - 0.3 * 0.3, abs=0.003)  # whole faces round it, two corners aside


def test_only_the_largest_part_is_kept() -> None:
    assert area(trimmed(sheet(), EVERY, within(0, 0.3) | within(0.5, 1.0))) == pytest.approx(0.5)


def test_what_is_measured_everywhere_stays_as_it_is() -> None:
    whole = sheet()
    assert trimmed(whole, ~within(0.4, 0.6), EVERY) is whole
    assert trimmed(whole, EVERY, ~EVERY) is whole  # nothing would be left
