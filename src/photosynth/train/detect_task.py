"""What a detector learns: classes and boxes on augmented pictures, judged by mAP on validation pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from photosynth.core.instances import Instances
from photosynth.core.record import Record
from photosynth.models.detect_info import DetectionScores, DetectorInfo
from photosynth.models.detection_loss import detection_loss
from photosynth.models.detector import BATCH, NetworkDetector
from photosynth.models.preprocess import normalise
from photosynth.models.resize import fit_square
from photosynth.train.detect_batches import DetectBatch, epoch_batches
from photosynth.train.detect_config import DetectConfig, epoch_px
from photosynth.train.detect_overlay import overlay
from photosynth.train.detect_pictures import Labelled
from photosynth.train.detect_score import detection_scores
from photosynth.train.detect_setup import choose_device, freeze_parts
from photosynth.train.detect_stream import Stream
from photosynth.train.events import GRID
from photosynth.train.loop import Verdict
from photosynth.train.precision import chosen_precision, mixed_precision

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


class DetectorTask:
    """A loop.Task.

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

    record = DetectEpoch

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
        self.epoch_pictures, self.clip_norm, self.freeze_norm = stream.epoch_pictures, config.clip_norm, freeze_norm
        self.device = choose_device(config.device)
        self.dtype = chosen_precision(config.precision, self.device)
        self.network = network.to(self.device)
        self.frozen = freeze_parts(network, frozen)
        several = self.device.type == "cuda" and torch.cuda.device_count() > 1
        self.forward = nn.DataParallel(network) if several else network

    def epoch_px(self, epoch: int) -> int:
        """See Task."""
        return epoch_px(self.config, epoch, self.epochs)

    def parameters(self) -> tuple[Sequence[nn.Parameter], Sequence[nn.Parameter]]:
        """See Task; the feature pyramid inside torchvision's backbone is counted as the rest, being new or trained
        with its head."""
        body = getattr(self.network.backbone, "body", self.network.backbone)
        own = {id(p) for p in body.parameters()}
        everything = list(self.network.parameters())
        return [p for p in everything if id(p) in own], [p for p in everything if id(p) not in own]

    def learning_mode(self) -> None:
        """See Task."""
        self.network.train()
        for part in self.frozen:
            part.eval()
        if self.freeze_norm:
            for module in self.network.backbone.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()

    def batches(self, epoch: int) -> Iterator[DetectBatch]:
        """See Task."""
        return epoch_batches(self.stream, epoch, self.epoch_px(epoch), self.config)

    def losses(self, batch: DetectBatch) -> dict[str, Tensor]:
        """See Task."""
        x = torch.from_numpy(normalise(batch.images, self.info.mean, self.info.std)).to(self.device)
        with mixed_precision(self.device, self.dtype):
            logits, values = self.forward(x)
        size_px = batch.images.shape[1]
        losses = detection_loss(logits, values, batch.targets.to(self.device), size_px, self.info.network)
        return {"class_loss": losses[0], "box_loss": losses[1]}

    def drawn(self, batch: DetectBatch) -> np.ndarray:
        """See Task."""
        names, size = self.info.class_names, (batch.images.shape[2], batch.images.shape[1])
        drawn = []
        for k, image in enumerate(batch.images[:GRID]):
            valid = batch.targets.valid[k].numpy()
            ids = batch.targets.class_ids[k].numpy()[valid]
            shown = Instances(size, batch.targets.boxes_xyxy[k].numpy()[valid].astype(float), ids, np.ones(len(ids)))
            drawn.append(overlay(image, shown, shown, names))
        return np.stack(drawn)

    def validate(self, losses: dict[str, float]) -> Verdict:
        """See Task."""
        found = find_all(NetworkDetector(self.network, self.info), self.val)
        scores = score_found(self.val, found, len(self.info.class_names))
        scalars = {"val__mAP50_95": scores.map50_95, "val__mAP50": scores.map50, "val__F1": scores.f1}
        pictures = {"val/found": self._overlays(found, scores.shown_threshold)}
        return Verdict({**losses, "validation": scores}, scalars, pictures)

    def rank(self, score: DetectEpoch) -> tuple[float, float]:
        """See Task."""
        return score.validation.map50_95, score.validation.map50

    def line(self, score: DetectEpoch) -> str:
        """See Task."""
        return (
            f"loss {score.class_loss:.3f} + {score.box_loss:.3f}, mAP50_95 {score.validation.map50_95:.3f}, mAP50 "
            f"{score.validation.map50:.3f}"
        )

    def _overlays(self, found: list[Instances], threshold: float) -> np.ndarray:
        drawn = []
        for k in range(min(GRID, len(self.val))):
            picture, sure = self.val[k], found[k].scores >= threshold
            rows = (found[k].boxes_xyxy, found[k].class_ids, found[k].scores)
            shown = Instances(found[k].size_wh, *(row[sure] for row in rows))
            image = overlay(picture.image, truth_of(picture), shown, self.info.class_names)
            drawn.append(fit_square(image, self.info.input_px, "letterbox")[0])
        return np.stack(drawn)


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
