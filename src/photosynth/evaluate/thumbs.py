"""Thumbnails: pictures as data URIs, within a budget of bytes for the whole page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.geometry import Vec4
from photosynth.core.photo import read_photo


class Mark(NamedTuple):
    """A box drawn on a thumbnail."""

    box_rel: Vec4
    """As fractions of the picture."""
    rgb: tuple[int, int, int]
    """Colour, 0..255."""
    width_px: int
    """Of the line, a dark edge of one pixel left out."""


class Thumbnails:
    """Makes thumbnails until the budget is spent; after that, and for pictures that cannot be read, gives None.

    Args:
        budget_bytes: of base64 text over all thumbnails.
    """

    def __init__(self, budget_bytes: int = 5_000_000) -> None:
        self.left_bytes = budget_bytes
        self._made: dict[tuple[Path, int, int, tuple[Vec4, ...], tuple[Mark, ...]], str] = {}

    def uri(
        self,
        path: Path,
        width_px: int,
        height_px: int,
        boxes_rel: tuple[Vec4, ...] = (),
        marks: tuple[Mark, ...] = (),
    ) -> str | None:
        """A ``data:image/jpeg`` URI of the upright picture, no larger than width_px x height_px, boxes drawn."""
        key = (path, width_px, height_px, boxes_rel, marks)
        if key in self._made:
            self.left_bytes -= len(self._made[key])
            return self._made[key] if self.left_bytes > 0 else None
        try:
            image = read_photo(path, min(width_px, height_px))
        except (ConfigError, MemoryError):
            return None
        small = shrink(image, width_px, height_px)
        text = jpeg_uri(draw_marks(draw_boxes(small, boxes_rel), marks))
        if len(text) > self.left_bytes:
            return None
        self.left_bytes -= len(text)
        self._made[key] = text
        return text


def shrink(image: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """The (H, W, 3) uint8 picture scaled down to fit into width_px x height_px; smaller ones are left alone."""
    from PIL import Image

    scale = min(1.0, width_px / image.shape[1], height_px / image.shape[0])
    if scale == 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))


def draw_boxes(image: np.ndarray, boxes_rel: tuple[Vec4, ...]) -> np.ndarray:
    """A copy with boxes (fractions of the picture) drawn as a white line with a dark edge."""
    from PIL import Image, ImageDraw

    if not boxes_rel:
        return image
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    for box in boxes_rel:
        x0, y0, x1, y1 = np.clip(box, 0, 1) * np.array([canvas.width - 1, canvas.height - 1] * 2)
        pen.rectangle((x0, y0, x1, y1), outline=(20, 24, 28), width=4)
        pen.rectangle((x0 + 1, y0 + 1, max(x0 + 1, x1 - 1), max(y0 + 1, y1 - 1)), outline=(255, 255, 255), width=2)
    return np.asarray(canvas)


def draw_marks(image: np.ndarray, marks: tuple[Mark, ...]) -> np.ndarray:
    """A copy with the marks drawn in their order, each line with a dark edge."""
    from PIL import Image, ImageDraw

    if not marks:
        return image
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    limit = np.array([canvas.width - 1, canvas.height - 1] * 2)
    for mark in marks:
        x0, y0, x1, y1 = np.clip(mark.box_rel, 0, 1) * limit
        pen.rectangle((x0, y0, x1, y1), outline=(20, 24, 28), width=mark.width_px + 2)
        inner = (x0 + 1, y0 + 1, max(x0 + 1, x1 - 1), max(y0 + 1, y1 - 1))
        pen.rectangle(inner, outline=mark.rgb, width=mark.width_px)
    return np.asarray(canvas)


def jpeg_uri(image: np.ndarray, quality: int = 82) -> str:
    """A (H, W, 3) uint8 picture as a ``data:image/jpeg;base64`` URI."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
