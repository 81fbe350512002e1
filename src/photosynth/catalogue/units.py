"""The catalogue's units of work: import one model, make one distractor. Each writes one asset's folder."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np

from photosynth.catalogue.config import CatalogueConfig, size_of_class
from photosynth.catalogue.discover import Failure, ModelSource
from photosynth.catalogue.finish import finish_part
from photosynth.catalogue.load import load_model
from photosynth.catalogue.lookalike import lookalike_meshes
from photosynth.catalogue.normalise import normalise
from photosynth.catalogue.preview import turntable
from photosynth.catalogue.primitives import random_primitive
from photosynth.catalogue.produce import random_produce
from photosynth.catalogue.surface import Surface
from photosynth.core.asset import NONE_CLASS, Asset, AssetPart
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ArtifactError, ConfigError, PhotosynthError
from photosynth.core.glb import glb_bytes
from photosynth.core.mesh import Mesh, read_glb
from photosynth.core.meshes import FixedMeshes
from photosynth.core.record import Record, from_json, to_pretty_json
from photosynth.core.rng import rng_for

ASSET_FILE = "asset.json"
"""Written last into an asset's folder: the asset is complete when it is there."""
PRODUCE_EVERY = 4
"""Every fourth made-up distractor is a heap of produce; the others are packages and some primitives."""


class Unit(Record, frozen=True, kw_only=True):
    """One asset to make: a model to import, a look-alike of an asset, or, with neither, a made-up distractor."""

    out: str
    """The catalogue folder."""
    config: CatalogueConfig
    """The stage's settings."""
    asset_id: str
    """Of the asset to make."""
    objects: str = ""
    """The folder of models."""
    source: ModelSource | None = None
    """The model to import."""
    original: Asset | None = None
    """The asset to make a look-alike of."""
    number: int = 0
    """Which look-alike of its original, or which made-up distractor."""


class Made(Record, frozen=True, kw_only=True):
    """What became of a unit: an asset or a failure."""

    asset: Asset | None = None
    """The asset, written."""
    failure: Failure | None = None
    """Why there is none."""


def make_asset(unit: Unit) -> Made:
    """Make one asset, or take the one that an interrupted run has finished. A model's own faults are returned.

    Raises:
        ArtifactError: if the folder cannot be written.
    """
    done = Path(unit.out) / unit.asset_id / ASSET_FILE
    if done.is_file():
        return Made(asset=from_json(done.read_bytes(), Asset, str(done)))
    if unit.source is None:
        return Made(asset=_make_distractor(unit))
    try:
        return Made(asset=_import(unit, unit.source))
    except ArtifactError:
        raise
    except PhotosynthError as error:
        reason = str(error)
    except Exception as error:  # a damaged file can make any library fail in any way
        reason = f"it cannot be imported ({type(error).__name__}: {error}); check that other programs open it"
    return Made(failure=Failure(class_name=unit.source.class_name, path=unit.source.path, reason=reason))


def _import(unit: Unit, source: ModelSource) -> Asset:
    config, root = unit.config, Path(unit.objects)
    model = load_model(root / source.path, root, config.max_texture_px)
    notes = [*source.notes, *model.notes]
    surfaces: list[Surface] = []
    for part in model.parts:
        where = source.path if len(model.parts) == 1 else f"{source.path} ({part.name})"
        surface, more = finish_part(part.surfaces, config, where)
        surfaces.append(surface)
        notes += more if len(model.parts) == 1 else [f"{part.name}: {note}" for note in more]
    normal = normalise(tuple(surfaces), model, config.up_axis, size_of_class(config, source.class_name))
    asset = Asset(
        asset_id=unit.asset_id,
        class_name=source.class_name,
        parts=tuple(
            AssetPart(
                name=p.name,
                model_file=_model_file(unit, p.name),
                elevation_deg=p.elevation_deg,
                azimuth_deg=p.azimuth_deg,
            )
            for p in model.parts
        ),
        size_m=normal.size_m,
        scale_known=normal.scale_known,
        source=(model.facts and model.facts.source) or source.path,
        licence=model.facts.licence if model.facts else "",
        notes=(*notes, *normal.notes),
    )
    meshes = {p.name: mesh_from_surface(s) for p, s in zip(model.parts, normal.surfaces, strict=True)}
    return _write(unit, asset, meshes)


def mesh_from_surface(surface: Surface) -> Mesh:
    """A finished surface as core's Mesh. Raises ConfigError if something is missing or not finite."""
    if surface.normals is None or surface.uv is None or surface.texture is None:
        raise ConfigError("a surface without normals, texture coordinates or texture cannot become a mesh")
    arrays = [np.ascontiguousarray(a, np.float32) for a in (surface.vertices, surface.normals, surface.uv)]
    if not all(np.isfinite(a).all() for a in arrays):
        raise ConfigError("the mesh has coordinates that are not finite numbers; it is damaged")
    return Mesh(*arrays, faces=np.ascontiguousarray(surface.faces, np.int32), texture=surface.texture)


def _make_distractor(unit: Unit) -> Asset:
    from photosynth.catalogue.demo.packages import random_label, random_package

    if unit.original is None:
        rng = rng_for(unit.config.seed, unit.number, "distractor")
        kind = made_up_kind(unit.number, unit.config.primitive_share)
        mesh = {"produce": random_produce, "primitive": random_primitive, "package": random_package}[kind](rng)
        x, y, z = (float(v) for v in np.ptp(mesh.vertices_m, axis=0))
        asset = Asset(
            asset_id=unit.asset_id,
            class_name=NONE_CLASS,
            parts=(AssetPart(name="whole", model_file=_model_file(unit, "whole")),),
            size_m=(x, y, z),
            scale_known=True,
            role="distractor",
            source=f"made-up {kind}",
            licence="Apache-2.0",
        )
        return _write(unit, asset, {"whole": mesh})
    original = unit.original
    parts = {p.name: read_glb(Path(unit.out) / p.model_file) for p in original.parts}
    rng = rng_for(unit.config.seed, unit.number, f"lookalike {original.asset_id}")
    meshes, note = lookalike_meshes(parts, unit.number, rng, random_label, unit.config.distractor_texture_px)
    asset = Asset(
        asset_id=unit.asset_id,
        class_name=NONE_CLASS,
        parts=tuple(msgspec.structs.replace(p, model_file=_model_file(unit, p.name)) for p in original.parts),
        size_m=original.size_m,
        scale_known=original.scale_known,
        role="distractor",
        source=f"look-alike of {original.asset_id}",
        licence=original.licence,
        notes=(note,),
    )
    return _write(unit, asset, meshes)


def made_up_kind(number: int, primitive_share: float) -> str:
    """``"produce"``, ``"primitive"`` or ``"package"``: what made-up distractor `number` is. Primitives are spread
    evenly among those that are not produce, so that they are that share of all."""
    if number % PRODUCE_EVERY == PRODUCE_EVERY - 1:
        return "produce"
    before, share = number - number // PRODUCE_EVERY, primitive_share * PRODUCE_EVERY / (PRODUCE_EVERY - 1)
    return "primitive" if int((before + 1) * share + 1e-9) > int(before * share + 1e-9) else "package"


def _model_file(unit: Unit, part: str) -> str:
    return f"{unit.asset_id}/{'model' if part == 'whole' else part}.glb"


def _write(unit: Unit, asset: Asset, meshes: dict[str, Mesh]) -> Asset:
    """Write the parts, the preview of what was written, and the asset's record last."""
    out = Path(unit.out)
    for part in asset.parts:
        write_atomic(out / part.model_file, glb_bytes(meshes[part.name]))
    if unit.config.preview_engine != "none" and (asset.role == "object" or unit.config.preview_distractors):
        from PIL import Image

        written = {(asset.asset_id, p.name): read_glb(out / p.model_file) for p in asset.parts}
        strip = turntable(FixedMeshes(written), [asset], unit.config.preview_engine, unit.config.preview_px)
        data = io.BytesIO()
        Image.fromarray(strip).save(data, "JPEG", quality=90)
        write_atomic(out / asset.asset_id / "preview.jpg", data.getvalue())
    write_atomic(out / asset.asset_id / ASSET_FILE, to_pretty_json(asset))
    return asset
