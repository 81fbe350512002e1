"""Provenance: ``model.json`` of a trained model, filled from the artifacts round it."""

from __future__ import annotations

from photosynth.core.asset import read_assets
from photosynth.core.items import read_dataset_info
from photosynth.core.version import __version__
from photosynth.models.exported import ModelFile, ModelInfo, Provenance
from photosynth.models.trained import Parts, Trained


def model_info(trained: Trained, parts: Parts, files: tuple[ModelFile, ...], licence: str) -> ModelInfo:
    """The record of an exported model with these files."""
    same = (
        "kind",
        "class_names",
        "fit",
        "views",
        "mean",
        "std",
        "temperature",
        "answer_threshold",
        "second_look_threshold",
    )
    return ModelInfo(
        **{name: getattr(trained, name) for name in same},
        input_px=trained.graph.input_px,
        licence=licence,
        files=files,
        provenance=_provenance(trained, parts),
    )


def _provenance(trained: Trained, parts: Parts) -> Provenance:
    manifest = parts.model.manifest
    licences: dict[str, set[str]] = {}
    for asset in read_assets(parts.catalogue.folder) if parts.catalogue else ():
        if asset.role == "object" and asset.licence:
            licences.setdefault(asset.class_name, set()).add(asset.licence)
    return Provenance(
        photosynth=__version__,
        trained_by=manifest.photosynth,
        model_key=manifest.key,
        dataset_key=manifest.inputs.get("dataset", ""),
        classifier_key=manifest.inputs.get("classifier", ""),
        seed=manifest.seed,
        network=trained.network,
        epoch=trained.epoch,
        training=manifest.config,
        training_summary=manifest.summary,
        pictures=dict(read_dataset_info(parts.dataset.folder).counts) if parts.dataset else {},
        scores=parts.evaluation.manifest.summary if parts.evaluation else {},
        asset_licences={name: ", ".join(sorted(found)) for name, found in sorted(licences.items())},
    )
