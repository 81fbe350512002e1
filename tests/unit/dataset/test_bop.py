"""BOP datasets, read by a reader that knows the format only, against boxes whose every pixel is known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import trimesh
from bop_reader import calc_2d_bbox, load_ply, load_scene, model_points_under, project
from drawn_boxes import MARGIN_PX, ROLES, SIZES_M, Settings, draw, pose, write_catalogue, write_render

from photosynth.core.artifact import open_artifact, verify_artifact
from photosynth.core.asset import AssetPart
from photosynth.core.engine import UnitResult
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.frame import FrameRecord, KeptLayers
from photosynth.core.geometry import as_matrix4
from photosynth.core.progress import Silent
from photosynth.dataset.bop import depth_steps, left_out
from photosynth.dataset.bop_models import hull_points, model_info
from photosynth.dataset.bop_objects import BopObject
from photosynth.dataset.config import DatasetConfig
from photosynth.dataset.stage import run

BOP = DatasetConfig(val_fraction=0.0, test_fraction=0.0, formats=("bop",), contact_sheet_pictures=0)


TOP_RIGHT = np.zeros((90, 120), bool)
TOP_RIGHT[:50, 60:] = True
SCENES = {
    0: {"things": [("brick", pose(0, 0, 0.05, (0.3, 0.2, 0.5)))]},
    3: {  # the tall one behind the brick, a toy before both
        "things": [
            ("tall", pose(0.25, 0.0, 0.08)),
            ("brick", pose(0.0, 0.03, 0.0, (0.0, 0.1, 1.2))),
            ("toy", pose(-0.4, 0.02, 0.1)),
        ]
    },
    7: {"things": [("brick", pose(0.0, 0.33, 0.05, (0.2, 0.0, 1.4))), ("tall", pose(0.1, 0.0, 0.0))]},  # cut
    8: {"things": [("brick", pose(0, 0, 0.05)), ("tall", pose(0.1, -0.2, 0.1))], "hidden": TOP_RIGHT},
    9: {"things": [("tall", pose(0, 0, 0.05, (1.0, 0.4, 0.0)))], "principal_px": (5.0, 44.0), "size_wh": (100, 90)},
    1000: {"things": [("brick", pose(6.5, 0, 0.05)), ("brick", pose(0, 0, 0.0))]},  # beyond 6.5 m
    1999: {"things": [("brick", pose(0.4, 0.2, 0.05)), ("brick", pose(0, 0, 0.0, (0, 0, 2.0)))]},
    2001: {"things": [("tall", pose(0, 0, 0.05)), ("tall", pose(0.6, -0.11, -0.1)), ("brick", pose(0, 40.0, 0))]},
}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("catalogue") / "catalogue")


@pytest.fixture(scope="module")
def render(catalogue, tmp_path_factory) -> Path:
    return write_render(tmp_path_factory.mktemp("render") / "render", catalogue, SCENES)


@pytest.fixture(scope="module")
def dataset(render, catalogue, tmp_path_factory) -> Path:
    return run(BOP, render, tmp_path_factory.mktemp("dataset") / "d", catalogue=catalogue).folder


@pytest.fixture(scope="module")
def images(dataset) -> dict[int, dict]:
    """Scene number -> what the reader found."""
    found = {}
    for folder in sorted((dataset / "bop" / "train_pbr").iterdir()):
        found |= {int(folder.name) * 1000 + im_id: image for im_id, image in load_scene(folder).items()}
    return found


@pytest.fixture(scope="module")
def models(dataset) -> dict[int, dict]:
    folder = dataset / "bop" / "models"
    return {k: load_ply(folder / f"obj_{k:06d}.ply") for k in (1, 2)}


def test_every_picture_is_where_the_toolkit_looks(dataset, images, render):
    assert verify_artifact(dataset) == []
    assert sorted(images) == list(SCENES)
    assert sorted(p.name for p in (dataset / "bop" / "train_pbr").iterdir()) == ["000000", "000001", "000002"]
    names = "camera.json", "dataset_info.md", "models", "objects.json", "train_pbr"
    assert sorted(p.name for p in (dataset / "bop").iterdir()) == list(names)
    link = dataset / "bop" / "train_pbr" / "000001" / "rgb" / "000999.jpg"
    assert link.samefile(render / "images" / "001" / "001999.jpg")
    for image in images.values():
        assert image["rgb"].shape[:2] == image["depth_mm"].shape
    summary = open_artifact(dataset).manifest.summary
    assert (summary["bop_pictures"], summary["bop_objects"], summary["bop_left_out"]) == (8, 14, {})
    assert not (dataset / "parts").exists()


def test_objects_are_those_in_the_picture_and_no_distractors(images, dataset):
    ids = {index: [one["obj_id"] for one in image["objects"]] for index, image in images.items()}
    assert ids[0] == [1]
    assert ids[3] == [2, 1]  # without the toy
    assert ids[2001] == [2, 2]  # without the brick far beside the picture
    objects = json.loads((dataset / "bop" / "objects.json").read_text())
    assert {k: (v["asset_id"], v["class_name"]) for k, v in objects.items()} == {
        "1": ("brick", "brick"),
        "2": ("tall", "tall"),
    }


def test_vertices_land_in_the_masks(images, models):
    """Corners of the models, taken through R, t and K, span each mask; inside the picture to half a pixel."""
    for index, image in images.items():
        height, width = image["depth_mm"].shape
        for one in image["objects"]:
            corners = project(models[one["obj_id"]]["pts"], one, image["K"])
            inside = ((corners > -0.5) & (corners < [width - 0.5, height - 0.5])).all(axis=1)
            grown = cv2.dilate(one["mask"].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            x, y = np.rint(corners[inside]).astype(int).T
            assert grown[y, x].all(), index
            x0, y0, w, h = calc_2d_bbox(one["mask"])
            if inside.all():
                assert np.abs(np.array([x0, y0]) - corners.min(axis=0)).max() <= 1.5
                assert np.abs(np.array([x0 + w, y0 + h]) - corners.max(axis=0)).max() <= 1.5
            else:
                assert 0 in (x0, y0) or x0 + w == width - 1 or y0 + h == height - 1


def surface_distance_mm(points: np.ndarray, size_mm: np.ndarray) -> np.ndarray:
    return np.abs((np.abs(points) - size_mm / 2).max(axis=1))


def test_depth_camera_pose_and_model_agree(images, models):
    """What depth shows under each visible mask lies on the model's surface: within the depth's own step."""
    n_points = 0
    for image in images.values():
        step_mm = 0.1 if image["depth_mm"].max() < 6500 else 0.2
        for one in image["objects"]:
            size_mm = np.ptp(models[one["obj_id"]]["pts"], axis=0)
            points = model_points_under(one, image["K"], image["depth_mm"], one["mask_visib"])
            assert (surface_distance_mm(points, size_mm) < 0.75 * step_mm).all()
            n_points += len(points)
    assert n_points > 6000


def test_the_agreement_is_sensitive_to_half_a_pixel(images, models):
    one = images[0]["objects"][0]
    shifted = images[0]["K"] + [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    points = model_points_under(one, shifted, images[0]["depth_mm"], one["mask_visib"])
    assert np.median(surface_distance_mm(points, np.ptp(models[1]["pts"], axis=0))) > 0.5


def test_facts_follow_from_the_pictures(images):
    fractions = []
    for index, image in images.items():
        for one in image["objects"]:
            assert not (one["mask_visib"] & ~one["mask"]).any()
            assert one["px_count_visib"] == one["mask_visib"].sum()
            assert one["px_count_valid"] == ((image["depth_mm"] > 0) & one["mask"]).sum()
            assert one["visib_fract"] == one["px_count_visib"] / one["px_count_all"]
            if one["px_count_visib"]:
                assert one["bbox_visib"] == calc_2d_bbox(one["mask_visib"])
            else:
                assert one["bbox_visib"] == one["bbox_obj"] == [-1, -1, -1, -1]
            fractions.append((index, one["visib_fract"]))
        (first, *_) = image["objects"]
        assert [one["mask_visib"].any() for one in image["objects"]].count(True) > 0
        assert first["R"] @ first["R"].T == pytest.approx(np.eye(3), abs=1e-6)
    assert sum(0.05 < f < 0.95 for _, f in fractions) >= 4
    assert min(f for _, f in fractions) < 0.3
    assert max(f for _, f in fractions) == 1.0


def test_whole_silhouettes_reach_beyond_the_picture(images):
    """The toolkit renders on a canvas three times as large; so does `draw`."""
    beyond = 0
    for index, image in images.items():
        _, _, _, boxes = draw(index, **SCENES[index])
        height, width = image["depth_mm"].shape
        drawn = [
            np.isfinite(one)
            for (name, _), one in zip(SCENES[index]["things"], boxes, strict=True)
            if ROLES[name] == "object"
        ]
        drawn = [mask for mask in drawn if mask[MARGIN_PX : MARGIN_PX + height, MARGIN_PX : MARGIN_PX + width].any()]
        for one, mask in zip(image["objects"], drawn, strict=True):
            assert one["px_count_all"] == mask.sum()
            if one["px_count_visib"]:
                x, y, w, h = calc_2d_bbox(mask)
                assert np.abs(np.array(one["bbox_obj"]) - [x - MARGIN_PX, y - MARGIN_PX, w, h]).max() <= 1
                beyond += one["bbox_obj"] != calc_2d_bbox(one["mask"])
    assert beyond >= 2


def test_cameras(images, dataset):
    for index, image in images.items():
        camera = draw(index, **SCENES[index])[0].camera
        assert image["K"][:2, 2] == pytest.approx(np.array(camera.principal_px) - 0.5)
        eye = -image["R_w2c"].T @ image["t_w2c"]
        assert eye.ravel() == pytest.approx(camera.position_m() * 1000, abs=1e-4)
    top = json.loads((dataset / "bop" / "camera.json").read_text())
    first = images[0]["K"]
    assert [top[k] for k in ("fx", "fy", "cx", "cy")] == [first[0, 0], first[1, 1], first[0, 2], first[1, 2]]
    assert (top["width"], top["height"], top["depth_scale"]) == (120, 90, 0.1)


def test_models(dataset, models):
    infos = json.loads((dataset / "bop" / "models" / "models_info.json").read_text())
    assert list(infos) == ["1", "2"]
    for obj_id, name in ((1, "brick"), (2, "tall")):
        size_mm, ply, info = np.array(SIZES_M[name]) * 1000, models[obj_id], infos[str(obj_id)]
        assert np.ptp(ply["pts"], axis=0) == pytest.approx(size_mm, rel=1e-5)
        assert info["diameter"] == pytest.approx(np.linalg.norm(size_mm), rel=1e-5)
        assert [info[f"min_{a}"] for a in "xyz"] == pytest.approx(-size_mm / 2, rel=1e-5)
        assert [info[f"size_{a}"] for a in "xyz"] == pytest.approx(size_mm, rel=1e-5)
        a, b, c = (ply["pts"][ply["faces"][:, k]] for k in range(3))
        outward = np.cross(b - a, c - a)
        assert ((outward * (a + b + c)).sum(axis=1) > 0).all()
        assert ((outward * ply["normals"][ply["faces"][:, 0]]).sum(axis=1) > 0).all()
        texture = cv2.imread(str(dataset / "bop" / "models" / ply["texture_file"]))[::-1, :, ::-1]  # v up
        height, width = texture.shape[:2]
        u, v = (ply["texture_uv"] * [width, height]).astype(int).T
        assert np.array_equal(texture[v, u], ply["colors"])
        loaded = trimesh.load(dataset / "bop" / "models" / f"obj_{obj_id:06d}.ply", process=False)
        assert np.allclose(loaded.vertices, ply["pts"])
        assert loaded.is_watertight or len(loaded.faces) == 12


def test_diameter_and_hull_of_any_points():
    points = np.random.default_rng(1).normal(size=(700, 3)).astype(np.float32)
    among = np.linalg.norm(points[:, None] - points[None], axis=-1).max() * 1000
    assert model_info(points, hull_points(points)).diameter == pytest.approx(among, rel=1e-6)
    flat = points * [1, 1, 0]
    assert len(hull_points(flat)) == 700  # no volume: all of them


def frame_of(index=0, **changes) -> FrameRecord:
    frame, *_ = draw(index, **SCENES[index])
    return msgspec.structs.replace(frame, **changes)


def left_out_of(frame: FrameRecord) -> str | None:
    part = AssetPart(name="whole", model_file="")
    names = enumerate(("brick", "tall"), start=1)
    return left_out(frame, [BopObject(obj_id=k, asset_id=name, part=part) for k, name in names])


def test_pictures_without_words_in_bop():
    assert left_out_of(frame_of()) is None
    assert left_out_of(frame_of(instances=())) == "no object"
    toy = msgspec.structs.replace(frame_of().instances[0], role="distractor")
    assert left_out_of(frame_of(instances=(toy,))) == "no object"
    bent = msgspec.structs.replace(frame_of().camera, distortion=(0.1, 0.0, 0.0, 0.0, 0.0))
    assert left_out_of(frame_of(camera=bent)) == "lens distortion"
    larger = as_matrix4(np.array(frame_of().instances[0].cam_from_object) @ np.diag([1.3, 1.3, 1.3, 1.0]))
    scaled = msgspec.structs.replace(frame_of().instances[0], cam_from_object=larger)
    assert left_out_of(frame_of(instances=(scaled,))) == "another size"
    assert left_out_of(frame_of(instances=(msgspec.structs.replace(scaled, role="distractor"), toy))) == "no object"
    for lost in ({"camera": None}, {"instances": (msgspec.structs.replace(scaled, cam_from_object=None),)}):
        with pytest.raises(ArtifactError, match=r"images/000/000000\.jpg.*render again"):
            left_out_of(frame_of(**lost))


def test_what_is_left_out_is_counted_and_said(catalogue, tmp_path):
    scenes = {0: SCENES[0], 1: {"things": [("brick", pose(0, 0, 0, scale=0.5))]}, 2: SCENES[3]}
    progress = Silent()
    artifact = run(BOP, write_render(tmp_path / "r", catalogue, scenes), tmp_path / "d", catalogue=catalogue,
                   progress=progress)  # fmt: skip
    assert artifact.manifest.summary["bop_left_out"] == {"another size": 1}
    (note,) = (n for n in progress.notes if n.startswith("bop/"))
    assert "lacks 1 of 3 pictures" in note
    assert "--size-m" in note
    assert sorted(load_scene(tmp_path / "d" / "bop" / "train_pbr" / "000000")) == [0, 2]
    only = write_render(tmp_path / "r2", catalogue, {1: scenes[1]})
    with pytest.raises(QualityError, match=r"format bop can hold none of the pictures .1 for another size: give"):
        run(BOP, only, tmp_path / "d2", catalogue=catalogue)


def test_unusable_inputs_are_refused_before_anything_is_begun(catalogue, render, tmp_path):
    bare = write_render(tmp_path / "bare", catalogue, {0: SCENES[0]}, Settings(keep_layers=False))
    with pytest.raises(ConfigError, match=r"needs depth.*render again with --keep-layers"):
        run(BOP, bare, tmp_path / "d", catalogue=catalogue)
    with pytest.raises(ConfigError, match=r"needs the 3D models; give --catalogue"):
        run(BOP, render, tmp_path / "d")
    other = write_catalogue(tmp_path / "other", note="another")
    with pytest.raises(ConfigError, match=r"other is not the catalogue that .*render was rendered with"):
        run(BOP, render, tmp_path / "d", catalogue=other)
    assert not (tmp_path / "d").exists()


class Backwards:
    """An executor that runs the last unit first and can stop after some."""

    workers = 1

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.n_done = stop_after, 0

    def map(self, function, units, setup=None, setup_args=()):
        for position in reversed(range(len(units))):
            if self.n_done == self.stop_after:
                raise KeyboardInterrupt
            self.n_done += 1
            yield UnitResult(position, function(units[position]))


def test_interrupted_and_resumed_gives_the_same_bytes(dataset, render, catalogue, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(BOP, render, tmp_path / "d", catalogue=catalogue, executor=Backwards(2))
    executor = Backwards()
    run(BOP, render, tmp_path / "d", catalogue=catalogue, executor=executor)
    assert executor.n_done == 1
    ours, again = (
        {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (dataset, tmp_path / "d")
    )
    assert ours == again


@pytest.mark.parametrize(
    ("depths_m", "kept_step_m", "steps", "scale"),
    [
        ([0.5, np.inf, 0.0], 1e-4, [5000, 0, 0], 0.1),
        ([0.5, 6.4, 0.0], None, [5000, 64000, 0], 0.1),
        ([0.04, 7.0, 0.0], None, [200, 35000, 0], 0.2),
        ([0.04, 70.0, 700.0], None, [4, 7000, 0], 10.0),
        ([0.02, np.inf, 0.3], 1e-5, [2000, 0, 30000], 0.01),
    ],
)
def test_depth_in_steps(depths_m, kept_step_m, steps, scale):
    depth = np.array([depths_m], np.float32)
    layers = KeptLayers(depth, np.zeros((1, 3), np.uint16), np.zeros((1, 3, 3), np.float32), kept_step_m)
    made, made_scale = depth_steps(layers)
    assert made.dtype == np.uint16
    assert made.tolist() == [steps]
    assert made_scale == scale
