"""The stage "evaluate" with a detector, on tiny folders: flat pictures in which coloured squares are the objects."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from test_evaluate_stage import Attributes, ColourClassifier

from photosynth.core.artifact import Artifact, ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import Asset, AssetPart
from photosynth.core.codec import read_jsonl, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError, EngineError
from photosynth.core.frame import Rle
from photosynth.core.instances import Instances
from photosynth.core.items import DatasetInfo, Item, ItemInstance
from photosynth.core.record import Record, from_json, to_json
from photosynth.evaluate.detection_report import DetectorReport
from photosynth.evaluate.findings import LEAST_SCORE, Finding
from photosynth.evaluate.gap import Gap
from photosynth.evaluate.measure import NOT_MEASURED
from photosynth.evaluate.measure_detector import NO_BOXES
from photosynth.evaluate.stage import EvaluateConfig, run
from photosynth.evaluate.summary import DETECTOR_SHORT, summary_table
from photosynth.models import second_look
from photosynth.models.fake import FakeClassifier

NASTY = "<b>x</b>"
CLASSES = ("blue", "green", NASTY)
COLOURS = {"blue": (30, 40, 220), "green": (30, 200, 40), NASTY: (220, 30, 30)}
GREY = (128, 128, 128)
QUICK = EvaluateConfig(bootstrap_resamples=100, block_photos=4)
SIDE = 24
SIZE_WH = (160, 120)


class SquareDetector:
    """Finds the squares of its colours; how sure it is depends on nothing, and it takes one place for green always.

    Its classes are in another order than the dataset's.
    """

    class_names = (NASTY, "green", "blue")
    answer_threshold = 0.5

    def __init__(self) -> None:
        self.answered, self.least_score = 0, LEAST_SCORE

    def detect(self, images: list[np.ndarray], min_score: float | None = None) -> list[Instances]:
        assert min_score == self.least_score
        self.answered += len(images)
        return [self._found(image) for image in images]

    def _found(self, image: np.ndarray) -> Instances:
        rows = []
        for class_id, name in enumerate(self.class_names):
            hit = np.abs(image.astype(int) - COLOURS[name]).max(axis=2) < 60
            for x0, y0 in _corners(hit):
                rows.append((class_id, (x0, y0, x0 + SIDE, y0 + SIDE), 0.9))
        if np.abs(image[0, 0].astype(int) - (250, 240, 20)).max() < 40:  # a yellow corner fools it
            rows.append((1, (100, 60, 140, 100), 0.7))
        rows.append((0, (150, 110, 156, 116), 0.05))
        boxes = np.array([r[1] for r in rows], float).reshape(-1, 4)
        size_wh = (image.shape[1], image.shape[0])
        return Instances(size_wh, boxes, np.array([r[0] for r in rows]), np.array([r[2] for r in rows]))


def _corners(hit: np.ndarray) -> list[tuple[int, int]]:
    """Upper left corners of the squares, which lie on a grid of 40 pixels."""
    height, width = hit.shape
    return [
        (x, y)
        for y in range(8, height - SIDE, 40)
        for x in range(8, width - SIDE, 40)
        if hit[y : y + SIDE, x : x + SIDE].mean() > 0.8
    ]


class Nothing(Record, frozen=True, kw_only=True):
    """Settings of a made-up stage."""


def squares(path: Path, *placed: tuple[str, int, int], corner: tuple[int, int, int] = GREY) -> None:
    """A grey picture with squares of (class, column, row)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((SIZE_WH[1], SIZE_WH[0], 3), 128, np.uint8)
    image[:6, :6] = corner
    for name, x, y in placed:
        image[8 + 40 * y : 8 + 40 * y + SIDE, 8 + 40 * x : 8 + 40 * x + SIDE] = COLOURS[name]
    Image.fromarray(image).save(path)


def xyxy(x: int, y: int) -> tuple[float, float, float, float]:
    return (8.0 + 40 * x, 8.0 + 40 * y, 8.0 + 40 * x + SIDE, 8.0 + 40 * y + SIDE)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> SquareDetector:
    model = SquareDetector()
    monkeypatch.setitem(sys.modules, "photosynth.models.detector", SimpleNamespace(load_detector=lambda folder: model))
    return model


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """A finished detector, dataset and catalogue: 8 test pictures, six of one or two objects, two of none."""
    names = ("catalogue", "dataset", "detector", "classifier")
    catalogue, dataset, trained, named = (tmp_path / name for name in names)
    with ArtifactWriter(catalogue, "catalogue", 1, Nothing(), None, {}) as writer:
        part = AssetPart(name="whole", model_file="x.glb")
        assets = tuple(
            Asset(asset_id=f"{k}_thing", class_name=c, parts=(part,), size_m=(0.1, 0.1, 0.1), scale_known=True)
            for k, c in enumerate(CLASSES)
        )
        writer.write("assets.json", to_json(assets))
        writer.finish()
    with ArtifactWriter(dataset, "dataset", 1, Nothing(), 0, {}) as writer:
        for split in ("train", "test"):
            write_jsonl(writer.path(f"items-{split}.jsonl"), [_item(writer, split, k) for k in range(8)])
        write_jsonl(writer.path("items-val.jsonl"), [])
        writer.write(
            "dataset.json", to_json(DatasetInfo(class_names=CLASSES, counts={"train": 8, "val": 0, "test": 8}))
        )
        made = writer.finish()
    for folder, stage in ((trained, "train_detector"), (named, "train")):
        with ArtifactWriter(folder, stage, 1, Nothing(), 0, {"dataset": made.key}) as writer:
            writer.finish({"epochs": 1})
    return dict(zip(names, (catalogue, dataset, trained, named), strict=True))


def _item(writer: ArtifactWriter, split: str, k: int) -> Item:
    file = f"images/{split}-{k}.png"
    placed = [] if k >= 6 else [(CLASSES[k % 3], 0, 0), (CLASSES[(k + 1) % 3], 2, 1)][: 1 + k % 2]
    squares(writer.path(file), *placed)
    code = Rle(size=(SIZE_WH[1], SIZE_WH[0]), counts="")
    instances = tuple(
        ItemInstance(
            class_id=CLASSES.index(c), visible_xyxy=xyxy(x, y), amodal_xyxy=xyxy(x, y), visible=code, amodal=code,
            visible_fraction=1, truncation=0,
        )
        for c, x, y in placed
    )  # fmt: skip
    label = CLASSES.index(placed[0][0]) if placed else len(CLASSES)
    return Item(
        index=k, image_file=file, size_wh=SIZE_WH, kind="object" if placed else "empty", label=label,
        instances=instances,
    )  # fmt: skip


def make_photos(root: Path, boxes: bool = True) -> Path:
    """Photos with one fault of each kind that matters.

    blue/0: right. blue/missed: a blue object that is not seen (grey). shelf/mixed: blue and green, both found.
    shelf/wrong: green where blue is labelled. shelf/fooled: green labelled, found, and a false alarm beside it.
    none/clean, none/fooled: no objects.
    """
    photos = root / "my photos"
    squares(photos / "blue" / "0.png", ("blue", 1, 1))
    squares(photos / "blue" / "missed.png")
    squares(photos / "shelf" / "mixed.png", ("blue", 0, 0), ("green", 2, 1))
    squares(photos / "shelf" / "wrong.png", ("green", 1, 1))
    squares(photos / "shelf" / "fooled.png", ("green", 0, 0), corner=(250, 240, 20))
    squares(photos / "none" / "clean.png")
    squares(photos / "none" / "fooled.png", corner=(250, 240, 20))
    if boxes:
        truth = {
            "blue/0.png": [("blue", 1, 1)],
            "blue/missed.png": [("blue", 2, 0)],
            "shelf/mixed.png": [("blue", 0, 0), ("green", 2, 1)],
            "shelf/wrong.png": [("blue", 1, 1)],
            "shelf/fooled.png": [("green", 0, 0)],
        }
        (root / "my photos.coco.json").write_text(json.dumps(coco(truth)))
    return photos


def coco(truth: dict[str, list[tuple[str, int, int]]]) -> dict:
    annotations = []
    for k, objects in enumerate(truth.values()):
        for name, x, y in objects:
            x0, y0, *_ = xyxy(x, y)
            row = {"image_id": k, "category_id": 1 + CLASSES.index(name), "bbox": [x0, y0, SIDE, SIDE]}
            annotations.append(row | {"id": len(annotations) + 1})
    return {
        "images": [
            {"id": k, "file_name": name, "width": SIZE_WH[0], "height": SIZE_WH[1]} for k, name in enumerate(truth)
        ],
        "categories": [{"id": 1 + k, "name": name} for k, name in enumerate(CLASSES)],
        "annotations": annotations,
    }


def evaluate(folders: dict[str, Path], out: Path, classifier: Path | None = None, **options: object) -> Artifact:
    options.setdefault("detector", folders["detector"])
    config = options.pop("config", QUICK)
    return run(config, classifier, folders["dataset"], folders["catalogue"], out, **options)


def report_of(artifact: Artifact, source: str) -> DetectorReport:
    return from_json(artifact.path(f"report_detector_{source}.json").read_bytes(), DetectorReport)


def test_boxes_on_real_photos_are_scored(folders, detector, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    real = report_of(artifact, "real")
    assert (real.n_photos, real.n_objects, real.n_negatives) == (5, 6, 2)
    # blue: 2 of 4 found, the first two finds; green: 2 of 2, with one of another class and one false alarm
    blue, green, nasty = real.per_class
    assert blue.metric("ap50").value == pytest.approx(51 / 101)
    assert blue.metric("recall").value == 0.5
    assert nasty.n_objects == 0
    assert nasty.metric("ap50").value is None
    assert green.metric("precision").n == 4
    assert green.metric("ap50").value == pytest.approx(1)  # the wrong ones come after both right ones
    assert real.metric("map50").value == pytest.approx((blue.metric("ap50").value + green.metric("ap50").value) / 2)
    assert real.metric("map50").low < real.metric("map50").value < real.metric("map50").high
    assert real.metric("recall").value == pytest.approx(4 / 6)
    assert real.metric("precision").value == pytest.approx(4 / 6)
    assert real.confusion == ((2, 1, 0, 1), (0, 2, 0, 0), (0, 0, 0, 0), (0, 1, 0, 0))
    assert real.metric("false_alarms").value == pytest.approx(1 / 2)
    assert real.metric("negatives_with_box").value == pytest.approx(1 / 2)
    assert real.metric("seconds_per_photo").n == 7
    counts = {e.kind: e.count for e in real.errors}
    # at any score: five low-scored boxes in a corner beside the false alarm
    assert counts == {
        "classification": 1, "localisation": 0, "both": 0, "duplicate": 0, "background": 6, "missed": 1,
    }  # fmt: skip
    gain = {e.kind: e.ap50_gain for e in real.errors}
    assert gain["missed"] > 0 < gain["classification"]
    synthetic = report_of(artifact, "synthetic")
    assert (synthetic.n_photos, synthetic.n_objects, synthetic.n_negatives) == (8, 9, 2)
    assert synthetic.metric("map50_95").value == pytest.approx(1)
    assert verify_artifact(artifact.folder) == []
    assert not artifact.path("blocks").exists()


def test_the_gap_is_on_classes_with_boxes_and_the_top_box_names_the_photo(folders, detector, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    gap = from_json(artifact.path("gap_detector.json").read_bytes(), Gap)
    rows = {row.name: row for row in gap.rows}
    assert gap.class_names == ("blue", "green")
    assert gap.left_out == (NASTY,)
    assert rows["map50"].gap.value == pytest.approx(1 - rows["map50"].real.value)
    assert rows["map50"].gap.low < rows["map50"].gap.value < rows["map50"].gap.high
    # blue/0 and shelf/fooled; blue/missed and shelf/wrong are not; shelf/mixed shows two classes
    top = rows["top_box_top1"].real
    assert (top.value, top.n) == (0.5, 4)
    assert rows["top_box_top1"].synthetic.value is not None
    assert artifact.manifest.summary["map50_real"] == rows["map50"].real.value


def test_findings_are_kept_in_the_datasets_classes(folders, detector, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    rows = {f.file: f for f in read_jsonl(artifact.path("findings_real.jsonl"), Finding)}
    first = rows["blue/0.png"]
    assert CLASSES[first.class_ids[0]] == "blue"
    assert first.boxes_xyxy[0] == xyxy(1, 1)
    assert list(first.scores) == sorted(first.scores, reverse=True)
    assert len(list(read_jsonl(artifact.path("findings_synthetic.jsonl"), Finding))) == 8


def test_without_boxes_the_page_says_so(folders, detector, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path, boxes=False))
    real = report_of(artifact, "real")
    assert real.metric("map50").value is None
    assert real.metric("map50").note == NO_BOXES
    assert real.metric("top_box_top1").n == 2  # folder "blue" names its photos
    assert real.metric("false_alarms").n == 2
    assert real.metric("false_alarms_best_f1").value is not None  # with the synthetic set's threshold
    page = artifact.path("report.html").read_text(encoding="utf-8")
    assert "Boxes not yet measured on real photos" in page
    assert NO_BOXES in page
    assert "my_photos.coco.json" in page
    assert any("COCO file" in note for note in artifact.manifest.notes)


def test_without_photos_nothing_is_claimed(folders, detector, tmp_path):
    artifact = evaluate(folders, tmp_path / "out")
    rows = summary_table(artifact.folder)
    assert len(rows) == len(DETECTOR_SHORT)
    assert all(row.real == NOT_MEASURED and row.gap == "—" for row in rows)
    assert rows[1].synthetic.startswith("100")
    assert "--real" in artifact.path("report.html").read_text(encoding="utf-8")


def test_the_page_is_one_safe_file_with_all_that_it_must_show(folders, detector, tmp_path):
    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    page = artifact.path("report.html").read_text(encoding="utf-8")
    assert NASTY not in page
    parser = Attributes()
    parser.feed(page)
    assert all(t.startswith(("data:image/jpeg;base64,", "#")) for t in parser.targets)
    assert "url(" not in page
    assert not {"script", "link", "iframe", "object"} & set(parser.tags)
    assert parser.tags.count("h1") == 1
    assert parser.without_alt == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {t[1:] for t in parser.targets if t.startswith("#")} <= set(ids)
    assert str(tmp_path) not in page
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "4 of 6 objects found on 5 real photos, 2 boxes wrong or too many" in text
    assert "What would help most" in text
    for kind in ("Wrong class", "False alarm", "Missed"):
        assert kind in text, kind
    for file in ("blue/ missed.png", "shelf/ wrong.png", "none/ fooled.png"):
        assert file in text, file
    assert "none/ clean.png" not in text
    assert page.count('class="pr pr-all"') == 2  # real and synthetic
    assert "top-1" not in text  # no classifier was asked


def test_classifier_and_detector_share_one_page(folders, detector, tmp_path, monkeypatch):
    model = ColourClassifier()
    monkeypatch.setitem(
        sys.modules, "photosynth.models.classifier", SimpleNamespace(load_classifier=lambda folder: model)
    )
    artifact = evaluate(folders, tmp_path / "out", folders["classifier"], photos=make_photos(tmp_path))
    assert model.answered == 6 + 8  # the photo of two classes is not asked about
    page = artifact.path("report.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"verdict", "box-verdict", "scores", "boxes", "help", "faults"} <= set(ids)
    assert "; the classifier in" in page
    assert len(summary_table(artifact.folder)) == 5 + len(DETECTOR_SHORT)
    assert {"top1_real", "map50_95_real"} <= set(artifact.manifest.summary)


def test_tensorboard_reads_the_scores(folders, detector, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    artifact = evaluate(folders, tmp_path / "out", photos=make_photos(tmp_path))
    board = EventAccumulator(str(artifact.path("tensorboard")))
    board.Reload()
    real = report_of(artifact, "real")
    assert board.Scalars("detector/real/map50")[0].value == pytest.approx(real.metric("map50").value)
    assert board.Scalars("detector/real/ap50_gain/missed")[0].value > 0
    assert not any("seconds" in tag for tag in board.Tags()["scalars"])
    pictures = {"detector/confusion/real", "detector/confusion/synthetic", "detector/faults/real"}
    assert set(board.Tags()["images"]) == pictures


def test_killed_in_the_middle_it_goes_on_where_it_was(folders, detector, tmp_path, monkeypatch):
    photos = make_photos(tmp_path)
    whole = evaluate(folders, tmp_path / "whole", photos=photos)
    total, detector.answered = detector.answered, 0
    find = detector.detect

    def dies(images, min_score=None):
        if detector.answered >= 6:
            raise KeyboardInterrupt
        return find(images, min_score)

    monkeypatch.setattr(detector, "detect", dies)
    with pytest.raises(KeyboardInterrupt):
        evaluate(folders, tmp_path / "out", photos=photos)
    monkeypatch.setattr(detector, "detect", find)
    resumed = evaluate(folders, tmp_path / "out", photos=photos)
    assert detector.answered == total + 2  # the two of the unfinished block once more
    for name in ("findings_real.jsonl", "findings_synthetic.jsonl"):
        assert resumed.path(name).read_bytes() == whole.path(name).read_bytes(), name
    for row, other in zip(report_of(resumed, "real").metrics, report_of(whole, "real").metrics, strict=True):
        assert row == other or row.name == "seconds_per_photo"
    again = evaluate(folders, tmp_path / "out", photos=photos)
    assert again.key == resumed.key
    assert detector.answered == total + 2


def test_new_boxes_make_another_evaluation(folders, detector, tmp_path):
    photos = make_photos(tmp_path, boxes=False)
    evaluate(folders, tmp_path / "out", photos=photos)
    make_photos(tmp_path)
    with pytest.raises(ArtifactError, match="--overwrite"):
        evaluate(folders, tmp_path / "out", photos=photos)


def test_boxes_drawn_on_a_picture_of_another_shape_are_not_used(folders, detector, tmp_path):
    photos = make_photos(tmp_path, boxes=False)
    top = coco({"blue/0.png": [("blue", 1, 1)], "shelf/mixed.png": [("blue", 0, 0), ("green", 2, 1)]})
    top["images"][0] |= {"width": 120, "height": 160}
    (tmp_path / "my photos.coco.json").write_text(json.dumps(top))
    artifact = evaluate(folders, tmp_path / "out", photos=photos)
    assert report_of(artifact, "real").n_photos == 1
    assert any("'blue/0.png' were not used: its COCO file says 120 x 160" in n for n in artifact.manifest.notes)


def test_wrong_inputs_are_refused(folders, detector, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="nothing to score"):
        evaluate(folders, tmp_path / "out", detector=None)
    with pytest.raises(ArtifactError, match="expected 'train_detector'"):
        evaluate(folders, tmp_path / "out", detector=folders["classifier"])
    with pytest.raises(ConfigError, match="box_threshold"):
        EvaluateConfig(box_threshold=2.0)
    monkeypatch.setattr(detector, "class_names", ("cat", "dog"))
    with pytest.raises(ArtifactError, match="cat"):
        evaluate(folders, tmp_path / "out")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Instances((9, 9), np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)), "boxes are for"),
        (Instances(SIZE_WH, np.zeros((1, 4)), np.zeros(1, int)), "with scores"),
        (Instances(SIZE_WH, np.full((1, 4), np.nan), np.zeros(1, int), np.ones(1)), "must be numbers"),
        (Instances(SIZE_WH, np.zeros((1, 4)), np.zeros(1, int), np.full(1, 1.5)), "from 0 to 1"),
        (Instances(SIZE_WH, np.zeros((1, 4)), np.full(1, 3), np.ones(1)), "class ids must be from 0 to 2"),
    ],
)
def test_answers_that_are_no_boxes_are_refused(folders, detector, tmp_path, monkeypatch, found, message):
    monkeypatch.setattr(detector, "detect", lambda images, min_score=None: [found])
    with pytest.raises(EngineError, match=message):
        evaluate(folders, tmp_path / "out")


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> FakeClassifier:
    """A classifier that knows the squares' colours, in an order of its own, and takes grey for none of these."""
    model = FakeClassifier({name: COLOURS[name] for name in ("green", NASTY, "blue")}, reach=40.0, sharpness=0.2)
    monkeypatch.setitem(
        sys.modules, "photosynth.models.classifier", SimpleNamespace(load_classifier=lambda folder: model)
    )
    return model


def asked_twice(detector: SquareDetector, threshold: float | None) -> None:
    """Let a second look ask the detector, which has this fitted threshold."""
    detector.least_score = second_look.LEAST_SCORE
    detector.info = SimpleNamespace(second_look_threshold=threshold)


def test_a_second_look_takes_false_alarms_away(folders, detector, judge, tmp_path):
    alone = evaluate(folders, tmp_path / "alone", photos=make_photos(tmp_path))
    asked_twice(detector, 0.6)
    artifact = evaluate(folders, tmp_path / "out", second_look=folders["classifier"], photos=make_photos(tmp_path))
    before, real = report_of(alone, "real"), report_of(artifact, "real")
    assert real.answer_threshold == 0.6
    assert (before.metric("false_alarms").value, real.metric("false_alarms").value) == (0.5, 0.0)
    assert real.metric("recall").value == before.metric("recall").value == pytest.approx(4 / 6)
    assert real.metric("precision").value == pytest.approx(4 / 5)  # the wrong class stays, the false alarm is gone
    assert real.metric("map50").value >= before.metric("map50").value
    (first, *_) = (f for f in read_jsonl(artifact.path("findings_real.jsonl"), Finding) if f.file == "blue/0.png")
    assert first.scores[0] == pytest.approx(np.sqrt(0.9), abs=0.01)
    manifest = artifact.manifest
    assert manifest.inputs["second_look"] == open_artifact(folders["classifier"]).key
    assert "second_look" not in alone.manifest.inputs
    assert manifest.summary["detector"] == "with a second look"
    assert "detector" not in alone.manifest.summary
    page, plain = (one.path("report.html").read_text(encoding="utf-8") for one in (artifact, alone))
    assert "Verdict on the detector with a second look" in page
    assert "The time is that of both." in page
    assert "second look" not in plain


def test_a_second_look_without_a_fitted_threshold_says_so(folders, detector, judge, tmp_path):
    asked_twice(detector, None)
    given = {"second_look": folders["classifier"], "photos": make_photos(tmp_path)}
    artifact = evaluate(folders, tmp_path / "out", **given)
    assert report_of(artifact, "real").answer_threshold == 0.5
    assert any("no threshold was fitted for the second look" in note for note in artifact.manifest.notes)
    chosen = EvaluateConfig(bootstrap_resamples=100, block_photos=4, box_threshold=0.7)
    artifact = evaluate(folders, tmp_path / "chosen", config=chosen, **given)
    assert report_of(artifact, "real").answer_threshold == 0.7
    assert not any("no threshold" in note for note in artifact.manifest.notes)


def test_a_threshold_that_was_fitted_with_another_classifier_is_told(folders, detector, judge, tmp_path):
    asked_twice(detector, 0.6)
    notes = {}
    for name, key in (("same", open_artifact(folders["classifier"]).key), ("other", "0" * 64)):
        with ArtifactWriter(tmp_path / name, "train_detector", 1, Nothing(), 0, {"classifier": key}) as writer:
            writer.finish()
        given = {"detector": tmp_path / name, "second_look": folders["classifier"]}
        notes[name] = evaluate(folders, tmp_path / f"out-{name}", **given).manifest.notes
    told = {name: any("fitted with another classifier" in note for note in lines) for name, lines in notes.items()}
    assert told == {"same": False, "other": True}


def test_a_second_look_needs_something_to_look_at(folders, detector, judge, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="give a detector too"):
        evaluate(folders, tmp_path / "out", folders["classifier"], detector=None, second_look=folders["classifier"])
    with pytest.raises(ArtifactError, match="expected 'train'"):
        evaluate(folders, tmp_path / "out", second_look=folders["detector"])
    monkeypatch.setattr(judge, "class_names", ("cat", "none of these"))
    with pytest.raises(ArtifactError, match="cat"):
        evaluate(folders, tmp_path / "out", second_look=folders["classifier"])
