"""Pictures from other people: sizes checked before anything is decoded, every fault a Refusal."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from photosynth.serve.refusal import not_a_picture, too_large

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "HEIF")
"""What may be sent, as Pillow calls it: what phones and browsers make, and no more, for each decoder is a door.
MPO is how Pillow calls JPEGs of phones that carry a second, smaller picture."""
ORIENTATION = 0x0112
BAND_ROWS = 128
READABLE = "JPEG, PNG, WebP, BMP or HEIC"


def decode(data: bytes | bytearray, max_pixels: int) -> np.ndarray:
    """A picture as (H, W, 3) uint8 sRGB, upright, alpha over white, exactly as `core.photo.read_photo` gives it.

    Raises:
        Refusal: 413 if its header announces more than `max_pixels` pixels (nothing is decoded then); 422 if it is
            not a picture, of another format, or cut short.
    """
    image = _open(data)
    if image.width * image.height > max_pixels:
        raise too_large(
            f"the picture has {image.width} x {image.height} pixels; at most {max_pixels / 1e6:g} megapixels are "
            "read. Make it smaller."
        )
    if image.format in ("JPEG", "MPO") and image.mode == "RGB":
        quick = _decode_jpeg(data, image)
        if quick is not None:
            return quick
    try:
        turned = _TURNS.get(image.getexif().get(ORIENTATION, 1), _TURNS[1])
        return np.ascontiguousarray(turned(_over_white(image)))
    except Exception as error:  # Pillow raises many kinds for broken files
        raise not_a_picture(f"the picture cannot be decoded ({_reason(error)}); send it again") from error


def _over_white(image: Any) -> np.ndarray:
    """The pixels of a PIL image (H, W, 3), band by band, for Pillow's conversions of a whole picture take four more."""
    from PIL import Image

    image.load()
    out = np.empty((image.height, image.width, 3), np.uint8)
    see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    for top in range(0, image.height, BAND_ROWS):
        bottom = min(top + BAND_ROWS, image.height)
        band = image.crop((0, top, image.width, bottom))
        if see_through:
            rgba = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        out[top:bottom] = np.asarray(band.convert("RGB"))
    return out


def _decode_jpeg(data: bytes | bytearray, image: Any) -> np.ndarray | None:
    """The same pixels as Pillow's in half the time; None if anything is unusual about the file."""
    import simplejpeg

    try:
        turned = _TURNS[image.getexif().get(ORIENTATION, 1)]
        return np.ascontiguousarray(turned(simplejpeg.decode_jpeg(data, "RGB")))
    except Exception:  # broken tags or data: Pillow's way says what is wrong, or forgives it
        return None


_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: p[::-1].transpose(1, 0, 2),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: p[:, ::-1].transpose(1, 0, 2),
}
"""EXIF orientation to what makes the picture upright."""


def _open(data: bytes | bytearray) -> Any:
    """A PIL image whose header alone has been read. Raises Refusal."""
    from PIL import Image

    if not data:
        raise not_a_picture(f"the picture is empty; send a {READABLE}")
    prepare_decoders()
    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    except Image.DecompressionBombError as error:
        raise too_large("the picture has far too many pixels; make it smaller") from error
    except Exception as error:  # Pillow raises many kinds for broken headers
        raise not_a_picture(f"this is not a picture that can be read; send a {READABLE}") from error


def prepare_decoders() -> None:
    """Load the decoders, once; the pixel limit here replaces Pillow's own warning."""
    if _FORMATS:
        return
    from PIL import Image

    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    try:
        import pi_heif

        pi_heif.register_heif_opener()
    except ImportError:
        pass
    Image.init()
    _FORMATS.extend(name for name in FORMATS if name in Image.OPEN)


_FORMATS: list[str] = []


def _formats() -> list[str]:
    return _FORMATS


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:100]
