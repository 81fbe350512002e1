"""The worker process: restarted after a crash, a time-out and N frames; what is said when there is no Blender."""

import sys
from pathlib import Path

import numpy as np
import pytest
from cycles_scenes import camera_at, placement, quad, scene, source
from msgspec.structs import replace

from photosynth.core.errors import ConfigError, DependencyError, EngineError
from photosynth.core.registry import render_engine
from photosynth.render.cycles.engine import CyclesEngine
from photosynth.render.cycles.options import CyclesOptions, of_pictures

FAKE = Path(__file__).with_name("fake_blender.py")


@pytest.fixture
def blender(tmp_path, monkeypatch):
    """The path of a fake Blender; `lives` of it are counted in the file beside it."""
    script = tmp_path / "blender"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("FAKE_BLENDER_LIVES", str(tmp_path / "lives"))
    return script


def engine(blender, **options) -> CyclesEngine:
    return CyclesEngine(source(a=quad(), b=quad()), CyclesOptions(blender=str(blender), **options))


def lives(blender) -> int:
    return len((blender.parent / "lives").read_text().splitlines())


def two(index: int):
    return scene([placement("a"), placement("b")], index=index)


def test_layers_come_back_from_a_named_blender(blender):
    cycles = engine(blender)
    layers = cycles.render(two(5))
    assert layers.radiance.shape == (16, 24, 3)
    assert (layers.radiance == 5).all()
    assert (layers.instance_ids[:, :12] == 1).all()
    assert (layers.instance_ids[:, 12:] == 2).all()
    assert (layers.depth_m == layers.instance_ids).all()
    assert layers.instance_ids.dtype == np.uint16
    assert cycles.cpu_s == 0.25


def test_a_crash_costs_a_worker_not_the_frame(blender):
    cycles = engine(blender)
    layers = cycles.render(two(14))
    assert (layers.radiance == 14).all()
    assert lives(blender) == 2


def test_two_crashes_fail_the_frame_with_its_last_words_and_leave_the_engine_usable(blender):
    cycles = engine(blender)
    with pytest.raises(EngineError, match=r"(?s)scene 13.*exit code 7.*these are my last words"):
        cycles.render(two(13))
    assert lives(blender) == 2
    assert (cycles.render(two(6)).radiance == 6).all()


def test_a_silent_worker_is_killed(blender):
    cycles = engine(blender, timeout_s=0.3)
    with pytest.raises(EngineError, match=r"(?s)scene 15.*no answer within 0\.3 s"):
        cycles.render(two(15))
    assert lives(blender) == 2


def test_an_error_is_told_and_keeps_the_worker(blender):
    cycles = engine(blender)
    with pytest.raises(EngineError, match=r"scene 16.*no such node"):
        cycles.render(two(16))
    cycles.render(two(1))
    assert lives(blender) == 1


def test_the_worker_is_replaced_after_so_many_frames(blender):
    cycles = engine(blender, frames_per_worker=2)
    for index in range(5):
        assert (cycles.render(two(index)).radiance == index).all()
    assert lives(blender) == 3


def test_close_ends_the_worker_and_removes_its_files(blender):
    import psutil

    cycles = engine(blender)
    cycles.render(two(1))
    pid, folder = cycles._worker.pid, Path(cycles._folder.name)
    assert psutil.pid_exists(pid)
    assert folder.is_dir()
    del cycles
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_a_scene_without_anything_in_it_is_empty_layers_and_costs_no_frame(blender):
    layers = engine(blender).render(scene([]))
    assert layers.amodal_masks.shape == (0, 16, 24)
    assert layers.full_area_px.shape == (0,)
    assert np.isinf(layers.depth_m).all()
    for pixels in (layers.radiance, layers.coverage, layers.instance_ids, layers.normals):
        assert pixels.shape[:2] == (16, 24)
        assert not pixels.any()
    assert not (blender.parent / "lives").exists()


def test_scenes_without_a_picture_are_refused_before_blender_is_asked(blender):
    cycles = engine(blender)
    bent = replace(camera_at((0, 0, 1)), distortion=(0.1, 0.0, 0.0, 0.0))
    with pytest.raises(EngineError, match="scene 3: lens distortion"):
        cycles.render(scene([placement("a")], camera=bent))
    with pytest.raises(ConfigError, match="no mesh was given"):
        cycles.render(scene([placement("c")]))
    assert not (blender.parent / "lives").exists()


def test_neither_bpy_nor_blender(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(DependencyError, match=r"pip install photosynth\[cycles\]"):
        render_engine("cycles", source())


def test_without_bpy_a_blender_on_the_path_serves(blender, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(blender.parent), prepend=":")
    assert (CyclesEngine(source(a=quad())).render(scene([placement("a")], index=9)).radiance == 9).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"samples": 0}, "cycles.samples is 0"),
        ({"bounces": -1}, "cycles.bounces is -1"),
        ({"timeout_s": 0.0}, "cycles.timeout_s is 0"),
        ({"blender": "no/such/blender"}, "no executable"),
    ],
)
def test_unusable_options(wrong, said):
    with pytest.raises(ConfigError, match=said):
        CyclesEngine(source(), CyclesOptions(**wrong))


def test_options_that_change_no_picture_are_left_out_of_keys():
    one = CyclesOptions(samples=7, threads=0, timeout_s=1.0, frames_per_worker=3, blender="b")
    assert of_pictures(one) == CyclesOptions(samples=7)
    assert of_pictures(CyclesOptions(denoise=True)) != CyclesOptions()
