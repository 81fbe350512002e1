"""TrainConfig: every setting of the train stage. Free of torch."""

from __future__ import annotations

from typing import Literal

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec2
from photosynth.core.record import Record


class AugmentConfig(Record, frozen=True, kw_only=True):
    """What happens to a training picture on top of the variation it was rendered with."""

    quarter_turns: bool = True
    """Turn by a random multiple of 90 degrees: objects are seen at any angle."""
    flip: bool = False
    """Mirror half of the pictures. Off: print is never mirrored."""
    crop_area: Vec2 = (0.5, 1.0)
    """Area of the random crop as a share of the picture, smallest and largest."""
    crop_aspect: float = 1.3333
    """The crop's aspect ratio lies between 1 / this and this."""
    keep_visible: float = 0.75
    """The crop keeps at least this share of the object's visible box."""
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
    erase_area: Vec2 = (0.02, 0.12)
    """Its area as a share of the picture, smallest and largest."""
    salt_pepper: float = 0.0
    """Share of pixels set to black or white."""
    mixup_alpha: float = 0.0
    """Beta parameter of mixup (Zhang et al. 2017); 0 is off, 0.2 is common."""
    cutmix_alpha: float = 0.0
    """Beta parameter of CutMix (Yun et al. 2019); 0 is off, 1 is common."""


Precision = Literal["auto", "float32", "bfloat16"]
"""Of a training step's products."""


class TrainConfig(Record, frozen=True, kw_only=True):
    """Settings of the train stage. The defaults take 6 to 7 minutes on two cores for 8,000 pictures."""

    seed: int = 0
    """Of order, augmentation, dropout and the head's first weights."""
    backbone: str = "efficientnet_lite0"
    """``"efficientnet_lite0"``, or a torchvision classification model such as ``"resnet50"``."""
    weights: str = "imagenet"
    """``"imagenet"``, ``"none"`` (random), or the path of a file with a state dict."""
    hidden: int = 0
    """Width of a dense layer before the last one; 0 for none."""
    dropout: float = 0.0
    """Share of features dropped before each dense layer."""
    unfrozen_blocks: int | None = None
    """How many of the backbone's last blocks learn: 0 for the head alone, none given for all of it."""
    freeze_norm: bool = True
    """Keep the statistics of batch normalisation as they were pretrained."""
    input_px: int = 192
    """Side of the square input."""
    start_px: int | None = 128
    """Input of the first epoch; it grows to input_px by the last one (a third less time). None: always input_px."""
    epochs: int = 3
    """Passes over the training pictures."""
    batch_size: int = 32
    """Pictures in a step."""
    backbone_lr: float = 6e-4
    """Peak learning rate of the backbone."""
    head_lr: float = 3e-3
    """Peak learning rate of the head."""
    weight_decay: float = 0.01
    """Of AdamW (Loshchilov & Hutter 2017)."""
    warmup_fraction: float = 0.15
    """Share of the steps in which OneCycle (Smith & Topin 2017) raises the learning rate."""
    label_smoothing: float = 0.05
    """Share of the target spread over all classes."""
    class_weights: Literal["none", "balanced"] = "none"
    """``"balanced"`` weighs each class's loss by one over its share of the pictures."""
    ema_decay: float = 0.0
    """Decay per step of an exponential average of the weights, used in place of the last ones; 0 is off."""
    patience: int | None = None
    """Stop after this many epochs without a better validation score; none given: never."""
    augment: AugmentConfig = AugmentConfig()
    """What happens to the training pictures."""
    answer_threshold: float | None = None
    """Stored with the classifier: an answer with less probability is better read as "not sure". None given: the
    least one, 0.5 .. 0.9, at which at most `false_answer_share` of the validation pictures without any of the
    objects would be given a class."""
    false_answer_share: float = 0.01
    """See answer_threshold."""
    views: Literal[1, 5] = 1
    """Stored with the classifier: 5 also looks at the four corners of each picture, for five times the work."""
    precision: Precision = "auto"
    """Arithmetic of a training step. ``"auto"`` is bfloat16 on a processor with matrix units for it (Intel's AMX),
    in two thirds of the time, and float32 elsewhere; the finished classifier is float32 either way."""
    threads: int | None = None
    """Threads of torch; none given: one for each core. The weights depend on it in their last digits."""
    cache_gb: float = 2.0
    """Decoded pictures are kept in memory if they need no more than this."""
    keep_checkpoints: int = 1
    """How many of the latest checkpoints stay; at least 1 while training, 0 leaves none in the finished folder."""
    max_failed_fraction: float = 0.02
    """The stage fails if a larger share of a split's pictures cannot be read."""

    def epoch_px(self, epoch: int) -> int:
        """Side of the input in an epoch (from 0): linear from start_px to input_px, in whole multiples of 32."""
        if self.start_px is None or epoch >= self.epochs - 1:
            return self.input_px
        px = self.start_px + (self.input_px - self.start_px) * epoch / (self.epochs - 1)
        return min(self.input_px, max(32, 32 * round(px / 32)))


def check(config: TrainConfig) -> None:
    """Raise ConfigError, naming the field, for settings that cannot be."""
    augment = config.augment
    rules = (
        ("input_px", config.input_px >= 32, "32 or more"),
        ("start_px", config.start_px is None or 32 <= config.start_px <= config.input_px, "32 .. input_px, or none"),
        ("epochs", config.epochs >= 1, "1 or more"),
        ("batch_size", config.batch_size >= 1, "1 or more"),
        ("seed", config.seed >= 0, "0 or more"),
        ("hidden", config.hidden >= 0, "0 or more"),
        ("dropout", 0 <= config.dropout < 1, "0 .. 1"),
        ("backbone_lr", config.backbone_lr > 0, "more than 0"),
        ("head_lr", config.head_lr > 0, "more than 0"),
        ("warmup_fraction", 0 < config.warmup_fraction < 1, "between 0 and 1"),
        ("label_smoothing", 0 <= config.label_smoothing < 1, "0 .. 1"),
        ("ema_decay", 0 <= config.ema_decay < 1, "0 .. 1"),
        ("answer_threshold", config.answer_threshold is None or 0 <= config.answer_threshold <= 1, "0 .. 1, or none"),
        ("false_answer_share", 0 <= config.false_answer_share < 1, "0 .. 1"),
        ("patience", config.patience is None or config.patience >= 1, "1 or more, or none"),
        ("threads", config.threads is None or config.threads >= 1, "1 or more, or none"),
        ("keep_checkpoints", config.keep_checkpoints >= 0, "0 or more"),
        ("augment.crop_area", 0 < augment.crop_area[0] <= augment.crop_area[1] <= 1, "two shares in order, 0 .. 1"),
        ("augment.crop_aspect", augment.crop_aspect >= 1, "1 or more"),
        ("augment.erase_area", 0 < augment.erase_area[0] <= augment.erase_area[1] < 1, "two shares in order, 0 .. 1"),
        ("augment.salt_pepper", 0 <= augment.salt_pepper <= 1, "0 .. 1"),
    )
    for name, good, expected in rules:
        if not good:
            value = getattr(augment, name[8:]) if name.startswith("augment.") else getattr(config, name)
            raise ConfigError(f"train: {name} is {value}; expected {expected}")
