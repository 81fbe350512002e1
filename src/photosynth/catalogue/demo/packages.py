"""Built-in demo objects: twelve supermarket packages, among them three pairs of look-alikes, and random ones.

A newcomer renders, trains and detects with them before owning a single scan. Everything is drawn by code: the same
bytes each time, no downloads, invented brands.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from photosynth.catalogue.demo.brands import alba, campo, havre, lumi, morrow, redbarn, sunnora, zaya, zizz
from photosynth.catalogue.demo.random_labels import random_label
from photosynth.catalogue.demo.random_packages import random_package
from photosynth.catalogue.demo.shapes import Paint, Shape
from photosynth.core.errors import ConfigError
from photosynth.core.glb import glb_bytes
from photosynth.core.mesh import Mesh

__all__ = [
    "DEMO_CLASSES",
    "LOOK_ALIKES",
    "demo_object",
    "demo_objects",
    "random_label",
    "random_package",
    "write_demo_objects",
]

TEXTURE_PX = 2048
"""Side of the demo objects' textures."""

_PRODUCTS: dict[str, tuple[Callable[[], Shape], Paint]] = {
    "blueberry_yoghurt": (lumi.shape, partial(lumi.paint, f=lumi.BLUEBERRY)),
    "cherry_soda": (zizz.shape, partial(zizz.paint, f=zizz.CHERRY)),
    "chopped_tomatoes": (campo.shape, campo.paint),
    "golden_rings": (morrow.shape, morrow.paint),
    "hummus": (zaya.shape, zaya.paint),
    "lemon_soda": (zizz.shape, partial(zizz.paint, f=zizz.LEMON)),
    "mango_juice": (sunnora.shape, partial(sunnora.paint, f=sunnora.MANGO)),
    "oat_drink": (havre.shape, havre.paint),
    "olive_oil": (alba.shape, alba.paint),
    "orange_juice": (sunnora.shape, partial(sunnora.paint, f=sunnora.ORANGE)),
    "strawberry_yoghurt": (lumi.shape, partial(lumi.paint, f=lumi.STRAWBERRY)),
    "tomato_ketchup": (redbarn.shape, redbarn.paint),
}
DEMO_CLASSES = tuple(_PRODUCTS)
"""Class names of the demo objects, sorted."""
LOOK_ALIKES = (
    ("mango_juice", "orange_juice"),
    ("blueberry_yoghurt", "strawberry_yoghurt"),
    ("cherry_soda", "lemon_soda"),
)
"""Pairs that differ in flavour only: same shape, brand and layout, other word, picture and accent colour."""


def demo_object(class_name: str, texture_px: int = TEXTURE_PX) -> Mesh:
    """One demo object: metres, +z up, its front towards -y, texture (texture_px, texture_px, 3).

    Raises:
        ConfigError: for a class name that is not among DEMO_CLASSES.
    """
    if class_name not in _PRODUCTS:
        raise ConfigError(f"there is no demo object {class_name!r}; the demo objects are {', '.join(DEMO_CLASSES)}")
    shape, paint = _PRODUCTS[class_name]
    return shape().printed(paint, texture_px)


def demo_objects(texture_px: int = TEXTURE_PX) -> dict[str, Mesh]:
    """Every demo object by class name. About half a second each at 2048 px."""
    return {name: demo_object(name, texture_px) for name in DEMO_CLASSES}


def write_demo_objects(folder: Path, texture_px: int = TEXTURE_PX) -> list[Path]:
    """Write `<class name>.glb` for every demo object; the same bytes each time. Returns the paths, sorted by class."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in DEMO_CLASSES:
        temporary = folder / f"{name}.glb.tmp"
        temporary.write_bytes(glb_bytes(demo_object(name, texture_px)))
        paths.append(temporary.replace(folder / f"{name}.glb"))
    return paths
