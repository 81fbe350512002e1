"""Typefaces of the labels: Inter from the package's data, DejaVu and STIX from matplotlib's."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from photosynth.core.errors import DependencyError

_INTER = {
    "light": "Inter-Light.ttf",
    "regular": "Inter-Regular.ttf",
    "semibold": "Inter-SemiBold.ttf",
    "extrabold": "Inter-ExtraBold.ttf",
    "black": "Inter-Black.ttf",
    "black-italic": "Inter-BlackItalic.ttf",
}
_MATPLOTLIB = {
    "serif": "DejaVuSerif.ttf",
    "serif-bold": "DejaVuSerif-Bold.ttf",
    "serif-bold-italic": "DejaVuSerif-BoldItalic.ttf",
    "times": "STIXGeneral.ttf",
    "times-bold": "STIXGeneralBol.ttf",
    "times-bold-italic": "STIXGeneralBolIta.ttf",
    "times-italic": "STIXGeneralItalic.ttf",
    "antique-italic": "cmti10.ttf",
    "antique-bold": "cmb10.ttf",
    "sans": "DejaVuSans.ttf",
    "mono-bold": "DejaVuSansMono-Bold.ttf",
}
FONT_NAMES = (*_INTER, *_MATPLOTLIB)
"""Every typeface by name. Inter and "antique" have the ASCII letters only."""

_MEASURE_PX = 128


@cache
def font_path(name: str) -> str:
    """The file of a typeface. Raises KeyError for an unknown name, DependencyError if matplotlib is absent."""
    if name in _INTER:
        return str(resources.files("photosynth") / "data" / "fonts" / _INTER[name])
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise DependencyError("the demo labels use matplotlib's fonts, and matplotlib is not installed; install it")
    return str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / _MATPLOTLIB[name])


@lru_cache(maxsize=512)
def font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """A typeface at an em size in pixels, laid out the same way on every platform."""
    return ImageFont.truetype(font_path(name), size_px, layout_engine=ImageFont.Layout.BASIC)


def text_width(string: str, name: str, size: float, tracking: float = 0.0, stretch: float = 1.0) -> float:
    """Advance width of one line, in the unit of `size` (the em); `tracking` is extra space in em per letter gap."""
    em = font(name, _MEASURE_PX).getlength(string) / _MEASURE_PX + tracking * max(len(string) - 1, 0)
    return em * size * stretch


@cache
def cap_height(name: str) -> float:
    """Height of a capital H as a fraction of the em."""
    box = font(name, _MEASURE_PX).getbbox("H", anchor="ls")
    return -box[1] / _MEASURE_PX
