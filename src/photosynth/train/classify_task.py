"""What a classifier learns: soft cross entropy on augmented pictures, judged by accuracy on the validation split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from photosynth.core.record import Record
from photosynth.models.classifier import BATCH
from photosynth.models.network import Network, training_mode
from photosynth.models.preprocess import normalise
from photosynth.train.batches import Batch, epoch_batches
from photosynth.train.calibrate import nll
from photosynth.train.config import TrainConfig
from photosynth.train.loop import Verdict
from photosynth.train.pictures import Pictures
from photosynth.train.precision import chosen_precision, mixed_precision


class EpochScore(Record, frozen=True, kw_only=True):
    """One line of ``history.json``."""

    epoch: int
    """From 1."""
    input_px: int
    """Side of its training pictures."""
    train_loss: float
    """Mean over its steps, on augmented pictures with smoothed targets."""
    val_accuracy: float
    """On the synthetic validation split."""
    val_loss: float
    """Negative log likelihood there, in nats, not calibrated."""
    learning_rate: float
    """Of the backbone, at its end."""
    seconds: float
    """How long it took."""


CPU = torch.device("cpu")


class ClassifierTask:
    """A loop.Task.

    Args:
        network: learns in place.
        train: pictures to learn from.
        val: pictures that choose the epoch.
        n_outputs: classes, none of these counted.
        config: the settings.
        mean, std: of the network's input.
    """

    record = EpochScore
    clip_norm = None

    def __init__(
        self,
        network: Network,
        train: Pictures,
        val: Pictures,
        n_outputs: int,
        config: TrainConfig,
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        self.network, self.train, self.val, self.n_outputs = network, train, val, n_outputs
        self.config, self.mean, self.std = config, mean, std
        self.epochs, self.epoch_pictures = config.epochs, len(train)
        self.dtype = chosen_precision(config.precision, CPU)
        self.class_weights = class_weights(train.labels, n_outputs) if config.class_weights == "balanced" else None

    def epoch_px(self, epoch: int) -> int:
        """See Task."""
        return self.config.epoch_px(epoch)

    def parameters(self) -> tuple[Sequence[nn.Parameter], Sequence[nn.Parameter]]:
        """See Task."""
        return list(self.network.backbone.parameters()), list(self.network.head.parameters())

    def learning_mode(self) -> None:
        """See Task."""
        training_mode(self.network, self.config.freeze_norm)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """See Task."""
        return epoch_batches(self.train, epoch, self.n_outputs, self.config)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """See Task."""
        x = torch.from_numpy(normalise(batch.images, self.mean, self.std))
        with mixed_precision(CPU, self.dtype):
            logits = self.network(x).float()
        return {"loss": soft_cross_entropy(logits, torch.from_numpy(batch.targets), self.class_weights)}

    def drawn(self, batch: Batch) -> np.ndarray:
        """See Task."""
        return batch.images

    def validate(self, losses: dict[str, float]) -> Verdict:
        """See Task."""
        logits = val_logits(self.network, self.val, self.mean, self.std)
        accuracy, val_loss = float((logits.argmax(1) == self.val.labels).mean()), nll(logits, self.val.labels)
        fields = {"train_loss": losses["loss"], "val_accuracy": accuracy, "val_loss": val_loss}
        return Verdict(fields, {"val__accuracy": accuracy, "val__loss": val_loss})

    def rank(self, score: EpochScore) -> tuple[float, float]:
        """See Task."""
        return score.val_accuracy, -score.val_loss

    def line(self, score: EpochScore) -> str:
        """See Task."""
        return f"loss {score.train_loss:.3f}, validation accuracy {score.val_accuracy:.1%}"


def soft_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean over the pictures of -sum_c w_c t_c log p_c, divided by the mean of sum_c w_c t_c; all (n, classes)."""
    weighted = targets if weights is None else targets * weights
    return -(weighted * torch.log_softmax(logits, 1)).sum() / weighted.sum()


def class_weights(labels: np.ndarray, n_outputs: int) -> Tensor:
    """(n_outputs,) float32: n / (classes present x count of the class); 0 for a class without pictures."""
    counts = np.bincount(labels, minlength=n_outputs).astype(np.float64)
    present = counts > 0
    weights = np.where(present, len(labels) / (present.sum() * np.maximum(counts, 1.0)), 0.0)
    return torch.from_numpy(weights.astype(np.float32))


def val_logits(network: Network, val: Pictures, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """(n, classes) float32 of a split, as the finished classifier would give them."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(val), BATCH):
            images = np.stack([val.image(i) for i in range(start, min(start + BATCH, len(val)))])
            parts.append(network(torch.from_numpy(normalise(images, mean, std))).numpy())
    return np.concatenate(parts)
