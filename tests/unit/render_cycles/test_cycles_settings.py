"""Settings of Cycles in the render stage, and one scene as a file for people."""

import pytest

from photosynth.core.errors import ArtifactError, ConfigError, DependencyError
from photosynth.core.record import to_json
from photosynth.render.cycles.blend import _find, write_blend
from photosynth.render.cycles.options import CyclesOptions
from photosynth.render.cycles.process import check_cycles
from photosynth.render.stage import RenderConfig, of_content


def test_keys_hold_what_the_pictures_depend_on():
    many = CyclesOptions(samples=512, threads=0)
    assert of_content(RenderConfig(cycles=many)) == of_content(RenderConfig())
    path_traced = RenderConfig(engine="cycles", cycles=many)
    assert of_content(path_traced) == of_content(RenderConfig(engine="cycles", cycles=CyclesOptions(samples=512)))
    assert of_content(path_traced).cycles == CyclesOptions(samples=512)


def test_settings_are_checked_before_anything_is_begun(monkeypatch):
    check_cycles(CyclesOptions(blender="sh"))  # any executable: it is not started
    with pytest.raises(ConfigError, match="samples is 0"):
        check_cycles(CyclesOptions(samples=0))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(DependencyError):
        check_cycles(CyclesOptions())


def test_a_blend_of_a_scene_that_is_not_there(tmp_path):
    from cycles_scenes import placement, scene

    with pytest.raises(ArtifactError):
        write_blend(tmp_path / "none", tmp_path, 0, tmp_path, CyclesOptions())
    lines = [to_json(scene([placement("a")], index=k)) for k in (4, 5)]
    (tmp_path / "scenes-000000.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert _find(tmp_path, 5).index == 5
    with pytest.raises(ConfigError, match="has no scene 9; it holds 2 scenes"):
        _find(tmp_path, 9)
