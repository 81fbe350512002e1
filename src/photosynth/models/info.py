"""ClassifierInfo: all that is needed, beside the weights, to use a trained classifier. Free of torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.geometry import Vec3
from photosynth.core.record import Record, from_json

INFO_FILE = "classifier.json"
WEIGHTS_FILE = "weights.pt"
LITE0 = "efficientnet_lite0"
"""The default backbone."""


class NetworkSpec(Record, frozen=True, kw_only=True):
    """The shape of a network: which backbone, and what head sits on it."""

    backbone: str = LITE0
    """``"efficientnet_lite0"``, or the name of a torchvision classification model such as ``"resnet50"``."""
    hidden: int = 0
    """Width of a dense layer before the last one; 0 for none."""
    dropout: float = 0.0
    """Share of features dropped before each dense layer in training."""


class ValidationScores(Record, frozen=True, kw_only=True):
    """What the chosen weights scored on the synthetic validation split."""

    accuracy: float
    """Share of pictures named right, 0..1."""
    nll: float
    """Mean negative log likelihood of the truth, in nats, after temperature scaling."""
    nll_uncalibrated: float
    """The same before temperature scaling."""
    n: int
    """How many pictures it rests on."""


class ClassifierInfo(Record, frozen=True, kw_only=True):
    """``classifier.json``."""

    class_names: tuple[str, ...]
    """The columns of the output; NONE_CLASS last."""
    network: NetworkSpec
    """What the weights belong to."""
    input_px: int
    """Side of the square that pictures are resized to."""
    mean: Vec3
    """Subtracted from R, G, B in 0..1 ..."""
    std: Vec3
    """... and then divided by."""
    resize: Literal["squash"] = "squash"
    """How a picture becomes a square: see models/resize.py."""
    temperature: float
    """Logits are divided by this before the softmax (Guo et al. 2017)."""
    answer_threshold: float
    """An answer with less probability than this is better read as "not sure"."""
    views: Literal[1, 5] = 1
    """1: the whole picture. 5: also its four overlapping corners; the probabilities are averaged."""
    epoch: int
    """The epoch whose weights these are, from 1."""
    validation: ValidationScores
    """Their scores."""


def read_classifier_info(folder: Path) -> ClassifierInfo:
    """The record of a trained classifier's folder. Raises ArtifactError if it is absent or unreadable."""
    path = Path(folder) / INFO_FILE
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; expected the folder of a finished train stage")
    try:
        return from_json(path.read_bytes(), ClassifierInfo, str(path))
    except ConfigError as error:
        raise ArtifactError(f"{error}. Train it again with --overwrite.") from error
