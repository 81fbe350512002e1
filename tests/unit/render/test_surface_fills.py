"""Wood, cloth and stone: fixed by their records, made of their palettes, with grain, threads and specks."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.scene import GrainFill, SpeckleFill, WeaveFill
from photosynth.render.color import linear_from_srgb
from photosynth.render.fills import draw_fill

LIGHT, DARK = (0.8, 0.6, 0.4), (0.4, 0.25, 0.1)
FILLS = [
    GrainFill(seed=1, palette_srgb=(LIGHT, DARK), n_boards=3),
    WeaveFill(seed=1, palette_srgb=(LIGHT, DARK), checked=True),
    SpeckleFill(seed=1, palette_srgb=(LIGHT, DARK)),
]


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: type(fill).__name__)
def test_fills_are_fixed_by_their_record_and_have_their_palettes_colours(fill) -> None:
    drawn = draw_fill(fill, (160, 120))
    assert drawn.shape == (120, 160, 3)
    assert drawn.dtype == np.float32
    np.testing.assert_array_equal(drawn, draw_fill(fill, (160, 120)))
    other = type(fill)(**{**{name: getattr(fill, name) for name in fill.__struct_fields__}, "seed": 2})
    assert np.abs(drawn - draw_fill(other, (160, 120))).mean() > 0.005
    assert drawn.min() >= 0
    mean = drawn.mean(axis=(0, 1))
    low, high = linear_from_srgb(np.array(DARK, np.float32)), linear_from_srgb(np.array(LIGHT, np.float32))
    assert (mean > low * 0.8).all()
    assert (mean < high * 1.05).all()


def test_grain_runs_from_top_to_bottom() -> None:
    grey = draw_fill(GrainFill(seed=4, palette_srgb=(LIGHT, DARK), rings=20, knottiness=0.2), (256, 256)).mean(axis=2)
    assert np.abs(np.diff(grey, axis=1)).mean() > 3 * np.abs(np.diff(grey, axis=0)).mean()


@pytest.mark.parametrize("checked", [False, True])
def test_stripes_run_one_way_and_checks_both(checked) -> None:
    cloth = draw_fill(WeaveFill(seed=4, palette_srgb=(LIGHT, (0, 0, 0.5)), checked=checked, stripe_rel=0.3), (256, 256))
    red = cloth[..., 0]
    across, down = red.mean(axis=0).std(), red.mean(axis=1).std()
    assert across > 0.03
    assert (down > 0.03) == checked


def test_one_colour_of_cloth_is_plain() -> None:
    cloth = draw_fill(WeaveFill(seed=4, palette_srgb=(LIGHT,)), (256, 256))
    assert cloth[..., 0].mean(axis=0).std() < 0.03


@pytest.mark.parametrize("density", [0.1, 0.5])
def test_specks_cover_their_share(density) -> None:
    stone = draw_fill(SpeckleFill(seed=3, palette_srgb=((1, 1, 1), (0, 0, 0)), density=density), (256, 256))
    assert (stone[..., 0] < 0.4).mean() == pytest.approx(density, abs=0.12)
