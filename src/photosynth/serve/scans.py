"""Pictures of the scans that a model was made from, where the run that made it is at hand."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.asset import NONE_CLASS, read_assets
from photosynth.core.errors import PhotosynthError
from photosynth.models.exported import preview_file

PREVIEW_FILE = "preview.jpg"


def scan_pictures(model_folder: Path, class_names: tuple[str, ...]) -> dict[str, Path]:
    """Class to the turntable picture of its first scan: from the model's own ``previews``, which travel with it; of
    models without, from the ``catalogue`` beside their folder."""
    own = {name: model_folder / preview_file(k) for k, name in enumerate(class_names) if name != NONE_CLASS}
    if any(path.is_file() for path in own.values()):
        return {name: path for name, path in own.items() if path.is_file()}
    catalogue = model_folder.resolve().parent / "catalogue"
    if not catalogue.is_dir():
        return {}
    try:
        assets = read_assets(catalogue)
    except PhotosynthError:
        return {}
    pictures: dict[str, Path] = {}
    for asset in assets:
        path = catalogue / asset.asset_id / PREVIEW_FILE
        if asset.class_name in class_names and asset.class_name != NONE_CLASS and path.is_file():
            pictures.setdefault(asset.class_name, path)
    return pictures
