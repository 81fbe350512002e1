"""Models by name: where they come from, answers, and what is kept."""

import os

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.instances import Instances
from photosynth.core.record import to_json
from photosynth.evaluate.class_match import match_folder
from photosynth.models.fake import FakeClassifier
from photosynth.serve.answers import classification, detections, run_lengths
from photosynth.serve.config import ServeConfig, check_config, read_api_key, worker_count
from photosynth.serve.corrections import Keeper, folder_name
from photosynth.serve.model import Source, read_sources, serve_predictor
from photosynth.serve.refusal import Refusal
from photosynth.serve.registry import Registry
from photosynth.serve.scans import scan_pictures

FAKE = FakeClassifier({"red": (255, 0, 0), "blue": (0, 0, 255)})


class Shelf:
    def __init__(self, name, predictor=FAKE, mark=1):
        self.name, self.predictor, self.mark, self.loads = name, predictor, mark, 0

    def fingerprint(self):
        return None if self.mark is None else (self.mark,)

    def load(self, config):
        self.loads += 1
        if isinstance(self.predictor, Exception):
            raise self.predictor
        return serve_predictor(self.name, self.predictor, version=str(self.mark))


def test_refresh_replaces_what_changed_and_keeps_what_cannot_be_loaded():
    notes, a, b = [], Shelf("a"), Shelf("b")
    registry = Registry([a, b], None, notes.append)
    before = registry.named("a")
    assert (registry.refresh(), a.loads) == (0, 1)
    a.mark = None  # being written
    assert (registry.refresh(), a.loads) == (0, 1)
    a.mark = 2
    assert (registry.refresh(), b.loads) == (1, 1)
    assert (registry.named("a").version, before.version) == ("2", "1")
    a.mark, a.predictor = 3, ArtifactError("half a file")
    assert registry.refresh() == 0
    assert registry.named("a").version == "2"
    assert "half a file" in registry.failures["a"]
    assert "the old model stays" in notes[-1]
    assert registry.refresh() == 0
    assert a.loads == 3  # a broken folder is not read again and again
    a.mark, a.predictor = 4, FAKE
    assert (registry.refresh(), registry.failures) == (1, {})
    assert [model.name for model in registry.models] == ["a", "b"]


def test_a_model_that_cannot_be_loaded_at_first_is_an_error():
    with pytest.raises(ArtifactError):
        Registry([Shelf("a", ArtifactError("no"))], None)


def test_names_of_sources(tmp_path):
    run = tmp_path / "shop"
    (run / "export").mkdir(parents=True)
    found = read_sources([str(run), f"other={run}", str(run / "export") + "/../export"][:2])
    assert [(s.name, s.path) for s in found] == [("shop", run), ("other", run)]
    assert read_sources([str(run / "export")])[0].name == "shop"
    assert read_sources(["a b=x"])[0].name == "a-b"
    for wrong in ([], [str(run), str(run / "export")]):
        with pytest.raises(ConfigError):
            read_sources(wrong)


def test_the_fingerprint_follows_the_manifest(tmp_path):
    source = Source("a", tmp_path)
    assert source.fingerprint() is None
    (tmp_path / "model.json").write_text("{}")
    copied = source.fingerprint()
    (tmp_path / "manifest.json").write_text("{}")
    made = source.fingerprint()
    os.utime(tmp_path / "manifest.json", ns=(1, 1))
    assert len({copied, made, source.fingerprint(), None}) == 4


def test_pictures_of_scans_come_from_the_catalogue_beside(tmp_path):
    def asset(name, class_name):
        (tmp_path / "catalogue" / name).mkdir(parents=True)
        part = AssetPart(name="whole", model_file=f"{name}/model.glb")
        return Asset(asset_id=name, class_name=class_name, parts=(part,), size_m=(1.0, 1.0, 1.0), scale_known=True)

    assets = (asset("a1", "a"), asset("a2", "a"), asset("b1", "b"), asset("n1", NONE_CLASS), asset("c1", "c"))
    assert scan_pictures(tmp_path / "export", ("a",)) == {}
    (tmp_path / "catalogue" / "assets.json").write_bytes(to_json(assets))
    for name in ("a1", "a2", "n1", "c1"):
        (tmp_path / "catalogue" / name / "preview.jpg").write_bytes(b"jpeg")
    (tmp_path / "export").mkdir()
    found = scan_pictures(tmp_path / "export", ("a", "b", NONE_CLASS))
    assert found == {"a": tmp_path.resolve() / "catalogue" / "a1" / "preview.jpg"}
    (tmp_path / "catalogue" / "assets.json").write_text("broken")
    assert scan_pictures(tmp_path / "export", ("a",)) == {}


def test_verdicts():
    model = serve_predictor("a", FAKE)
    cases = [
        ((0.9, 0.05, 0.05), "red", "sure"),
        ((0.4, 0.3, 0.3), "red", "unsure"),
        ((0.2, 0.2, 0.6), NONE_CLASS, "none"),
    ]
    for probabilities, label, verdict in cases:
        answer = classification(model, np.array(probabilities), (4, 3))
        assert (answer.label, answer.verdict, answer.score) == (label, verdict, max(probabilities))
        assert answer.none_of_these == probabilities[2]
        assert [s.score for s in answer.scores] == sorted(probabilities, reverse=True)
    just = classification(model, np.array([0.5, 0.25, 0.25]), (4, 3))
    assert just.verdict == "sure"  # the threshold itself is enough


def test_numbers_that_are_none_do_not_break_the_answer():
    answer = classification(serve_predictor("a", FAKE), np.array([np.nan, 1.0 + 1e-9, 0.0]), (4, 3))
    assert (answer.label, answer.score) == ("blue", 1.0)


def test_detections_are_sorted_and_need_neither_masks_nor_objects():
    class Two:
        class_names = ("x", "y")

        def detect(self, images, min_score=None):
            return [Instances((9, 9), np.zeros((2, 4)), np.array([0, 1]), np.array([0.2, 0.7]))]

    model = serve_predictor("d", Two())
    found = detections(model, model.detect(None, None))
    assert [(o.label, o.score, o.mask) for o in found.objects] == [("y", 0.7, None), ("x", 0.2, None)]
    empty = Instances((9, 8), np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    assert detections(model, empty).model_dump() == {"objects": [], "size_wh": (9, 8)}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_run_lengths_are_coco(share):
    mask = np.random.default_rng(3).random((7, 5)) < share
    code = run_lengths(mask)
    assert sum(code.counts) == mask.size
    if mask.any():
        decoded = coco_mask.decode(coco_mask.frPyObjects({"size": list(code.size), "counts": code.counts}, 7, 5))
        np.testing.assert_array_equal(decoded.astype(bool), mask)
    else:
        assert code.counts == [35]


def test_kept_photos_are_found_again_by_evaluation(tmp_path):
    names = ("red/green", "../up", "café crème", NONE_CLASS, "...")
    keeper = Keeper(tmp_path / "kept", 10**6)
    for name in names:
        correction = keeper.store(np.full((20, 30, 3), 77, np.uint8), name, "", "")
        path = (tmp_path / "kept" / correction.file).resolve()
        assert path.is_file()
        assert path.parent.parent == (tmp_path / "kept").resolve()
        if name != "...":
            assert match_folder(path.parent.name, names[:-1]).class_name == name
    assert folder_name("a" * 300) == "a" * 100


def test_the_same_photo_is_kept_once_and_the_folder_does_not_overflow(tmp_path):
    rng = np.random.default_rng(0)
    keeper = Keeper(tmp_path, 30_000)
    picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert keeper.store(picture, "a", "b", "m").file == keeper.store(picture, "a", "b", "m").file
    assert len((tmp_path / "corrections.jsonl").read_text().splitlines()) == 1
    with pytest.raises(Refusal) as refused:
        for _ in range(10):
            keeper.store(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), "a", "b", "m")
    assert refused.value.status == 503
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.jpg")) <= 30_000
    with pytest.raises(Refusal):  # what an earlier server kept counts
        Keeper(tmp_path, 10_000).store(255 - picture, "a", "b", "m")


def test_nothing_of_where_and_when_is_kept(tmp_path):
    from PIL import Image

    correction = Keeper(tmp_path, 10**6).store(np.zeros((8, 8, 3), np.uint8), "a", "", "")
    with Image.open(tmp_path / correction.file) as image:
        assert len(image.getexif()) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_upload_mb": 0.0},
        {"workers": -1},
        {"max_upload_mb": 20.0, "memory_mb": 10.0},
        {"certificate_key": "x"},
        {"certificate": "/does/not/exist"},
    ],
)
def test_settings_that_cannot_work(wrong):
    from pathlib import Path

    values = {k: Path(v) if isinstance(v, str) else v for k, v in wrong.items()}
    with pytest.raises(ConfigError):
        check_config(ServeConfig(**values))


def test_workers_and_keys(tmp_path, monkeypatch):
    check_config(ServeConfig())
    assert worker_count(ServeConfig(workers=3)) == 3
    assert worker_count(ServeConfig(threads=10**6)) == 1
    assert worker_count(ServeConfig(device="cuda", max_batch=8)) == 16
    monkeypatch.delenv("PHOTOSYNTH_API_KEY", raising=False)
    assert read_api_key(ServeConfig()) is None
    monkeypatch.setenv("PHOTOSYNTH_API_KEY", "abc")
    assert read_api_key(ServeConfig()) == "abc"
    (tmp_path / "key").write_text("first \nsecond")
    assert read_api_key(ServeConfig(api_key_file=tmp_path / "key")) == "first"
    (tmp_path / "key").write_text("\nsecond")
    for path in (tmp_path / "key", tmp_path / "none"):
        with pytest.raises(ConfigError):
            read_api_key(ServeConfig(api_key_file=path))
