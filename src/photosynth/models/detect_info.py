"""DetectorInfo: all that is needed, beside the weights, to use a trained detector. Free of torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from photosynth.core.errors import ArtifactError, ConfigError
from photosynth.core.geometry import Vec3
from photosynth.core.record import Record, from_json
from photosynth.models.info import LITE0

DETECTOR_FILE = "detector.json"
DETECTOR_WEIGHTS_FILE = "detector.pt"
RESNET50 = "resnet50"
STRIDES = (8, 16, 32, 64)
"""Input pixels per feature pixel, of each level of the pyramid."""
RESNET_RETINANET_STRIDES = (8, 16, 32, 64, 128)
"""The same of torchvision's RetinaNet."""


class DetectorSpec(Record, frozen=True, kw_only=True):
    """The shape of a detector."""

    head: Literal["aligned", "retinanet"] = "retinanet"
    """``"aligned"``: no anchors; distances to the four sides (FCOS), learnt at the points that name and enclose an
    object best (TOOD), with scores that stand for a box's quality (generalised focal loss). ``"retinanet"``: nine
    anchors a point, focal loss."""
    backbone: Literal["efficientnet_lite0", "resnet50"] = LITE0
    """``"resnet50"`` with head retinanet is torchvision's retinanet_resnet50_fpn_v2, whose head has its own shape."""
    channels: int = 96
    """Width of the pyramid and of the head."""
    convs: int = 2
    """Convolutions in each of the head's two towers."""
    separable: bool = True
    """Split each of the pyramid's and head's 3 x 3 convolutions into a depthwise and a 1 x 1 one."""

    @property
    def strides(self) -> tuple[int, ...]:
        """Input pixels per feature pixel of each level."""
        return RESNET_RETINANET_STRIDES if self.is_torchvision else STRIDES

    @property
    def is_torchvision(self) -> bool:
        """Whether it is torchvision's retinanet_resnet50_fpn_v2."""
        return self.backbone == RESNET50 and self.head == "retinanet"


class DetectionScores(Record, frozen=True, kw_only=True):
    """What the chosen weights scored on the synthetic validation split, as COCO counts."""

    map50_95: float
    """Mean average precision over IoU thresholds 0.5, 0.55 .. 0.95 and classes, 0..1."""
    map50: float
    """The same at IoU 0.5."""
    f1: float
    """Best harmonic mean of precision and recall at IoU 0.5, all classes together."""
    f1_threshold: float
    """The score at which it is reached."""
    shown_threshold: float | None = None
    """The score from which boxes are best shown if a wrong one is worse than a missing one: where the F-score with beta
    0.5 is best. None in files from before it was kept."""
    n: int
    """How many pictures it rests on."""
    n_objects: int
    """How many objects they show."""


class DetectorInfo(Record, frozen=True, kw_only=True):
    """``detector.json``."""

    kind: Literal["detector"] = "detector"
    """What it is."""
    class_names: tuple[str, ...]
    """Class id k is the k-th; there is no class for none of these."""
    network: DetectorSpec
    """What the weights belong to."""
    input_px: int
    """Side of the square input."""
    mean: Vec3
    """Subtracted from R, G, B in 0..1 ..."""
    std: Vec3
    """... and then divided by."""
    fit: Literal["letterbox"] = "letterbox"
    """How a picture becomes a square: see models/resize.py."""
    answer_threshold: float
    """A box with less score is better not shown: `shown_threshold` of the synthetic validation pictures."""
    second_look_threshold: float | None = None
    """The same of the scores that a second look gives (models/second_look.py), by the classifier that the manifest
    names; None if there was none."""
    nms_iou: float = 0.5
    """Of two boxes of one class that overlap more than this, the surer one stays."""
    candidates: int = 256
    """The surest boxes that overlaps are searched among."""
    max_detections: int = 100
    """Boxes in an answer, at most."""
    epoch: int
    """The epoch whose weights these are, from 1."""
    validation: DetectionScores
    """Their scores."""


def read_detector_info(folder: Path) -> DetectorInfo:
    """The record of a trained detector's folder. Raises ArtifactError if it is absent or unreadable."""
    path = Path(folder) / DETECTOR_FILE
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist; expected the folder of a finished train-detector stage")
    try:
        return from_json(path.read_bytes(), DetectorInfo, str(path))
    except ConfigError as error:
        raise ArtifactError(f"{error}. Train it again with --overwrite.") from error
