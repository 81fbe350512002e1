"""The detector's training loop: epochs, validation, choice of the best epoch, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from photosynth.core.errors import QualityError
from photosynth.core.instances import Instances
from photosynth.core.progress import Progress
from photosynth.core.record import Record, from_plain, to_plain
from photosynth.models.detect_info import DetectionScores, DetectorInfo
from photosynth.models.detection_loss import detection_loss
from photosynth.models.detector import BATCH, NetworkDetector
from photosynth.models.preprocess import normalise
from photosynth.models.resize import fit_square
from photosynth.train.checkpoint import checkpoint_file, load_latest, prune, save_state
from photosynth.train.detect_batches import DetectBatch, epoch_batches, steps_per_epoch
from photosynth.train.detect_config import DetectConfig, epoch_px
from photosynth.train.detect_overlay import overlay
from photosynth.train.detect_pictures import Labelled
from photosynth.train.detect_score import detection_scores
from photosynth.train.detect_setup import choose_device, freeze_parts, make_optimizer
from photosynth.train.detect_stream import Stream
from photosynth.train.events import GRID, EventLog
from photosynth.train.loop import average_into

LEAST_SCORE = 0.001
"""Boxes that score less do not count in validation."""


class DetectEpoch(Record, frozen=True, kw_only=True):
    """One line of ``history.json``."""

    epoch: int
    """From 1."""
    input_px: int
    """Side of its training pictures."""
    class_loss: float
    """Mean over its steps."""
    box_loss: float
    """Mean over its steps."""
    validation: DetectionScores
    """On the synthetic validation split."""
    learning_rate: float
    """Of the backbone, at its end."""
    seconds: float
    """How long it took."""


class DetectTraining:
    """A detector in training: its optimiser, its schedule, its averaged weights and its best weights so far.

    Args:
        network: learns in place.
        info: its record so far: classes, sizes, suppression.
        stream: pictures to learn from.
        val: pictures that choose the epoch.
        epochs: how many.
        config: the settings.
        frozen: how many of the backbone's first parts do not learn.
        freeze_norm: keep the statistics of the backbone's batch normalisation.
    """

    def __init__(
        self,
        network: nn.Module,
        info: DetectorInfo,
        stream: Stream,
        val: Sequence[Labelled],
        epochs: int,
        config: DetectConfig,
        frozen: int,
        freeze_norm: bool,
    ) -> None:
        self.info, self.stream, self.val, self.epochs, self.config = info, stream, val, epochs, config
        self.freeze_norm = freeze_norm
        self.device = choose_device(config.device)
        self.network = network.to(self.device)
        self.frozen = freeze_parts(network, frozen)
        several = self.device.type == "cuda" and torch.cuda.device_count() > 1
        self.forward = nn.DataParallel(network) if several else network
        self.steps = steps_per_epoch(stream.epoch_pictures, config.batch_size)
        self.optimizer, self.scheduler = make_optimizer(network, config, self.steps * epochs)
        self.averaged = _copy(network.state_dict()) if config.ema_decay else None
        self.history: list[DetectEpoch] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0

    def run(self, folder: Path, progress: Progress) -> None:
        """Train to the end, from the latest checkpoint in `folder` if there is one; `best` has the weights then."""
        self._resume(folder, progress)
        with EventLog(folder / "tensorboard", len(self.history) * self.steps) as log:
            for epoch in range(len(self.history), self.epochs):
                if self.config.patience is not None and len(self.history) - self.best_epoch >= self.config.patience:
                    progress.note(f"stopped early: no better validation score since epoch {self.best_epoch}")
                    break
                score = self._epoch(epoch, log, progress)
                progress.note(
                    f"epoch {score.epoch}/{self.epochs}: loss {score.class_loss:.3f} + {score.box_loss:.3f}, mAP50_95 "
                    f"{score.validation.map50_95:.3f}, mAP50 {score.validation.map50:.3f} (synthetic pictures), "
                    f"{score.seconds:.0f} s"
                )
                save_state(folder / checkpoint_file(epoch + 1), self._state())
                prune(folder, max(1, self.config.keep_checkpoints))

    def _epoch(self, epoch: int, log: EventLog, progress: Progress) -> DetectEpoch:
        began = time.perf_counter()
        losses, size_px = [], epoch_px(self.config, epoch, self.epochs)
        self._training_mode()
        for k, batch in enumerate(epoch_batches(self.stream, epoch, size_px, self.config)):
            pair, rate = self._step(batch), self.scheduler.get_last_lr()[0]
            if not np.isfinite(pair).all():
                raise QualityError(
                    f"the loss became {sum(pair)} in epoch {epoch + 1}, step {k + 1}; lower backbone_lr and head_lr"
                )
            losses.append(pair)
            progress.advance(len(batch.images))
            step = epoch * self.steps + k
            log.scalars(step, train__class_loss=pair[0], train__box_loss=pair[1], train__learning_rate=rate)
            if k == 0:
                log.pictures(step, "train/augmented", self._drawn(batch))
        found = self._find()
        scores = self._scores(found)
        score = DetectEpoch(
            epoch=epoch + 1,
            input_px=size_px,
            class_loss=float(np.mean(losses, 0)[0]),
            box_loss=float(np.mean(losses, 0)[1]),
            validation=scores,
            learning_rate=float(rate),
            seconds=round(time.perf_counter() - began, 1),
        )
        self._remember(score)
        last = (epoch + 1) * self.steps - 1
        log.scalars(last, val__mAP50_95=scores.map50_95, val__mAP50=scores.map50, val__F1=scores.f1)
        log.pictures(last, "val/found", self._overlays(found, scores.f1_threshold))
        log.flush()
        return score

    def _training_mode(self) -> None:
        self.network.train()
        for part in self.frozen:
            part.eval()
        if self.freeze_norm:
            for module in self.network.backbone.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()

    def _step(self, batch: DetectBatch) -> tuple[float, float]:
        x = torch.from_numpy(normalise(batch.images, self.info.mean, self.info.std)).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits, values = self.forward(x)
        size_px = batch.images.shape[1]
        losses = detection_loss(logits, values, batch.targets.to(self.device), size_px, self.info.network)
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.scheduler.step()
        if self.averaged is not None:
            average_into(self.averaged, self.network.state_dict(), self.config.ema_decay, self.scheduler.last_epoch)
        return float(losses[0].detach()), float(losses[1].detach())

    def _find(self) -> list[Instances]:
        """What the weights that count find in the validation pictures."""
        live = _copy(self.network.state_dict()) if self.averaged is not None else None
        self.network.load_state_dict(self.weights())
        found = find_all(NetworkDetector(self.network, self.info), self.val)
        if live is not None:
            self.network.load_state_dict(live)
        return found

    def _scores(self, found: list[Instances]) -> DetectionScores:
        return score_found(self.val, found, len(self.info.class_names))

    def weights(self) -> dict[str, Tensor]:
        """The weights that count: the averaged ones if they are kept."""
        return self.averaged if self.averaged is not None else self.network.state_dict()

    def _remember(self, score: DetectEpoch) -> None:
        best = self.history[self.best_epoch - 1].validation if self.best_epoch else None
        self.history.append(score)
        key = (score.validation.map50_95, score.validation.map50)
        if best is None or key > (best.map50_95, best.map50):
            self.best, self.best_epoch = _copy(self.weights()), score.epoch

    def _drawn(self, batch: DetectBatch) -> np.ndarray:
        names, size = self.info.class_names, (batch.images.shape[2], batch.images.shape[1])
        drawn = []
        for k, image in enumerate(batch.images[:GRID]):
            valid = batch.targets.valid[k].numpy()
            ids = batch.targets.class_ids[k].numpy()[valid]
            shown = Instances(size, batch.targets.boxes_xyxy[k].numpy()[valid].astype(float), ids, np.ones(len(ids)))
            drawn.append(overlay(image, shown, shown, names))
        return np.stack(drawn)

    def _overlays(self, found: list[Instances], threshold: float) -> np.ndarray:
        drawn = []
        for k in range(min(GRID, len(self.val))):
            picture, sure = self.val[k], found[k].scores >= threshold
            shown = Instances(found[k].size_wh, *(rows[sure] for rows in _rows(found[k])))
            image = overlay(picture.image, truth_of(picture), shown, self.info.class_names)
            drawn.append(fit_square(image, self.info.input_px, "letterbox")[0])
        return np.stack(drawn)

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
            self.averaged = {k: v.to(self.device) for k, v in state["averaged"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history = list(from_plain(state["history"], tuple[DetectEpoch, ...], "checkpoint"))
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        progress.note(f"goes on after epoch {len(self.history)}")
        progress.advance(len(self.history) * self.steps * min(self.config.batch_size, self.stream.epoch_pictures))


def find_all(detector: NetworkDetector, pictures: Sequence[Labelled]) -> list[Instances]:
    """What a detector finds in pictures, also what it is not sure of."""
    found: list[Instances] = []
    for start in range(0, len(pictures), BATCH):
        batch = [pictures[k].image for k in range(start, min(start + BATCH, len(pictures)))]
        found += detector.detect(batch, LEAST_SCORE)
    return found


def score_found(pictures: Sequence[Labelled], found: Sequence[Instances], n_classes: int) -> DetectionScores:
    """Scores of what was found in pictures."""
    shown = [pictures[k] for k in range(len(pictures))]
    return detection_scores([truth_of(p) for p in shown], [p.ignored_xyxy for p in shown], found, n_classes)


def truth_of(picture: Labelled) -> Instances:
    """A labelled picture's boxes."""
    size_wh = (picture.image.shape[1], picture.image.shape[0])
    return Instances(size_wh, picture.boxes_xyxy, picture.class_ids)


def _rows(found: Instances) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return found.boxes_xyxy, found.class_ids, found.scores


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}
