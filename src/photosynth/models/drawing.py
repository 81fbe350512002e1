"""Drawing: boxes and names over a picture."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from photosynth.core.asset import NONE_CLASS
from photosynth.models.answers import Answer

UNSURE = "?"
NOTHING = "nothing found"
GREY = (110, 110, 110)


def draw_answer(image: np.ndarray, answer: Answer, class_names: tuple[str, ...]) -> np.ndarray:
    """A copy of a (H, W, 3) uint8 picture with a box and a label for each find; a question mark on unsure ones."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    side = min(picture.size)
    thick, font = max(2, side // 160), _font(max(11, side // 24))
    for found in reversed(answer.found):
        color = _color(class_names.index(found.class_name), len(class_names)) if found.sure else GREY
        x0, y0, x1, y1 = found.box_xyxy
        pen.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=color, width=thick)
        text = f"{found.class_name} {100 * found.score:.0f} %" + ("" if found.sure else f" {UNSURE}")
        _label(pen, (x0, y0), text, color, font, picture.size)
    if not answer.found:
        _label(pen, (0, 0), NONE_CLASS if answer.probabilities else NOTHING, GREY, font, picture.size)
    return np.asarray(picture)


def _label(
    pen: Any, corner: tuple[float, float], text: str, color: tuple[int, int, int], font: Any, size_wh: tuple[int, int]
) -> None:
    """Text on a filled ground inside the box's upper left corner, pushed into the picture."""
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    margin = max(2, (bottom - top) // 4)
    w, h = right - left + 2 * margin, bottom - top + 2 * margin
    x = min(max(corner[0], 0), max(0, size_wh[0] - w))
    y = min(max(corner[1], 0), max(0, size_wh[1] - h))
    pen.rectangle((x, y, x + w, y + h), fill=color)
    pen.text((x + margin - left, y + margin - top), text, fill="white", font=font)


def _color(index: int, count: int) -> tuple[int, int, int]:
    """A dark, well separated colour for each class."""
    red, green, blue = colorsys.hsv_to_rgb(index / max(count, 1), 0.85, 0.72)
    return round(255 * red), round(255 * green), round(255 * blue)


@lru_cache(maxsize=8)
def _font(size_px: int) -> Any:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size_px)
