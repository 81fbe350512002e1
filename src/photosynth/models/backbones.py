"""Backbones by name: a network without its last layer, from pictures to features, with weights to start from."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec3
from photosynth.models import lite0
from photosynth.models.info import LITE0

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
INCEPTION = ("inception_v3", "googlenet")
"""Torchvision models with auxiliary heads, trained on pictures in -1..1."""
BLOCK_LISTS = ("features", "blocks")
"""Children whose own children count as blocks."""


def backbone_names() -> tuple[str, ...]:
    """Every name that `make_backbone` knows."""
    import torchvision

    return (LITE0, *torchvision.models.list_models(module=torchvision.models))


def normalisation(name: str) -> tuple[Vec3, Vec3]:
    """Mean and spread (of values in 0..1) that the backbone's published weights were trained with."""
    if name == LITE0 or name in INCEPTION:
        return lite0.MEAN, lite0.STD
    return IMAGENET_MEAN, IMAGENET_STD


def make_backbone(name: str, weights: str = "none") -> tuple[nn.Module, tuple[str, ...]]:
    """Build a backbone: (N, 3, H, W) normalised pictures to (N, features).

    Args:
        name: ``"efficientnet_lite0"`` or a torchvision classification model.
        weights: ``"none"`` (random), ``"imagenet"``, or the path of a file with a state dict: the network's own
            published one, or the ``weights.pt`` of an earlier training with the same backbone.

    Returns:
        the backbone, and notes for people (one when ImageNet weights could not be had).

    Raises:
        ConfigError: for an unknown name, a model without a final dense layer, or a file that is missing or does
            not fit.
    """
    state, notes = None, ()
    if weights not in ("none", "imagenet"):
        state = read_state(Path(weights))
    elif weights == "imagenet":
        state, notes = _imagenet_state(name)
    if name == LITE0:
        return _lite0(state, weights), notes
    model = _torchvision_model(name)
    if state is not None and not any(key.startswith("backbone.") for key in state):
        _load(model, _without_heads(model, state), weights, optional=_head_keys(model))
        state = None
    _cut_head(model, name)
    if state is not None:
        _load(model, own_backbone(state), weights)
    return model, notes


def read_state(path: Path) -> dict[str, Tensor]:
    """A state dict from a file. Raises ConfigError if it is missing or is not one."""
    if not path.is_file():
        raise ConfigError(f"weights file {path} does not exist; give a state dict, 'imagenet' or 'none'")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise ConfigError(f"weights file {path} is not a torch state dict: {str(error).splitlines()[0]}") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise ConfigError(f"weights file {path} holds no state dict (names to tensors)")
    return state


def own_backbone(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The backbone's part of a network's state dict as this project saves it."""
    return {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}


def blocks_of(backbone: nn.Module) -> list[nn.Module]:
    """The backbone's parts with weights, first to last: what `unfrozen_blocks` counts."""
    blocks: list[nn.Module] = []
    for name, child in backbone.named_children():
        blocks += list(child.children()) if name in BLOCK_LISTS else [child]
    return [block for block in blocks if any(True for _ in block.parameters())]


def _lite0(state: dict[str, Tensor] | None, weights: str) -> nn.Module:
    model = lite0.EfficientNetLite0()
    if state is None:
        return model
    if any(key.startswith("backbone.") for key in state):
        state = own_backbone(state)
    else:
        state = lite0.state_from_published(state)[0]
    _load(model, state, weights, optional={k for k in model.state_dict() if k.endswith("num_batches_tracked")})
    return model


def _imagenet_state(name: str) -> tuple[dict[str, Tensor] | None, tuple[str, ...]]:
    if name == LITE0:
        return read_state(lite0.imagenet_file()), ()
    import torchvision

    check_name(name)
    try:
        published = torchvision.models.get_model_weights(name).DEFAULT
        return published.get_state_dict(progress=False, check_hash=True), ()
    except (OSError, RuntimeError) as error:
        note = (
            f"ImageNet weights of {name} could not be had ({error}): training starts from random weights, which "
            "needs far more pictures. Download them once with a connection, or give a file with --weights."
        )
        return None, (note,)


def check_name(name: str) -> None:
    """Raise ConfigError if there is no backbone of that name."""
    if name not in backbone_names():
        raise ConfigError(f"there is no backbone {name!r}; choose one of {', '.join(backbone_names())}")


def _torchvision_model(name: str) -> nn.Module:
    import torchvision

    check_name(name)
    options = {"init_weights": False, "aux_logits": True} if name in INCEPTION else {}
    return torchvision.models.get_model(name, weights=None, **options)


def _head_name(model: nn.Module) -> str | None:
    """Name of the last dense layer, auxiliary heads left out."""
    names = [n for n, m in model.named_modules() if isinstance(m, nn.Linear) and not _is_auxiliary(n)]
    return names[-1] if names else None


def _is_auxiliary(name: str) -> bool:
    return name.lower().startswith("aux")


def _head_keys(model: nn.Module) -> set[str]:
    head = _head_name(model)
    return {k for k in model.state_dict() if _is_auxiliary(k) or (head and k.startswith(head + "."))}


def _without_heads(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    heads = _head_keys(model)
    return {k: v for k, v in state.items() if k not in heads and not _is_auxiliary(k)}


def _cut_head(model: nn.Module, name: str) -> None:
    head = _head_name(model)
    if head is None:
        raise ConfigError(f"backbone {name!r} does not end in a dense layer; choose another, such as {LITE0!r}")
    parent, _, leaf = head.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Identity())
    if name in INCEPTION:
        model.aux_logits, model.transform_input = False, False
        for auxiliary in [n for n, _ in model.named_children() if _is_auxiliary(n)]:
            setattr(model, auxiliary, None)


def _load(model: nn.Module, state: dict[str, Tensor], weights: str, optional: set[str] = frozenset()) -> None:
    own = model.state_dict()
    missing = sorted(set(own) - set(state) - optional)
    unknown = sorted(set(state) - set(own))
    wrong = sorted(k for k in set(state) & set(own) if state[k].shape != own[k].shape)
    if wrong:
        key = wrong[0]
        raise ConfigError(
            f"weights {weights} do not fit: {key} has shape {tuple(state[key].shape)}, the network expects "
            f"{tuple(own[key].shape)}; choose the backbone they were made for"
        )
    if missing or unknown:
        example = f"{missing[0]} is missing" if missing else f"{unknown[0]} is unknown"
        raise ConfigError(f"weights {weights} do not fit: {example}; choose the backbone they were made for")
    model.load_state_dict(state, strict=False)
