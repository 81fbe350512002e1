"""Parts of the rasteriser that a picture would show only faintly: the shadow filter, the sky asked at a point."""

import numpy as np
import pytest

from photosynth.core.scene import PlainFill, Slab
from photosynth.render.color import LUMINANCE
from photosynth.render.raster.ambient import VALUES
from photosynth.render.raster.boxes import box_rows
from photosynth.render.raster.environment_light import environment_light
from photosynth.render.raster.lanes import BLOCK, GQ, GX, GY, NL, VISIBLE, scratch
from photosynth.render.raster.probes import frames_towards
from photosynth.render.raster.shadow import lit_parts
from photosynth.render.raster.sky_light import AWAY, light_at
from photosynth.render.raster.surfels import GRID

SIDE = 16


@pytest.mark.parametrize("turned", [False, True])
def test_the_shadow_filter_looks_to_all_sides_alike(turned):
    """A map whose left half stands before the receiver: half lit on the border, and as much more on one side of it as
    less on the other."""
    texels = np.zeros((SIDE, SIDE), np.float32)
    texels[:, : SIDE // 2] = 2.0
    texels = np.ascontiguousarray(texels.T if turned else texels)

    def part(off: float) -> float:
        at = (SIDE / 2 + off, SIDE / 2) if not turned else (SIDE / 2, SIDE / 2 + off)
        s, n = scratch()
        for lane, value in ((GX, at[0]), (GY, at[1]), (GQ, 1.0), (NL, 1.0)):
            s[lane : lane + BLOCK] = value
        s[NL] = 0.0  # turned away: dark
        s[GX + 1], s[GQ + 2], s[GX + 3] = -9.0, 0.0, np.nan  # outside the map, behind the light, nowhere: lit
        lit_parts(s, n, texels.ravel(), 0, SIDE)
        np.testing.assert_array_equal(s[VISIBLE : VISIBLE + 4], [0, 1, 1, 1])
        np.testing.assert_array_equal(s[VISIBLE + 4 : VISIBLE + BLOCK], s[VISIBLE + 4])
        return float(s[VISIBLE + 4])

    assert part(0.0) == pytest.approx(0.5, abs=1e-6)
    for off in (0.3, 0.9, 1.4):
        assert part(off) + part(-off) == pytest.approx(1, abs=1e-6)
    assert part(-2.0) == 0
    assert part(2.0) == 1


def light_beside_a_wall(parts, facing, back):
    """The VALUES of a point 0.25 before a wall towards +x that sends `back` back, the eye before the point; its normal
    is `facing`."""
    light = environment_light(None)
    matrix = ((1.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    wall = Slab(
        size_m=(0.1, 40.0, 40.0), world_from_slab=matrix, fill=PlainFill(color_srgb=(1.0, 1.0, 1.0)), fill_size_m=1.0
    )
    frames = frames_towards(light.directions)
    empty = np.full((len(frames), 8, 8), -1, np.int32)
    nobody, back = np.zeros((len(frames), 1, 3), np.float32), np.full((6, 3), back, np.float32)
    grids, firsts = np.zeros((1, 6, GRID), np.float32), np.arange(6, dtype=np.int32)[None]
    grids[..., 8:] = 1  # one surfel on each face
    normal = np.array([facing], np.float32)
    point = -0.3 * normal
    eye = np.array([0.7, 0, 0]) - point[0]
    out = np.empty((1, VALUES), np.float32)
    light_at(
        point, normal, -1, -1, AWAY, frames, parts, light.areas.astype(np.float32), empty, np.zeros(3, np.float32),
        1.0, np.float32(1e-3), box_rows((wall,), eye), grids, firsts, nobody, back, out,
        np.zeros((0, len(frames)), np.int32),
    )  # fmt: skip
    return out[0]


def test_a_wall_hides_the_sky_from_what_faces_it_and_sends_light_back():
    parts = environment_light(None).with_luminance
    facing = light_beside_a_wall(parts, (1.0, 0.0, 0.0), 0.7)
    assert facing[0] < 0.06
    assert facing[4] < 0.06
    np.testing.assert_allclose(facing[1:4], 0.7, atol=0.06)
    np.testing.assert_allclose(facing[5:], 0.7, atol=0.06)
    away = light_beside_a_wall(parts, (-1.0, 0.0, 0.0), 0.7)
    np.testing.assert_allclose(away, [1, 0, 0, 0, 1, 0, 0, 0], atol=1e-6)


def test_light_that_is_left_keeps_its_own_colour():
    """The sky is red behind a black wall and blue on this side: what faces up gets blue, not a mixture."""
    light = environment_light(None)
    red = light.directions[:, 0] > 0
    colours = np.where(red[:, None], (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)) * light.areas[:, None]
    parts = np.concatenate([colours, colours @ LUMINANCE[:, None]], axis=1).astype(np.float32)
    found = light_beside_a_wall(parts, (0.0, 0.0, 1.0), 0.0)
    up = np.maximum(light.directions[:, 2], 0)
    whole, blue = up @ colours / np.pi, up[~red] @ colours[~red] / np.pi
    assert whole[0] == pytest.approx(whole[2], rel=0.2)
    np.testing.assert_allclose(found[0] * whole + found[1:4], blue, atol=0.02)
