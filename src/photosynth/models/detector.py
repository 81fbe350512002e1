"""The detector: network, answers on pictures of any size, and reading it from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.instances import Instances
from photosynth.models.anchors import PER_PLACE, anchor_boxes, boxes_from_values, grid_points
from photosynth.models.backbones import read_state
from photosynth.models.detect_info import DETECTOR_WEIGHTS_FILE, DetectorInfo, DetectorSpec, read_detector_info
from photosynth.models.detect_nms import select
from photosynth.models.detect_pyramid import Pyramid, make_features
from photosynth.models.heads import DenseHead
from photosynth.models.preprocess import normalise
from photosynth.models.resize import fit_square

BATCH = 16
CLASS_LAYER = "head.class_logits."
"""What depends on the number of classes."""


class DetectorNetwork(nn.Module):
    """(N, 3, S, S) normalised pictures to class logits (N, places, classes) and box values (N, places, 4).

    Args:
        features: the backbone's part (photosynth.models.detect_pyramid).
        n_classes: how many; none of these is not one.
        spec: the shape.
    """

    def __init__(self, features: nn.Module, n_classes: int, spec: DetectorSpec) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = features
        self.pyramid = Pyramid(features.channels, spec.channels, spec.separable)
        per_place = PER_PLACE if spec.head == "retinanet" else 1
        self.head = DenseHead(spec.channels, spec.convs, spec.separable, n_classes, per_place, len(spec.strides))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and box values."""
        return self.head(self.pyramid(self.backbone(x)))

    def frozen_parts(self) -> list[nn.Module]:
        """The backbone's parts, first to last."""
        return self.backbone.parts()


class FindingModule(nn.Module):
    """Normalised pictures to boxes (n, k, 4) in input pixels, scores (n, k) and class ids (n, k): all inside.

    Every step is an operation on whole arrays, so that it can be traced for export with any number of pictures.

    Args:
        network: the detector's.
        info: its record.
    """

    def __init__(self, network: nn.Module, info: DetectorInfo) -> None:
        super().__init__()
        self.network, self.info = network, info
        places = anchor_boxes if info.network.head == "retinanet" else grid_points
        places(info.input_px, info.network.strides)  # kept: made in a trace they would be the trace's own

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `photosynth.models.detect_nms.select`."""
        info = self.info
        logits, values = self.network(x)
        boxes = boxes_from_values(values, info.input_px, info.network).clamp(0.0, float(info.input_px))
        return select(boxes, logits, info.nms_iou, info.candidates, info.max_detections)


class NetworkDetector:
    """A core.engine.Detector made of a network; deterministic for a fixed number of threads.

    Args:
        network: gives logits and box values for (n, 3, input_px, input_px) pictures.
        info: how pictures become its input, and its output boxes.
    """

    def __init__(self, network: nn.Module, info: DetectorInfo) -> None:
        self.info = info
        self.class_names = info.class_names
        self.answer_threshold = info.answer_threshold
        self.network = network.eval()
        self.finder = FindingModule(network, info).eval()

    def detect(self, images: Sequence[np.ndarray], min_score: float | None = None) -> list[Instances]:
        """The objects in (H, W, 3) uint8 sRGB pictures of any size, surest first, boxes in picture pixels.

        Args:
            images: the pictures.
            min_score: leave out what scores less; None takes the model's own threshold.

        Raises:
            ConfigError: if one is not such a picture.
        """
        least = self.answer_threshold if min_score is None else min_score
        found: list[Instances] = []
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            squares, scales = zip(*(fit_square(i, self.info.input_px, self.info.fit) for i in batch), strict=True)
            x = torch.from_numpy(normalise(np.stack(squares), self.info.mean, self.info.std))
            with torch.inference_mode():
                answers = [t.cpu().numpy() for t in self.finder(x.to(next(self.network.parameters()).device))]
            found += [
                _in_picture(boxes, scores, class_ids, image.shape, scale_xy, least)
                for boxes, scores, class_ids, image, scale_xy in zip(*answers, batch, scales, strict=True)
            ]
        return found


def make_detector(spec: DetectorSpec, n_classes: int, weights: str = "none") -> tuple[nn.Module, tuple[str, ...]]:
    """Build a detector's network in channels_last memory order; what is not read is random (torch's generator).

    Args:
        spec: its shape.
        n_classes: how many.
        weights: ``"none"``, ``"pretrained"`` (the backbone's ImageNet weights; for torchvision's RetinaNet its COCO
            ones), or the path of a state dict: of a backbone, of torchvision's RetinaNet, or of a detector trained
            here, of which what depends on the number of classes is left out if that differs.

    Returns:
        the network, and notes for people.

    Raises:
        ConfigError: if the weights are missing or do not fit.
    """
    if spec.is_torchvision:
        from photosynth.models.detect_torchvision import make_torchvision_retinanet

        network, notes = make_torchvision_retinanet(spec, n_classes, weights)
    elif weights not in ("none", "pretrained") and CLASS_LAYER + "weight" in (state := read_state(Path(weights))):
        network, notes = DetectorNetwork(make_features(spec.backbone, "none")[0], n_classes, spec), ()
        load_fitting(network, state, weights, CLASS_LAYER)
    else:
        features, notes = make_features(spec.backbone, "imagenet" if weights == "pretrained" else weights)
        network = DetectorNetwork(features, n_classes, spec)
    return network.to(memory_format=torch.channels_last), notes


def load_fitting(network: nn.Module, state: dict[str, Tensor], where: str, optional: str) -> None:
    """Load a state dict; tensors under `optional` may have another shape and keep their own values then.

    Raises:
        ConfigError: if anything else is missing, unknown or of another shape.
    """
    own = network.state_dict()
    for key in sorted(set(own) | set(state)):
        same = key in own and key in state and own[key].shape == state[key].shape
        if not same and not key.startswith(optional):
            have = tuple(state[key].shape) if key in state else "nothing"
            want = tuple(own[key].shape) if key in own else "nothing"
            raise ConfigError(f"weights {where} do not fit: {key} is {have}, the detector expects {want}")
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict({**own, **fitting})


def load_detector(folder: Path) -> NetworkDetector:
    """Read the detector that a train-detector stage left in `folder`.

    Raises:
        ArtifactError: if a file is missing or the weights do not belong to the record.
    """
    info = read_detector_info(folder)
    path = Path(folder) / DETECTOR_WEIGHTS_FILE
    try:
        network, _ = make_detector(info.network, len(info.class_names))
        network.load_state_dict(read_state(path))
    except (ConfigError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ArtifactError(f"{path} cannot be used: {reason}. Train again with --overwrite.") from error
    return NetworkDetector(network, info)


def _in_picture(
    boxes: np.ndarray,
    scores: np.ndarray,
    class_ids: np.ndarray,
    shape: tuple[int, ...],
    scale_xy: tuple[float, float],
    least: float,
) -> Instances:
    height, width = shape[:2]
    boxes = boxes.astype(np.float64) * np.array([*scale_xy, *scale_xy])
    boxes = np.clip(boxes, 0.0, np.array([width, height, width, height], np.float64))
    keep = (scores >= least) & (scores > 0) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    return Instances((width, height), boxes[keep], class_ids[keep].astype(np.int64), scores[keep].astype(np.float64))
