"""Which files of a folder of objects are models, and of which class."""

from __future__ import annotations

from pathlib import Path

from photosynth.catalogue.naming import class_name_of, unique_ids
from photosynth.core.errors import ConfigError
from photosynth.core.record import Record

MODEL_SUFFIXES = (".model", ".glb", ".gltf", ".obj", ".dae", ".ply")
"""What can be read; the order in which one is chosen among files of one name."""
OTHER_3D_SUFFIXES = (".stl", ".fbx", ".blend", ".usdz", ".usd", ".usda", ".usdc", ".3ds", ".x3d", ".wrl", ".off")
"""Recognised, so that their absence from the catalogue can be explained."""


class ModelSource(Record, frozen=True, kw_only=True):
    """One model file to import."""

    class_name: str
    """Its class."""
    asset_id: str
    """Folder-safe, unique."""
    path: str
    """Relative to the folder of objects."""
    notes: tuple[str, ...] = ()
    """Such as which files of the same name were passed over."""


class Failure(Record, frozen=True, kw_only=True):
    """One line of ``failures.jsonl``: a model that is not in the catalogue, and why."""

    class_name: str
    """Its class."""
    path: str
    """Relative to the folder of objects."""
    reason: str
    """What was wrong and what to do."""


def find_models(objects: Path) -> tuple[tuple[ModelSource, ...], tuple[Failure, ...]]:
    """The models of a folder, sorted by class and path, and files in 3D formats that cannot be read.

    A file directly in the folder is a class of its own, named by its stem; a sub-folder is a class, named by its
    name, and every model in it (at any depth) is one asset of that class. Files of one name in several formats
    (``textured.obj``, ``textured.ply``) count as one model. Hidden files are passed over.

    Raises:
        ConfigError: if the folder is absent or holds no model, or for a class name that cannot be used.
    """
    objects = Path(objects)
    if not objects.is_dir():
        raise ConfigError(f"{objects} is not a folder; give a folder with one 3D model or one sub-folder per class")
    by_class: dict[str, list[tuple[Path, tuple[str, ...]]]] = {}
    failures: list[Failure] = []
    for entry in sorted(objects.iterdir()):
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if entry.is_dir():
            files = sorted(p for p in entry.rglob("*") if p.is_file() and not _hidden(p.relative_to(objects)))
            files = [p for p in files if p.suffix.lower() in MODEL_SUFFIXES + OTHER_3D_SUFFIXES]
            written = entry.name
        elif entry.suffix.lower() in MODEL_SUFFIXES + OTHER_3D_SUFFIXES:
            files, written = [entry], entry.stem
        else:
            continue
        if files:
            name = class_name_of(written, str(entry))
            by_class.setdefault(name, []).extend((p, ()) for p in files)
    chosen: list[tuple[str, Path, tuple[str, ...]]] = []
    for name in sorted(by_class):
        for path, notes in _one_per_stem([p for p, _ in by_class[name]], objects):
            if path.suffix.lower() in MODEL_SUFFIXES:
                chosen.append((name, path, notes))
            else:
                failures.append(Failure(class_name=name, path=_relative(path, objects), reason=_unreadable(path)))
    if not chosen:
        detail = f" ({failures[0].path}: {failures[0].reason})" if failures else ""
        raise ConfigError(
            f"{objects} holds no 3D model{detail}; expected files or one sub-folder per class with "
            f"{', '.join(MODEL_SUFFIXES)} files"
        )
    ids = unique_ids([name for name, _, _ in chosen])
    sources = tuple(
        ModelSource(class_name=name, asset_id=asset_id, path=_relative(path, objects), notes=notes)
        for (name, path, notes), asset_id in zip(chosen, ids, strict=True)
    )
    return sources, tuple(failures)


def _one_per_stem(paths: list[Path], objects: Path) -> list[tuple[Path, tuple[str, ...]]]:
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        groups.setdefault(path.with_suffix(""), []).append(path)
    order = MODEL_SUFFIXES + OTHER_3D_SUFFIXES
    result = []
    for stem in sorted(groups):
        first, *others = sorted(groups[stem], key=lambda p: (order.index(p.suffix.lower()), p.name))
        notes = (f"the same model was also there as {', '.join(p.name for p in others)}",) if others else ()
        result.append((first, notes))
    return result


def _unreadable(path: Path) -> str:
    return f"{path.suffix} files are not read; export it as GLB with its texture (or OBJ with MTL and JPEG)"


def _relative(path: Path, objects: Path) -> str:
    return path.relative_to(objects).as_posix()


def _hidden(relative: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in relative.parts)
