"""The reconstruction stage alone: photos that the rasteriser took, true cameras in place of registration."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from photosynth.core.artifact import ArtifactWriter, verify_artifact
from photosynth.core.asset import ModelFacts
from photosynth.core.camera import Camera, project
from photosynth.core.capture import Capture, CapturedPhoto, Exposure
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh, read_glb
from photosynth.core.meshes import FixedMeshes
from photosynth.core.record import from_json, to_pretty_json
from photosynth.core.registry import render_engine
from photosynth.core.scene import Background, Environment, Placement, PlainFill, Scene
from photosynth.reconstruct import dense, sides, stage
from photosynth.reconstruct.depth import DepthConfig
from photosynth.reconstruct.sparse import SparseModel, read_sparse
from photosynth.reconstruct.stage import ReconstructConfig, run
from photosynth.reconstruct.surface import SurfaceConfig
from photosynth.reconstruct.texture import TextureConfig

SIDE = 160
RADII = np.array([0.10, 0.08, 0.06])
CONFIG = ReconstructConfig(
    depth=DepthConfig(angle_deg=26.0, sources=4, angle_range_deg=(3.0, 50.0)),
    surface=SurfaceConfig(faces=1500, octree_depth=6),
    texture=TextureConfig(side_px=256),
)


def ellipsoid(rings=32):
    """A blotchy ellipsoid."""
    import cv2

    i, j = (a.ravel() for a in np.meshgrid(np.arange(rings + 1), np.arange(2 * rings + 1), indexing="ij"))
    e, a = np.pi * (i / rings - 0.5), np.pi * j / rings
    unit = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    normals = unit / RADII / np.linalg.norm(unit / RADII, axis=1, keepdims=True)
    row = 2 * rings + 1
    k = (np.arange(rings)[:, None] * row + np.arange(2 * rings)).ravel()
    rng = np.random.default_rng(0)
    texture = np.full((256, 256, 3), 128, np.float32)
    for cells in (8, 32, 80):
        texture += cv2.resize(rng.uniform(-60, 60, (cells, cells, 3)).astype(np.float32), (256, 256))
    return Mesh(
        vertices_m=(unit * RADII).astype(np.float32),
        normals=normals.astype(np.float32),
        uv=np.stack([j / rings / 2, i / rings], axis=1).astype(np.float32),
        faces=np.concatenate([np.stack([k, k + 1, k + row + 1], 1), np.stack([k, k + row + 1, k + row], 1)]).astype(
            np.int32
        ),
        texture=np.clip(texture, 20, 235).astype(np.uint8),
    )


def all_round():
    rings = ((-40, 6), (0, 9), (40, 6))
    return camera_at([(e, a) for e, count in rings for a in np.arange(count) * 2 * np.pi / count + e])


def front():
    """Cameras on an arc of 120 degrees round -y, at three heights."""
    return camera_at([(e, np.radians(a)) for e in (-25, 0, 25) for a in np.arange(-150, -29, 24 if e == 0 else 40)])


def camera_at(angles):
    found = []
    for elevation, azimuth in angles:
        e = np.radians(elevation)
        eye = 0.45 * np.array([np.cos(e) * np.cos(azimuth), np.cos(e) * np.sin(azimuth), np.sin(e)])
        pose = as_matrix4(look_at(eye, np.zeros(3)))
        found.append(
            Camera(size_wh=(SIDE, SIDE), focal_px=1.6 * SIDE, principal_px=(SIDE / 2, SIDE / 2), world_from_cam=pose)
        )
    return found


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """A finished capture of the ellipsoid, and its true sparse model."""
    return captured(tmp_path_factory.mktemp("capture") / "capture", all_round())


def captured(folder, cameras):
    from PIL import Image

    mesh = ellipsoid()
    engine = render_engine("raster", FixedMeshes({("a", "whole"): mesh}))
    photos, seen = [], []
    points = mesh.vertices_m[::7].astype(float)
    with ArtifactWriter(folder, "capture", 1, {}, None, {}, overwrite=False) as writer:
        (folder / "photos").mkdir()
        for k, camera in enumerate(cameras):
            scene = Scene(
                index=0,
                camera=camera,
                placements=(Placement(asset_id="a", part="whole", class_name="a", roughness=1.0, specular_f0=0.0),),
                environment=Environment(strength=1.0),
                background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
            )
            layers = engine.render(scene)
            linear = np.clip(layers.radiance + 0.2 * (1 - layers.coverage[..., None]), 0, 1)
            srgb = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
            file = f"photos/{k:04d}.png"
            Image.fromarray(np.rint(255 * srgb).astype(np.uint8)).save(folder / file)
            photos.append(photo(file, k))
            pixels, depth = project(camera, points)
            at = np.clip(pixels.astype(int), 0, SIDE - 1)
            visible = np.abs(layers.depth_m[at[:, 1], at[:, 0]] - depth) < 0.002
            seen += [(int(p), k, *pixels[p]) for p in np.flatnonzero(visible)]
        record = Capture(kind="photos", ordered=False, photos=tuple(photos), advice=())
        writer.write("photos.json", to_pretty_json(record))
        writer.finish({})
    return folder, model_of(points, sorted(seen), [p.file for p in photos], cameras)


def photo(file, k):
    light = Exposure(mean=0.5, dark_share=0.0, bright_share=0.0)
    return CapturedPhoto(
        file=file, source=f"IMG_{k}.png", size_wh=(SIDE, SIDE), focal_px=None, camera_group="one", exposure=light,
        sharpness=1.0, time_s=None, verdict="good", reason="", used=True,
    )  # fmt: skip


def model_of(points, seen, files, cameras):
    rows = np.array(seen)
    pairs = np.array([(k, k + 1) for k in range(len(files) - 1)], np.int32)
    return SparseModel(
        files=tuple(files),
        cameras=tuple(cameras),
        points=points,
        colors=np.full((len(points), 3), 128, np.uint8),
        errors_px=np.full(len(points), 0.3, np.float32),
        tracks=rows[:, :2].astype(np.int32),
        tracks_px=rows[:, 2:].astype(np.float32),
        pairs=pairs,
        pair_matches=np.full(len(pairs), 100, np.int32),
        pair_agreement=np.ones(len(pairs), np.float32),
    )


@pytest.fixture
def registered(monkeypatch, capture):
    """Registration answers with the truth; what it was asked with is recorded."""
    asked = {}

    def register(photos, folder, work, config, *, masks=None, progress=None):
        asked.update(photos=[p.file for p in photos], masks=masks)
        return (capture[1],)

    monkeypatch.setattr(sides, "register", register)
    return asked


@pytest.fixture(scope="module")
def whole(capture, tmp_path_factory):
    """An uninterrupted run, with masks and a known size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sides, "register", lambda *a, **k: (capture[1],))
        return run(CONFIG, capture[0], tmp_path_factory.mktemp("whole") / "model")


def test_what_the_artifact_holds(whole, capture):
    verify_artifact(whole.folder)
    summary = whole.manifest.summary
    assert (summary["photos"], summary["registered"], summary["sides"]) == (21, 21, 1)
    assert summary["held_out_psnr_db"] > 24
    assert not whole.path("work").exists()
    mesh = read_glb(whole.path("model.glb"))
    corners = [mesh.vertices_m[mesh.faces[:, k]].astype(float) for k in range(3)]
    volume = np.einsum("ni,ni->", corners[0], np.cross(corners[1], corners[2])) / 6
    assert volume == pytest.approx(4 / 3 * np.pi * RADII.prod(), rel=0.05)
    assert np.ptp(mesh.vertices_m[:, 2]) == pytest.approx(2 * RADII[2], rel=0.05)
    facts = from_json(whole.path("model.asset.json").read_bytes(), ModelFacts)
    assert facts.elevation_deg[0] <= -60
    assert facts.elevation_deg[1] >= 60
    assert facts.azimuth_deg == (-180.0, 180.0)
    assert not facts.scale_known
    assert len(read_sparse(whole.folder).files) == 21
    verdict = json.loads(whole.path("quality.json").read_bytes())["verdict"]
    assert verdict["grade"] == summary["verdict"]


def test_the_page_needs_nothing_else(whole):
    page = whole.path("report.html").read_text()
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert page.count("IMG_") >= 23  # each photo, and two that were predicted
    assert page.count("data:image/") >= 21 + 8
    assert whole.path("preview.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_photos_from_the_front_make_a_model_that_is_shown_from_the_front(tmp_path, monkeypatch):
    folder, model = captured(tmp_path / "capture", front())
    monkeypatch.setattr(sides, "register", lambda *a, **k: (model,))
    made = run(CONFIG, folder, tmp_path / "model")
    facts = from_json(made.path("model.asset.json").read_bytes(), ModelFacts)
    (start, end), (low, high) = facts.azimuth_deg, facts.elevation_deg
    assert 80 <= end - start <= 170
    assert (start + end) / 2 == pytest.approx(-90 + 60, abs=15)  # the first photo stands at -90
    assert -50 <= low <= 0 <= high <= 50
    assert high - low >= 20
    assert made.manifest.summary["verdict"] == "weak"
    assert made.manifest.summary["arc_deg"] == end - start
    assert f"{end - start:.0f} degrees round only" in facts.notes[0] + facts.notes[-1]
    assert f"{end - start:.0f}° round, elevations {low:.0f}° to {high:.0f}°" in made.path("report.html").read_text()


def test_killed_and_resumed_is_the_same(capture, registered, whole, tmp_path, monkeypatch):
    calls, real, lock = [], dense.estimate_depth, threading.Lock()

    def dying(config, views, k, subject, angles):
        with lock:
            calls.append(k)
            if len(calls) > 6:
                raise KeyboardInterrupt
        return real(config, views, k, subject, angles)

    monkeypatch.setattr(dense, "estimate_depth", dying)
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, capture[0], tmp_path / "model")
    left = {p.name for p in (tmp_path / "model" / "work").glob("depth-*.npz")}
    assert 4 <= len(left) <= 6
    assert not (tmp_path / "model" / "manifest.json").exists()
    again = []
    monkeypatch.setattr(dense, "estimate_depth", lambda *a: again.append(a[2]) or real(*a))
    resumed = run(CONFIG, capture[0], tmp_path / "model")
    assert {f"depth-{k:04d}.npz" for k in again} == {f"depth-{k:04d}.npz" for k in range(21)} - left
    for name in ("model.glb", "seen.png", "cameras.json", "quality.json", "report.html"):
        assert resumed.path(name).read_bytes() == whole.path(name).read_bytes(), name
    assert run(CONFIG, capture[0], tmp_path / "model").key == whole.key  # finished: nothing is done again
    with pytest.raises(ArtifactError):
        run(ReconstructConfig(size_m=0.2), capture[0], tmp_path / "model")


def test_masks_go_to_the_registration_and_bad_models_are_refused(capture, registered, tmp_path, monkeypatch):
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "0000.png.png").write_bytes(b"mask")
    monkeypatch.setattr(stage, "match_side", lambda *a: (_ for _ in ()).throw(QualityError("no points")))
    with pytest.raises(QualityError, match=r"^21 of 21 photos registered, but no points"):
        run(CONFIG, capture[0], tmp_path / "model", masks=tmp_path / "masks")
    assert registered["masks"] == tmp_path / "masks"
    assert len(registered["photos"]) == 21
    assert not (tmp_path / "model" / "manifest.json").exists()
    monkeypatch.setattr(sides, "register", lambda *a, **k: ())
    with pytest.raises(QualityError, match="no three photos"):
        run(CONFIG, capture[0], tmp_path / "none")


def test_a_size_must_be_a_length(capture, tmp_path):
    with pytest.raises(ConfigError, match="size_m"):
        run(ReconstructConfig(size_m=0.0), capture[0], tmp_path / "model")
