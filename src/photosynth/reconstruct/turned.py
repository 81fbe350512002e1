"""Turned: photos of one camera held upright and on its side are registered as one camera, with one focal length.

Photos are stored upright, so that a camera's portraits are its landscapes' size turned by a quarter. Structure from
motion is given those of the rarer way turned back by a quarter; its answers are turned again. Which way does not
matter for a lens that is symmetric round the middle of the picture.
"""

from __future__ import annotations

import io
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.capture import CapturedPhoto
from photosynth.core.codec import write_atomic
from photosynth.core.geometry import as_matrix4
from photosynth.core.photo import read_photo

UPRIGHT_FROM_TURNED = np.array(
    [[0.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""Camera axes of the stored photo from those of the photo that np.rot90 made of it."""
QUALITY = 97
"""Of the JPEGs that are turned."""


def turned_files(photos: Sequence[CapturedPhoto]) -> frozenset[str]:
    """Files whose size is another photo's of the same camera turned by a quarter: the rarer way, else the upright."""
    sizes: dict[str, Counter] = {}
    for photo in photos:
        sizes.setdefault(photo.camera_group, Counter())[photo.size_wh] += 1
    found = set()
    for photo in photos:
        count, (w, h) = sizes[photo.camera_group], photo.size_wh
        if w != h and (count[h, w], h) > (count[w, h], w):
            found.add(photo.file)
    return frozenset(found)


def as_registered(photos: Sequence[CapturedPhoto], turned: frozenset[str]) -> list[CapturedPhoto]:
    """The photos with the sizes that registration sees."""
    return [msgspec.structs.replace(p, size_wh=p.size_wh[::-1]) if p.file in turned else p for p in photos]


def pictures_folder(photos: Sequence[CapturedPhoto], turned: frozenset[str], folder: Path, work: Path) -> Path:
    """A folder with all photos as registration sees them: `folder` itself if none is turned."""
    if not turned:
        return folder
    target = work / "pictures"
    for photo in photos:
        path = target / photo.file
        if path.is_file():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if photo.file in turned:
            write_atomic(path, _jpeg(np.rot90(read_photo(folder / photo.file))))
        else:
            part = path.with_suffix(".part")
            shutil.copyfile(folder / photo.file, part)
            os.replace(part, path)
    return target


def turned_back(camera: Camera) -> Camera:
    """The camera of the stored photo, from that of its turned picture."""
    width, height = camera.size_wh
    cx, cy = camera.principal_px
    matrix = np.array(camera.world_from_cam) @ UPRIGHT_FROM_TURNED.T
    return msgspec.structs.replace(
        camera, size_wh=(height, width), principal_px=(height - cy, cx), world_from_cam=as_matrix4(matrix)
    )


def pixels_back(pixels: np.ndarray, turned_height: int) -> np.ndarray:
    """Pixels (n, 2) of the stored photo, centres at +0.5, from those of its turned picture of that height."""
    pixels = np.asarray(pixels)
    return np.stack([turned_height - pixels[:, 1], pixels[:, 0]], axis=1)


def _jpeg(picture: np.ndarray) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(data, "JPEG", quality=QUALITY, subsampling=0)
    return data.getvalue()
