"""Textures: decoded within bounds and scaled down."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from photosynth.core.errors import ConfigError

MAX_PIXELS = 450_000_000
"""Larger pictures are refused: 21,000 x 21,000."""


@contextlib.contextmanager
def large_pictures() -> Iterator[None]:
    """Lets PIL open pictures of up to MAX_PIXELS, which it takes for decompression bombs by default."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def read_picture(source: bytes | Any, max_px: int, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decode a picture, given as bytes or as a PIL image not yet loaded, to (H, W, 3) uint8 sRGB.

    The longer side is scaled down to `max_px`; a JPEG is decoded at a fraction of its size where that is enough
    (libjpeg's DCT scaling), so that a 20,000 px texture does not fill the memory. Returns the notes, too.

    Raises:
        ConfigError: if it cannot be decoded or has more than MAX_PIXELS.
    """
    from PIL import Image, UnidentifiedImageError

    with large_pictures():
        try:
            image = Image.open(io.BytesIO(source)) if isinstance(source, bytes) else source
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ConfigError(
                    f"texture {name} has {width} x {height} pixels; at most {MAX_PIXELS / 1e6:.0f} million are read: "
                    "scale it down"
                )
            size = scaled_size((width, height), max_px)
            image.draft("RGB", size)
            image = _as_rgb(image)
            if image.size != size:
                image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
            array = np.ascontiguousarray(np.asarray(image))
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ConfigError(f"texture {name} cannot be read ({error}); export it again as JPEG or PNG") from error
    shrunk = f"texture scaled down from {width} x {height} to {size[0]} x {size[1]} px"
    return array, ((shrunk,) if size != (width, height) else ())


def scaled_size(size_wh: tuple[int, int], max_px: int) -> tuple[int, int]:
    """The size after scaling the longer side down to `max_px`; unchanged if it is short enough."""
    scale = min(1.0, max_px / max(size_wh))
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def resize(texture: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """A (H, W, 3) uint8 picture at another size."""
    from PIL import Image

    if (texture.shape[1], texture.shape[0]) == tuple(size_wh):
        return texture
    return np.array(Image.fromarray(texture).resize(size_wh, Image.Resampling.LANCZOS))


def _as_rgb(image: Any) -> Any:
    if image.mode.startswith("I;16") or image.mode == "I":
        from PIL import Image

        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")
