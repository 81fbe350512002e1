"""Draw docs/reconstructions.jpg: for each capture one of its photos, and the model that came of it from all sides.

python docs/reconstructions.py PHOTO MODEL [PHOTO MODEL ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HEIGHT_PX, PHOTO_PX, GAP_PX = 220, 294, 6


def main() -> None:
    """A row for each pair of a photo and a folder that `photosynth reconstruct` made."""
    paths = [Path(path) for path in sys.argv[1:]]
    rows = [row(photo, model) for photo, model in zip(paths[::2], paths[1::2], strict=True)]
    Image.fromarray(np.concatenate(rows)).save(Path(__file__).with_name("reconstructions.jpg"), quality=88)


def row(photo: Path, model: Path) -> np.ndarray:
    """The photo, cut to fit, and the model's turntable."""
    upright = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    cells = [np.asarray(ImageOps.fit(upright, (PHOTO_PX, HEIGHT_PX))), np.asarray(Image.open(model / "preview.jpg"))]
    return np.concatenate([np.pad(c, ((0, GAP_PX), (0, GAP_PX), (0, 0)), constant_values=255) for c in cells], axis=1)


if __name__ == "__main__":
    main()
