"""The sample stage alone: blocks, resume, summary, skipped files, refusals."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from PIL import Image

from photosynth.core.artifact import ArtifactWriter, verify_artifact
from photosynth.core.asset import NONE_CLASS, Asset, AssetPart, read_assets
from photosynth.core.codec import read_jsonl
from photosynth.core.engine import UnitResult
from photosynth.core.errors import ArtifactError, ConfigError, DependencyError, EngineError
from photosynth.core.mesh import read_glb
from photosynth.core.meshes import CatalogueMeshes
from photosynth.core.progress import Silent
from photosynth.core.record import Record, from_json, to_json
from photosynth.core.scene import PhotoFill, Scene
from photosynth.core.seen import check_seen
from photosynth.sample import stage
from photosynth.sample.arrange.recipe import ShelfRecipe
from photosynth.sample.arrange.separate import overlap_m
from photosynth.sample.arrange.shapes import Shapes
from photosynth.sample.camera import box_corners
from photosynth.sample.meshes import PassingMeshes
from photosynth.sample.recipe import Recipe, load_recipe, recipe_parts
from photosynth.sample.sight import clearance_m
from photosynth.sample.stage import SampleConfig, run

HALVES = (
    AssetPart(name="top", model_file="top.glb", elevation_deg=(0, 90)),
    AssetPart(name="bottom", model_file="bottom.glb", elevation_deg=(-90, 0)),
)
WHOLE = (AssetPart(name="whole", model_file="whole.glb"),)
ASSETS = (
    Asset(asset_id="milk", class_name="Milch", parts=HALVES, size_m=(1, 1, 2), scale_known=False),
    Asset(asset_id="tea", class_name="tea", parts=WHOLE, size_m=(0.1, 0.1, 0.1), scale_known=True),
    Asset(asset_id="cup", class_name=NONE_CLASS, parts=WHOLE, size_m=(1, 1, 1), scale_known=False, role="distractor"),
)


class NoSettings(Record, frozen=True, kw_only=True):
    pass


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.fixture
def catalogue(tmp_path) -> Path:
    return make_catalogue(tmp_path / "catalogue", ASSETS)


def make_catalogue(folder: Path, assets: tuple[Asset, ...]) -> Path:
    with ArtifactWriter(folder, "catalogue", 1, NoSettings(), None, {}) as writer:
        writer.write("assets.json", to_json(assets))
        writer.finish()
    return folder


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    monkeypatch.setattr(stage, "BLOCK", 10)


def read(folder: Path) -> list[Scene]:
    return [scene for path in sorted(folder.glob("scenes-*.jsonl")) for scene in read_jsonl(path, Scene)]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != ".lock"}


def photo(path: Path, size_wh=(80, 60)) -> Path:
    image = np.random.default_rng(0).integers(0, 255, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), image)
    return path


class Reversed:
    """An executor that works from the last unit to the first."""

    workers = 1

    def map(self, function, units, setup=None, setup_args=()):
        setup(*setup_args)
        for position in reversed(range(len(units))):
            yield UnitResult(position, function(units[position]))


class Failing:
    """An executor whose units all fail."""

    workers = 1

    def map(self, function, units, setup=None, setup_args=()):
        yield UnitResult(0, None, "out of memory")


def test_writes_numbered_lawful_scenes_in_blocks_of_250(catalogue, tmp_path) -> None:
    artifact = run(SampleConfig(n_images=260), catalogue, tmp_path / "scenes")
    counts = {p.name: len(list(read_jsonl(p, Scene))) for p in artifact.folder.glob("scenes-*.jsonl")}
    assert counts == {"scenes-00000.jsonl": 250, "scenes-00001.jsonl": 10}
    scenes = read(artifact.folder)
    assert [scene.index for scene in scenes] == list(range(260))
    for scene in scenes:
        check_seen(scene, ASSETS)
        assert scene.camera.size_wh == (256, 256)
    assert verify_artifact(artifact.folder) == []


def test_summary_counts_kinds_and_classes(catalogue, tmp_path, small_blocks) -> None:
    artifact = run(SampleConfig(n_images=60, seed=3), catalogue, tmp_path / "scenes")
    scenes, summary = read(artifact.folder), artifact.manifest.summary
    assert summary["scenes"] == 60
    assert summary["kinds"] == dict(Counter(scene.kind for scene in scenes))
    assert summary["classes"] == dict(Counter(s.placements[0].class_name for s in scenes if s.kind == "object"))
    assert set(summary["classes"]) == {"Milch", "tea"}
    assert summary["with_occluders"] == sum(bool(scene.occluders) for scene in scenes)
    assert summary["environment_maps"] == 18
    assert "no background photos" in artifact.manifest.notes[0]


def test_recipe_is_resolved(catalogue, tmp_path) -> None:
    artifact = run(SampleConfig(n_images=3, image_size_px=96), catalogue, tmp_path / "scenes")
    recipe = from_json(artifact.path("recipe.json").read_bytes(), Recipe)
    assert recipe.size_wh == (96, 96)
    assert recipe.lights == load_recipe("single").lights
    assert {scene.camera.size_wh for scene in read(artifact.folder)} == {(96, 96)}


@pytest.mark.parametrize("killed_at", [0, 1, 2])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    killed_at, catalogue, tmp_path, small_blocks, monkeypatch
) -> None:
    config = SampleConfig(n_images=25, seed=1)
    whole = run(config, catalogue, tmp_path / "whole")
    real, done = stage.sample_block, []

    def counted(block):
        if len(done) == killed_at:
            raise Killed
        done.append(block)
        return real(block)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(stage, "sample_block", counted)
        run(config, catalogue, tmp_path / "killed")
    assert not (tmp_path / "killed" / "manifest.json").exists()

    def recorded(block):
        done.append(block)
        return real(block)

    monkeypatch.setattr(stage, "sample_block", recorded)
    again = run(config, catalogue, tmp_path / "killed")
    assert len(done) == 3  # every block was drawn exactly once, over both runs
    assert content(again.folder) == content(whole.folder)


def test_a_finished_run_is_not_drawn_again(catalogue, tmp_path, monkeypatch) -> None:
    first = run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes")
    monkeypatch.setattr(stage, "sample_block", lambda block: pytest.fail("drawn again"))
    assert run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes").key == first.key


def test_other_settings_are_stale(catalogue, tmp_path) -> None:
    run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes")
    with pytest.raises(ArtifactError, match="--overwrite"):
        run(SampleConfig(n_images=3, seed=1), catalogue, tmp_path / "scenes")
    other = run(SampleConfig(n_images=2, seed=1), catalogue, tmp_path / "scenes", overwrite=True)
    assert len(read(other.folder)) == 2


def test_an_edited_recipe_is_stale(catalogue, tmp_path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("about = 'one'\n")
    config = SampleConfig(n_images=2, recipe=str(recipe))
    run(config, catalogue, tmp_path / "scenes")
    recipe.write_text("about = 'two'\n")
    with pytest.raises(ArtifactError, match="--overwrite"):
        run(config, catalogue, tmp_path / "scenes")


def test_longer_runs_begin_with_the_same_scenes(catalogue, tmp_path) -> None:
    short = read(run(SampleConfig(n_images=4), catalogue, tmp_path / "short").folder)
    long = read(run(SampleConfig(n_images=9), catalogue, tmp_path / "long").folder)
    assert long[:4] == short


def test_an_executor_changes_nothing(catalogue, tmp_path, small_blocks) -> None:
    config = SampleConfig(n_images=25)
    here = run(config, catalogue, tmp_path / "here")
    there = run(config, catalogue, tmp_path / "there", executor=Reversed())
    assert content(here.folder) == content(there.folder)


def test_a_failing_executor_is_named(catalogue, tmp_path) -> None:
    with pytest.raises(EngineError, match="scenes from 0 on: out of memory"):
        run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes", executor=Failing())


def test_progress_hears_of_every_scene(catalogue, tmp_path, small_blocks) -> None:
    class Counting(Silent):
        total = done = 0

        def start(self, stage: str, total: int, unit: str) -> None:
            self.total = total

        def advance(self, n: int = 1) -> None:
            self.done += n

    progress = Counting()
    run(SampleConfig(n_images=25), catalogue, tmp_path / "scenes", progress=progress)
    assert (progress.total, progress.done) == (25, 25)


# background photos


def test_photos_become_backgrounds_and_broken_ones_are_left_out(catalogue, tmp_path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    good = photo(folder / "Grüße 1.jpg")
    broken = photo(folder / "broken.jpg")
    broken.write_bytes(broken.read_bytes()[:900])
    photo(folder / "tiny.png", (8, 8))
    (folder / "text.jpg").write_text("no picture")
    progress = Silent()
    artifact = run(SampleConfig(n_images=40), catalogue, tmp_path / "scenes", backgrounds=folder, progress=progress)
    fills = [scene.background.fill for scene in read(artifact.folder)]
    assert {fill.path for fill in fills if isinstance(fill, PhotoFill)} == {str(good)}
    assert artifact.manifest.summary["background_photos"] == 1
    assert artifact.manifest.summary["files_left_out"] == 3
    skipped = [json.loads(line) for line in artifact.path("skipped.jsonl").read_text().splitlines()]
    assert {Path(entry["path"]).name for entry in skipped} == {"broken.jpg", "text.jpg", "tiny.png"}
    assert all(entry["reason"] for entry in skipped)
    assert len(progress.notes) == 3


def test_upright_size_of_a_turned_photo(tmp_path) -> None:
    from PIL import Image

    from photosynth.sample.photos import open_photo

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 60)).save(tmp_path / "turned.jpg", exif=exif)
    assert open_photo(tmp_path / "turned.jpg").size_wh == (60, 80)


@pytest.mark.parametrize("files", [(), ("notes.txt",), ("broken.jpg",)])
def test_a_folder_without_a_usable_photo_is_refused(files, catalogue, tmp_path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("no picture")
    with pytest.raises(ConfigError, match="expected JPEG"):
        run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes", backgrounds=folder)
    assert not (tmp_path / "scenes").exists()


def test_changed_photos_are_stale(catalogue, tmp_path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo(folder / "a.jpg")
    run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes", backgrounds=folder)
    photo(folder / "b.jpg")
    with pytest.raises(ArtifactError, match="--overwrite"):
        run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes", backgrounds=folder)


def test_the_users_own_environments_take_the_place_of_the_shipped_ones(catalogue, tmp_path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    cv2.imwrite(str(folder / "mine.hdr"), np.ones((8, 16, 3), np.float32))
    artifact = run(SampleConfig(n_images=30), catalogue, tmp_path / "scenes", environments=folder)
    assert {scene.environment.map_file for scene in read(artifact.folder)} == {None, str(folder / "mine.hdr")}
    assert artifact.manifest.summary["files_left_out"] == 0


def test_broken_environments_are_left_out_before_anything_is_drawn(catalogue, tmp_path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "broken.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8 +X 16\n")
    with pytest.raises(ConfigError, match=r"none can be used of the 1.*broken\.hdr.*cannot be read"):
        run(SampleConfig(n_images=30), catalogue, tmp_path / "scenes", environments=folder)
    assert not (tmp_path / "scenes").exists()
    cv2.imwrite(str(folder / "mine.hdr"), np.ones((8, 16, 3), np.float32))
    told = Silent()
    artifact = run(SampleConfig(n_images=30), catalogue, tmp_path / "scenes", environments=folder, progress=told)
    assert {scene.environment.map_file for scene in read(artifact.folder)} == {None, str(folder / "mine.hdr")}
    assert artifact.manifest.summary["files_left_out"] == 1
    (skipped,) = [json.loads(line) for line in artifact.path("skipped.jsonl").read_text().splitlines()]
    assert skipped["path"] == str(folder / "broken.hdr")
    assert "cannot be read" in skipped["reason"]
    assert any("broken.hdr" in note for note in told.notes)


# refusals


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (SampleConfig(n_images=0), "n_images must be at least 1, got 0"),
        (SampleConfig(seed=-1), "seed must be 0 or more"),
        (SampleConfig(image_size_px=4), "image_size_px"),
        (SampleConfig(recipe="nonesuch"), "no recipe 'nonesuch'"),
        (SampleConfig(n_images=2_000_000_000_000), "2000000000000 scenes take about .* GB, but the whole disk"),
    ],
)
def test_impossible_settings_are_refused(config, complaint, catalogue, tmp_path) -> None:
    with pytest.raises(ConfigError, match=complaint):
        run(config, catalogue, tmp_path / "scenes")
    assert not (tmp_path / "scenes").exists()


def test_missing_inputs_are_refused(catalogue, tmp_path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        run(SampleConfig(), tmp_path / "nowhere", tmp_path / "scenes")
    with pytest.raises(ConfigError, match="does not exist"):
        run(SampleConfig(), catalogue, tmp_path / "scenes", backgrounds=tmp_path / "nowhere")


def test_a_catalogue_of_distractors_alone_is_refused(tmp_path) -> None:
    only = make_catalogue(tmp_path / "catalogue", ASSETS[2:])
    with pytest.raises(ConfigError, match="no objects"):
        run(SampleConfig(), only, tmp_path / "scenes")
    assert not (tmp_path / "scenes").exists()


def test_a_refused_replacement_leaves_the_old_artifact(catalogue, tmp_path) -> None:
    old = run(SampleConfig(n_images=3), catalogue, tmp_path / "scenes")
    (tmp_path / "photos").mkdir()
    with pytest.raises(ConfigError, match="no photos"):
        run(SampleConfig(), catalogue, tmp_path / "scenes", backgrounds=tmp_path / "photos", overwrite=True)
    assert verify_artifact(old.folder) == []


# arrangements


@pytest.fixture
def boxes(tmp_path) -> Path:
    """A catalogue with meshes: each asset is its box."""
    folder = make_catalogue(tmp_path / "boxes", ASSETS)
    for asset in ASSETS:
        corners = box_corners(asset.size_m)
        box = trimesh.Trimesh(corners[:, [0, 2, 1]] * (1, 1, -1), [[0, 1, 2], [2, 1, 3], [4, 5, 6], [6, 5, 7]])
        material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4), "red"))
        box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((len(box.vertices), 2)), material=material)
        for part in asset.parts:
            box.export(folder / part.model_file)
    return folder


@pytest.mark.parametrize("recipe", ["tabletop", "shelf", "bin", "far"])
def test_arranged_scenes_are_the_same_in_any_order_of_the_blocks(recipe, boxes, tmp_path, monkeypatch) -> None:
    if recipe == "bin":
        pytest.importorskip("mujoco")
    monkeypatch.setattr(stage, "BLOCK", 4)  # not a multiple of what shares an arrangement
    config = SampleConfig(n_images=14, recipe=recipe, seed=2)
    here = run(config, boxes, tmp_path / "here")
    there = run(config, boxes, tmp_path / "there", executor=Reversed())
    assert content(here.folder) == content(there.folder)
    for scene in read(here.folder):
        check_seen(scene, ASSETS)
    summary = here.manifest.summary
    objects = [p for s in read(here.folder) for p in s.placements if p.role == "object"]
    assert summary["objects_per_picture"] == pytest.approx(len(objects) / summary["kinds"]["object"], abs=1e-3)


def test_objects_without_a_scale_are_named(boxes, tmp_path) -> None:
    progress = Silent()
    artifact = run(SampleConfig(n_images=4, recipe="tabletop"), boxes, tmp_path / "table", progress=progress)
    assert artifact.manifest.summary["objects_without_scale"] == ["milk"]
    (note,) = (note for note in artifact.manifest.notes if "scale" in note)
    assert note.startswith("1 of 2 objects have no scale (Milch)")
    assert note in progress.notes
    alone = run(SampleConfig(n_images=4), boxes, tmp_path / "single")
    assert not any("scale" in note for note in alone.manifest.notes)


def test_workers_keep_no_textures(boxes, tmp_path) -> None:
    run(SampleConfig(n_images=6, recipe="tabletop"), boxes, tmp_path / "scenes")
    meshes = stage._worker.arrangements.shapes._meshes
    assert isinstance(meshes, PassingMeshes)
    read = meshes.mesh("tea", "whole")
    assert read is not meshes.mesh("tea", "whole")
    assert read.texture.size == 0
    np.testing.assert_array_equal(read.vertices_m, read_glb(boxes / "whole.glb").vertices_m)
    run(SampleConfig(n_images=2), boxes, tmp_path / "single")
    assert stage._worker.arrangements is None


def test_recipes_that_pour_are_refused_without_physics(boxes, tmp_path, monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "mujoco" else found(name))
    with pytest.raises(DependencyError, match=r"photosynth\[physics\]"):
        run(SampleConfig(n_images=3, recipe="bin"), boxes, tmp_path / "scenes")
    assert not (tmp_path / "scenes").exists()


def test_shelves_without_physics_are_as_they_were_put_and_say_so(boxes, tmp_path, monkeypatch) -> None:
    def put_up(name: str):
        artifact = run(SampleConfig(n_images=2, recipe="shelf"), boxes, tmp_path / name)
        shelf = from_json(artifact.path("recipe.json").read_bytes(), Recipe).arrangement
        return artifact, shelf.settled, [note for note in artifact.manifest.notes if "physics" in note]

    pytest.importorskip("mujoco")
    settled, with_physics, notes = put_up("settled")
    assert (with_physics, notes) == (True, [])
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "mujoco" else found(name))
    monkeypatch.setitem(sys.modules, "mujoco", None)
    put, with_physics, (note,) = put_up("put")
    assert not with_physics
    assert "photosynth[physics]" in note
    assert settled.key != put.key  # what is drawn hangs on the recipe, and the recipe says which
    assert [part.arrangement.settled for part in recipe_parts(load_recipe("anywhere")) if is_shelf(part)] == [False]


def is_shelf(recipe: Recipe) -> bool:
    return isinstance(recipe.arrangement, ShelfRecipe)


def test_a_missing_mesh_is_named(catalogue, tmp_path) -> None:
    with pytest.raises(ArtifactError, match=r"\.glb cannot be read"):
        run(SampleConfig(n_images=3, recipe="tabletop"), catalogue, tmp_path / "scenes")


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    """A catalogue of five real scans and four made-up distractors."""
    from photosynth.catalogue.stage import CatalogueConfig
    from photosynth.catalogue.stage import run as make

    folder, objects = Path(__file__).parents[2].parent / "shared" / "data" / "scans", tmp_path_factory.mktemp("objects")
    models = [*sorted((folder / "ycb").glob("*/textured.obj"))[5:9], *sorted((folder / "products").glob("*.model"))[:1]]
    if len(models) < 5:
        pytest.skip(f"no scans in {folder}")
    for model in models:
        whole = model.parent if model.suffix == ".obj" else model
        (objects / whole.name).symlink_to(whole)
    config = CatalogueConfig(
        n_distractors=4, lookalikes_per_object=0, max_texture_px=64, max_faces=3000, preview_engine="none"
    )
    return make(config, objects, tmp_path_factory.mktemp("catalogue") / "c").folder


@pytest.mark.parametrize("recipe", ["tabletop", "shelf", "bin", "in_hand", "far"])
def test_recipes_arrange_real_scans(recipe, scans, tmp_path) -> None:
    if recipe == "bin":
        pytest.importorskip("mujoco")
    artifact = run(SampleConfig(n_images=50, recipe=recipe), scans, tmp_path / "scenes")
    assets, scenes = read_assets(scans), read(artifact.folder)
    shapes = Shapes(CatalogueMeshes(scans))
    by_id = {asset.asset_id: asset for asset in assets}
    for scene in scenes:
        check_seen(scene, assets)
        assert scene.kind != "object" or 1 <= sum(p.role == "object" for p in scene.placements) <= 12
        hulls = []
        for placement in scene.placements if recipe != "in_hand" else ():
            matrix = np.array(placement.world_from_object)
            scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
            hull = shapes.shape(by_id[placement.asset_id], scale).hull
            hulls.append(hull.moved(matrix[:3, :3] / scale, matrix[:3, 3]))
            assert clearance_m(hulls[-1], scene.camera.position_m()) > 0
        for one, other in itertools.combinations(hulls, 2):
            smaller = min(np.linalg.norm(np.ptp(hull.points_m, axis=0)) for hull in (one, other))
            assert overlap_m(one, other) <= 0.0051 * smaller
    assert len(artifact.manifest.summary["classes"]) == 5
    assert min(artifact.manifest.summary["classes"].values()) >= 3


def test_plain2018_runs_with_photos(catalogue, tmp_path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo(folder / "a.jpg")
    artifact = run(SampleConfig(n_images=8, recipe="plain2018"), catalogue, tmp_path / "s", backgrounds=folder)
    assert artifact.manifest.summary["kinds"] == {"object": 8}
