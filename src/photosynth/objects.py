"""Objects: a folder in which some classes are 3D models and others are photos; the photos become models first."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from photosynth.core.artifact import Artifact
from photosynth.core.engine import Executor
from photosynth.core.errors import ConfigError, PhotosynthError, QualityError
from photosynth.core.photo import list_photos
from photosynth.core.progress import Progress

MIN_PHOTOS = 5
"""A sub-folder without a model but with fewer photos than this is not taken for a capture."""
CAPTURES, STAGED = "captures", "objects"
"""Folders of a run: what photos became, and models of all classes put together."""
SECONDS_EACH = 8.0
"""CPU time of one photo, from reading to texture, about."""


@dataclass(frozen=True)
class PhotoClass:
    """A class that comes as photos: its folder's name, the folder or the video, and how many photos (0: a video)."""

    name: str
    source: Path
    n_photos: int


def photo_classes(objects: Path) -> tuple[PhotoClass, ...]:
    """The sub-folders of `objects` that hold photos or one video and no 3D model, by name. The photos may lie in a
    folder for each side of an object that was turned over.

    Raises:
        ConfigError: if `objects` is not a folder.
    """
    from photosynth.capture.sides import side_folders
    from photosynth.capture.video import VIDEO_SUFFIXES
    from photosynth.catalogue.discover import MODEL_SUFFIXES, OTHER_3D_SUFFIXES

    objects = Path(objects)
    if not objects.is_dir():
        raise ConfigError(f"{objects} is not a folder; give one with a 3D model or a folder of photos for each class")
    found = []
    for folder in sorted(p for p in objects.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX"))):
        suffixes = {p.suffix.lower() for p in folder.rglob("*") if p.is_file()}
        if suffixes & set(MODEL_SUFFIXES + OTHER_3D_SUFFIXES):
            continue
        n_photos = sum(1 for place in (folder, *side_folders(folder)) for _ in list_photos(place))
        videos = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in VIDEO_SUFFIXES]
        if n_photos >= MIN_PHOTOS:
            found.append(PhotoClass(folder.name, folder, n_photos))
        elif len(videos) == 1 and not n_photos:
            found.append(PhotoClass(folder.name, videos[0], 0))
    return tuple(found)


def expected_seconds(classes: tuple[PhotoClass, ...], workers: int) -> float:
    """How long the photos will take, about."""
    return sum(20 + SECONDS_EACH * (one.n_photos or 40) for one in classes) / min(workers, 2)


def model_classes(objects: Path) -> tuple[str, ...]:
    """The classes that come as models; none is no error here. Raises ConfigError for names that cannot be used."""
    from photosynth.catalogue.discover import find_models

    try:
        return tuple(sorted({model.class_name for model in find_models(objects)[0]}))
    except ConfigError:
        if photo_classes(objects):
            return ()
        raise


def models_of(
    objects: Path,
    run_folder: Path,
    size_m: dict[str, float],
    *,
    executor: Executor,
    progress: Progress,
    overwrite: bool,
) -> Path:
    """The folder of models to make the catalogue of: `objects` itself, or, where some classes are photos, a folder in
    the run with all models. Finished reconstructions are kept.

    Args:
        objects: what the user gave.
        run_folder: of the main job.
        size_m: longest side in metres of classes whose scale is not known otherwise.
        executor, progress, overwrite: as everywhere.

    Raises:
        QualityError: naming the class whose photos make no usable model, and what to do.
    """
    classes = photo_classes(objects)
    if not classes:
        return Path(objects)
    staged = Path(run_folder) / STAGED
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    _link_models(Path(objects), staged, {one.name for one in classes})
    for one in classes:
        model = _reconstruct(one, Path(run_folder) / CAPTURES / one.name, size_m, executor, progress, overwrite)
        for name in ("model.glb", "model.asset.json"):
            _link(model.path(name), staged / f"{one.name}{name.removeprefix('model')}")
    return staged


def _reconstruct(
    one: PhotoClass, folder: Path, size_m: dict[str, float], executor: Executor, progress: Progress, overwrite: bool
) -> Artifact:
    from photosynth.capture import stage as capture
    from photosynth.reconstruct import stage as reconstruct

    progress.note(f"{one.name}: {one.n_photos} photos" if one.n_photos else f"{one.name}: a video")
    try:
        taken = capture.run(
            capture.CaptureConfig(),
            one.source,
            folder / "capture",
            executor=executor,
            progress=progress,
            overwrite=overwrite,
        )
        config = reconstruct.ReconstructConfig(size_m=size_m.get(one.name))
        made = reconstruct.run(config, taken.folder, folder / "model", progress=progress, overwrite=overwrite)
    except QualityError as error:
        raise QualityError(f"the photos of {one.name!r} ({one.source}) make no usable model: {error}") from error
    except PhotosynthError as error:
        raise type(error)(f"class {one.name!r} ({one.source}): {error}") from error
    for note in made.manifest.notes:
        progress.note(f"{one.name}: {note}")
    return made


def _link_models(objects: Path, staged: Path, skipped: set[str]) -> None:
    """The user's files, but for the classes of photos, under `staged`."""
    for path in sorted(p for p in objects.rglob("*") if p.is_file()):
        relative = path.relative_to(objects)
        if relative.parts[0] not in skipped:
            _link(path, staged / relative)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
