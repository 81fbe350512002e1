"""The stage "evaluate" alone, on tiny folders with a classifier that only knows colours."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from photosynth.core.artifact import Artifact, ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.codec import read_jsonl, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError, EngineError, QualityError
from photosynth.core.frame import Rle
from photosynth.core.items import DatasetInfo, Item, ItemInstance
from photosynth.core.progress import Silent
from photosynth.core.record import Record, from_json, to_json
from photosynth.core.report import Report
from photosynth.evaluate.gap import Gap
from photosynth.evaluate.measure import NOT_MEASURED
from photosynth.evaluate.predictions import Failure, Prediction
from photosynth.evaluate.stage import EvaluateConfig, run
from photosynth.evaluate.summary import summary_table

NASTY = "<b>x</b>"
CLASSES = ("blue", "green", NASTY)
COLOURS = {"blue": (30, 40, 220), "green": (30, 200, 40), NASTY: (220, 30, 30), NONE_CLASS: (128, 128, 128)}
QUICK = EvaluateConfig(bootstrap_resamples=100, block_photos=4)


class ColourClassifier:
    """Names a picture after the colour that its mean is nearest to."""

    class_names = (*CLASSES, NONE_CLASS)

    def __init__(self) -> None:
        self.answered = 0

    def predict(self, images: list[np.ndarray]) -> np.ndarray:
        self.answered += len(images)
        means = np.array([image.reshape(-1, 3).mean(axis=0) for image in images])
        colours = np.array([COLOURS[name] for name in self.class_names], float)
        nearness = np.exp(-np.linalg.norm(means[:, None] - colours, axis=2) / 25)
        return nearness / nearness.sum(axis=1, keepdims=True)


class Nothing(Record, frozen=True, kw_only=True):
    """Settings of a made-up stage."""


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch) -> ColourClassifier:
    model = ColourClassifier()
    monkeypatch.setitem(
        sys.modules, "photosynth.models.classifier", SimpleNamespace(load_classifier=lambda folder: model)
    )
    return model


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """A finished classifier, dataset and catalogue."""
    return make_inputs(tmp_path)


def make_inputs(root: Path) -> dict[str, Path]:
    catalogue, dataset, trained = root / "catalogue", root / "dataset", root / "classifier"
    with ArtifactWriter(catalogue, "catalogue", 1, Nothing(), None, {}) as writer:
        assets = tuple(_asset(f"{k:03d}_thing", name) for k, name in enumerate(CLASSES))
        writer.write("assets.json", to_json(assets))
        for asset in assets:
            picture(writer.path(f"{asset.asset_id}/preview.png"), COLOURS[asset.class_name], (120, 20))
        writer.finish()
    with ArtifactWriter(dataset, "dataset", 1, Nothing(), 0, {}) as writer:
        for split, count in (("train", 8), ("test", 8)):
            items = [_item(writer, split, k) for k in range(count)]
            write_jsonl(writer.path(f"items-{split}.jsonl"), items)
        write_jsonl(writer.path("items-val.jsonl"), [])
        writer.write(
            "dataset.json", to_json(DatasetInfo(class_names=CLASSES, counts={"train": 8, "val": 0, "test": 8}))
        )
        made = writer.finish()
    with ArtifactWriter(trained, "train", 1, Nothing(), 0, {"dataset": made.key}) as writer:
        writer.write("weights.bin", b"none")
        writer.finish({"epochs": 1})
    return {"classifier": trained, "dataset": dataset, "catalogue": catalogue}


def _asset(asset_id: str, class_name: str) -> Asset:
    part = AssetPart(name="whole", model_file="x.glb")
    return Asset(asset_id=asset_id, class_name=class_name, parts=(part,), size_m=(0.1, 0.2, 0.3), scale_known=True)


def _item(writer: ArtifactWriter, split: str, k: int) -> Item:
    names = (*CLASSES, NONE_CLASS)
    label = k % 4
    file = f"images/{split}-{k}.png"
    picture(writer.path(file), COLOURS[names[label]], (24, 24))
    code = Rle(size=(24, 24), counts="")
    box = (2.0, 2.0, 20.0, 20.0)
    shown = ItemInstance(
        class_id=min(label, 2), visible_xyxy=box, amodal_xyxy=box, visible=code, amodal=code, visible_fraction=1,
        truncation=0,
    )  # fmt: skip
    instances = (shown,) if label < 3 else ()
    return Item(
        index=k, image_file=file, size_wh=(24, 24), kind="object" if label < 3 else "empty", label=label,
        instances=instances,
    )  # fmt: skip


def picture(path: Path, colour: tuple[int, int, int], size_wh: tuple[int, int] = (32, 24)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size_wh, colour).save(path)


def make_photos(root: Path) -> Path:
    """Three blue photos, one of them answered wrongly; two green; one without objects, one of an unknown class."""
    photos = root / "my photos"
    for k in range(2):
        picture(photos / "blue" / f"{k}.jpg", COLOURS["blue"])
    picture(photos / "blue" / "wrong.jpg", COLOURS["green"])
    for k in range(2):
        picture(photos / "Green" / f"{k}.png", COLOURS["green"])
    picture(photos / "none" / "street.jpg", COLOURS["green"])
    picture(photos / "teapot" / "0.jpg", COLOURS["blue"])
    return photos


def evaluate(folders: dict[str, Path], out: Path, **options: object) -> Artifact:
    config = options.pop("config", QUICK)
    return run(config, folders["classifier"], folders["dataset"], folders["catalogue"], out, **options)


def report_of(artifact: Artifact, source: str) -> Report:
    return from_json(artifact.path(f"report_{source}.json").read_bytes(), Report)


def test_real_photos_are_scored_and_compared(folders, classifier, tmp_path):
    progress = Silent()
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path), progress=progress)
    real, synthetic = report_of(artifact, "real"), report_of(artifact, "synthetic")
    assert real.confusion == ((2, 1, 0, 0), (0, 2, 0, 0), (0, 0, 0, 0), (0, 1, 0, 0))
    assert real.metric("top1").value == pytest.approx(4 / 5)
    assert real.metric("negatives_given_class").value == 1.0
    assert synthetic.metric("top1").value == 1.0
    assert synthetic.metric("none_recall").n == 2
    nasty = real.per_class[2]
    assert nasty.class_name == NASTY
    assert nasty.recall.value is None
    assert "no photos" in nasty.recall.note
    assert any("teapot" in line for line in real.skipped)
    gap = from_json(artifact.path("gap.json").read_bytes(), Gap)
    assert gap.class_names == ("blue", "green")
    assert gap.left_out == (NASTY,)
    assert gap.n_synthetic == 6  # two pictures each of blue, green and none
    top1 = gap.rows[0]
    assert (top1.name, top1.gap.value) == ("top1", pytest.approx(0.2))
    assert top1.gap.low < 0.2 < top1.gap.high
    assert any("'Green'" in note and "'green'" in note for note in artifact.manifest.notes)
    assert any("teapot" in note for note in progress.notes)
    assert verify_artifact(artifact.folder) == []
    assert not artifact.path("blocks").exists()


def test_predictions_name_the_photo_truth_and_answer(folders, classifier, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    rows = {p.file: p for p in read_jsonl(artifact.path("predictions_real.jsonl"), Prediction)}
    wrong = rows["blue/wrong.jpg"]
    assert (wrong.truth, wrong.answer, wrong.right) == ("blue", "green", False)
    assert wrong.top[0].probability == wrong.probability > 0.5
    assert sum(g.probability for g in wrong.top) == pytest.approx(1)
    assert rows["none/street.jpg"].truth == NONE_CLASS
    assert len(list(read_jsonl(artifact.path("predictions_synthetic.jsonl"), Prediction))) == 8


def test_without_photos_the_page_says_so_and_how_to_go_on(folders, classifier, tmp_path):
    artifact = evaluate(folders, tmp_path / "out")
    page = artifact.path("report.html").read_text(encoding="utf-8")
    row = re.search(r"right answers \(top-1\)</th>(.*?)</tr>", page, re.S).group(1)
    assert NOT_MEASURED == "not measured: add your photos"
    assert NOT_MEASURED in row
    assert "--real" in page
    assert report_of(artifact, "real").metric("top1").value is None
    rows = summary_table(artifact.folder)
    assert rows[0].synthetic.startswith("100 %")
    assert all(r.real == NOT_MEASURED and r.gap == "—" for r in rows)


class Attributes(HTMLParser):
    """Collects tags and what they point to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.without_alt: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.targets += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data", "poster", "action")]
        if tag == "img" and not found.get("alt"):
            self.without_alt.append(str(attrs)[:80])


def test_the_page_is_one_safe_file(folders, classifier, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    page = artifact.path("report.html").read_text(encoding="utf-8")
    assert NASTY not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    parser = Attributes()
    parser.feed(page)
    assert parser.targets
    assert all(t.startswith(("data:image/jpeg;base64,", "#")) for t in parser.targets)
    assert "url(" not in page
    assert "@import" not in page
    assert not {"script", "link", "iframe", "object"} & set(parser.tags)
    assert parser.tags.count("h1") == 1
    assert parser.without_alt == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    anchors = {t[1:] for t in parser.targets if t.startswith("#")}
    assert anchors <= set(ids)
    assert str(tmp_path) not in page


def test_thumbnails_keep_within_their_budget(folders, classifier, tmp_path):
    config = EvaluateConfig(bootstrap_resamples=100, page_picture_bytes=3000)
    artifact = evaluate(folders, tmp_path / "out", config=config, photos=make_photos(tmp_path))
    page = artifact.path("report.html").read_text(encoding="utf-8")
    assert 0 < sum(map(len, re.findall(r"data:image/jpeg[^\"]*", page))) <= 3000
    assert 'class="noimage"' in page


def test_the_same_again_is_the_same_artifact(folders, classifier, tmp_path):
    photos = make_photos(tmp_path)
    first = evaluate(folders, tmp_path / "out", photos=photos)
    answered = classifier.answered
    again = evaluate(folders, tmp_path / "out", photos=photos)
    assert again.key == first.key
    assert classifier.answered == answered
    other = evaluate(folders, tmp_path / "other", photos=photos)
    for name in ("report.html", "gap.json", "report_real.json", "tensorboard/events.out.tfevents.0.photosynth"):
        assert other.path(name).read_bytes() == first.path(name).read_bytes(), name
    picture(photos / "blue" / "new.jpg", COLOURS["blue"])
    with pytest.raises(ArtifactError, match="--overwrite"):
        evaluate(folders, tmp_path / "out", photos=photos)
    more = evaluate(folders, tmp_path / "out", photos=photos, overwrite=True)
    assert report_of(more, "real").metric("top1").n == 6


@pytest.mark.parametrize("killed_at", [4, 6, 10])
def test_killed_in_the_middle_it_goes_on_where_it_was(folders, classifier, tmp_path, monkeypatch, killed_at):
    photos = make_photos(tmp_path)
    whole = evaluate(folders, tmp_path / "whole", photos=photos)
    total, classifier.answered = classifier.answered, 0
    answer = classifier.predict

    def dies(images):
        if classifier.answered + len(images) > killed_at:
            raise KeyboardInterrupt
        return answer(images)

    monkeypatch.setattr(classifier, "predict", dies)
    with pytest.raises(KeyboardInterrupt):
        evaluate(folders, tmp_path / "out", photos=photos)
    done = classifier.answered
    assert 0 < done < total
    with pytest.raises(ArtifactError, match="not finished"):
        open_artifact(tmp_path / "out")
    monkeypatch.setattr(classifier, "predict", answer)
    resumed = evaluate(folders, tmp_path / "out", photos=photos)
    assert classifier.answered == total  # nothing was answered twice
    for name in ("predictions_real.jsonl", "predictions_synthetic.jsonl", "gap.json", "report.html"):
        assert resumed.path(name).read_bytes() == whole.path(name).read_bytes(), name


def test_unreadable_photos_are_counted_and_left_out(folders, classifier, tmp_path):
    photos = make_photos(tmp_path)
    (photos / "blue" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    artifact = evaluate(folders, tmp_path / "out", photos=photos)
    failures = list(read_jsonl(artifact.path("failures.jsonl"), Failure))
    assert [f.file for f in failures] == ["blue/broken.jpg"]
    assert report_of(artifact, "real").metric("top1").n == 5
    assert any("broken.jpg" in line for line in report_of(artifact, "real").skipped)
    strict = EvaluateConfig(bootstrap_resamples=100, max_failed_fraction=0.1)
    with pytest.raises(QualityError, match=r"1 of 7 real pictures.*broken\.jpg"):
        evaluate(folders, tmp_path / "strict", config=strict, photos=photos)


def test_exif_orientation_is_applied(folders, classifier, tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    (photos / "blue").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40), COLOURS["blue"]).save(photos / "blue" / "turned.jpg", exif=exif)
    shapes = []
    answer = classifier.predict
    monkeypatch.setattr(classifier, "predict", lambda images: shapes.extend(i.shape for i in images) or answer(images))
    evaluate(folders, tmp_path / "out", photos=photos)
    assert shapes[0] == (80, 40, 3)


def test_negatives_may_come_from_a_folder_of_their_own(folders, classifier, tmp_path):
    picture(tmp_path / "shop" / "shelf" / "a.jpg", COLOURS[NONE_CLASS])
    picture(tmp_path / "shop" / "b.jpg", COLOURS["blue"])
    artifact = evaluate(folders, tmp_path / "out", negatives=tmp_path / "shop")
    real = report_of(artifact, "real")
    given = real.metric("negatives_given_class")
    assert (given.value, given.n) == (0.5, 2)
    assert real.metric("none_recall").value == 0.5
    assert real.metric("top1").value is None
    page = artifact.path("report.html").read_text(encoding="utf-8")
    assert "Of 2 real photos without any of the objects, 1 was given a class" in " ".join(page.split())


def test_the_threshold_decides_what_counts_as_given(folders, classifier, tmp_path):
    grey_blue = tuple((a + b) // 2 for a, b in zip(COLOURS["blue"], COLOURS[NONE_CLASS], strict=True))
    picture(tmp_path / "shop" / "b.png", (*grey_blue[:2], grey_blue[2] + 6))
    values = {}
    for threshold in (0.1, 0.99):
        config = EvaluateConfig(bootstrap_resamples=100, answer_threshold=threshold)
        artifact = evaluate(folders, tmp_path / f"out{threshold}", config=config, negatives=tmp_path / "shop")
        values[threshold] = report_of(artifact, "real").metric("negatives_given_class").value
    assert values == {0.1: 1.0, 0.99: 0.0}


@pytest.mark.parametrize(
    ("attribute", "value"), [("answer_threshold", 0.9), ("info", SimpleNamespace(answer_threshold=0.9))]
)
def test_the_classifier_brings_its_own_threshold(folders, classifier, tmp_path, monkeypatch, attribute, value):
    monkeypatch.setattr(classifier, attribute, value, raising=False)
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    page = " ".join(artifact.path("report.html").read_text(encoding="utf-8").split())
    assert "A probability of 90 % or more counts as given a class." in page


def test_tensorboard_reads_the_scores(folders, classifier, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    board = EventAccumulator(str(artifact.path("tensorboard")))
    board.Reload()
    assert board.Scalars("real/top1")[0].value == pytest.approx(0.8)
    assert board.Scalars("gap/top1")[0].value == pytest.approx(0.2)
    assert {"confusion/real", "confusion/synthetic", "mistakes/real"} == set(board.Tags()["images"])


def test_wrong_inputs_are_refused_by_name(folders, classifier, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no photos"):
        evaluate(folders, tmp_path / "out", photos=tmp_path / "empty")
    with pytest.raises(ConfigError, match="does not exist"):
        evaluate(folders, tmp_path / "out", photos=tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="expected 'train'"):
        evaluate(folders | {"classifier": folders["dataset"]}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(classifier, "class_names", ("cat", NONE_CLASS))
    with pytest.raises(ArtifactError, match="cat"):
        evaluate(folders, tmp_path / "out")


@pytest.mark.parametrize(
    "rows", [np.full((4, 4), np.nan), np.full((4, 4), 0.5), np.full((4, 3), 1 / 3)], ids=["nan", "sum", "shape"]
)
def test_answers_that_are_no_probabilities_are_refused(folders, classifier, tmp_path, monkeypatch, rows):
    monkeypatch.setattr(classifier, "predict", lambda images: rows[: len(images)])
    with pytest.raises(EngineError, match="classifier"):
        evaluate(folders, tmp_path / "out")


@pytest.mark.parametrize(("name", "value"), [("ece_bins", 0), ("answer_threshold", 1.5), ("seed", -1)])
def test_settings_are_checked(name, value):
    with pytest.raises(ConfigError, match=name):
        EvaluateConfig(**{name: value})
