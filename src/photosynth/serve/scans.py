"""Pictures of the scans that a model was made from, where the run that made it is at hand."""

from __future__ import annotations

from pathlib import Path

from photosynth.core.asset import NONE_CLASS, read_assets
from photosynth.core.errors import PhotosynthError

PREVIEW_FILE = "preview.jpg"


def scan_pictures(model_folder: Path, class_names: tuple[str, ...]) -> dict[str, Path]:
    """Class to the turntable picture of its first scan, from the ``catalogue`` beside an exported model's folder."""
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
