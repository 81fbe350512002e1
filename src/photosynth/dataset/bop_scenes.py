"""The JSON files of a BOP dataset, streamed together from the pictures' rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photosynth.core.asset import Asset
from photosynth.core.codec import write_atomic
from photosynth.core.items import Split
from photosynth.core.record import to_json, to_pretty_json
from photosynth.dataset.bop import BOP_FOLDER, SCENE_PICTURES, BopImage, scene_folder
from photosynth.dataset.bop_objects import BopObject

FILES = {"scene_camera.json": "camera", "scene_gt.json": "gt", "scene_gt_info.json": "gt_info"}
"""File of a scene folder -> what of a BopImage is its row."""


class BopScenes:
    """Takes the pictures in ascending order; holds at most one scene folder of each split in memory."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._open: dict[Split, list[BopImage]] = {}
        self.n_images = self.n_objects = 0

    def add(self, image: BopImage) -> None:
        """Append one picture. Raises ArtifactError if the disk is full."""
        if not self.n_images:
            self._write_camera(image)
        waiting = self._open.setdefault(image.split, [])
        if waiting and waiting[0].index // SCENE_PICTURES != image.index // SCENE_PICTURES:
            self._write_scene(waiting)
            waiting.clear()
        waiting.append(image)
        self.n_images += 1
        self.n_objects += len(image.gt)

    def finish(self) -> None:
        """Write the last scene of each split."""
        for waiting in self._open.values():
            self._write_scene(waiting)
        self._open.clear()

    def _write_scene(self, images: list[BopImage]) -> None:
        folder = self._out / scene_folder(images[0].split, images[0].index)
        for name, field in FILES.items():
            rows = (
                f'  "{image.index % SCENE_PICTURES}": {to_json(getattr(image, field)).decode("ascii")}'
                for image in images
            )
            write_atomic(folder / name, ("{\n" + ",\n".join(rows) + "\n}\n").encode("ascii"))

    def _write_camera(self, image: BopImage) -> None:
        """``camera.json``: one camera of the set, for simulation only."""
        k, (width, height) = image.camera.cam_K, image.size_wh
        camera = {"fx": k[0], "fy": k[4], "cx": k[2], "cy": k[5], "width": width, "height": height}
        row = camera | {"depth_scale": image.camera.depth_scale}
        write_atomic(self._out / BOP_FOLDER / "camera.json", to_pretty_json(row))


def write_dataset_info(out: Path, assets: dict[str, Asset], objects: Sequence[BopObject]) -> None:
    """``dataset_info.md`` for people and ``objects.json`` for programs: which number is which object."""
    rows = {
        str(one.obj_id): {
            "asset_id": one.asset_id,
            "part": one.part.name,
            "class_name": assets[one.asset_id].class_name,
            "scale_known": assets[one.asset_id].scale_known,
        }
        for one in objects
    }
    write_atomic(out / BOP_FOLDER / "objects.json", to_pretty_json(rows))
    lines = [
        "# A BOP dataset made by photosynth\n",
        "Rendered pictures in `*_pbr`, models in millimetres in `models`. `cam_K` is for pixel centres at whole "
        "numbers, as in OpenCV. Depth is 0 where nothing is and on occluders. `camera.json` is the first picture's "
        "camera: each picture's own is in `scene_camera.json`. Symmetries of the objects are not known. Distractors "
        "are seen in the pictures and have no annotation. An object that was scanned in halves has a model for each, "
        "in the same axes and with the same origin; an annotation names the one that the picture shows.\n",
        "| obj_id | class | asset | part | size |",
        "|---|---|---|---|---|",
    ]
    for one in objects:
        asset = assets[one.asset_id]
        size = " x ".join(f"{1000 * v:.0f}" for v in asset.size_m) + " mm"
        how = "" if asset.scale_known else ", of unknown size: the diagonal is 1 m by convention"
        class_name = " ".join(asset.class_name.split()).replace("|", "\\|")
        lines.append(f"| {one.obj_id} | {class_name} | {one.asset_id} | {one.part.name} | {size}{how} |")
    write_atomic(out / BOP_FOLDER / "dataset_info.md", ("\n".join(lines) + "\n").encode())
