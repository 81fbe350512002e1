"""Temperature, losses, averages, settings, expected times, memory."""

import subprocess
import sys

import msgspec
import numpy as np
import pytest
import torch

from photosynth.core.errors import ConfigError
from photosynth.train.batches import epoch_order, smooth_targets, steps_per_epoch
from photosynth.train.calibrate import TEMPERATURE_BOUNDS, fit_temperature, nll
from photosynth.train.classify_task import class_weights, soft_cross_entropy
from photosynth.train.config import AugmentConfig, TrainConfig, check
from photosynth.train.events import grid_of
from photosynth.train.loop import average_into
from photosynth.train.memory import reused_blocks
from photosynth.train.plan import estimate_seconds, relative_cost, time_note

torch.set_num_threads(1)


def drawn_logits(sharpness, n=20000, classes=4):
    """Logits, and labels drawn from the softmax of those logits / sharpness: the right temperature is `sharpness`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2 * sharpness, (n, classes))
    labels = (logits / sharpness + rng.gumbel(size=logits.shape)).argmax(1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.7, 1.0, 3.0])
def test_temperature_is_recovered_and_lowers_the_nll(temperature):
    logits, labels = drawn_logits(temperature)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.05)
    assert nll(logits, labels, found) <= nll(logits, labels) + 1e-9


def test_a_perfect_split_does_not_give_certainty():
    logits = 5.0 * np.eye(3)
    assert fit_temperature(logits, np.arange(3)) == pytest.approx(TEMPERATURE_BOUNDS[0], abs=0.01)


def test_nll_of_equal_logits_is_log_of_classes():
    assert nll(np.zeros((5, 7)), np.zeros(5, int)) == pytest.approx(np.log(7))


def test_smooth_targets():
    np.testing.assert_allclose(smooth_targets(np.array([1]), 4, 0.2), [[0.05, 0.85, 0.05, 0.05]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_soft_cross_entropy_is_torchs(smoothing):
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 1])
    targets = torch.from_numpy(smooth_targets(labels.numpy(), 3, smoothing))
    expected = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    assert float(soft_cross_entropy(logits, targets)) == pytest.approx(float(expected), rel=1e-5)
    weights = torch.tensor([0.5, 2.0, 1.0])
    if smoothing == 0:
        expected = torch.nn.functional.cross_entropy(logits, labels, weight=weights)
        assert float(soft_cross_entropy(logits, targets, weights)) == pytest.approx(float(expected), rel=1e-5)


def test_class_weights_balance():
    labels = np.array([0] * 6 + [1] * 3 + [3])
    weights = class_weights(labels, 5).numpy()
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 0, 10 / 3, 0], rtol=1e-6)
    assert sum(weights[labels]) == pytest.approx(len(labels))


def test_average_warms_up_then_decays():
    averaged = {"w": torch.zeros(1), "n": torch.tensor(0)}
    average_into(averaged, {"w": torch.ones(1), "n": torch.tensor(7)}, 0.99, 0)
    assert float(averaged["w"]) == pytest.approx(0.9)
    assert int(averaged["n"]) == 7
    average_into(averaged, {"w": torch.zeros(1), "n": torch.tensor(8)}, 0.99, 10**6)
    assert float(averaged["w"]) == pytest.approx(0.9 * 0.99)


def test_order_is_a_permutation_that_differs_by_epoch_and_seed():
    orders = [epoch_order(50, epoch, seed).tolist() for epoch, seed in ((0, 0), (1, 0), (0, 1))]
    assert all(sorted(o) == list(range(50)) for o in orders)
    assert len({tuple(o) for o in orders}) == 3
    assert orders[0] == epoch_order(50, 0, 0).tolist()


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (31, 1), (32, 1), (63, 1), (64, 2)])
def test_steps(n, expected):
    assert steps_per_epoch(n, 32) == expected


def test_input_grows_to_its_full_size():
    assert [TrainConfig(epochs=3, start_px=128, input_px=192).epoch_px(e) for e in range(3)] == [128, 160, 192]
    assert [TrainConfig(epochs=1, start_px=128, input_px=192).epoch_px(0)] == [192]
    assert [TrainConfig(epochs=2, start_px=None, input_px=100).epoch_px(e) for e in range(2)] == [100, 100]
    assert [TrainConfig(epochs=4, start_px=48, input_px=50).epoch_px(e) for e in range(4)] == [50, 50, 50, 50]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"epochs": 0}, "epochs"),
        ({"input_px": 8}, "input_px"),
        ({"start_px": 300}, "start_px"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"dropout": 1.0}, "dropout"),
        ({"augment": AugmentConfig(crop_area=(0.9, 0.5))}, r"augment\.crop_area"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(change, name):
    check(TrainConfig())
    with pytest.raises(ConfigError, match=name):
        check(msgspec.structs.replace(TrainConfig(), **change))


def test_expected_time_follows_the_work():
    config = TrainConfig(threads=2, start_px=None, epochs=2, precision="float32")
    one = estimate_seconds(config, 1000)
    assert estimate_seconds(config, 2000) == pytest.approx(2 * one)
    assert estimate_seconds(msgspec.structs.replace(config, threads=4), 1000) < 0.6 * one
    assert estimate_seconds(msgspec.structs.replace(config, input_px=384), 1000) == pytest.approx(4 * one, rel=0.1)
    assert estimate_seconds(config, 1000, 500) > one
    assert "2 epochs of 1000 pictures at 192 px" in time_note(config, 1000)


def test_the_defaults_take_six_to_seven_minutes_on_two_cores_and_fewer_in_bfloat16():
    exact, low = (TrainConfig(threads=2, precision=precision) for precision in ("float32", "bfloat16"))
    assert 5 * 60 < estimate_seconds(exact, 8000, 800) < 8 * 60
    assert 4 * 60 < estimate_seconds(low, 8000, 800) < 0.8 * estimate_seconds(exact, 8000, 800)


def test_other_backbones_cost_by_their_arithmetic():
    assert relative_cost("efficientnet_lite0") == 1.0
    assert 8 < relative_cost("resnet50") < 13
    assert relative_cost("mobilenet_v3_small") < 0.3
    with pytest.raises(ConfigError, match="no backbone"):
        relative_cost("lenet")


def test_grid_of_pictures():
    images = np.stack([np.full((2, 2, 3), k + 1, np.uint8) for k in range(3)])
    grid = grid_of(images)
    assert grid.shape == (4, 4, 3)
    assert grid[::2, ::2, 0].tolist() == [[1, 2], [3, 0]]


def test_memory_setting_is_left_again_after_an_error():
    with pytest.raises(RuntimeError), reused_blocks():
        raise RuntimeError


def test_settings_and_plans_need_no_torch():
    code = (
        "import sys; from photosynth.train.stage import TrainConfig, time_note; import photosynth.models.info;"
        "import photosynth.models.fake; time_note(TrainConfig(), 100); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
