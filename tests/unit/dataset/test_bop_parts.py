"""BOP models of scans in halves, against pictures of the halves; and BOP beside other formats when it has no words."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from bop_reader import load_ply, load_scene, model_depth_mm
from drawn_boxes import ALL_BUT_CAN, HALVES_DEG, SIZES_M, pose, write_catalogue, write_render

from photosynth.core.artifact import open_artifact, verify_artifact
from photosynth.core.errors import QualityError
from photosynth.core.items import read_items
from photosynth.core.progress import Silent
from photosynth.dataset.config import DatasetConfig
from photosynth.dataset.stage import run

BOP = DatasetConfig(val_fraction=0.0, test_fraction=0.0, formats=("bop",), contact_sheet_pictures=0)
BOTH = msgspec.structs.replace(BOP, formats=("coco", "bop"))
NAMES = (*ALL_BUT_CAN, "can")
OVER = (3.0, 0.2, 0.4)
"""Turns a thing upside down, more or less."""
SCENES = {
    0: {"things": [("brick", pose(0, 0, 0.05, (0.3, 0.2, 0.5)))]},
    1: {"things": [("can/top", pose(0, 0, 0.05, (0.1, 0.0, 0.7)))]},
    2: {"things": [("can/bottom", pose(0, 0, 0.05, OVER))]},
    3: {
        "things": [
            ("can/bottom", pose(0.1, 0.1, 0.05, OVER)),
            ("can/top", pose(0, -0.04, 0.0)),
            ("tall", pose(0.2, 0, 0)),
        ]
    },
}  # fmt: skip
SCALED = {0: {"things": [("brick", pose(0, 0, 0, scale=0.5))]}, 1: {"things": [("tall", pose(0, 0, 0, scale=1.2))]}}


def written(folder: Path, scenes, config=BOP, progress=None, **catalogue) -> Path:
    made = write_catalogue(folder / "catalogue", **catalogue)
    render = write_render(folder / "render", made, scenes)
    return run(config, render, folder / "dataset", catalogue=made, progress=progress).folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("bop"), SCENES, names=NAMES)


@pytest.fixture(scope="module")
def shown(dataset) -> list[tuple[str, dict, dict]]:
    """What each object of each picture is a picture of, its row and its picture."""
    images = load_scene(dataset / "bop" / "train_pbr" / "000000")
    names = [[name for name, _ in SCENES[index]["things"]] for index in images]
    pairs = zip(names, images.values(), strict=True)
    return [(name, one, image) for row, image in pairs for name, one in zip(row, image["objects"], strict=True)]


def models(dataset: Path) -> dict[str, tuple[int, dict]]:
    """As things are named here -> its number and its PLY."""
    rows = json.loads((dataset / "bop" / "objects.json").read_text())
    names = {k: v["asset_id"] + ("" if v["part"] == "whole" else f"/{v['part']}") for k, v in rows.items()}
    folder = dataset / "bop" / "models"
    return {name: (int(k), load_ply(folder / f"obj_{int(k):06d}.ply")) for k, name in names.items()}


def test_each_half_is_an_object(dataset):
    found = models(dataset)
    assert {name: number for name, (number, _) in found.items()} == {
        "brick": 1, "tall": 2, "can/top": 3, "can/bottom": 4,
    }  # fmt: skip
    infos = json.loads((dataset / "bop" / "models" / "models_info.json").read_text())
    for name, (number, ply) in found.items():
        assert np.ptp(ply["pts"], axis=0) == pytest.approx(np.array(SIZES_M[name]) * 1000, rel=1e-5)
        assert infos[str(number)]["diameter"] == pytest.approx(np.linalg.norm(SIZES_M[name]) * 1000, rel=1e-5)
    assert verify_artifact(dataset) == []


def test_depth_of_the_model_in_its_pose_is_the_pictures(dataset, shown):
    """Of whole scans and of halves: within a millimetre or 0.5 % in every visible pixel."""
    found = models(dataset)
    for name, one, image in shown:
        number, ply = found[name]
        assert one["obj_id"] == number
        seen = image["depth_mm"][one["mask_visib"]]
        assert len(seen) > 300
        apart = np.abs(model_depth_mm(one, image["K"], ply, one["mask_visib"]) - seen)
        assert (apart <= np.maximum(1.0, 0.005 * seen)).all(), name


def test_the_other_half_would_be_noticed(dataset, shown):
    found = models(dataset)
    name, one, image = shown[1]
    assert name == "can/top"
    depth = model_depth_mm(one, image["K"], found["can/bottom"][1], one["mask_visib"])
    assert np.median(np.abs(depth - image["depth_mm"][one["mask_visib"]])) > 3.0


def test_pictures_of_halves_that_cannot_be_told_apart_are_left_out(tmp_path):
    """Both halves may be shown to this camera, and frames do not say which one was."""
    progress = Silent()
    either = {"top": (-30.0, 90.0), "bottom": (-90.0, 30.0)}
    folder = written(tmp_path, {k: SCENES[k] for k in (0, 1)}, progress=progress, names=NAMES, can_deg=either)
    assert open_artifact(folder).manifest.summary["bop_left_out"] == {"unclear half": 1}
    assert sorted(load_scene(folder / "bop" / "train_pbr" / "000000")) == [0]
    assert any("1 for unclear half" in note for note in progress.notes)
    assert HALVES_DEG["top"][0] == HALVES_DEG["bottom"][1]  # those of the other tests meet without overlapping


def test_other_formats_are_written_when_bop_has_no_picture(tmp_path):
    progress = Silent()
    folder = written(tmp_path, SCALED, BOTH, progress)
    summary = open_artifact(folder).manifest.summary
    assert (summary["bop_pictures"], summary["bop_objects"], summary["bop_left_out"]) == (0, 0, {"another size": 2})
    assert [item.index for item in read_items(folder, "train")] == [0, 1]
    assert len(json.loads((folder / "annotations" / "train.coco.json").read_text())["images"]) == 2
    (note,) = (note for note in progress.notes if note.startswith("bop/"))
    assert note.startswith("bop/ has none of the 2 pictures with objects: 2 for another size: give")
    assert "--size-m" in note
    assert note in open_artifact(folder).manifest.notes
    assert not list((folder / "bop").glob("*_pbr"))


def test_bop_alone_without_a_picture_is_an_error(tmp_path):
    with pytest.raises(QualityError, match=r"bop can hold none of the pictures .2 for another size: give"):
        written(tmp_path, SCALED, BOP)
