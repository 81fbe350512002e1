"""DetectConfig: every setting of the train-detector stage. Free of torch."""

from __future__ import annotations

from typing import Literal

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec2
from photosynth.core.record import Record
from photosynth.models.detect_info import DetectorSpec
from photosynth.train.config import Precision

BUDGET_MINUTES = 40
"""Unless the number of epochs is given, it is what two cores do in this time, MAX_EPOCHS at most."""
MAX_EPOCHS = 12


class DetectAugmentConfig(Record, frozen=True, kw_only=True):
    """What happens to a training picture on top of the variation it was rendered with."""

    quarter_turns: bool = True
    """Turn by a random multiple of 90 degrees: objects are seen at any angle."""
    flip: bool = False
    """Mirror half of the pictures. Off: print is never mirrored."""
    crop_probability: float = 0.6
    """Share of pictures of which a random part is taken."""
    crop_area: Vec2 = (0.3, 1.0)
    """Its area as a share of the picture, smallest and largest."""
    crop_aspect: float = 1.5
    """Its aspect ratio lies between 1 / this and this; bars fill the square, as they do beside photos."""
    keep_visible: float = 0.5
    """An object of which the crop shows less than this share (of its visible box) is neither right nor wrong."""
    zoom_out_probability: float = 0.2
    """Share of pictures that are made smaller and laid on an empty ground."""
    zoom_out: float = 2.0
    """How many times smaller at most."""
    mosaic_probability: float = 0.0
    """Share of pictures that are put together from parts of four (YOLOv4, Bochkovskiy et al. 2020)."""
    brightness: float = 0.3
    """Largest change of the logarithm of the gain."""
    contrast: float = 0.25
    """Largest relative change of contrast."""
    gamma: float = 0.25
    """Largest change of the logarithm of the exponent."""
    tint: float = 0.06
    """Largest relative change of one channel's gain."""
    saturation: float = 0.3
    """Largest relative change of saturation."""
    erase_probability: float = 0.25
    """Share of pictures of which a rectangle is painted over (random erasing, Zhong et al. 2017)."""
    erase_area: Vec2 = (0.005, 0.04)
    """Its area as a share of the picture, smallest and largest."""


class DetectConfig(Record, frozen=True, kw_only=True):
    """Settings of the train-detector stage. The defaults take 40 minutes at most on two cores."""

    seed: int = 0
    """Of order, augmentation and the head's first weights."""
    network: DetectorSpec = DetectorSpec()
    """The detector's shape."""
    weights: str = "pretrained"
    """``"pretrained"`` (the backbone of the classifier that is given, or on ImageNet; torchvision's RetinaNet on COCO),
    ``"none"`` (random), or the path of a file with a state dict: of a backbone, or of an earlier detector."""
    frozen_parts: int | None = None
    """How many of the backbone's first parts keep their pretrained weights, of EfficientNet-Lite0's stem and 16 blocks
    or ResNet-50's stem and 4 layers. None given: all up to stride 4 (4 and 2), which saves a third of the time; none
    of random weights."""
    freeze_norm: bool = True
    """Keep the statistics of the backbone's batch normalisation as they were pretrained; random ones always learn."""
    input_px: int = 320
    """Side of the square input, a multiple of 32."""
    start_px: int | None = 224
    """Input of the first epoch; it grows to input_px by two thirds of them. None: always input_px."""
    epochs: int | None = None
    """Passes over the training pictures; none given: as many as two cores do in 40 minutes, 1 .. 12."""
    epoch_pictures: int | None = None
    """Pictures in an epoch; none given: all of the dataset. Wanted when pictures are rendered while it trains."""
    batch_size: int = 32
    """Pictures in a step."""
    backbone_lr: float = 6e-4
    """Peak learning rate of the backbone."""
    head_lr: float = 3e-3
    """Peak learning rate of the pyramid and the head."""
    weight_decay: float = 0.01
    """Of AdamW (Loshchilov & Hutter 2017)."""
    warmup_fraction: float = 0.15
    """Share of the steps in which OneCycle (Smith & Topin 2017) raises the learning rate."""
    clip_norm: float = 10.0
    """Largest length of a step's gradient."""
    ema_decay: float = 0.995
    """Decay per step of an exponential average of the weights, used in place of the last ones; 0 is off."""
    patience: int | None = 4
    """Stop after this many epochs without a better validation score; none given: never."""
    augment: DetectAugmentConfig = DetectAugmentConfig()
    """What happens to the training pictures."""
    answer_threshold: float | None = None
    """Stored with the detector: a box with less score is better not shown. None given: the one with the best
    F-score (beta 0.5) on the validation pictures."""
    nms_iou: float = 0.5
    """Stored with the detector: of two boxes of one class that overlap more, the surer one stays."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``"auto"`` takes a GPU if there is one; several share each step."""
    precision: Precision = "auto"
    """Arithmetic of a training step. ``"auto"`` is bfloat16 on GPUs and on processors with matrix units for it (Intel's
    AMX), there in two thirds of the time, and float32 elsewhere; the finished detector is float32 either way."""
    threads: int | None = None
    """Threads of torch; none given: one for each core. The weights depend on it in their last digits."""
    keep_checkpoints: int = 1
    """How many of the latest checkpoints stay; at least 1 while training, 0 leaves none in the finished folder."""
    max_failed_fraction: float = 0.02
    """The stage fails if a larger share of a split's pictures cannot be read."""


def epoch_px(config: DetectConfig, epoch: int, epochs: int) -> int:
    """Side of the input in an epoch (from 0) of so many: from start_px to input_px, in whole multiples of 32."""
    growing = max(1, round(epochs * 2 / 3))
    if config.start_px is None or epoch >= growing or epochs == 1:
        return config.input_px
    px = config.start_px + (config.input_px - config.start_px) * epoch / growing
    return min(config.input_px, max(64, 32 * round(px / 32)))


def check(config: DetectConfig) -> None:
    """Raise ConfigError, naming the field, for settings that cannot be."""
    augment, network = config.augment, config.network
    start, positive = config.start_px, lambda value: value is None or value >= 1
    rules = (
        ("seed", config.seed >= 0, "0 or more"),
        ("weights", config.weights != "imagenet", "pretrained, none, or the path of a file"),
        ("input_px", config.input_px >= 64 and config.input_px % 32 == 0, "a multiple of 32, 64 or more"),
        ("start_px", start is None or 64 <= start <= config.input_px, "64 .. input_px, or none"),
        ("epochs", positive(config.epochs), "1 or more, or none"),
        ("epoch_pictures", positive(config.epoch_pictures), "1 or more, or none"),
        ("batch_size", config.batch_size >= 1, "1 or more"),
        ("frozen_parts", config.frozen_parts is None or config.frozen_parts >= 0, "0 or more, or none"),
        ("backbone_lr", config.backbone_lr > 0, "more than 0"),
        ("head_lr", config.head_lr > 0, "more than 0"),
        ("warmup_fraction", 0 < config.warmup_fraction < 1, "between 0 and 1"),
        ("clip_norm", config.clip_norm > 0, "more than 0"),
        ("ema_decay", 0 <= config.ema_decay < 1, "0 .. 1"),
        ("patience", positive(config.patience), "1 or more, or none"),
        ("answer_threshold", config.answer_threshold is None or 0 <= config.answer_threshold <= 1, "0 .. 1, or none"),
        ("nms_iou", 0 < config.nms_iou <= 1, "0 .. 1"),
        ("threads", positive(config.threads), "1 or more, or none"),
        ("keep_checkpoints", config.keep_checkpoints >= 0, "0 or more"),
        ("network.channels", network.channels >= 8, "8 or more"),
        ("network.convs", network.convs >= 0, "0 or more"),
        ("augment.crop_area", 0 < augment.crop_area[0] <= augment.crop_area[1] <= 1, "two shares in order, 0 .. 1"),
        ("augment.crop_aspect", augment.crop_aspect >= 1, "1 or more"),
        ("augment.zoom_out", augment.zoom_out >= 1, "1 or more"),
        ("augment.erase_area", 0 < augment.erase_area[0] <= augment.erase_area[1] < 1, "two shares in order, 0 .. 1"),
    )
    for name, good, expected in rules:
        if not good:
            part, _, field = name.rpartition(".")
            value = getattr(getattr(config, part) if part else config, field)
            raise ConfigError(f"train-detector: {name} is {value}; expected {expected}")
