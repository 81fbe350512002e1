"""The catalogue stage alone, on boxes written here."""

import io
import json
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosynth.catalogue import units
from photosynth.catalogue.discover import Failure
from photosynth.catalogue.stage import CatalogueConfig, run
from photosynth.core.artifact import verify_artifact
from photosynth.core.asset import ALL_ROUND_DEG, NONE_CLASS, ModelFacts, class_names, read_assets
from photosynth.core.codec import read_jsonl
from photosynth.core.engine import UnitResult
from photosynth.core.errors import ArtifactError, ConfigError, EngineError
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import CatalogueMeshes
from photosynth.core.progress import Silent
from photosynth.core.record import to_pretty_json

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
OBJ = """v 0 0 0
v 0.1 0 0
v 0.1 0.2 0
v 0 0.2 0
v 0 0 0.3
v 0.1 0 0.3
v 0.1 0.2 0.3
v 0 0.2 0.3
vt 0.1 0.1
vt 0.9 0.1
vt 0.9 0.9
vt 0.1 0.9
usemtl skin
f 1/1 4/2 3/3 2/4
f 5/1 6/2 7/3 8/4
f 1/1 2/2 6/3 5/4
f 2/1 3/2 7/3 6/4
f 3/1 4/2 8/3 7/4
f 4/1 1/2 5/3 8/4
"""


def jpeg(color):
    data = io.BytesIO()
    Image.new("RGB", (64, 64), color).save(data, "JPEG")
    return data.getvalue()


def write_box(folder, name="box", color=(200, 40, 40)):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.obj").write_text(f"mtllib {name}.mtl\n{OBJ}")
    (folder / f"{name}.mtl").write_text(f"newmtl skin\nmap_Kd {name}.jpg\n")
    (folder / f"{name}.jpg").write_bytes(jpeg(color))


@pytest.fixture
def packages(monkeypatch):
    """Stands in for the generator of packages."""

    def random_package(rng):
        points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32) * rng.uniform(0.1, 0.2) - 0.05
        faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], np.int32)
        normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
        texture = np.broadcast_to(rng.integers(0, 255, 3).astype(np.uint8), (32, 32, 3)).copy()
        return Mesh(points, normals, np.abs(points[:, :2]), faces, texture)

    module = types.ModuleType("photosynth.catalogue.demo.packages")
    module.random_package = random_package
    module.random_label = lambda rng, width_px, height_px: rng.integers(
        0, 255, (height_px, width_px, 3), dtype=np.uint8
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def objects(tmp_path):
    folder = tmp_path / "objects"
    write_box(folder, "Crème brûlée")
    write_box(folder / "creme brulee", "a", (30, 30, 220))
    write_box(folder / "creme brulee", "b", (30, 200, 220))
    with zipfile.ZipFile(folder / "half.model", "w") as archive:
        for half in ("Top", "Bot"):
            archive.writestr(f"{half}.obj", OBJ)
            archive.writestr(f"{half}.jpg", jpeg((90, 160, 30)))
    (folder / "LICENSE.txt").write_text("MIT")
    return folder


QUICK = CatalogueConfig(
    n_distractors=2,
    lookalikes_per_object=1,
    preview_distractors=True,
    preview_engine="fake",
    preview_px=24,
    distractor_texture_px=32,
)

QUICK_ONE = {"n_distractors": 1, "lookalikes_per_object": 1, "distractor_texture_px": 128, "preview_engine": "none"}


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    }


def test_from_where_a_model_may_be_shown_is_read_beside_it(tmp_path, packages):
    write_box(tmp_path / "objects", "frog")
    facts = ModelFacts(elevation_deg=(-5.0, 55.0), azimuth_deg=(150.0, 225.0), scale_known=False)
    (tmp_path / "objects" / "frog.asset.json").write_bytes(to_pretty_json(facts))
    folder = run(QUICK, tmp_path / "objects", tmp_path / "out").folder
    by_source = {a.source: a for a in read_assets(folder)}
    for source in ("frog.obj", "look-alike of frog"):
        (part,) = by_source[source].parts
        assert (part.elevation_deg, part.azimuth_deg) == ((-5.0, 55.0), (150.0, 225.0))
        assert part.model_file == f"{by_source[source].asset_id}/model.glb"
    assert {p.azimuth_deg for a in read_assets(folder) if "made-up" in a.source for p in a.parts} == {ALL_ROUND_DEG}


def test_a_folder_of_models_becomes_a_catalogue(objects, tmp_path, packages):
    progress = Silent()
    artifact = run(QUICK, objects, tmp_path / "out", progress=progress)
    assets = read_assets(artifact.folder)
    assert class_names(assets) == ("Crème brûlée", "creme brulee", "half")
    assert [a.asset_id for a in assets if a.role == "object"] == [
        "creme-brulee",
        "creme-brulee-2",
        "creme-brulee-3",
        "half",
    ]
    half = next(a for a in assets if a.class_name == "half")
    assert [(p.name, p.elevation_deg) for p in half.parts] == [("top", (0.0, 90.0)), ("bottom", (-90.0, 0.0))]
    assert not half.scale_known
    assert half.diagonal_m() == pytest.approx(1.0)
    others = [a for a in assets if a.role == "distractor"]
    assert {a.class_name for a in others} == {NONE_CLASS}
    assert len(others) == 4 + 2
    look = next(a for a in others if a.source == "look-alike of half")
    assert [p.elevation_deg for p in look.parts] == [p.elevation_deg for p in half.parts]
    assert look.size_m == half.size_m
    meshes = CatalogueMeshes(artifact.folder)
    for asset in assets:
        for part in asset.parts:
            mesh = meshes.mesh(asset.asset_id, part.name)
            assert np.allclose(np.ptp(mesh.vertices_m, axis=0), asset.size_m, rtol=1e-4)
        assert Image.open(artifact.path(f"{asset.asset_id}/preview.jpg")).size == (8 * 24, len(asset.parts) * 24)
    assert tuple(np.ptp(meshes.mesh("creme-brulee", "whole").vertices_m, axis=0)) == pytest.approx((0.1, 0.2, 0.3))
    assert meshes.mesh("creme-brulee", "whole").texture[32, 32, 0] > 180
    summary = artifact.manifest.summary
    assert (summary["n_classes"], summary["n_objects"], summary["n_distractors"], summary["n_failed_models"]) == (
        3,
        4,
        6,
        0,
    )
    assert verify_artifact(artifact.folder) == []


def test_same_input_same_bytes_and_a_finished_one_is_kept(objects, tmp_path, packages):
    first = run(QUICK, objects, tmp_path / "one")
    run(QUICK, objects, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    stamp = (tmp_path / "one" / "assets.json").stat().st_mtime_ns
    assert run(QUICK, objects, tmp_path / "one").key == first.key
    assert (tmp_path / "one" / "assets.json").stat().st_mtime_ns == stamp
    other = CatalogueConfig(n_distractors=0, lookalikes_per_object=0, preview_engine="none")
    with pytest.raises(ArtifactError, match="overwrite"):
        run(other, objects, tmp_path / "one")
    run(other, objects, tmp_path / "one", overwrite=True)
    assert not list((tmp_path / "one").rglob("preview.jpg"))


def test_an_interrupted_run_goes_on_where_it_stopped(objects, tmp_path, packages, monkeypatch):
    whole = run(QUICK, objects, tmp_path / "whole")
    real, seen = units._import, []

    def stops_at_third(unit, source):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(source.path)
        return real(unit, source)

    monkeypatch.setattr(units, "_import", stops_at_third)
    with pytest.raises(KeyboardInterrupt):
        run(QUICK, objects, tmp_path / "out")
    monkeypatch.setattr(units, "_import", lambda unit, source: seen.append(source.path) or real(unit, source))
    run(QUICK, objects, tmp_path / "out")
    assert len(seen) == len(set(seen)) == 4
    assert contents(tmp_path / "out") == contents(whole.folder)


class Backwards:
    """Runs the units last to first."""

    workers = 1

    def map(self, function, units, setup=None, setup_args=()):
        for position in reversed(range(len(units))):
            yield UnitResult(position, function(units[position]))


class Broken(Backwards):
    def map(self, function, units, setup=None, setup_args=()):
        for position in range(len(units)):
            yield UnitResult(position, None, "the worker died")


def test_order_of_work_changes_nothing_and_a_lost_unit_is_an_error(objects, tmp_path, packages):
    run(QUICK, objects, tmp_path / "one")
    run(QUICK, objects, tmp_path / "two", executor=Backwards())
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    with pytest.raises(EngineError, match="the worker died"):
        run(QUICK, objects, tmp_path / "three", executor=Broken())


def test_a_bad_model_is_recorded_and_counted(objects, tmp_path, packages):
    (objects / "creme brulee" / "c.glb").write_bytes(b"glTF junk")
    (objects / "creme brulee" / "old.stl").write_bytes(b"solid")
    progress = Silent()
    artifact = run(QUICK, objects, tmp_path / "out", progress=progress)
    failures = list(read_jsonl(artifact.path("failures.jsonl"), Failure))
    assert sorted(f.path for f in failures) == ["creme brulee/c.glb", "creme brulee/old.stl"]
    assert artifact.manifest.summary["n_failed_models"] == 2
    assert any("c.glb" in note for note in progress.notes)
    assert any("c.glb" in note for note in artifact.manifest.notes)


def test_a_class_does_not_vanish_silently(objects, tmp_path, packages):
    (objects / "mug.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(ConfigError, match=r"'mug'(.|\n)*mug\.obj has no texture(.|\n)*allow_missing_classes"):
        run(QUICK, objects, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "failures.jsonl").read_text())
    assert record["class_name"] == "mug"
    lenient = CatalogueConfig(n_distractors=0, preview_engine="none", allow_missing_classes=True)
    artifact = run(lenient, objects, tmp_path / "lenient")
    assert "mug" not in artifact.manifest.summary["classes"]
    assert artifact.manifest.summary["n_failed_models"] == 1


def test_nothing_usable_at_all_is_an_error_even_then(tmp_path):
    folder = tmp_path / "objects"
    folder.mkdir()
    with pytest.raises(ConfigError, match="no 3D model"):
        run(QUICK, folder, tmp_path / "out")
    (folder / "a.model").write_bytes(b"PK junk")
    with pytest.raises(ConfigError, match=r"a\.model"):
        run(CatalogueConfig(preview_engine="none", allow_missing_classes=True), folder, tmp_path / "out")


def test_one_class_is_a_catalogue_with_a_warning(tmp_path):
    write_box(tmp_path / "objects")
    config = CatalogueConfig(n_distractors=0, lookalikes_per_object=0, preview_engine="none", size_m={"box": 0.6})
    artifact = run(config, tmp_path / "objects", tmp_path / "out")
    assert artifact.manifest.summary["n_classes"] == 1
    assert any("one class" in note for note in artifact.manifest.notes)
    (asset,) = read_assets(artifact.folder)
    assert asset.size_m == pytest.approx((0.2, 0.4, 0.6))


def test_wrong_names_are_refused_before_anything_is_written(tmp_path):
    write_box(tmp_path / "objects", "None of these")
    with pytest.raises(ConfigError, match="reserved"):
        run(QUICK, tmp_path / "objects", tmp_path / "out")
    write_box(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"size_m names 'bx'.*'box'"):
        run(CatalogueConfig(size_m={"bx": 1.0}, preview_engine="none"), tmp_path / "other", tmp_path / "out")
    with pytest.raises(ConfigError, match="inside"):
        run(QUICK, tmp_path / "other", tmp_path / "other" / "out")
    with pytest.raises(ConfigError, match="no render engine"):
        run(CatalogueConfig(preview_engine="magic"), tmp_path / "other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_real_generators_of_packages_and_labels_fit(tmp_path):
    write_box(tmp_path / "objects")
    config = CatalogueConfig(**QUICK_ONE, seed=0)
    artifact = run(config, tmp_path / "objects", tmp_path / "out")
    box, look, package = read_assets(artifact.folder)
    assert (box.role, look.role, package.role) == ("object", "distractor", "distractor")
    meshes = CatalogueMeshes(artifact.folder)
    assert meshes.mesh(look.asset_id, "whole").texture.shape == (64, 64, 3)
    assert np.ptp(meshes.mesh(look.asset_id, "whole").texture.reshape(-1, 3), axis=0).max() > 50
    assert 0.03 < package.diagonal_m() < 0.6
    other = run(CatalogueConfig(**QUICK_ONE, seed=1), tmp_path / "objects", tmp_path / "other")
    first = artifact.path(package.parts[0].model_file).read_bytes()
    assert other.path(package.parts[0].model_file).read_bytes() != first


def test_real_half_scans_agree_with_each_other(tmp_path):
    if not (SHARED / "scans" / "products").is_dir():
        pytest.skip(f"no scans under {SHARED}")
    objects = tmp_path / "objects"
    objects.mkdir()
    first = sorted((SHARED / "scans" / "products").glob("*.model"))[0]
    (objects / first.name).write_bytes(first.read_bytes())
    config = CatalogueConfig(n_distractors=0, lookalikes_per_object=0, preview_engine="none", max_texture_px=512)
    artifact = run(config, objects, tmp_path / "out")
    (asset,) = read_assets(artifact.folder)
    meshes = CatalogueMeshes(artifact.folder)
    top, bottom = (meshes.mesh(asset.asset_id, part.name) for part in asset.parts)
    assert top.texture.shape == bottom.texture.shape == (512, 512, 3)
    ratio = np.ptp(top.vertices_m, axis=0) / np.ptp(bottom.vertices_m, axis=0)
    assert np.abs(ratio - 1).max() < 0.1
    assert asset.size_m[2] == max(asset.size_m)
    assert 2000 < len(top.faces) <= 5000
