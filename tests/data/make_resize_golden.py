"""Write resize_golden.json: small pictures and what they become under the resize rule, for ports to other languages.

Each case has ``source`` and ``result`` with ``width``, ``height`` and ``rgb`` (base64 of the bytes row by row, R G B).
The results come from the readable twin in whole-number arithmetic.

    python tests/data/make_resize_golden.py
"""

import base64
import json
from pathlib import Path

import numpy as np

from photosynth.models.resize import RESIZE_VERSION, resize_slowly

SIZES = (
    # source and result, width x height
    ((8, 6), (8, 6)),
    ((16, 12), (4, 4)),
    ((37, 23), (16, 16)),
    ((17, 16), (16, 16)),
    ((64, 5), (12, 12)),
    ((5, 64), (12, 12)),
    ((9, 7), (16, 16)),
    ((15, 15), (16, 16)),
    ((1, 1), (3, 3)),
    ((2, 1), (5, 4)),
    ((50, 60), (4, 5)),
    ((31, 97), (24, 10)),
)


def source(width: int, height: int, index: int) -> np.ndarray:
    """Noise, edges of full contrast and ramps by turns: whatever shows a wrong rounding or a shift."""
    rng = np.random.default_rng([20180418, index])
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if index % 3 == 1:
        return np.where(noise > 127, 255, 0).astype(np.uint8)
    if index % 3 == 2:
        y, x = np.mgrid[:height, :width]
        return np.stack(
            [255 * x // max(width - 1, 1), 255 * y // max(height - 1, 1), (7 * x + 11 * y) % 256], 2
        ).astype(np.uint8)
    return noise


def plain(image: np.ndarray) -> dict[str, object]:
    """A picture in JSON."""
    rgb = base64.b64encode(np.ascontiguousarray(image).tobytes()).decode("ascii")
    return {"width": image.shape[1], "height": image.shape[0], "rgb": rgb}


def golden() -> dict[str, object]:
    """The file's content."""
    cases = []
    for index, ((width, height), size_wh) in enumerate(SIZES):
        image = source(width, height, index)
        cases.append({"source": plain(image), "result": plain(resize_slowly(image, size_wh))})
    return {"resize_version": RESIZE_VERSION, "cases": cases}


if __name__ == "__main__":
    target = Path(__file__).with_name("resize_golden.json")
    target.write_text(json.dumps(golden(), indent=1) + "\n")
    print(target)
