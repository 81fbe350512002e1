"""The plan of the main job: which stages a run has, what they are expected to take, what is refused."""

from __future__ import annotations

import pytest

from photosynth.core.errors import ConfigError
from photosynth.pipeline import CLASSIFIER_STAGES, DETECTOR_STAGES, SECOND_LOOK, Inputs, RunConfig, plan, stages_of
from photosynth.pipeline.plan import picture_seconds
from photosynth.pipeline.settings import detector_config, live_config, sample_config
from photosynth.sample.recipe import load_recipe


@pytest.fixture
def inputs(tmp_path) -> Inputs:
    """Two files with the names of models: a plan does not read them."""
    (tmp_path / "objects").mkdir()
    for name in ("cup", "tin"):
        (tmp_path / "objects" / f"{name}.glb").write_bytes(b"")
    return Inputs(tmp_path / "objects")


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ("classifier", ("catalogue", *CLASSIFIER_STAGES)),
        ("detector", ("catalogue", *DETECTOR_STAGES)),
        ("both", ("catalogue", *CLASSIFIER_STAGES, *DETECTOR_STAGES, SECOND_LOOK)),
    ],
)
def test_each_model_has_its_stages(inputs, tmp_path, models, expected):
    planned = plan(RunConfig(models=models), inputs, tmp_path / "run", 2)
    assert tuple(stage.name for stage in planned) == expected == stages_of(models)
    assert all(stage.expected_s > 0 and not stage.finished for stage in planned)
    assert all(stage.folder == tmp_path / "run" / stage.name for stage in planned)


def test_the_detectors_training_is_the_long_part_of_the_default_plan(inputs, tmp_path):
    planned = {stage.name: stage for stage in plan(RunConfig(models="both"), inputs, tmp_path / "run", 2)}
    detector = planned["train_detector"]
    assert 15 * 60 < detector.expected_s < 45 * 60
    assert "320 px" in detector.what
    short = plan(RunConfig(models="both", detector_epochs=1), inputs, tmp_path / "run", 2)
    assert {s.name: s for s in short}["train_detector"].expected_s < detector.expected_s / 3


def test_photos_without_the_objects_take_their_time_too(inputs, tmp_path):
    for k in range(30):
        folder = tmp_path / ("real" if k < 10 else "negatives")
        folder.mkdir(exist_ok=True)
        (folder / f"{k}.jpg").write_bytes(b"")
    alone = Inputs(inputs.objects, tmp_path / "real")
    both = Inputs(inputs.objects, tmp_path / "real", tmp_path / "negatives")
    rows = [
        {s.name: s for s in plan(RunConfig(models="both"), one, tmp_path / "run", 2)} for one in (inputs, alone, both)
    ]
    for name in ("evaluate", "evaluate_detector", SECOND_LOOK):
        none, some, more = (row[name].expected_s for row in rows)
        assert none < some
        assert more - some == pytest.approx(2 * (some - none))
    assert rows[1]["evaluate"].what == "10 real photos"
    assert rows[2]["evaluate"].what == "10 real photos, 20 without the objects"


def test_finished_stages_are_known(inputs, tmp_path):
    (tmp_path / "run/train_detector").mkdir(parents=True)
    (tmp_path / "run/train_detector/manifest.json").write_text("{}")
    planned = plan(RunConfig(models="detector"), inputs, tmp_path / "run", 2)
    assert [stage.name for stage in planned if stage.finished] == ["train_detector"]


def test_one_class_is_enough_for_a_detector(inputs, tmp_path):
    (inputs.objects / "tin.glb").unlink()
    assert plan(RunConfig(models="detector"), inputs, tmp_path, 2)
    for models in ("classifier", "both"):
        with pytest.raises(ConfigError, match="--models detector"):
            plan(RunConfig(models=models), inputs, tmp_path, 2)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"detector_px": 100}, "input_px"),
        ({"detector_recipe": "anywere"}, "anywere"),
        ({"detector_epochs": 0}, "epochs"),
    ],
)
def test_a_detectors_settings_are_checked_only_if_one_is_trained(inputs, tmp_path, setting, complaint):
    plan(RunConfig(**setting), inputs, tmp_path, 2)
    with pytest.raises(ConfigError, match=complaint):
        plan(RunConfig(models="detector", **setting), inputs, tmp_path, 2)


@pytest.mark.parametrize("setting", [{"recipe": "singel"}, {"input_px": 8}])
def test_a_classifiers_settings_are_checked_only_if_one_is_trained(inputs, tmp_path, setting):
    plan(RunConfig(models="detector", **setting), inputs, tmp_path, 2)
    with pytest.raises(ConfigError):
        plan(RunConfig(models="both", **setting), inputs, tmp_path, 2)


def test_no_scene_that_scores_a_detector_is_learnt():
    config = RunConfig(models="both", seed=4, images=300, detector_px=192)
    held, live = sample_config(config, detector=True), live_config(config)
    assert held.seed != live.scene_seed
    assert (held.recipe, held.image_size_px) == (live.recipe, live.image_size_px) == ("anywhere", 192)
    assert held.n_images == detector_config(config).epoch_pictures == 300
    assert sample_config(RunConfig(), detector=True).n_images < detector_config(RunConfig()).epoch_pictures == 4000
    assert detector_config(config).start_px == 192


def test_arranged_and_larger_pictures_take_longer():
    single, shelf = (picture_seconds(load_recipe(name), 320) for name in ("single", "shelf"))
    assert shelf[0] > 3 * single[0]
    assert shelf[1] > single[1]
    assert single[0] < picture_seconds(load_recipe("anywhere"), 320)[0] < shelf[0]
    assert picture_seconds(load_recipe("single"), 640)[1] > 2 * single[1]


def test_more_pictures_than_the_disk_holds_are_refused(inputs, tmp_path):
    with pytest.raises(ConfigError, match="whole disk"):
        plan(RunConfig(models="classifier", images=2_000_000_000_000), inputs, tmp_path / "run", 2)
