"""The main job on toy objects, every stage real: small pictures, one epoch."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosynth.catalogue.demo.packages import demo_objects
from photosynth.cli import main
from photosynth.cli.run_models import exported, served
from photosynth.core.artifact import open_artifact, verify_artifact
from photosynth.core.items import read_dataset_info, read_items
from photosynth.models.exported import read_model_info
from photosynth.pipeline import STAGES, stages_of

SMALL = [
    "--images",
    "160",
    "--image-size",
    "72",
    "--epochs",
    "1",
    "--input-px",
    "64",
    "--workers",
    "2",
    "--distractors",
    "6",
]


BOTH = [*SMALL, "--models", "both", "--detector-epochs", "1", "--detector-px", "64"]


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> Path:
    """Three of the demo objects as GLB files in class folders, one with an awkward name."""
    from photosynth.catalogue.demo.packages import write_demo_objects

    folder = tmp_path_factory.mktemp("objects")
    everything = tmp_path_factory.mktemp("all")
    paths = write_demo_objects(everything)
    for path, name in zip(paths, ("Café au lait 1 l", "can", "tub"), strict=False):
        (folder / name).mkdir()
        shutil.copy(path, folder / name / "model.glb")
    assert len(demo_objects()) >= 6
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory, objects) -> Path:
    """Stand-ins for real photos: noise, with one unreadable file and one class that has no model."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name in ("can", "tub", "spanner"):
        (folder / name).mkdir()
        for k in range(2):
            Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).save(folder / name / f"{k}.jpg")
    (folder / "can" / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    return folder


@pytest.fixture(scope="module")
def finished(objects, photos, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run"
    assert main(["run", str(objects), "--real", str(photos), "--out", str(run), *SMALL]) == 0
    return run


def test_every_stage_is_finished_and_verifies(finished, capsys):
    for name in STAGES:
        assert verify_artifact(finished / name) == []
    assert main(["verify", str(finished)]) == 0
    assert capsys.readouterr().out.count(": ok") == len(STAGES)


def test_one_worker_makes_the_bytes_that_two_made(finished, tmp_path):
    folders = [str(finished / "sample"), str(finished / "catalogue")]
    assert main(["render", *folders, "--out", str(tmp_path / "again"), "--workers", "1"]) == 0
    sums = [(folder / "checksums.sha256").read_text() for folder in (finished / "render", tmp_path / "again")]
    assert sums[0] == sums[1]
    assert sums[0].count(".jpg") == 160


def test_dataset_has_every_class_and_negatives(finished):
    info = read_dataset_info(finished / "dataset")
    assert info.class_names == ("Café au lait 1 l", "can", "tub")
    labels = [item.label for item in read_items(finished / "dataset", "train")]
    assert set(labels) == {0, 1, 2, 3}


def test_closing_table_and_report_show_both_scores(finished, objects, photos, capsys):
    assert main(["run", str(objects), "--real", str(photos), "--out", str(finished), *SMALL]) == 0
    out = capsys.readouterr().out
    assert out.count("finished before") == len(STAGES)
    assert re.search(r"synthetic +real +gap", out)
    assert str(finished / "report.html") in out
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "Café au lait 1 l" in page
    assert "spanner" in page, "photos of a class without a model are reported apart"
    assert "broken.jpg" in page


def test_other_settings_are_refused_and_nothing_is_lost(finished, objects, photos, capsys):
    before = (finished / "dataset/manifest.json").read_bytes()
    changed = [arg if arg != "160" else "170" for arg in SMALL]
    assert main(["run", str(objects), "--real", str(photos), "--out", str(finished), *changed]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (finished / "dataset/manifest.json").read_bytes() == before


def test_without_photos_the_real_column_says_so(finished, objects, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    for name in STAGES[:-1]:
        shutil.copytree(finished / name, run / name)
    shutil.copy(finished / "run.json", run)
    assert main(["run", str(objects), "--out", str(run), *SMALL]) == 0
    assert "not measured: add your photos" in capsys.readouterr().out
    assert "not measured: add your photos" in (run / "report.html").read_text(encoding="utf-8")


def test_show_says_what_is_there(finished, capsys):
    assert main(["show", str(finished)]) == 0
    out = capsys.readouterr().out
    assert f"{len(STAGES)} of {len(STAGES)} stages finished" in out
    assert main(["show", str(finished / "train")]) == 0


def test_folder_of_other_people_is_refused(objects, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")
    assert main(["run", str(objects), "--out", str(tmp_path), *SMALL]) == 1
    assert "letter.txt" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_one_class_only_is_refused_before_anything_is_made(objects, tmp_path, capsys):
    (tmp_path / "objects").mkdir()
    shutil.copytree(objects / "can", tmp_path / "objects/can")
    assert main(["run", str(tmp_path / "objects"), "--out", str(tmp_path / "run"), *SMALL]) == 1
    assert "at least two" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--recipe", "singel"], "singel"),
        (["--input-px", "8"], "input_px"),
        (["--engine", "pov"], "pov"),
        (["--backbone", "alexnett"], "alexnett"),
        (["--size-m", "spoon", "0.2"], "spoon"),
    ],
)
def test_settings_that_a_later_stage_would_refuse_are_refused_at_once(objects, tmp_path, capsys, flags, complaint):
    assert main(["run", str(objects), "--out", str(tmp_path / "run"), *flags]) == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run/sample").exists()


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_no_objects(tmp_path, what, capsys):
    if what == "empty":
        (tmp_path / "objects").mkdir()
    assert main(["run", str(tmp_path / "objects"), "--out", str(tmp_path / "run"), *SMALL]) == 1
    assert str(tmp_path / "objects") in capsys.readouterr().err


@pytest.fixture(scope="module")
def both(finished, objects, photos, tmp_path_factory) -> Path:
    """The finished run asked for a detector too."""
    run = tmp_path_factory.mktemp("runs") / "both"
    shutil.copytree(finished, run)
    assert main(["run", str(objects), "--real", str(photos), "--out", str(run), *BOTH]) == 0
    return run


def test_a_detector_joins_a_finished_classifier(both, finished, objects, photos, capsys):
    stages = stages_of("both")
    assert all(verify_artifact(both / name) == [] for name in stages)
    for name in ("train", "dataset"):
        assert (both / name / "weights.pt").is_file() == (name == "train")
        assert (both / name / "manifest.json").read_bytes() == (finished / name / "manifest.json").read_bytes()
    manifest = open_artifact(both / "train_detector", "train_detector").manifest
    assert manifest.inputs["dataset"] == open_artifact(both / "dataset_detector").key
    assert manifest.summary["n_val"] == len(list(read_items(both / "dataset_detector", "val")))
    capsys.readouterr()
    assert main(["run", str(objects), "--real", str(photos), "--out", str(both), *BOTH]) == 0
    out = capsys.readouterr().out
    assert out.count("finished before") == len(stages)
    assert "right answers (top-1)" in out
    assert "mAP50_95" in out


def test_one_page_has_both_models(both):
    page = (both / "report.html").read_text(encoding="utf-8")
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names)), "each name leads to one place"
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(names)
    table = page[page.index('id="both"') : page.index('id="part-classifier"')]
    assert table.index("right answers (top-1)") < table.index("mAP50_95")
    assert not any("another dataset" in note for note in open_artifact(both / "evaluate_detector").manifest.notes)


def test_show_and_verify_know_the_detector(both, capsys):
    assert main(["show", str(both)]) == 0
    out = capsys.readouterr().out
    assert "12 of 12 stages finished" in out
    assert "train_detector" in out
    assert "mAP50_95" in out
    assert main(["verify", str(both)]) == 0
    assert capsys.readouterr().out.count(": ok") == 12


def test_export_predict_and_serve_know_the_detector(both, photos, capsys):
    assert main(["export", str(both), "--out", str(both / "export"), "--no-int8"]) == 0
    kinds = [read_model_info(both / name).kind for name in ("export", "export-detector")]
    assert kinds == ["classifier", "detector"]
    assert main(["predict", str(both), str(photos / "tub"), "--detector", "--min-score", "0"]) == 0
    assert served((str(both), f"x={both}", str(both / "export"))) == (
        *(f"both={both / 'export'}", f"both-detector={both / 'export-detector'}"),
        *(f"x={both / 'export'}", f"x-detector={both / 'export-detector'}"),
        str(both / "export"),
    )
    assert exported(both, detector=False) == both
    assert exported(both, detector=True) == exported(both / "export", detector=True) == both / "export-detector"
