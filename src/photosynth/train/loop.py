"""The training loop: epochs, validation, choice of the best epoch, checkpoints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from photosynth.core.errors import QualityError
from photosynth.core.progress import Progress
from photosynth.core.record import Record, from_plain, to_plain
from photosynth.core.rng import rng_for
from photosynth.models.classifier import BATCH
from photosynth.models.network import Network, training_mode
from photosynth.models.preprocess import normalise
from photosynth.train.batches import Batch, epoch_batches, steps_per_epoch
from photosynth.train.calibrate import nll
from photosynth.train.checkpoint import checkpoint_file, load_latest, prune, save_state
from photosynth.train.config import TrainConfig
from photosynth.train.events import EventLog
from photosynth.train.pictures import Pictures


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


class Training:
    """A network in training: its optimiser, its schedule, its averaged weights and its best weights so far.

    Args:
        network: learns in place.
        train: pictures to learn from.
        val: pictures that choose the epoch.
        n_outputs: classes, none of these counted.
        config: the settings.
        mean, std: of the network's input.
    """

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
        self.steps = steps_per_epoch(len(train), config.batch_size)
        self.optimizer, self.scheduler = make_optimizer(network, config, self.steps)
        self.class_weights = class_weights(train.labels, n_outputs) if config.class_weights == "balanced" else None
        self.averaged = _copy(network.state_dict()) if config.ema_decay else None
        self.history: list[EpochScore] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0

    def run(self, folder: Path, progress: Progress) -> None:
        """Train to the end, from the latest checkpoint in `folder` if there is one; `best` has the weights then."""
        self._resume(folder, progress)
        with EventLog(folder / "tensorboard", len(self.history) * self.steps) as log:
            for epoch in range(len(self.history), self.config.epochs):
                if self._out_of_patience():
                    progress.note(f"stopped early: no better validation score since epoch {self.best_epoch}")
                    break
                score = self._epoch(epoch, log, progress)
                progress.note(
                    f"epoch {score.epoch}/{self.config.epochs}: loss {score.train_loss:.3f}, validation accuracy "
                    f"{score.val_accuracy:.1%} (synthetic pictures), {score.seconds:.0f} s"
                )
                save_state(folder / checkpoint_file(epoch + 1), self._state())
                prune(folder, max(1, self.config.keep_checkpoints))

    def _epoch(self, epoch: int, log: EventLog, progress: Progress) -> EpochScore:
        began = time.perf_counter()
        losses = []
        training_mode(self.network, self.config.freeze_norm)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng_for(self.config.seed, epoch, "train-torch").integers(2**62)))
            for k, batch in enumerate(epoch_batches(self.train, epoch, self.n_outputs, self.config)):
                loss, rate = self._step(batch), self.scheduler.get_last_lr()[0]
                if not np.isfinite(loss):
                    raise QualityError(
                        f"the loss became {loss} in epoch {epoch + 1}, step {k + 1}; lower backbone_lr and head_lr"
                    )
                losses.append(loss)
                progress.advance(len(batch.images))
                log.scalars(epoch * self.steps + k, train__loss=loss, train__learning_rate=rate)
                if k == 0:
                    log.pictures(epoch * self.steps, "train/augmented", batch.images)
        logits = self._val_logits()
        accuracy, val_loss = float((logits.argmax(1) == self.val.labels).mean()), nll(logits, self.val.labels)
        score = EpochScore(
            epoch=epoch + 1,
            input_px=self.config.epoch_px(epoch),
            train_loss=float(np.mean(losses)),
            val_accuracy=accuracy,
            val_loss=val_loss,
            learning_rate=float(rate),
            seconds=round(time.perf_counter() - began, 1),
        )
        self._remember(score)
        log.scalars((epoch + 1) * self.steps - 1, val__accuracy=accuracy, val__loss=val_loss)
        log.flush()
        return score

    def _step(self, batch: Batch) -> float:
        x = torch.from_numpy(normalise(batch.images, self.mean, self.std))
        loss = soft_cross_entropy(self.network(x), torch.from_numpy(batch.targets), self.class_weights)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        if self.averaged is not None:
            average_into(self.averaged, self.network.state_dict(), self.config.ema_decay, self.scheduler.last_epoch)
        return float(loss.detach())

    def _val_logits(self) -> np.ndarray:
        current = self.weights()
        live = _copy(self.network.state_dict()) if self.averaged is not None else None
        self.network.load_state_dict(current)
        logits = val_logits(self.network, self.val, self.mean, self.std)
        if live is not None:
            self.network.load_state_dict(live)
        return logits

    def weights(self) -> dict[str, Tensor]:
        """The weights that count: the averaged ones if they are kept."""
        return self.averaged if self.averaged is not None else self.network.state_dict()

    def _remember(self, score: EpochScore) -> None:
        best = self.history[self.best_epoch - 1] if self.best_epoch else None
        self.history.append(score)
        if best is None or (score.val_accuracy, -score.val_loss) > (best.val_accuracy, -best.val_loss):
            self.best, self.best_epoch = _copy(self.weights()), score.epoch

    def _out_of_patience(self) -> bool:
        return self.config.patience is not None and len(self.history) - self.best_epoch >= self.config.patience

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "history": to_plain(self.history),
            "best": self.best,
            "best_epoch": self.best_epoch,
        }

    def _resume(self, folder: Path, progress: Progress) -> None:
        state = load_latest(folder)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.averaged = state["averaged"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history = list(from_plain(state["history"], tuple[EpochScore, ...], "checkpoint"))
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        progress.note(f"goes on after epoch {len(self.history)}")
        progress.advance(len(self.history) * self.steps * min(self.config.batch_size, len(self.train)))


def make_optimizer(
    network: Network, config: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with one rate for the backbone and one for the head, and OneCycle over the whole training."""
    parts = ((network.backbone, config.backbone_lr), (network.head, config.head_lr))
    groups = [{"params": [p for p in part.parameters() if p.requires_grad], "lr": rate} for part, rate in parts]
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in groups],
        total_steps=steps * config.epochs + 1,
        pct_start=config.warmup_fraction,
    )
    return optimizer, scheduler


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


def average_into(averaged: dict[str, Tensor], current: dict[str, Tensor], decay: float, step: int) -> None:
    """averaged = d averaged + (1 - d) current with d = min(decay, (1 + step) / (10 + step)); counters are copied."""
    d = min(decay, (1.0 + step) / (10.0 + step))
    for name, value in averaged.items():
        if value.is_floating_point():
            value.lerp_(current[name], 1.0 - d)
        else:
            value.copy_(current[name])


def val_logits(network: Network, val: Pictures, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """(n, classes) float32 of a split, as the finished classifier would give them."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(val), BATCH):
            images = np.stack([val.image(i) for i in range(start, min(start + BATCH, len(val)))])
            parts.append(network(torch.from_numpy(normalise(images, mean, std))).numpy())
    return np.concatenate(parts)


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}
