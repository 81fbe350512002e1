"""Stage render alone, with the fake engine: the same bytes however it was run."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from photosynth.core.artifact import ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import Asset, AssetPart
from photosynth.core.camera import Camera
from photosynth.core.codec import mask_from_rle, read_jsonl, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError, EngineError, QualityError
from photosynth.core.frame import FrameRecord
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.progress import Silent
from photosynth.core.record import Record, to_json
from photosynth.core.scene import Background, Finish, MeshFill, Patch, Placement, PlainFill, Scene
from photosynth.executors.local import LocalExecutor
from photosynth.render import stage
from photosynth.render.stage import RenderConfig, RenderFailure, run

N = 2 * stage.CHUNK + 7


class Nothing(Record, frozen=True, kw_only=True):
    """No settings."""


def scene(index: int, asset_id: str = "cup") -> Scene:
    eye = np.array([np.cos(index), np.sin(index), 0.5])
    camera = Camera(
        size_wh=(40, 32), focal_px=40.0, principal_px=(20.0, 16.0), world_from_cam=as_matrix4(look_at(eye, np.zeros(3)))
    )
    patch = Patch(
        outline_rel=((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0)), fill=PlainFill(color_srgb=(0.5, 0.1, 0.1))
    )
    fill = MeshFill(seed=index, n_balls=3, octaves=2, palette_srgb=((0.0, 0.2, 0.9), (0.9, 0.5, 0.0)))
    return Scene(
        index=index,
        camera=camera,
        placements=(Placement(asset_id=asset_id, part="whole", class_name=asset_id),) if index % 5 else (),
        background=Background(fill=fill),
        occluders=(patch,) if index % 2 else (),
        finish=Finish(shot_noise=0.05, noise_seed=index, jpeg_quality=60 + index % 40),
        kind="object" if index % 5 else "empty",
    )


def inputs(folder: Path, scenes: list[Scene]) -> tuple[Path, Path]:
    parts = (AssetPart(name="whole", model_file="none.glb"),)
    assets = [
        Asset(asset_id=name, class_name=name, parts=parts, size_m=(0.1, 0.1, 0.1), scale_known=True)
        for name in ("cup", "box")
    ]
    with ArtifactWriter(folder / "catalogue", "catalogue", 1, Nothing(), None, {}) as writer:
        writer.finished or (writer.write("assets.json", to_json(assets)), writer.finish())
    with ArtifactWriter(folder / "sample", "sample", 1, Nothing(), 0, {}) as writer:
        for k in range(0, len(scenes), 80):
            write_jsonl(writer.path(f"scenes-{k // 80:05d}.jsonl"), scenes[k : k + 80])
        writer.finish()
    return folder / "sample", folder / "catalogue"


@pytest.fixture
def made(tmp_path):
    return inputs(tmp_path, [scene(k) for k in range(N)])


FAKE = RenderConfig(engine="fake")


def hashes(folder: Path) -> dict[str, str]:
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_pictures_and_records(made, tmp_path):
    artifact = run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1))
    records = [r for p in sorted((tmp_path / "out").glob("frames-*.jsonl")) for r in read_jsonl(p, FrameRecord)]
    assert [r.index for r in records] == list(range(N))
    assert artifact.manifest.summary["images"] == N
    for record in records[:7]:
        image = simplejpeg.decode_jpeg((tmp_path / "out" / record.image_file).read_bytes())
        assert image.shape == (32, 40, 3)
        assert len(record.instances) == (1 if record.index % 5 else 0)
        for instance in record.instances:
            visible, amodal = mask_from_rle(instance.visible), mask_from_rle(instance.amodal)
            assert not (visible & ~amodal).any()
            assert visible.sum() < amodal.sum() if record.index % 2 else visible.sum() == amodal.sum()
    assert (tmp_path / "out/classes.json").read_bytes() == b'["box","cup"]'
    assert verify_artifact(tmp_path / "out") == []


def test_one_worker_equals_two(made, tmp_path):
    for workers in (1, 2):
        run(FAKE, *made, tmp_path / str(workers), executor=LocalExecutor(workers))
    assert hashes(tmp_path / "1") == hashes(tmp_path / "2")


def test_kill_in_the_middle_and_resume_gives_the_same_bytes(made, tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from photosynth.executors.local import LocalExecutor
from photosynth.render import stage
real = stage.render_scene
def fatal(scene):
    if scene.index == {stage.CHUNK + 20}: os.kill(os.getpid(), signal.SIGKILL)
    return real(scene)
stage.render_scene = fatal
stage.run(stage.RenderConfig(engine="fake"), Path({str(made[0])!r}), Path({str(made[1])!r}),
          Path({str(tmp_path / "killed")!r}), executor=LocalExecutor(1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(ArtifactError, match="not finished"):
        open_artifact(tmp_path / "killed")
    assert (tmp_path / "killed/frames-000000.jsonl").is_file()
    assert not (tmp_path / "killed/frames-000001.jsonl").is_file()
    run(FAKE, *made, tmp_path / "killed", executor=LocalExecutor(2))
    run(FAKE, *made, tmp_path / "whole", executor=LocalExecutor(1))
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")


def test_a_scene_that_fails_is_recorded_and_counted(tmp_path, monkeypatch):
    made = inputs(tmp_path, [scene(k) for k in range(N)])
    real = stage.render_scene

    def flaky(one):
        if one.index == 3:
            raise EngineError("fake", "scene 3", "it fell over")
        return real(one)

    monkeypatch.setattr(stage, "render_scene", flaky)
    artifact = run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1))
    assert artifact.manifest.summary["failed"] == 1
    (failure,) = read_jsonl(tmp_path / "out/failures.jsonl", RenderFailure)
    assert failure.index == 3
    assert "it fell over" in failure.reason
    assert not (tmp_path / "out/images/000/000003.jpg").exists()


def test_too_many_failures_stop_the_stage_and_keep_the_rest(tmp_path):
    made = inputs(tmp_path, [scene(k, "no such asset" if k % 3 == 1 else "cup") for k in range(20)])
    with pytest.raises(QualityError, match=r"of 20 scenes failed.*no such asset"):
        run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1))


def test_full_disk_stops_at_once_and_resumes(made, tmp_path, monkeypatch):
    calls = []

    def full(path, data):
        calls.append(path)
        raise ArtifactError(f"cannot write {path}: No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(stage, "write_atomic", full)
        with pytest.raises(EngineError, match="No space left"):
            run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1))
    assert len(calls) <= 4
    artifact = run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1))
    assert artifact.manifest.summary["images"] == N


def test_ctrl_c_leaves_a_folder_that_resumes(made, tmp_path, monkeypatch):
    real = stage.render_scene

    def interrupted(one):
        if one.index == stage.CHUNK + 1:
            raise KeyboardInterrupt
        return real(one)

    with monkeypatch.context() as patched:
        patched.setattr(stage, "render_scene", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1))
    progress = Silent()
    artifact = run(FAKE, *made, tmp_path / "out", executor=LocalExecutor(1), progress=progress)
    assert artifact.manifest.summary["images"] == N


def test_layers_are_kept_on_demand(made, tmp_path):
    run(RenderConfig(engine="fake", keep_layers=True), *made, tmp_path / "out", executor=LocalExecutor(1))
    record = next(read_jsonl(tmp_path / "out/frames-000000.jsonl", FrameRecord))
    layers = np.load(tmp_path / "out" / record.layers_file)
    assert layers["depth_m"].shape == layers["instance_ids"].shape == (32, 40)
    assert layers["normals"].shape == (32, 40, 3)


def test_unknown_engine_and_wrong_inputs(made, tmp_path):
    with pytest.raises(ConfigError, match="no render engine 'pov'"):
        run(RenderConfig(engine="pov"), *made, tmp_path / "out", executor=LocalExecutor(1))
    with pytest.raises(ArtifactError, match="expected 'sample'"):
        run(FAKE, made[1], made[1], tmp_path / "out2", executor=LocalExecutor(1))
