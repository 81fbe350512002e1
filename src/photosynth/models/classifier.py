"""A trained classifier, read from its folder: pictures in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.models.backbones import read_state
from photosynth.models.info import WEIGHTS_FILE, ClassifierInfo, read_classifier_info
from photosynth.models.network import Network, make_network
from photosynth.models.preprocess import normalise, views_of
from photosynth.models.resize import resize_square

BATCH = 32


class NetworkClassifier:
    """A core.engine.Classifier made of a network; deterministic for a fixed number of threads.

    Args:
        network: gives logits for (n, 3, input_px, input_px) pictures.
        info: how pictures become its input, and its output probabilities.
    """

    def __init__(self, network: Network, info: ClassifierInfo) -> None:
        self.info = info
        self.class_names, self.input_px = info.class_names, info.input_px
        self.network = network.eval()

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Calibrated probabilities (n, classes) float64 for (H, W, 3) uint8 sRGB pictures of any size.

        Raises:
            ConfigError: if one is not such a picture.
        """
        info = self.info
        squares = (resize_square(view, info.input_px) for image in images for view in views_of(image, info.views))
        parts = [self._probabilities(np.stack(batch)) for batch in _batches(squares, BATCH)]
        if not parts:
            return np.zeros((0, len(self.class_names)))
        return np.concatenate(parts).reshape(len(images), info.views, -1).mean(1)

    def _probabilities(self, squares: np.ndarray) -> np.ndarray:
        logits = logits_of(self.network, squares, self.info).astype(np.float64) / self.info.temperature
        odds = np.exp(logits - logits.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)


def logits_of(network: Network, squares: np.ndarray, info: ClassifierInfo) -> np.ndarray:
    """Logits (n, classes) float32 of one batch of (n, input_px, input_px, 3) uint8 pictures."""
    with torch.inference_mode():
        return network(torch.from_numpy(normalise(squares, info.mean, info.std))).numpy()


def load_classifier(folder: Path, views: int | None = None) -> NetworkClassifier:
    """Read the classifier that a train stage left in `folder`.

    Args:
        folder: holds classifier.json and weights.pt.
        views: 1 or 5 to overrule the number of views in classifier.json.

    Raises:
        ArtifactError: if a file is missing or the weights do not belong to the record.
        ConfigError: if `views` is neither 1 nor 5.
    """
    import msgspec

    info = read_classifier_info(folder)
    if views is not None:
        if views not in (1, 5):
            raise ConfigError(f"views is {views}; expected 1 or 5")
        info = msgspec.structs.replace(info, views=views)
    path = Path(folder) / WEIGHTS_FILE
    try:
        network, _ = make_network(info.network, len(info.class_names), info.input_px)
        network.load_state_dict(read_state(path))
    except (ConfigError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ArtifactError(f"{path} cannot be used: {reason}. Train again with --overwrite.") from error
    return NetworkClassifier(network, info)


def _batches(squares: Iterator[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    batch: list[np.ndarray] = []
    for square in squares:
        batch.append(square)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
