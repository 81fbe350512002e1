"""The chain of the main job with stages that only note what they are asked: who gets what, what is kept, one page."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from photosynth.core.artifact import ArtifactWriter
from photosynth.core.errors import ArtifactError
from photosynth.core.record import Record
from photosynth.pipeline import (
    DETECTOR_STAGES,
    SECOND_LOOK,
    Inputs,
    RunConfig,
    finished_stages,
    run,
    run_stages,
    stages_of,
)
from photosynth.pipeline.folder import trained_models
from photosynth.pipeline.report import closing_rows

MODULES = ("catalogue.stage", "sample.stage", "render.stage", "dataset.stage", "train.stage", "train.detect_stage")


class Alone:
    """An executor without workers of its own."""

    workers = 3


class Nothing(Record, frozen=True, kw_only=True):
    """No settings."""


class FakeLive:
    """Stands for LiveFrames, and notes how it was made."""

    made: ClassVar[list[tuple]] = []

    def __init__(self, config, catalogue, **named) -> None:
        FakeLive.made.append((config, catalogue, named))

    def __enter__(self) -> FakeLive:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, dict]]:
    """The calls of stages, by folder, with their arguments by name: none may differ from what the stage takes."""
    calls: list[tuple[str, dict]] = []
    for name in (*MODULES, "evaluate.stage"):
        module = importlib.import_module(f"photosynth.{name}")

        def fake(*args, real=inspect.signature(module.run), stage=module.STAGE, **named):
            given = dict(real.bind(*args, **named).arguments)
            calls.append((given["out"].name, given))
            with ArtifactWriter(given["out"], stage, 1, Nothing(), 0, {}) as writer:
                if writer.finished:
                    return writer.finished
                if stage == "evaluate":
                    page = f'<main id="main"><h2 id="made">{given["out"].name}</h2><a href="#made">made</a></main>'
                    writer.write("report.html", page.encode())
                return writer.finish()

        monkeypatch.setattr(module, "run", fake)
    monkeypatch.setattr("photosynth.live.LiveFrames", FakeLive)
    monkeypatch.setattr(
        "photosynth.evaluate.summary.summary_table", lambda folder: [(f"<{folder.name}>", "1", "2", "3")]
    )
    FakeLive.made.clear()
    return calls


@pytest.fixture
def inputs(tmp_path) -> Inputs:
    for name in ("objects", "photos", "backgrounds"):
        (tmp_path / name).mkdir()
    (tmp_path / "objects/cup.glb").write_bytes(b"")
    return Inputs(tmp_path / "objects", real=tmp_path / "photos", backgrounds=tmp_path / "backgrounds")


@pytest.mark.parametrize("models", ["classifier", "detector", "both"])
def test_each_stage_runs_once_in_its_folder_and_in_order(asked, inputs, tmp_path, models):
    out = tmp_path / "run"
    result = run(RunConfig(models=models), inputs, out, executor=Alone())
    assert tuple(name for name, _ in asked) == stages_of(models) == run_stages(out)
    assert tuple(result.artifacts) == tuple(finished_stages(out)) == stages_of(models)
    assert result.report.is_file()
    assert list(trained_models(out)) == [kind for kind in ("classifier", "detector") if models in (kind, "both")]


def test_the_detector_learns_live_and_is_chosen_and_scored_on_pictures_of_its_own(asked, inputs, tmp_path):
    out = tmp_path / "run"
    run(RunConfig(models="both", detector_px=96, seed=5), inputs, out, executor=Alone())
    given = dict(asked)
    ((live, catalogue, named),) = FakeLive.made
    assert (live.recipe, live.image_size_px, live.scene_seed) == ("anywhere", 96, 5)
    assert catalogue == out / "catalogue"
    folders = {"backgrounds": inputs.backgrounds, "environments": None, "shared_folder": out / ".meshes"}
    assert named == folders | {"workers": 3}
    assert isinstance(given["train_detector"]["dataset"], FakeLive)
    assert given["train_detector"]["held"] == out / "dataset_detector"
    assert given["sample_detector"]["config"].recipe == "anywhere"
    assert given["sample_detector"]["backgrounds"] == inputs.backgrounds
    assert given["render_detector"]["scenes"] == out / "sample_detector"
    evaluations = given["evaluate"], given["evaluate_detector"]
    assert [one["dataset"] for one in evaluations] == [out / "dataset", out / "dataset_detector"]
    assert [one["classifier"] for one in evaluations] == [out / "train", None]
    assert [one["detector"] for one in evaluations] == [None, out / "train_detector"]
    assert {one["photos"] for one in evaluations} == {inputs.real}


def test_the_classifier_looks_again_at_what_the_detector_finds(asked, inputs, tmp_path):
    out = tmp_path / "run"
    run(RunConfig(models="both"), inputs, out, executor=Alone())
    given = dict(asked)
    assert given["train_detector"]["classifier"] == out / "train"
    alone, both = given["evaluate_detector"], given[SECOND_LOOK]
    assert (alone["second_look"], both["second_look"]) == (None, out / "train")
    for name in ("classifier", "dataset", "catalogue", "detector", "photos"):
        assert both[name] == alone[name]


def test_a_finished_detector_keeps_what_it_was_trained_with(asked, inputs, tmp_path):
    def asked_with(models, overwrite=False):
        asked.clear()
        run(RunConfig(models=models), inputs, tmp_path / "run", executor=Alone(), overwrite=overwrite)
        return dict(asked)["train_detector"]["classifier"]

    classifier = tmp_path / "run" / "train"
    assert asked_with("detector") is None
    assert asked_with("both") is None, "it was finished without one"
    assert asked_with("both", overwrite=True) == classifier
    shutil.rmtree(tmp_path / "run/train_detector")
    with ArtifactWriter(tmp_path / "run/train_detector", "train_detector", 1, Nothing(), 0, {"classifier": "k"}) as one:
        one.finish()
    with pytest.raises(ArtifactError):  # the stage that is faked here has no inputs
        asked_with("detector")
    assert dict(asked)["train_detector"]["classifier"] == classifier


def test_the_closing_table_tells_the_evaluations_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("photosynth.evaluate.summary.summary_table", lambda folder: [(folder.name, "1", "2", "3")])
    (one,) = closing_rows([tmp_path / "evaluate"])
    assert one == ("evaluate", "1", "2", "3")
    rows = closing_rows([tmp_path / "evaluate_detector", tmp_path / SECOND_LOOK])
    titles = ["The detector:", "evaluate_detector", "The detector with a second look:", SECOND_LOOK]
    assert [row[0] for row in rows] == titles


def test_one_page_of_two_models_has_each_name_once(asked, inputs, tmp_path):
    page = run(RunConfig(models="both"), inputs, tmp_path / "run", executor=Alone()).report.read_text()
    assert (
        page.index("&lt;evaluate&gt;") < page.index("&lt;evaluate_detector&gt;") < page.index(' id="part-classifier"')
    )
    assert page.index(">evaluate<") < page.index(' id="part-detector"') < page.index(">evaluate_detector<")
    assert page.index(">evaluate_detector<") < page.index(' id="part-second-look"') < page.index(f">{SECOND_LOOK}<")
    assert page.count(' id="made"') == page.count(' id="detector-made"') == page.count('href="#detector-made"') == 1
    assert page.count(' id="second-look-made"') == page.count('href="#second-look-made"') == 1
    assert set(re.findall('href="#([^"]+)"', page)) <= set(re.findall(' id="([^"]+)"', page))
    assert page.count("</main>") == 1


def test_a_detector_that_was_asked_for_before_is_still_known(asked, inputs, tmp_path):
    out = tmp_path / "run"
    run(RunConfig(models="detector"), inputs, out, executor=Alone())
    run(RunConfig(), inputs, out, executor=Alone())
    assert run_stages(out) == tuple(name for name in stages_of("both") if name != SECOND_LOOK)
    assert set(DETECTOR_STAGES) < set(finished_stages(out))


def test_models_that_are_exported_asked_and_served(asked, inputs, tmp_path):
    from photosynth.cli.run_models import exported, exports, served

    out = tmp_path / "run"
    run(RunConfig(models="both"), inputs, out, executor=Alone())
    assert exports(out, Path("m")) == [(out / "train", Path("m")), (out / "train_detector", Path.cwd() / "m-detector")]
    assert exports(out / "train_detector", Path("m")) == [(out / "train_detector", Path("m"))]
    assert served((str(out),)) == (str(out),)
    assert exported(out, detector=True) == out
    for name in ("export", "export-detector"):
        (out / name).mkdir()
        (out / name / "model.json").write_text("{}")
    assert served((str(out), f"x={out}", str(out / "export"))) == (
        *(f"run={out / 'export'}", f"run-detector={out / 'export-detector'}"),
        *(f"x={out / 'export'}", f"x-detector={out / 'export-detector'}"),
        str(out / "export"),
    )
    assert exported(out, detector=False) == out
    assert exported(out, detector=True) == exported(out / "export", detector=True) == out / "export-detector"
