"""The catalogue stage: a folder of 3D models in, a folder of assets out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photosynth.catalogue.config import CatalogueConfig, check_config, size_of_class
from photosynth.catalogue.discover import Failure, ModelSource, find_models
from photosynth.catalogue.naming import unique_ids
from photosynth.catalogue.units import Made, Unit, make_asset
from photosynth.core.artifact import Artifact, ArtifactWriter, folder_key
from photosynth.core.asset import Asset, class_names
from photosynth.core.codec import write_jsonl
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, EngineError
from photosynth.core.meshes import FixedMeshes
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import to_pretty_json
from photosynth.core.registry import render_engine

STAGE = "catalogue"
SCHEMA = 1

__all__ = ["SCHEMA", "STAGE", "CatalogueConfig", "run"]


def run(
    config: CatalogueConfig,
    objects: Path,
    out: Path,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Import every model under `objects`, add distractors, and write the catalogue to `out`.

    `objects` holds one model file per class (its stem is the class) or one sub-folder per class (its name is the
    class; several models in it are several assets). The artifact holds ``assets.json``, a folder per asset with a
    GLB per part, ``asset.json`` and ``preview.jpg``, and ``failures.jsonl`` with the models left out and why.
    The summary counts classes: a catalogue of one class is valid here, training decides whether it will do.

    Args:
        config: settings; its seed draws the distractors.
        objects: the folder of models.
        out: the folder to make.
        executor: runs the units; None runs them here, one after another.
        progress: is told of assets and skipped models.
        overwrite: replace another artifact of ours in `out`.

    Raises:
        ConfigError: for a setting or class name that cannot work, for a folder without models, or if no model of
            some class could be imported and `allow_missing_classes` is off.
        ArtifactError: if `out` cannot be used.
    """
    check_config(config)
    objects, out = Path(objects), Path(out)
    if out.resolve().is_relative_to(objects.resolve()):
        raise ConfigError(f"the catalogue {out} would lie inside the folder of models {objects}; choose another --out")
    sources, unreadable = find_models(objects)
    _check_sizes(config, sources, unreadable)
    if config.preview_engine != "none":
        render_engine(config.preview_engine, FixedMeshes({}))
    progress = progress or Silent()
    with ArtifactWriter(
        out, STAGE, SCHEMA, config, config.seed, {"objects": folder_key(objects)}, overwrite=overwrite
    ) as writer:
        if writer.finished is not None:
            return writer.finished
        planned = len(sources) * (1 + config.lookalikes_per_object) + config.n_distractors
        progress.start(STAGE, planned, "assets")
        units = [
            Unit(out=str(out), config=config, asset_id=s.asset_id, objects=str(objects), source=s) for s in sources
        ]
        made = _make(units, executor, progress)
        failures = [*unreadable, *(m.failure for m in made if m.failure is not None)]
        found = [m.asset for m in made if m.asset is not None]
        for failure in failures:
            progress.note(f"skipped {failure.path}: {failure.reason}")
        write_jsonl(writer.path("failures.jsonl"), failures)
        _refuse_missing_classes(config, found, failures)
        distractors = [m.asset for m in _make(_distractor_units(config, out, sources, found), executor, progress)]
        assets = (*found, *(a for a in distractors if a is not None))
        writer.write("assets.json", to_pretty_json(assets))
        artifact = writer.finish(_summary(writer, assets, failures), _notes(assets, failures))
        progress.finish()
        return artifact


def _make(units: list[Unit], executor: Executor | None, progress: Progress) -> list[Made]:
    """Run the units; the results are in the units' order. Raises EngineError if one fails for no fault of a model."""
    results: dict[int, Made] = {}
    for position, made, error in _results(units, executor):
        if made is None:
            raise EngineError("catalogue", f"asset {units[position].asset_id}", error or "no reason was given")
        results[position] = made
        progress.advance()
    return [results[k] for k in range(len(units))]


def _results(units: list[Unit], executor: Executor | None) -> Iterator[tuple[int, Made | None, str | None]]:
    if executor is None:
        for position, unit in enumerate(units):
            yield position, make_asset(unit), None
    else:
        for result in executor.map(make_asset, units):
            yield result.position, result.value, result.error


def _distractor_units(
    config: CatalogueConfig, out: Path, sources: tuple[ModelSource, ...], found: list[Asset]
) -> list[Unit]:
    """Look-alikes of every asset, then made-up things; their ids do not collide with the models'."""
    taken = [s.asset_id for s in sources]
    pairs = [(asset, k) for asset in found for k in range(config.lookalikes_per_object)]
    names = [f"lookalike-{asset.asset_id}-{k}" for asset, k in pairs]
    names += [f"package-{k:03d}" for k in range(config.n_distractors)]
    ids = unique_ids([*taken, *names])[len(taken) :]
    units = [
        Unit(out=str(out), config=config, asset_id=asset_id, original=asset, number=k)
        for (asset, k), asset_id in zip(pairs, ids, strict=False)
    ]
    return units + [
        Unit(out=str(out), config=config, asset_id=asset_id, number=k) for k, asset_id in enumerate(ids[len(pairs) :])
    ]


def _check_sizes(config: CatalogueConfig, sources: tuple[ModelSource, ...], unreadable: tuple[Failure, ...]) -> None:
    classes = sorted({s.class_name for s in (*sources, *unreadable)})
    known = sum(size_of_class(config, name) is not None for name in classes)
    if known < len(config.size_m):
        raise ConfigError(
            f"size_m names {', '.join(map(repr, sorted(config.size_m)))}; the classes here are "
            f"{', '.join(map(repr, classes))}: write the names alike"
        )


def _refuse_missing_classes(config: CatalogueConfig, found: list[Asset], failures: list[Failure]) -> None:
    there = {a.class_name for a in found}
    missing = sorted({f.class_name for f in failures} - there)
    if not found or (missing and not config.allow_missing_classes):
        lines = "".join(f"\n  {f.path}: {f.reason}" for f in failures if f.class_name in missing)
        raise ConfigError(
            f"no model could be imported of {', '.join(map(repr, missing))}:{lines}\nMend or remove these files, or "
            "set allow_missing_classes to go on without them."
        )


def _summary(writer: ArtifactWriter, assets: tuple[Asset, ...], failures: list[Failure]) -> dict[str, Any]:
    objects = [a for a in assets if a.role == "object"]
    return {
        "classes": list(class_names(assets)),
        "n_classes": len(class_names(assets)),
        "n_assets": len(assets),
        "n_objects": len(objects),
        "n_distractors": len(assets) - len(objects),
        "n_failed_models": len(failures),
        "n_scale_unknown": sum(not a.scale_known for a in objects),
        "bytes": sum(writer.path(p.model_file).stat().st_size for a in assets for p in a.parts),
    }


def _notes(assets: tuple[Asset, ...], failures: list[Failure]) -> tuple[str, ...]:
    notes = [f"{a.asset_id}: {note}" for a in assets if a.role == "object" for note in a.notes]
    notes += [f"skipped {f.path}: {f.reason}" for f in failures]
    if len(class_names(assets)) == 1:
        notes.append("only one class: add at least one more object before training a classifier")
    return tuple(notes)
