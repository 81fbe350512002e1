"""torchvision's retinanet_resnet50_fpn_v2 behind this project's interface."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from photosynth.core.errors import ConfigError
from photosynth.models.backbones import read_state
from photosynth.models.detect_info import DetectorSpec

BY_CLASS = "head.classification_head.cls_logits."
"""What depends on the number of classes."""


class TorchvisionRetinaNet(nn.Module):
    """(N, 3, S, S) normalised pictures to class logits (N, places, classes) and box values (N, places, 4).

    Args:
        retinanet: torchvision's model; its own resizing, losses and suppression are not used.
        spec: the shape.
    """

    def __init__(self, retinanet: nn.Module, spec: DetectorSpec) -> None:
        super().__init__()
        self.spec = spec
        self.backbone, self.head = retinanet.backbone, retinanet.head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and box values."""
        answers = self.head(list(self.backbone(x).values()))
        return answers["cls_logits"], answers["bbox_regression"]

    def frozen_parts(self) -> list[nn.Module]:
        """The backbone's parts, first to last."""
        body = self.backbone.body
        return [nn.ModuleList([body["conv1"], body["bn1"]]), *(body[f"layer{k}"] for k in (1, 2, 3, 4))]


def make_torchvision_retinanet(
    spec: DetectorSpec, n_classes: int, weights: str
) -> tuple[TorchvisionRetinaNet, tuple[str, ...]]:
    """Build it; see `photosynth.models.detector.make_detector`.

    COCO's weights keep all but the last layer of the classes. Its head has group normalisation, so that torchvision's
    small first weights do no harm.
    """
    from torchvision.models.detection import RetinaNet_ResNet50_FPN_V2_Weights, retinanet_resnet50_fpn_v2

    from photosynth.models.detector import load_fitting

    retinanet = retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=n_classes)
    network = TorchvisionRetinaNet(retinanet, spec)
    state, notes = None, ()
    if weights == "pretrained":
        try:
            state = RetinaNet_ResNet50_FPN_V2_Weights.DEFAULT.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            notes = (
                f"COCO weights of retinanet_resnet50_fpn_v2 could not be had ({error}): training starts from random "
                "weights, which needs far more pictures. Download them once with a connection, or give a file with "
                "--weights.",
            )
    elif weights != "none":
        state = read_state(Path(weights))
    if state is not None:
        try:
            load_fitting(network, state, weights, BY_CLASS)
        except ConfigError as error:
            raise ConfigError(f"{error}; give a state dict of torchvision's retinanet_resnet50_fpn_v2") from error
    return network, notes
