"""One model file in, its surfaces and what its format says about axes and units out."""

from __future__ import annotations

import io
import json
import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from photosynth.catalogue.archive import ArchivePart, read_model_archive
from photosynth.catalogue.files import ModelFiles
from photosynth.catalogue.materials import as_bytes, multiply_linear, read_material
from photosynth.catalogue.pictures import large_pictures, read_picture
from photosynth.catalogue.surface import Surface, join
from photosynth.core.asset import ALL_ROUND_DEG, ModelFacts, read_model_facts
from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec2

MAX_FILE_BYTES = 2 << 30
UNREAD_EXTENSIONS = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu")


@dataclass(frozen=True)
class LoadedPart:
    """The surfaces of one part, one for each material."""

    name: str
    elevation_deg: Vec2
    surfaces: tuple[Surface, ...]
    azimuth_deg: Vec2 = ALL_ROUND_DEG


@dataclass(frozen=True)
class LoadedModel:
    """A file's content. `up_axis` is None where the format does not say, `metres_per_unit` likewise."""

    parts: tuple[LoadedPart, ...]
    up_axis: Literal["x", "y", "z"] | None
    metres_per_unit: float | None
    notes: tuple[str, ...] = ()
    facts: ModelFacts | None = None


def load_model(path: Path, root: Path, max_texture_px: int) -> LoadedModel:
    """Read one model file of any supported format, and ``STEM.asset.json`` beside it if there is one.

    Args:
        path: the file; its suffix tells the format.
        root: files that it refers to are read only inside this folder.
        max_texture_px: textures with a longer side are scaled down.

    Raises:
        ConfigError: if it cannot be read, has no triangles, or refers to a texture that is absent or damaged.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_FILE_BYTES >> 30} GiB; simplify the mesh or its texture first")
    if path.suffix.lower() == ".model":
        return _load_archive(path, max_texture_px)
    return _with_facts(_load_plain(path, root, max_texture_px), read_model_facts(path))


def _with_facts(model: LoadedModel, facts: ModelFacts | None) -> LoadedModel:
    """The model with what STEM.asset.json says of it."""
    if facts is None:
        return model
    return replace(
        model,
        parts=tuple(
            replace(part, elevation_deg=facts.elevation_deg, azimuth_deg=facts.azimuth_deg) for part in model.parts
        ),
        metres_per_unit=model.metres_per_unit if facts.scale_known else None,
        notes=(*model.notes, *facts.notes),
        facts=facts,
    )


def _load_plain(path: Path, root: Path, max_texture_px: int) -> LoadedModel:
    suffix = path.suffix.lower()
    data = path.read_bytes()
    header = _gltf_header(path, data) if suffix in (".glb", ".gltf") else {}
    files = ModelFiles(path, root)
    surfaces, notes = _load_surfaces(data, suffix, files, max_texture_px, linear_factors=bool(header))
    if not any(s.texture is not None for s in surfaces):
        wanted = [m for m in header.get("materials", []) if "baseColorTexture" in m.get("pbrMetallicRoughness", {})]
        if files.missing or wanted:
            lost = ", ".join(files.missing) or "the embedded texture"
            picture = files.lone_picture() if suffix in (".obj", ".ply") else None
            if picture is None or any(lost_name.startswith(picture.name) for lost_name in files.missing):
                raise ConfigError(f"{path} refers to {lost}, which is absent or unreadable; put it beside the model")
        surfaces, more = _with_lone_picture(surfaces, files if suffix in (".obj", ".ply") else None, max_texture_px)
        notes += more
    if suffix == ".dae":
        up_axis, unit = _collada_frame(data)
        return LoadedModel((LoadedPart("whole", (-90.0, 90.0), surfaces),), up_axis, unit, notes)
    known = suffix in (".glb", ".gltf")
    return LoadedModel(
        (LoadedPart("whole", (-90.0, 90.0), surfaces),), "y" if known else None, 1.0 if known else None, notes
    )


def _load_archive(path: Path, max_texture_px: int) -> LoadedModel:
    parts, notes = [], []
    for part in read_model_archive(path):
        surface, more = _archive_surface(path, part, max_texture_px)
        parts.append(LoadedPart(part.name, part.elevation_deg, (surface,)))
        notes += [f"{part.name}: {note}" for note in more]
    if len(parts) == 2:
        notes.append("two half-scans: each is shown only from the side it was scanned from")
    return LoadedModel(tuple(parts), "y", None, tuple(notes))


def _archive_surface(path: Path, part: ArchivePart, max_texture_px: int) -> tuple[Surface, tuple[str, ...]]:
    texture, notes = read_picture(part.picture, max_texture_px, f"{part.picture_name} of {path}")
    surfaces, _ = _load_surfaces(part.obj, ".obj", None, max_texture_px, linear_factors=False)
    if any(s.uv is None for s in surfaces):
        raise ConfigError(
            f"the OBJ of part {part.name!r} of {path} has no texture coordinates (vt); export it with them"
        )
    joined = join(list(surfaces))
    return Surface(joined.vertices, joined.faces, joined.normals, joined.uv, texture), notes


def _load_surfaces(
    data: bytes, suffix: str, files: ModelFiles | None, max_texture_px: int, linear_factors: bool
) -> tuple[tuple[Surface, ...], tuple[str, ...]]:
    import trimesh

    options: dict[str, Any] = {"skip_materials": files is None} if suffix in (".obj", ".ply") else {}
    with large_pictures():
        try:
            scene = trimesh.load_scene(io.BytesIO(data), file_type=suffix[1:], resolver=files, process=False, **options)
            nodes = [(str(node), *scene.graph[node]) for node in scene.graph.nodes_geometry]
        except Exception as error:
            raise ConfigError(f"the {suffix} file cannot be read ({type(error).__name__}: {error})") from error
        surfaces, notes = [], []
        textures: dict[int, Any] = {}
        for _, matrix, name in sorted(nodes, key=lambda item: (item[0], str(item[2]))):
            geometry = scene.geometry[name]
            if isinstance(geometry, trimesh.Trimesh) and len(geometry.faces):
                surface, more = _surface_of(geometry, np.asarray(matrix), max_texture_px, linear_factors, textures)
                surfaces.append(surface)
                notes += [note for note in more if note not in notes]
    if not surfaces:
        raise ConfigError(f"the {suffix} file holds no triangles; expected a mesh")
    return tuple(surfaces), tuple(notes)


def _surface_of(
    mesh: Any, matrix: np.ndarray, max_texture_px: int, linear_factors: bool, textures: dict[int, Any]
) -> tuple[Surface, tuple[str, ...]]:
    """One trimesh geometry, placed by its node's matrix; `textures` keeps pictures that several of them share."""
    vertices = np.asarray(mesh.vertices, float)
    faces = np.asarray(mesh.faces, np.int64)
    if len(vertices) == 0 or faces.min() < 0 or faces.max() >= len(vertices):
        raise ConfigError(f"a face names vertex {int(faces.max()) + 1} of {len(vertices)}; the mesh is damaged")
    linear = matrix[:3, :3]
    normals = mesh.vertex_normals if "vertex_normals" in mesh._cache.cache else None  # only those of the file
    if normals is not None:
        normals = np.asarray(normals, float) @ np.linalg.pinv(linear)
    if np.linalg.det(linear) < 0:
        faces = faces[:, ::-1]
    surface = Surface(vertices @ linear.T + matrix[:3, 3], faces, normals)
    kind = getattr(mesh.visual, "kind", None)
    if kind == "texture":
        return _with_material(surface, mesh.visual, max_texture_px, linear_factors, textures)
    if kind == "vertex":
        return replace(surface, colors=np.asarray(mesh.visual.vertex_colors, np.uint8)[:, :3]), ()
    if kind == "face":
        apart = surface.pick(faces.ravel(), np.arange(faces.size).reshape(-1, 3))
        return replace(apart, colors=np.repeat(np.asarray(mesh.visual.face_colors, np.uint8)[:, :3], 3, axis=0)), ()
    return surface, ()


def _with_material(
    surface: Surface, visual: Any, max_texture_px: int, linear_factors: bool, textures: dict[int, Any]
) -> tuple[Surface, tuple[str, ...]]:
    fits = visual.uv is not None and len(visual.uv) == len(surface.vertices)
    uv = np.asarray(visual.uv, float)[:, :2] if fits else None
    image, plain, gain = read_material(visual.material, linear_factors)
    if image is not None and uv is not None:
        if id(image) not in textures:
            textures[id(image)] = read_picture(image, max_texture_px, "of its material")
        texture, notes = textures[id(image)]
        return replace(surface, uv=uv, texture=multiply_linear(texture, gain)), notes
    if "color" in getattr(visual, "vertex_attributes", {}):
        return replace(surface, colors=as_bytes(np.asarray(visual.vertex_attributes["color"]))[:, :3]), ()
    # A textured model that lost its coordinates is not a plain one.
    return replace(surface, uv=uv, plain=plain if image is None else None), ()


def _with_lone_picture(
    surfaces: tuple[Surface, ...], files: ModelFiles | None, max_texture_px: int
) -> tuple[tuple[Surface, ...], tuple[str, ...]]:
    """Give surfaces with texture coordinates and no texture the one picture that lies beside the model."""
    picture = files.lone_picture() if files is not None else None
    if picture is None or any(s.uv is None for s in surfaces):
        return surfaces, ()
    texture, notes = read_picture(picture.read_bytes(), max_texture_px, str(picture))
    given = tuple(Surface(s.vertices, s.faces, s.normals, s.uv, texture) for s in surfaces)
    return given, (*notes, f"the model names no texture; {picture.name} beside it was used")


def _gltf_header(path: Path, data: bytes) -> dict[str, Any]:
    """The JSON of a GLB or glTF. Raises ConfigError for damage and for compressions that cannot be read."""
    try:
        if data[:4] == b"glTF":
            length = struct.unpack_from("<I", data, 12)[0]
            header = json.loads(data[20 : 20 + length])
        else:
            header = json.loads(data)
        used = header.get("extensionsUsed", [])
    except (ValueError, struct.error, AttributeError) as error:
        raise ConfigError(f"{path} is not a readable glTF file ({error}); export it again") from error
    refused = [name for name in UNREAD_EXTENSIONS if name in used]
    if "KHR_texture_transform" in json.dumps(header.get("materials", [])):
        refused.append("KHR_texture_transform")
    if refused:
        raise ConfigError(f"{path} uses {', '.join(refused)}, which cannot be read; export it without compression")
    return header


def _collada_frame(data: bytes) -> tuple[Literal["x", "y", "z"], float]:
    """Up axis and metres per unit of a COLLADA file (defaults of the standard: Y_UP, 1)."""
    text = data[: 1 << 16].decode("utf-8", "replace")
    up = re.search(r"<up_axis>\s*([XYZ])_UP\s*</up_axis>", text)
    unit = re.search(r"<unit\b[^>]*\bmeter\s*=\s*[\"']([0-9.eE+-]+)[\"']", text)
    metres = float(unit.group(1)) if unit else 1.0
    return (up.group(1).lower() if up else "y"), metres if metres > 0 else 1.0  # type: ignore[return-value]
