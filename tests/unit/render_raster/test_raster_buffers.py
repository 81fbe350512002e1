"""What is kept between pictures must not show in them, and drawing an instance by itself first must not either."""

import dataclasses
from contextlib import nullcontext

import numpy as np
import pytest
from raster_scenes import box, camera, ground, lamp, placement, scene, source, sphere

from photosynth.render.raster import buffers
from photosynth.render.raster.buffers import PixelBuffers
from photosynth.render.raster.centres import NOT_ASKED
from photosynth.render.raster.engine import RasterEngine
from photosynth.render.raster.fragments import BY_SEVERAL, MIXED, NOTHING

MESHES = source(box=box(), ball=sphere(), ground=ground())
CROWD = scene(
    [placement("ground"), placement("box", turn_rad=1), placement("ball", (0.05, 0.02, 0.1)), placement("ball")],
    [lamp()],
    cam=camera(size_wh=(90, 70)),
)

CLOSE = scene([placement("box"), placement("ball")], [lamp()], cam=camera((0.1, -0.12, 0.1), size_wh=(90, 70)))


def key(depth: int, instance: int, triangle: int) -> int:
    return depth << 32 | instance << 22 | triangle


def layers_of(engine):
    return dataclasses.astuple(engine.render(CROWD))


@pytest.mark.parametrize("own_pixels", [0, 400, 90 * 70])
def test_no_picture_tells_whether_an_instance_was_drawn_by_itself(own_pixels, monkeypatch):
    monkeypatch.setattr(buffers, "OWN_PIXELS", own_pixels)
    drawn = layers_of(RasterEngine(MESHES))
    monkeypatch.undo()
    for one, other in zip(drawn, layers_of(RasterEngine(MESHES)), strict=True):
        np.testing.assert_array_equal(one, other)


def interrupt(monkeypatch, name):
    """Let a function of the module be interrupted when it has done its work."""
    done = getattr(buffers, name)

    def interrupted(*arguments):
        done(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(buffers, name, interrupted)


def test_a_picture_that_came_to_nothing_leaves_no_trace(monkeypatch):
    engine = RasterEngine(MESHES)
    wanted = layers_of(engine)
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        interrupt(broken, "merge")
        engine.render(CLOSE)
    for one, other in zip(layers_of(engine), wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pixels_are_sorted_by_what_their_samples_see():
    one, same, other = key(9, 1, 5), key(8, 1, 6), key(9, 2, 5)
    rows = [
        ([0, 0, 0, 0], NOTHING, 0),
        ([one, one, one, one], 1, 5),
        ([one, same, same, one], 1 + BY_SEVERAL, 5),
        ([same, one, same, same], 1 + BY_SEVERAL, 6),
        ([one, one, other, other], MIXED, None),
        ([one, one, 0, 0], MIXED, None),
        ([one, one, one, 0], MIXED, None),
        ([one, 0, 0, 0], MIXED, None),
    ]
    pixels = PixelBuffers()
    pixels.begin(2, 20)
    pixels.keys[1, 3 : 3 + len(rows)] = [samples for samples, _, _ in rows]
    pixels.sort_out((3, 1, 3 + len(rows), 2), True)
    assert pixels.kinds[1, 3 : 3 + len(rows)].tolist() == [kind for _, kind, _ in rows]
    for at, (_, _, low) in enumerate(rows):
        assert low is None or pixels.lows[1, 3 + at] == low
    np.testing.assert_array_equal(pixels.mixed[:6], [samples for samples, _, _ in rows[2:]])
    assert pixels.ties.tolist() == [20 + 3 + 4, 20 + 3 + 5], "two and two, of two instances or of one and nobody"
    assert not pixels.keys.any()


@pytest.mark.parametrize("interrupted", [False, True])
def test_only_tied_pixels_are_asked_for_and_only_in_their_own_picture(interrupted, monkeypatch):
    pixels = PixelBuffers()
    pixels.begin(2, 3)
    pixels.keys[0, 1] = [key(9, 0, 0), key(9, 0, 0), 0, 0]
    if interrupted:
        interrupt(monkeypatch, "sort_out")
    with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
        pixels.sort_out((0, 0, 3, 2), False)
    assert np.argwhere(pixels.centres != NOT_ASKED).tolist() == [[0, 1]]
    pixels.begin(2, 3)
    assert (pixels.centres == NOT_ASKED).all()
