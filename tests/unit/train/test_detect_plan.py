import msgspec
import numpy as np
import pytest

from photosynth.core.errors import ConfigError
from photosynth.models.detect_info import DetectorSpec
from photosynth.train.detect_batches import epoch_batches, steps_per_epoch
from photosynth.train.detect_config import (
    BUDGET_MINUTES,
    MAX_EPOCHS,
    DetectAugmentConfig,
    DetectConfig,
    check,
    epoch_px,
)
from photosynth.train.detect_pictures import Labelled
from photosynth.train.detect_plan import core_seconds, estimate_seconds, planned_epochs, time_note
from photosynth.train.detect_stream import DatasetStream

DEFAULT = DetectConfig()


@pytest.mark.parametrize("n_train", [100, 3000, 8000, 20000])
def test_the_default_training_keeps_its_budget_on_two_cores(n_train):
    epochs = planned_epochs(DEFAULT, n_train, 500)
    assert 1 <= epochs <= MAX_EPOCHS
    two_cores = msgspec.structs.replace(DEFAULT, threads=2)
    if epochs > 1:
        assert estimate_seconds(two_cores, n_train, 500) <= BUDGET_MINUTES * 60
    if 1 < epochs < MAX_EPOCHS:
        assert core_seconds(DEFAULT, epochs + 1, n_train, 500) / 2 > BUDGET_MINUTES * 60


def test_bfloat16_takes_less_time_and_no_more_epochs():
    exact, low = (msgspec.structs.replace(DEFAULT, precision=p) for p in ("float32", "bfloat16"))
    assert planned_epochs(low, 5000, 300) == planned_epochs(exact, 5000, 300)
    assert estimate_seconds(low, 5000, 300) < 0.75 * estimate_seconds(exact, 5000, 300)


def test_more_cores_take_less_time_and_no_more_epochs():
    two, eight = (msgspec.structs.replace(DEFAULT, threads=n) for n in (2, 8))
    assert estimate_seconds(eight, 5000, 300) < estimate_seconds(two, 5000, 300)
    assert planned_epochs(eight, 5000, 300) == planned_epochs(two, 5000, 300)


def test_rendering_while_training_takes_time_of_the_same_budget():
    live = planned_epochs(DEFAULT, 4000, 300, live=True)
    assert live <= planned_epochs(DEFAULT, 4000, 300)
    assert estimate_seconds(msgspec.structs.replace(DEFAULT, threads=2), 4000, 300, live=True) <= BUDGET_MINUTES * 60


def test_the_note_says_how_long():
    note = time_note(msgspec.structs.replace(DEFAULT, epochs=4, threads=2), 5000, 300)
    assert note.startswith("training the detector: 4 epochs of 5000 pictures at 320 px, about ")
    assert note.endswith(" minutes")


def test_heavier_networks_take_longer():
    fixed = msgspec.structs.replace(DEFAULT, epochs=2)
    costs = [
        core_seconds(msgspec.structs.replace(fixed, network=spec), 2, 1000, 100)
        for spec in (
            DetectorSpec(),
            DetectorSpec(head="aligned", backbone="resnet50"),
            DetectorSpec(backbone="resnet50", head="retinanet"),
        )
    ]
    assert costs == sorted(costs)
    assert costs[0] < costs[1] < costs[2]


def test_inputs_grow_to_their_size():
    sizes = [epoch_px(DEFAULT, epoch, 6) for epoch in range(6)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 224
    assert sizes[4:] == [320, 320]
    assert all(size % 32 == 0 for size in sizes)
    assert [epoch_px(msgspec.structs.replace(DEFAULT, start_px=None), e, 3) for e in range(3)] == [320] * 3
    assert epoch_px(DEFAULT, 0, 1) == 320


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input_px": 300}, "input_px"),
        ({"start_px": 640}, "start_px"),
        ({"epochs": 0}, "epochs"),
        ({"frozen_parts": -1}, "frozen_parts"),
        ({"network": DetectorSpec(channels=1)}, r"network\.channels is 1"),
        ({"augment": DetectAugmentConfig(crop_area=(0.9, 0.1))}, r"augment\.crop_area is \(0.9, 0.1\)"),
    ],
)
def test_wrong_settings_are_named(change, field):
    check(DEFAULT)
    with pytest.raises(ConfigError, match=field):
        check(msgspec.structs.replace(DEFAULT, **change))


class Shades:
    """Ten pictures of different shades; every third shows something."""

    def __len__(self):
        return 10

    def __getitem__(self, k):
        boxes = np.array([[4.0, 4, 20, 28]] * (k % 3 == 0)).reshape(-1, 4)
        return Labelled(np.full((32, 32, 3), 20 * k, np.uint8), boxes, np.full(len(boxes), k), np.zeros((0, 4)))


def test_every_picture_is_learnt_once_a_turn_in_another_order_each():
    stream = DatasetStream(Shades(), 0)
    turns = [[int(p.image[0, 0, 0]) // 20 for p in stream.epoch(e)] for e in range(3)]
    assert all(sorted(turn) == list(range(10)) for turn in turns)
    assert turns[0] != turns[1]
    assert [int(p.image[0, 0, 0]) // 20 for p in stream.epoch(1)] == turns[1]
    short = DatasetStream(Shades(), 0, 4)
    shown = [int(p.image[0, 0, 0]) // 20 for e in range(5) for p in short.epoch(e)]
    assert shown == turns[0] + turns[1]


def test_batches_repeat_and_hold_what_they_show():
    config = msgspec.structs.replace(DEFAULT, batch_size=4, augment=DetectAugmentConfig(mosaic_probability=0.3))
    stream = DatasetStream(Shades(), 0)
    first, again = (list(epoch_batches(stream, 1, 64, config)) for _ in range(2))
    assert len(first) == steps_per_epoch(10, 4) == 2
    for a, b in zip(first, again, strict=True):
        assert a.images.shape == (4, 64, 64, 3)
        assert (a.images == b.images).all()
        assert (a.targets.boxes_xyxy == b.targets.boxes_xyxy).all()
        assert a.targets.boxes_xyxy.shape[:2] == a.targets.valid.shape
    assert any(batch.targets.valid.any() for batch in first)
