"""Stage render alone, with the fake engine: the same bytes however it was run."""

import hashlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import simplejpeg
import trimesh

from photosynth.core.artifact import ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import Asset, AssetPart
from photosynth.core.camera import Camera
from photosynth.core.codec import mask_from_rle, read_jsonl, read_layers, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError, EngineError, QualityError
from photosynth.core.frame import OCCLUDER_ID, FrameRecord
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.progress import Silent
from photosynth.core.record import Record, to_json
from photosynth.core.registry import render_engine
from photosynth.core.scene import Background, Finish, Hand, MeshFill, Patch, Placement, PlainFill, Scene
from photosynth.executors.local import LocalExecutor
from photosynth.render import stage
from photosynth.render.compose import compose
from photosynth.render.config import picture_bytes
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


def test_a_disk_that_is_too_small_is_met_before_anything_is_rendered(made, tmp_path, monkeypatch):
    needed = N * picture_bytes((40, 32))
    free, total = needed - 1, needed + 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))
    told = Silent()
    run(FAKE, *made, tmp_path / "short", executor=LocalExecutor(1), progress=told)
    assert any(f"{N} pictures take about" in note for note in told.notes)
    total = needed - 1
    with pytest.raises(ConfigError, match=f"{N} pictures take about .* but the whole disk"):
        run(FAKE, *made, tmp_path / "tiny", executor=LocalExecutor(1))
    assert not (tmp_path / "tiny").exists()
    run(FAKE, *made, tmp_path / "short", executor=LocalExecutor(1))


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
    records = list(read_jsonl(tmp_path / "out/frames-000000.jsonl", FrameRecord))
    for record in records[:6]:
        layers = read_layers(tmp_path / "out" / record.layers_file)
        assert layers.normals.shape == (32, 40, 3)
        patch = layers.instance_ids == OCCLUDER_ID
        assert patch.any() == (record.index % 2 == 1)
        assert (layers.depth_m[patch] == 0).all()
        for k, instance in enumerate(record.instances):
            own = layers.instance_ids == k + 1
            assert np.array_equal(own, mask_from_rle(instance.visible))
            distance = np.array(instance.cam_from_object)[2, 3]
            assert np.allclose(layers.depth_m[own], distance, rtol=1e-3)
        assert np.isinf(layers.depth_m[layers.instance_ids == 0]).all()


def hand(**changes) -> Hand:
    settings = dict(
        anchor_rel=(0.5, 0.55), inward_rad=-np.pi / 2, finger_width_rel=0.1, fingers=((2.0, 0.0), (2.4, 0.1)),
        skin_srgb=(0.8, 0.6, 0.5), seed=0,
    )  # fmt: skip
    return Hand(**(settings | changes))


LEFT_HALF = Patch(
    outline_rel=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)), fill=PlainFill(color_srgb=(0.5, 0.1, 0.1))
)


def cubes(*centres_m, size_wh=(96, 64), principal_px=(48.0, 32.0), occluders=()) -> Scene:
    """A camera at the origin that looks along +x at cubes with sides of 20 cm."""
    camera = Camera(
        size_wh=size_wh,
        focal_px=100.0,
        principal_px=principal_px,
        world_from_cam=as_matrix4(look_at(np.zeros(3), np.array([1.0, 0.0, 0.0]))),
    )
    placements = []
    for centre in centres_m:
        world_from_object = np.eye(4)
        world_from_object[:3, 3] = centre
        placements.append(
            Placement(asset_id="cube", part="whole", class_name="cube", world_from_object=as_matrix4(world_from_object))
        )
    return Scene(
        index=0,
        camera=camera,
        placements=tuple(placements),
        background=Background(fill=PlainFill(color_srgb=(0.2, 0.2, 0.2))),
        occluders=occluders,
    )


@pytest.fixture(scope="module", params=["fake", "raster"])
def engine(request):
    box = trimesh.creation.box((0.2, 0.2, 0.2))
    box.unmerge_vertices()
    mesh = Mesh(
        vertices_m=box.vertices.astype(np.float32),
        normals=box.vertex_normals.astype(np.float32),
        uv=np.zeros((len(box.vertices), 2), np.float32),
        faces=box.faces.astype(np.int32),
        texture=np.full((4, 4, 3), 128, np.uint8),
    )
    return render_engine(request.param, FixedMeshes({("cube", "whole"): mesh}))


def shown(engine, scene) -> FrameRecord:
    return stage.frame_record(scene, compose(scene, engine.render(scene)), "images/000/000000.jpg")


def counts(instance) -> tuple[int, int]:
    """Pixels seen and amodal pixels; checks what must always hold between them."""
    visible, amodal = mask_from_rle(instance.visible), mask_from_rle(instance.amodal)
    assert not (visible & ~amodal).any()
    assert instance.visible_fraction == pytest.approx(min(1.0, visible.sum() / instance.full_area_px))
    return int(visible.sum()), int(amodal.sum())


def test_a_whole_object_is_seen_whole(engine):
    (one,) = shown(engine, cubes((1.0, 0.0, 0.0))).instances
    visible, amodal = counts(one)
    assert visible == amodal
    assert one.visible_fraction == pytest.approx(1.0, abs=0.02)
    assert np.allclose(np.array(one.cam_from_object)[:3, 3], (0.0, 0.0, 1.0))


def test_what_lies_outside_the_picture_counts_as_unseen(engine):
    """Cut by the left edge; the same camera with a wider picture tells the whole area."""
    (cut,) = shown(engine, cubes((1.0, 0.48, 0.0))).instances
    wide = cubes((1.0, 0.48, 0.0), size_wh=(192, 64), principal_px=(144.0, 32.0))
    (whole,) = shown(engine, wide).instances
    visible, amodal = counts(cut)
    assert 0 < visible == amodal < counts(whole)[0]
    assert cut.full_area_px == pytest.approx(whole.full_area_px, rel=0.01)
    assert cut.visible_fraction == pytest.approx(visible / counts(whole)[0], abs=0.02)
    assert 0.2 < cut.visible_fraction < 0.8


def test_what_others_hide_counts_as_unseen_and_is_in_the_amodal_mask(engine):
    back_alone = shown(engine, cubes((1.2, 0.0, 0.0))).instances[0]
    front, back = shown(engine, cubes((0.8, 0.1, 0.0), (1.2, 0.0, 0.0))).instances
    assert counts(front)[0] == counts(front)[1]
    visible, amodal = counts(back)
    assert back.amodal == back_alone.amodal
    assert back.full_area_px == pytest.approx(back_alone.full_area_px, rel=1e-6)
    assert 0 < visible < 0.9 * amodal
    seen = mask_from_rle(back.visible)
    assert np.array_equal(seen, mask_from_rle(back_alone.visible) & ~mask_from_rle(front.visible))


@pytest.mark.parametrize("occluder", [LEFT_HALF, hand()], ids=["patch", "hand"])
def test_what_occluders_hide_counts_as_unseen_and_is_in_the_amodal_mask(engine, occluder):
    bare = shown(engine, cubes((1.0, 0.0, 0.0))).instances[0]
    scene = cubes((1.0, 0.0, 0.0), occluders=(occluder,))
    frame = compose(scene, engine.render(scene))
    (one,) = stage.frame_record(scene, frame, "images/000/000000.jpg").instances
    visible, _ = counts(one)
    hidden = frame.instance_ids == OCCLUDER_ID
    assert hidden.any()
    assert one.amodal == bare.amodal
    assert one.full_area_px == bare.full_area_px
    assert np.array_equal(mask_from_rle(one.visible), mask_from_rle(bare.visible) & ~hidden)
    assert visible < counts(bare)[0]
    if occluder is LEFT_HALF:
        assert one.visible_fraction == pytest.approx(0.5, abs=0.05)


def test_a_hidden_object_is_in_the_record(engine):
    whole = Patch(
        outline_rel=((-0.1, -0.1), (1.1, -0.1), (1.1, 1.1), (-0.1, 1.1)), fill=PlainFill(color_srgb=(0.5, 0.1, 0.1))
    )
    (one,) = shown(engine, cubes((1.0, 0.0, 0.0), occluders=(whole,))).instances
    visible, amodal = counts(one)
    assert (visible, one.visible_fraction) == (0, 0.0)
    assert amodal > 100


def test_unknown_engine_and_wrong_inputs(made, tmp_path):
    with pytest.raises(ConfigError, match="no render engine 'pov'"):
        run(RenderConfig(engine="pov"), *made, tmp_path / "out", executor=LocalExecutor(1))
    with pytest.raises(ArtifactError, match="expected 'sample'"):
        run(FAKE, made[1], made[1], tmp_path / "out2", executor=LocalExecutor(1))
