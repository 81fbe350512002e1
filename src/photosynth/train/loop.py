"""The training loop: epochs, averaged weights, validation, choice of the best epoch, checkpoints, early stop.

What is learnt, from which pictures, and how it is judged is a Task's: `classify_task` and `detect_task`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from photosynth.core.errors import QualityError
from photosynth.core.progress import Progress
from photosynth.core.record import Record, from_plain, to_plain
from photosynth.core.rng import rng_for
from photosynth.train.batches import steps_per_epoch
from photosynth.train.checkpoint import checkpoint_file, load_latest, prune, save_state
from photosynth.train.events import EventLog


class LoopConfig(Protocol):
    """What the loop wants to know of a TrainConfig or a DetectConfig, which describe it."""

    seed: int
    batch_size: int
    backbone_lr: float
    head_lr: float
    weight_decay: float
    warmup_fraction: float
    ema_decay: float
    patience: int | None
    keep_checkpoints: int


class Pictured(Protocol):
    """A batch of any kind."""

    images: np.ndarray
    """(n, S, S, 3) uint8."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What validation says of an epoch's weights.

    fields: of the epoch's record. scalars: for the events, ``a__b`` is shown as ``a/b``. pictures: for the events, by
    name, (n, S, S, 3) uint8.
    """

    fields: dict[str, Any]
    scalars: dict[str, float]
    pictures: dict[str, np.ndarray] = field(default_factory=dict)


class Task(Protocol):
    """What is learnt."""

    network: nn.Module
    """Learns in place."""
    config: LoopConfig
    """The settings."""
    epochs: int
    """How many."""
    epoch_pictures: int
    """Pictures in each."""
    record: type[Record]
    """Of an epoch, a line of ``history.json``: epoch, input_px, learning_rate, seconds and the verdict's fields."""
    clip_norm: float | None
    """Largest length of a step's gradient."""

    def epoch_px(self, epoch: int) -> int:
        """Side of the pictures of an epoch (from 0)."""

    def parameters(self) -> tuple[Sequence[nn.Parameter], Sequence[nn.Parameter]]:
        """Those of the backbone, and the others; those that do not learn are left out by the loop."""

    def learning_mode(self) -> None:
        """Make the network ready to learn."""

    def batches(self, epoch: int) -> Iterator[Pictured]:
        """An epoch's batches in order."""

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """By name; their sum is made smaller."""

    def drawn(self, batch: Any) -> np.ndarray:
        """A batch for people, (n, S, S, 3) uint8."""

    def validate(self, losses: dict[str, float]) -> Verdict:
        """Judge the weights that are in the network now; `losses` are the means of the epoch's steps."""

    def rank(self, score: Any) -> tuple[float, ...]:
        """An epoch's record as numbers to compare: the greatest is the best epoch."""

    def line(self, score: Any) -> str:
        """An epoch's record for people."""


class Training:
    """A network in training: its optimiser, its schedule, its averaged weights and its best weights so far.

    Args:
        task: what is learnt.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.config, self.network = task, task.config, task.network
        self.steps = steps_per_epoch(task.epoch_pictures, self.config.batch_size)
        self.optimizer, self.scheduler = make_optimizer(task.parameters(), self.config, self.steps * task.epochs)
        self.averaged = _copy(self.network.state_dict()) if self.config.ema_decay else None
        self.history: list[Any] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0

    def run(self, folder: Path, progress: Progress) -> None:
        """Train to the end, from the latest checkpoint in `folder` if there is one; `best` has the weights then.

        Raises:
            QualityError: if the loss is no longer a number.
        """
        self._resume(folder, progress)
        with EventLog(folder / "tensorboard", len(self.history) * self.steps) as log:
            for epoch in range(len(self.history), self.task.epochs):
                if self._out_of_patience():
                    progress.note(f"stopped early: no better validation score since epoch {self.best_epoch}")
                    break
                score = self._epoch(epoch, log, progress)
                progress.note(
                    f"epoch {score.epoch}/{self.task.epochs}: {self.task.line(score)} (synthetic pictures), "
                    f"{score.seconds:.0f} s"
                )
                save_state(folder / checkpoint_file(epoch + 1), self._state())
                prune(folder, max(1, self.config.keep_checkpoints))

    def best_score(self) -> Any:
        """The record of the best epoch."""
        return self.history[self.best_epoch - 1]

    def _epoch(self, epoch: int, log: EventLog, progress: Progress) -> Any:
        began = time.perf_counter()
        losses, rate = self._learn(epoch, log, progress)
        verdict = self._judge(losses)
        score = self.task.record(
            epoch=epoch + 1,
            input_px=self.task.epoch_px(epoch),
            learning_rate=rate,
            seconds=round(time.perf_counter() - began, 1),
            **verdict.fields,
        )
        self._remember(score)
        last = (epoch + 1) * self.steps - 1
        log.scalars(last, **verdict.scalars)
        for name, pictures in verdict.pictures.items():
            log.pictures(last, name, pictures)
        log.flush()
        return score

    def _learn(self, epoch: int, log: EventLog, progress: Progress) -> tuple[dict[str, float], float]:
        """The mean losses of an epoch's steps, and the last learning rate of the first group."""
        met: list[dict[str, float]] = []
        self.task.learning_mode()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng_for(self.config.seed, epoch, "train-torch").integers(2**62)))
            for k, batch in enumerate(self.task.batches(epoch)):
                losses, rate, step = self._step(batch), self.scheduler.get_last_lr()[0], epoch * self.steps + k
                if not np.isfinite(list(losses.values())).all():
                    raise QualityError(
                        f"the loss became {sum(losses.values())} in epoch {epoch + 1}, step {k + 1}; lower backbone_lr "
                        "and head_lr"
                    )
                met.append(losses)
                progress.advance(len(batch.images))
                named = {f"train__{name}": value for name, value in losses.items()}
                log.scalars(step, **named, train__learning_rate=rate)
                if k == 0:
                    log.pictures(step, "train/augmented", self.task.drawn(batch))
        return {name: float(np.mean([one[name] for one in met])) for name in met[0]}, float(rate)

    def _step(self, batch: Any) -> dict[str, float]:
        losses = self.task.losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        if self.task.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.task.clip_norm)
        self.optimizer.step()
        self.scheduler.step()
        if self.averaged is not None:
            average_into(self.averaged, self.network.state_dict(), self.config.ema_decay, self.scheduler.last_epoch)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _judge(self, losses: dict[str, float]) -> Verdict:
        """The verdict on the weights that count."""
        learning = _copy(self.network.state_dict()) if self.averaged is not None else None
        self.network.load_state_dict(self.weights())
        verdict = self.task.validate(losses)
        if learning is not None:
            self.network.load_state_dict(learning)
        return verdict

    def weights(self) -> dict[str, Tensor]:
        """The weights that count: the averaged ones if they are kept."""
        return self.averaged if self.averaged is not None else self.network.state_dict()

    def _remember(self, score: Any) -> None:
        best = self.best_score() if self.best_epoch else None
        self.history.append(score)
        if best is None or self.task.rank(score) > self.task.rank(best):
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
        if self.averaged is not None:
            self.averaged = {k: v.to(self.averaged[k].device) for k, v in state["averaged"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history = list(from_plain(state["history"], tuple[self.task.record, ...], "checkpoint"))
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        progress.note(f"goes on after epoch {len(self.history)}")
        progress.advance(len(self.history) * self.steps * min(self.config.batch_size, self.task.epoch_pictures))


def make_optimizer(
    parameters: tuple[Sequence[nn.Parameter], Sequence[nn.Parameter]], config: LoopConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with one rate for the backbone and one for the rest, and OneCycle over the whole training."""
    rates = (config.backbone_lr, config.head_lr)
    learning = [[p for p in group if p.requires_grad] for group in parameters]
    groups = [{"params": group, "lr": rate} for group, rate in zip(learning, rates, strict=True) if group]
    optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in groups],
        total_steps=steps + 1,
        pct_start=config.warmup_fraction,
    )
    return optimizer, scheduler


def average_into(averaged: dict[str, Tensor], current: dict[str, Tensor], decay: float, step: int) -> None:
    """averaged = d averaged + (1 - d) current with d = min(decay, (1 + step) / (10 + step)); counters are copied."""
    d = min(decay, (1.0 + step) / (10.0 + step))
    for name, value in averaged.items():
        if value.is_floating_point():
            value.lerp_(current[name], 1.0 - d)
        else:
            value.copy_(current[name])


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}
