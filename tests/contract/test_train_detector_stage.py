"""The train-detector stage alone, on a tiny dataset of coloured shapes."""

import json

import cv2
import msgspec
import numpy as np
import pytest
import torch

from photosynth.core.artifact import ArtifactWriter, open_artifact, verify_artifact
from photosynth.core.asset import NONE_CLASS
from photosynth.core.codec import rle_from_mask, write_jsonl
from photosynth.core.errors import ArtifactError, ConfigError, QualityError
from photosynth.core.items import DatasetInfo, Item, ItemInstance
from photosynth.core.progress import Silent
from photosynth.core.record import Record, to_pretty_json
from photosynth.models.backbones import make_backbone
from photosynth.models.detect_info import DetectorSpec, read_detector_info
from photosynth.models.detector import load_detector
from photosynth.models.fake import FakeClassifier
from photosynth.models.info import ClassifierInfo, NetworkSpec, ValidationScores
from photosynth.models.second_look import SecondLook
from photosynth.train.checkpoint import checkpoint_file
from photosynth.train.detect_pictures import DetectPictures
from photosynth.train.detect_stage import DetectAugmentConfig, DetectConfig, run
from photosynth.train.detect_task import find_all, score_found
from photosynth.train.loop import Training

torch.set_num_threads(1)
CLASSES = ("disc", "square")
SIZE = 64
CALM = DetectAugmentConfig(crop_probability=0.0, zoom_out_probability=0.0, erase_probability=0.0, quarter_turns=False)
QUICK = DetectConfig(
    network=DetectorSpec(channels=32),
    input_px=64,
    start_px=None,
    epochs=2,
    batch_size=8,
    threads=1,
    keep_checkpoints=9,
    ema_decay=0.5,
    frozen_parts=6,
)


class Nothing(Record, frozen=True, kw_only=True):
    """No settings."""


def shapes_picture(rng, n_shapes=1):
    """A disc or a square in its colour, or nothing, on a noisy ground: picture, (class id, mask) pairs."""
    image = rng.integers(90, 130, (SIZE, SIZE, 3), dtype=np.uint8)
    shown = []
    for _ in range(n_shapes):
        label, mask = int(rng.integers(2)), np.zeros((SIZE, SIZE), np.uint8)
        x, y, r = (int(v) for v in rng.integers((16, 16, 9), (SIZE - 16, SIZE - 16, 16)))
        if label == 0:
            cv2.circle(mask, (x, y), r, 1, -1)
            image[mask > 0] = (230, 40, 30)
        else:
            cv2.rectangle(mask, (x - r, y - r), (x + r, y + r), 1, -1)
            image[mask > 0] = (20, 80, 220)
        shown.append((label, mask.astype(bool)))
    return image, shown


def box_of(mask):
    ys, xs = np.nonzero(mask)
    return (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))


def item_of(index, name, shown, n_classes=2, ignored=()):
    instances = tuple(
        ItemInstance(
            class_id=label,
            visible_xyxy=box_of(mask),
            amodal_xyxy=box_of(mask),
            visible=rle_from_mask(mask),
            amodal=rle_from_mask(mask),
            visible_fraction=1.0,
            truncation=0.0,
        )
        for label, mask in shown
    )
    return Item(
        index=index,
        image_file=name,
        size_wh=(SIZE, SIZE),
        kind="object" if instances else "empty",
        label=shown[0][0] if shown else n_classes,
        instances=instances,
        ignored_xyxy=ignored,
    )


def make_dataset(folder, n_train=24, n_val=8, classes=CLASSES):
    rng = np.random.default_rng(0)
    with ArtifactWriter(folder, "dataset", 1, Nothing(), 0, {}) as writer:
        index = 0
        for split, n in (("train", n_train), ("val", n_val)):
            items = []
            for k in range(n):
                image, shown = shapes_picture(rng, 0 if k % 6 == 5 else 1)
                name = f"images/{index:06d}.jpg"
                cv2.imwrite(str(writer.path(name)), image[:, :, ::-1])
                items.append(item_of(index, name, shown, len(classes)))
                index += 1
            write_jsonl(writer.path(f"items-{split}.jsonl"), items)
        info = DatasetInfo(class_names=classes, counts={"train": n_train, "val": n_val})
        writer.write("dataset.json", to_pretty_json(info))
        writer.finish()
    return folder


class DrawnSource:
    """A FrameSource that draws its pictures when they are asked for; every tenth scene gives none."""

    class_names = CLASSES
    key = "drawn"

    def __init__(self):
        self.asked = []

    def frames(self, indices):
        for index in indices:
            self.asked.append(index)
            image, shown = shapes_picture(np.random.default_rng(index))
            yield None if index % 10 == 0 else (image, item_of(index, "", shown))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "detector"
    progress = Silent()
    run(msgspec.structs.replace(QUICK, epochs=10, augment=CALM, patience=None), dataset, out, progress=progress)
    return out, progress


def same_weights(a, b):
    one, two = (torch.load(folder / "detector.pt", weights_only=True) for folder in (a, b))
    return set(one) == set(two) and all(torch.equal(one[k], two[k]) for k in one)


def test_finds_and_names_shapes_it_has_not_seen(trained):
    detector = load_detector(trained[0])
    assert detector.class_names == CLASSES
    rng = np.random.default_rng(99)
    pictures = [shapes_picture(rng) for _ in range(12)]
    found = detector.detect([image for image, _ in pictures], 0.01)
    right = 0
    for one, (_, ((label, mask),)) in zip(found, pictures, strict=True):
        box, truth = one.boxes_xyxy[0], np.array(box_of(mask))
        side = np.clip(np.minimum(box[2:], truth[2:]) - np.maximum(box[:2], truth[:2]), 0, None)
        shared = side.prod()
        iou = shared / ((box[2:] - box[:2]).prod() + (truth[2:] - truth[:2]).prod() - shared)
        right += iou > 0.5 and one.class_ids[0] == label
    assert right >= 9  # 10 to 12 by processor: their arithmetic differs, and the training is short


def test_leaves_a_whole_artifact(trained):
    out, progress = trained
    artifact = open_artifact(out, "train_detector")
    assert verify_artifact(out) == []
    info = read_detector_info(out)
    history = json.loads((out / "history.json").read_bytes())
    assert [h["epoch"] for h in history] == list(range(1, 11))
    best = max(history, key=lambda h: (h["validation"]["map50_95"], h["validation"]["map50"]))
    assert info.epoch == best["epoch"] == artifact.manifest.summary["epoch"]
    assert info.validation.map50_95 == best["validation"]["map50_95"] > 0.2
    assert info.answer_threshold == info.validation.shown_threshold
    assert sum("mAP50_95" in note for note in progress.notes) == 10
    assert "10 epochs of 24 pictures" in progress.notes[0]


def test_the_chosen_weights_give_the_validation_scores(dataset, trained):
    info = read_detector_info(trained[0])
    val = DetectPictures(dataset, "val", 2, 0.0, 1)
    assert score_found(val, find_all(load_detector(trained[0]), val), 2) == info.validation


def test_tensorboard_holds_losses_scores_and_pictures(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained[0] / "tensorboard"))
    events.Reload()
    assert len(events.Scalars("train/class_loss")) == 10 * 3
    assert [e.step for e in events.Scalars("val/mAP50_95")][:3] == [2, 5, 8]
    assert set(events.Tags()["images"]) == {"train/augmented", "val/found"}


def test_bfloat16_learns_the_same_and_leaves_float32_weights(dataset, tmp_path):
    losses = []
    for precision in ("float32", "bfloat16"):
        out = tmp_path / precision
        run(msgspec.structs.replace(QUICK, precision=precision), dataset, out)
        weights = torch.load(out / "detector.pt", weights_only=True)
        assert {w.dtype for w in weights.values() if w.is_floating_point()} == {torch.float32}
        losses.append([(e["class_loss"], e["box_loss"]) for e in json.loads((out / "history.json").read_bytes())])
    assert losses[0] != losses[1]
    assert losses[1][0] == pytest.approx(losses[0][0], rel=0.05)


def test_finished_work_is_not_done_again(dataset, trained):
    out, _ = trained
    before = (out / "detector.pt").stat().st_mtime_ns
    config = msgspec.structs.replace(QUICK, epochs=10, augment=CALM, patience=None)
    run(config, dataset, out)
    assert (out / "detector.pt").stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match="other settings"):
        run(msgspec.structs.replace(config, epochs=5), dataset, out)


RESUMED = msgspec.structs.replace(QUICK, epochs=3, start_px=64, augment=DetectAugmentConfig(mosaic_probability=0.5))


class Killed(KeyboardInterrupt):
    pass


@pytest.fixture(scope="module")
def uninterrupted(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("resumed") / "whole"
    run(RESUMED, dataset, out)
    return out


@pytest.mark.parametrize("epochs_done", [1, 2])
def test_killed_and_resumed_gives_the_same_weights(dataset, uninterrupted, tmp_path, monkeypatch, epochs_done):
    original = Training._step
    steps = 0

    def step(self, batch):
        nonlocal steps
        steps += 1
        if steps == epochs_done * self.steps + 2:
            raise Killed
        return original(self, batch)

    monkeypatch.setattr(Training, "_step", step)
    with pytest.raises(Killed):
        run(RESUMED, dataset, tmp_path / "parts")
    monkeypatch.undo()
    assert (tmp_path / "parts" / checkpoint_file(epochs_done)).is_file()
    assert not (tmp_path / "parts" / "manifest.json").exists()
    progress = Silent()
    run(RESUMED, dataset, tmp_path / "parts", progress=progress)
    assert f"goes on after epoch {epochs_done}" in progress.notes
    assert same_weights(uninterrupted, tmp_path / "parts")


def test_another_seed_gives_other_weights(dataset, uninterrupted, tmp_path):
    run(msgspec.structs.replace(RESUMED, seed=1), dataset, tmp_path / "other")
    assert not same_weights(uninterrupted, tmp_path / "other")


def test_learns_from_pictures_that_are_drawn_while_it_trains(tmp_path, monkeypatch):
    monkeypatch.setattr("photosynth.train.detect_stage.LIVE_VAL_PICTURES", 12)
    config = msgspec.structs.replace(QUICK, epoch_pictures=16)
    source = DrawnSource()
    artifact = run(config, source, tmp_path / "a")
    assert (artifact.manifest.summary["n_train"], artifact.manifest.summary["n_val"]) == (16, 10)
    assert source.asked == list(range(12 + 2 * 16))
    run(config, DrawnSource(), tmp_path / "b")
    assert same_weights(tmp_path / "a", tmp_path / "b")


def test_stops_early_when_patience_ends(dataset, tmp_path):
    config = msgspec.structs.replace(QUICK, epochs=6, patience=1, backbone_lr=1e-12, head_lr=1e-12)
    progress = Silent()
    run(config, dataset, tmp_path / "out", progress=progress)
    assert len(json.loads((tmp_path / "out" / "history.json").read_bytes())) < 6
    assert any("stopped early" in note for note in progress.notes)


def test_frozen_parts_and_statistics_stay_as_they_were_pretrained(trained):
    from photosynth.models.detect_pyramid import make_features

    pretrained = make_features("efficientnet_lite0", "imagenet")[0].state_dict()
    weights = torch.load(trained[0] / "detector.pt", weights_only=True)
    frozen = ("stem.", *(f"blocks.{k}." for k in range(5)))
    for name, value in pretrained.items():
        same = torch.equal(value, weights[f"backbone.{name}"])
        assert same == (name.startswith(frozen) or "running" in name or name.endswith("num_batches_tracked")), name


def test_an_earlier_detector_of_other_classes_is_a_beginning(trained, tmp_path):
    make_dataset(tmp_path / "data", 8, 2, ("disc", "square", "star"))
    config = msgspec.structs.replace(QUICK, epochs=1, weights=str(trained[0] / "detector.pt"))
    artifact = run(config, tmp_path / "data", tmp_path / "out")
    assert "weights" in artifact.manifest.inputs
    assert "no training picture shows: star" in artifact.manifest.notes
    assert load_detector(tmp_path / "out").class_names == ("disc", "square", "star")


@pytest.mark.parametrize(("split", "sizes"), [("val", (6, 0)), ("train", (0, 3))])
def test_an_empty_split_is_refused(tmp_path, split, sizes):
    make_dataset(tmp_path / "data", *sizes)
    with pytest.raises(ConfigError, match=f"'{split}' split"):
        run(QUICK, tmp_path / "data", tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} <= {".lock"}


def test_damaged_pictures_are_left_out_and_counted(tmp_path):
    make_dataset(tmp_path / "data", 24, 3)
    (tmp_path / "data" / "images" / "000003.jpg").write_bytes(b"\xff\xd8\xff half a picture")
    (tmp_path / "data" / "images" / "000004.jpg").unlink()
    config = msgspec.structs.replace(QUICK, epochs=1, max_failed_fraction=0.1)
    artifact = run(config, tmp_path / "data", tmp_path / "out")
    assert artifact.manifest.summary["n_train"] == 22
    assert "2 training pictures could not be read" in artifact.manifest.notes[0]
    assert len((tmp_path / "out" / "failures.jsonl").read_text().splitlines()) == 2
    with pytest.raises(QualityError, match="2 of 24 train pictures"):
        run(msgspec.structs.replace(config, max_failed_fraction=0.05), tmp_path / "data", tmp_path / "strict")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": "absent.pt"}, "does not exist"),
        ({"frozen_parts": 99}, "17 parts"),
        ({"input_px": 100}, "multiple of 32"),
    ],
)
def test_wrong_settings_are_refused(dataset, tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        run(msgspec.structs.replace(QUICK, **change), dataset, tmp_path / "out")
    if (tmp_path / "out").exists():
        assert {p.name for p in (tmp_path / "out").iterdir()} <= {".lock"}


def test_a_held_dataset_validates_what_is_learnt_live(dataset, tmp_path):
    source, config = DrawnSource(), msgspec.structs.replace(QUICK, epochs=1, epoch_pictures=16)
    manifest = run(config, source, tmp_path / "live", held=dataset).manifest
    assert manifest.inputs == {"frames": "drawn", "dataset": open_artifact(dataset).key}
    assert manifest.summary["n_val"] == 8
    assert source.asked == list(range(16))
    with pytest.raises(ConfigError, match="its own val split"):
        run(config, dataset, tmp_path / "disk", held=dataset)
    source.class_names = ("disc", "star")
    with pytest.raises(ConfigError, match="star"):
        run(config, source, tmp_path / "other", held=dataset)


def make_classifier(folder, names):
    """A finished train stage without weights."""
    info = ClassifierInfo(
        class_names=(*names, NONE_CLASS),
        network=NetworkSpec(),
        input_px=32,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        temperature=1.0,
        answer_threshold=0.5,
        epoch=1,
        validation=ValidationScores(accuracy=1.0, nll=0.0, nll_uncalibrated=0.0, n=1),
    )
    with ArtifactWriter(folder, "train", 1, Nothing(), 0, {}) as writer:
        writer.write("classifier.json", to_pretty_json(info))
        return writer.finish()


def test_a_classifier_fits_the_threshold_of_a_second_look(dataset, trained, tmp_path, monkeypatch):
    named = make_classifier(tmp_path / "named", ("square", "disc"))
    judge = FakeClassifier({"square": (20, 80, 220), "disc": (230, 40, 30)}, reach=120.0)
    monkeypatch.setattr("photosynth.models.classifier.load_classifier", lambda folder: judge)
    gently = {"epochs": 1, "augment": CALM, "backbone_lr": 1e-9, "head_lr": 1e-9}
    config = msgspec.structs.replace(QUICK, weights=str(trained[0] / "detector.pt"), **gently)
    progress = Silent()
    manifest = run(config, dataset, tmp_path / "out", classifier=named.folder, progress=progress).manifest
    assert manifest.inputs["classifier"] == named.key
    info = read_detector_info(tmp_path / "out")
    val = DetectPictures(dataset, "val", 2, 0.0, 1)
    alone = load_detector(tmp_path / "out")
    assert score_found(val, find_all(alone, val), 2) == info.validation
    both = score_found(val, find_all(SecondLook(alone, judge, 0.0), val), 2)
    assert both.f1 > 0.5
    assert info.second_look_threshold == both.shown_threshold == manifest.summary["second_look_threshold"]
    assert info.second_look_threshold != info.answer_threshold == info.validation.shown_threshold
    assert manifest.summary["second_look_val_map50"] == both.map50
    assert progress.notes[-1] == manifest.notes[-1]
    assert f"mAP50_95 {both.map50_95:.3f} (alone {info.validation.map50_95:.3f})" in manifest.notes[-1]


def test_the_backbone_begins_where_the_classifier_of_the_same_kind_ended(dataset, tmp_path, monkeypatch):
    judge = FakeClassifier({"square": (20, 80, 220), "disc": (230, 40, 30)}, reach=120.0)
    monkeypatch.setattr("photosynth.models.classifier.load_classifier", lambda folder: judge)
    named = make_classifier(tmp_path / "named", CLASSES)
    torch.manual_seed(5)
    theirs = {
        k: v + 0.01 if v.is_floating_point() else v
        for k, v in make_backbone("efficientnet_lite0", "none")[0].state_dict().items()
    }
    torch.save({f"backbone.{k}": v for k, v in theirs.items()}, named.folder / "weights.pt")
    config = msgspec.structs.replace(QUICK, weights="pretrained", epochs=1)
    run(config, dataset, tmp_path / "out", classifier=named.folder)
    ours = load_detector(tmp_path / "out").network.backbone.state_dict()
    assert torch.equal(ours["stem.conv.weight"], theirs["stem.conv.weight"])  # frozen: as the classifier left it
    run(config, dataset, tmp_path / "alone")
    alone = load_detector(tmp_path / "alone").network.backbone.state_dict()
    assert not torch.equal(alone["stem.conv.weight"], theirs["stem.conv.weight"])


def test_a_classifier_that_cannot_look_again_is_refused_before_anything_is_learnt(dataset, tmp_path):
    other = make_classifier(tmp_path / "other", ("disc", "star"))
    with pytest.raises(ConfigError, match="does not know square"):
        run(QUICK, dataset, tmp_path / "out", classifier=other.folder)
    with pytest.raises(ArtifactError, match="expected 'train'"):
        run(QUICK, dataset, tmp_path / "out", classifier=dataset)
    assert not (tmp_path / "out").exists()


def test_records_from_before_the_second_look_are_read(trained, tmp_path):
    old = json.loads((trained[0] / "detector.json").read_bytes())
    assert old.pop("second_look_threshold") is None
    (tmp_path / "detector.json").write_text(json.dumps(old))
    assert read_detector_info(tmp_path) == read_detector_info(trained[0])
