"""What the stage does for format BOP, before and after its shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from photosynth.core.artifact import Artifact, open_artifact
from photosynth.core.asset import read_assets
from photosynth.core.codec import read_jsonl
from photosynth.core.errors import ConfigError, QualityError
from photosynth.dataset.bop import BopImage
from photosynth.dataset.bop_models import write_bop_models
from photosynth.dataset.bop_objects import BopObject
from photosynth.dataset.bop_scenes import BopScenes, write_dataset_info
from photosynth.dataset.shard import Shard, bop_path, hulls_path

ADVICE = {
    "another size": "give the catalogue the sizes of these objects (--size-m NAME METRES) so that they are not scaled",
    "unclear half": "give the halves in the catalogue arcs of elevation or azimuth that do not overlap",
    "lens distortion": "sample with a recipe whose lens has no distortion",
    "no object": "",
}
"""What to do about pictures that are left out, by reason."""


def models_for(rendered: Artifact, catalogue: Path | None) -> Artifact:
    """The catalogue that a render was made from.

    Raises:
        ConfigError: if it is not given or another one, or if the render kept no layers.
    """
    if not rendered.manifest.config.get("keep_layers"):
        raise ConfigError(
            f"dataset.formats has bop, which needs depth, and {rendered.folder} was made without layers; render again "
            "with --keep-layers"
        )
    if catalogue is None:
        raise ConfigError(
            "dataset.formats has bop, which needs the 3D models; give --catalogue, the folder that the scenes were "
            "rendered with"
        )
    models = open_artifact(catalogue, "catalogue")
    if models.key != rendered.manifest.inputs.get("catalogue"):
        raise ConfigError(f"{catalogue} is not the catalogue that {rendered.folder} was rendered with; give that one")
    return models


def begin_bop(catalogue: Path, out: Path) -> tuple[BopObject, ...]:
    """Write the models; returns what they are of. Raises ArtifactError if the disk is full."""
    objects = write_bop_models(catalogue, out, hulls_path(out))
    write_dataset_info(out, {asset.asset_id: asset for asset in read_assets(catalogue)}, objects)
    return objects


def finish_bop(
    shards: Sequence[Shard], out: Path, left_out: Counter[str], alone: bool
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Write the scenes' JSON files; returns numbers for the manifest, and notes on what was left out and why.

    Args:
        shards: all of them, done.
        out: the dataset folder.
        left_out: how many pictures BOP has no words for, by reason.
        alone: BOP is the only format that was asked for.

    Raises:
        QualityError: if no picture is left and BOP is alone, saying what to do.
    """
    scenes = BopScenes(out)
    for shard in shards:
        for image in read_jsonl(bop_path(shard), BopImage):
            scenes.add(image)
    scenes.finish()
    reasons = {reason: n for reason, n in left_out.items() if n and ADVICE[reason]}
    told = "; ".join(f"{n} for {reason}: {ADVICE[reason]}" for reason, n in sorted(reasons.items()))
    if not scenes.n_images and alone:
        raise QualityError(f"format bop can hold none of the pictures ({told or 'no object is in them'})")
    summary = {"bop_pictures": scenes.n_images, "bop_objects": scenes.n_objects, "bop_left_out": dict(left_out)}
    n_left_out, n_all = sum(reasons.values()), scenes.n_images + sum(reasons.values())
    if not n_all:
        return summary, ("bop/ has no pictures: no object is in them",)
    lacks = f"lacks {n_left_out} of {n_all}" if scenes.n_images else f"has none of the {n_all}"
    return summary, (f"bop/ {lacks} pictures with objects: {told}",) if reasons else ()
