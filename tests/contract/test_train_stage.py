"""The train stage alone, on a tiny dataset of coloured shapes."""

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
from photosynth.models.classifier import load_classifier
from photosynth.models.info import read_classifier_info
from photosynth.train.checkpoint import checkpoint_file
from photosynth.train.loop import Training
from photosynth.train.pictures import Pictures, decode
from photosynth.train.stage import AugmentConfig, TrainConfig, run

torch.set_num_threads(1)
CLASSES = ("disc", "square")
SIZE = 48
QUICK = TrainConfig(
    input_px=32, start_px=None, epochs=3, batch_size=8, threads=1, keep_checkpoints=9, unfrozen_blocks=None, dropout=0.2
)


class Nothing(Record, frozen=True, kw_only=True):
    """No settings."""


def shape_picture(label, rng):
    """A disc, a square, or nothing, in its colour on a noisy ground; with its mask."""
    image = rng.integers(90, 130, (SIZE, SIZE, 3), dtype=np.uint8)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    x, y = (int(v) for v in rng.integers(16, SIZE - 16, 2))
    if label == 0:
        cv2.circle(mask, (x, y), 12, 1, -1)
        image[mask > 0] = (230, 40, 30)
    elif label == 1:
        cv2.rectangle(mask, (x - 11, y - 11), (x + 11, y + 11), 1, -1)
        image[mask > 0] = (20, 80, 220)
    return image, mask.astype(bool)


def make_dataset(folder, n_train=24, n_val=9, classes=CLASSES):
    rng = np.random.default_rng(0)
    with ArtifactWriter(folder, "dataset", 1, Nothing(), 0, {}) as writer:
        index = 0
        for split, n in (("train", n_train), ("val", n_val)):
            items = []
            for k in range(n):
                label = k % (len(classes) + 1)
                image, mask = shape_picture(label, rng)
                name = f"images/{index:06d}.jpg"
                cv2.imwrite(str(writer.path(name)), image[:, :, ::-1])
                instances = ()
                if label < len(classes):
                    ys, xs = np.nonzero(mask)
                    box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
                    rle = rle_from_mask(mask)
                    instances = (
                        ItemInstance(
                            class_id=label,
                            visible_xyxy=box,
                            amodal_xyxy=box,
                            visible=rle,
                            amodal=rle,
                            visible_fraction=1.0,
                            truncation=0.0,
                        ),
                    )
                kind = "object" if instances else "empty"
                items.append(
                    Item(
                        index=index,
                        image_file=name,
                        size_wh=(SIZE, SIZE),
                        kind=kind,
                        label=label,
                        instances=instances,
                    )
                )
                index += 1
            write_jsonl(writer.path(f"items-{split}.jsonl"), items)
        info = DatasetInfo(class_names=classes, counts={"train": n_train, "val": n_val})
        writer.write("dataset.json", to_pretty_json(info))
        writer.finish()
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "classifier"
    progress = Silent()
    run(msgspec.structs.replace(QUICK, epochs=6), dataset, out, progress=progress)
    return out, progress


def same_weights(a, b):
    one, two = (torch.load(folder / "weights.pt", weights_only=True) for folder in (a, b))
    return set(one) == set(two) and all(torch.equal(one[k], two[k]) for k in one)


def test_learns_to_name_every_picture(dataset, trained):
    out, _ = trained
    classifier = load_classifier(out)
    assert classifier.class_names == (*CLASSES, NONE_CLASS)
    rng = np.random.default_rng(99)
    labels = [0, 1, 2] * 6
    result = classifier.predict([shape_picture(label, rng)[0] for label in labels])
    assert result.argmax(1).tolist() == labels
    np.testing.assert_allclose(result.sum(1), 1.0)


def test_bfloat16_learns_the_same_and_leaves_float32_weights(dataset, tmp_path):
    losses = []
    for precision in ("float32", "bfloat16"):
        out = tmp_path / precision
        run(msgspec.structs.replace(QUICK, epochs=6, precision=precision), dataset, out)
        weights = torch.load(out / "weights.pt", weights_only=True)
        assert {w.dtype for w in weights.values() if w.is_floating_point()} == {torch.float32}
        history = json.loads((out / "history.json").read_bytes())
        assert history[-1]["val_accuracy"] == 1.0
        losses.append([epoch["train_loss"] for epoch in history])
    assert losses[0] != losses[1]
    assert losses[1][:2] == pytest.approx(losses[0][:2], rel=0.15)  # 0.09 without matrix units for bfloat16


def test_leaves_a_whole_artifact(trained):
    out, progress = trained
    artifact = open_artifact(out, "train")
    assert verify_artifact(out) == []
    info = read_classifier_info(out)
    history = json.loads((out / "history.json").read_bytes())
    assert [h["epoch"] for h in history] == [1, 2, 3, 4, 5, 6]
    best = max(history, key=lambda h: (h["val_accuracy"], -h["val_loss"]))
    assert info.epoch == best["epoch"] == artifact.manifest.summary["epoch"]
    assert info.validation.accuracy == best["val_accuracy"] == 1.0
    assert info.validation.nll_uncalibrated == pytest.approx(best["val_loss"], rel=1e-4)
    assert info.validation.nll <= info.validation.nll_uncalibrated + 1e-9
    assert (out / checkpoint_file(6)).is_file()
    assert list((out / "tensorboard").glob("events.*"))
    assert sum("validation accuracy" in note for note in progress.notes) == 6


def test_tensorboard_holds_losses_and_pictures(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained[0] / "tensorboard"))
    events.Reload()
    assert len(events.Scalars("train/loss")) == 6 * 3
    assert [e.step for e in events.Scalars("val/accuracy")] == [2, 5, 8, 11, 14, 17]
    assert events.Tags()["images"] == ["train/augmented"]


def test_the_chosen_weights_give_the_validation_scores(dataset, trained):
    out, _ = trained
    info = read_classifier_info(out)
    val = Pictures(dataset, "val", info.input_px, 3, 1e9, 0.0, 1)
    result = load_classifier(out).predict([decode(dataset / item.image_file) for item in val.items])
    assert -np.log(result[np.arange(len(val)), val.labels]).mean() == pytest.approx(info.validation.nll, rel=1e-4)


def test_finished_work_is_not_done_again(dataset, trained):
    out, _ = trained
    before = (out / "weights.pt").stat().st_mtime_ns
    run(msgspec.structs.replace(QUICK, epochs=6), dataset, out)
    assert (out / "weights.pt").stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match="other settings"):
        run(msgspec.structs.replace(QUICK, epochs=5), dataset, out)


RESUMED = msgspec.structs.replace(
    QUICK,
    backbone="mobilenet_v3_small",
    weights="none",
    freeze_norm=False,
    ema_decay=0.5,
    augment=AugmentConfig(salt_pepper=0.02, mixup_alpha=0.2),
)


@pytest.fixture(scope="module")
def uninterrupted(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("resumed") / "whole"
    run(RESUMED, dataset, out)
    return out


@pytest.mark.parametrize("epochs_done", [1, 2, 3])
def test_killed_and_resumed_gives_the_same_weights(dataset, uninterrupted, tmp_path, monkeypatch, epochs_done):
    class Killed(KeyboardInterrupt):
        pass

    original = Training._step
    steps = 0

    def step(self, batch):
        nonlocal steps
        steps += 1
        if steps == epochs_done * self.steps + 2:
            raise Killed
        return original(self, batch)

    monkeypatch.setattr(Training, "_step", step)
    if epochs_done < RESUMED.epochs:
        with pytest.raises(Killed):
            run(RESUMED, dataset, tmp_path / "parts")
    else:
        monkeypatch.setattr("photosynth.train.calibrate.fit_temperature", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            run(RESUMED, dataset, tmp_path / "parts")
    monkeypatch.undo()
    assert (tmp_path / "parts" / checkpoint_file(epochs_done)).is_file()
    assert not (tmp_path / "parts" / "manifest.json").exists()
    progress = Silent()
    run(RESUMED, dataset, tmp_path / "parts", progress=progress)
    assert f"goes on after epoch {epochs_done}" in progress.notes
    assert same_weights(uninterrupted, tmp_path / "parts")
    histories = [json.loads((out / "history.json").read_bytes()) for out in (uninterrupted, tmp_path / "parts")]
    for history in histories:
        for line in history:
            del line["seconds"]
    assert histories[0] == histories[1]


def test_pictures_decoded_each_time_give_the_same_weights_and_another_seed_others(dataset, tmp_path):
    quick = msgspec.structs.replace(QUICK, epochs=1, unfrozen_blocks=0)
    run(quick, dataset, tmp_path / "a")
    run(msgspec.structs.replace(quick, cache_gb=0.0), dataset, tmp_path / "b")
    run(msgspec.structs.replace(quick, seed=1), dataset, tmp_path / "c")
    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_frozen_backbone_stays_as_it_was_pretrained(dataset, tmp_path):
    config = msgspec.structs.replace(QUICK, epochs=1, unfrozen_blocks=0, keep_checkpoints=0, class_weights="balanced")
    run(config, dataset, tmp_path / "out")
    from photosynth.models.backbones import make_backbone

    pretrained = make_backbone("efficientnet_lite0", "imagenet")[0].state_dict()
    weights = torch.load(tmp_path / "out" / "weights.pt", weights_only=True)
    assert all(torch.equal(value, weights[f"backbone.{name}"]) for name, value in pretrained.items())
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_full_training_moves_weights_but_not_statistics(trained):
    from photosynth.models.backbones import make_backbone

    pretrained = make_backbone("efficientnet_lite0", "imagenet")[0].state_dict()
    weights = torch.load(trained[0] / "weights.pt", weights_only=True)
    for name, value in pretrained.items():
        same = torch.equal(value, weights[f"backbone.{name}"])
        assert same == ("running" in name or name.endswith("num_batches_tracked")), name


def test_a_torchvision_backbone_from_a_local_file(dataset, tmp_path):
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.mobilenet_v3_small().state_dict(), tmp_path / "local.pt")
    config = msgspec.structs.replace(
        QUICK, backbone="mobilenet_v3_small", weights=str(tmp_path / "local.pt"), hidden=16, epochs=1
    )
    artifact = run(config, dataset, tmp_path / "out")
    assert "weights" in artifact.manifest.inputs
    assert load_classifier(tmp_path / "out").predict([np.zeros((9, 9, 3), np.uint8)]).shape == (1, 3)


def test_stops_early_when_patience_ends(dataset, tmp_path):
    config = msgspec.structs.replace(QUICK, epochs=6, patience=1, backbone_lr=1e-12, head_lr=1e-12, unfrozen_blocks=0)
    progress = Silent()
    run(config, dataset, tmp_path / "out", progress=progress)
    history = json.loads((tmp_path / "out" / "history.json").read_bytes())
    assert len(history) < 6
    assert any("stopped early" in note for note in progress.notes)


def test_one_class_is_refused(tmp_path):
    make_dataset(tmp_path / "data", n_train=4, n_val=2, classes=("disc",))
    with pytest.raises(ConfigError, match="second class"):
        run(QUICK, tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


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
    config = msgspec.structs.replace(QUICK, epochs=1, unfrozen_blocks=0, max_failed_fraction=0.1)
    artifact = run(config, tmp_path / "data", tmp_path / "out")
    assert artifact.manifest.summary["n_train"] == 22
    assert "2 training pictures could not be read" in artifact.manifest.notes[0]
    lines = (tmp_path / "out" / "failures.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert "000003.jpg" in lines[0]
    with pytest.raises(QualityError, match="2 of 24 train pictures"):
        run(msgspec.structs.replace(config, max_failed_fraction=0.05), tmp_path / "data", tmp_path / "strict")


def test_weights_that_are_missing_are_refused(dataset, tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        run(msgspec.structs.replace(QUICK, weights=str(tmp_path / "absent.pt")), dataset, tmp_path / "out")


def test_boxes_follow_the_labelled_object(dataset):
    pictures = Pictures(dataset, "train", 32, 3, 1e9, 0.0, 1)
    assert pictures.boxes_rel[2] is None
    x0, y0, x1, y1 = pictures.boxes_rel[0]
    image = pictures.image(0)[int(y0 * 32) + 4 : int(y1 * 32) - 4, int(x0 * 32) + 4 : int(x1 * 32) - 4]
    assert image.mean((0, 1))[0] > 200
