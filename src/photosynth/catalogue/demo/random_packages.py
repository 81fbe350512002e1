"""Random packages: a shape of random proportions with a random print."""

from __future__ import annotations

import numpy as np

from photosynth.catalogue.demo import pictures, shapes
from photosynth.catalogue.demo.brands.zizz import metal_end
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import darker, lighter
from photosynth.catalogue.demo.random_labels import (
    Style,
    print_facts,
    print_front,
    print_ground,
    print_wrap,
    random_style,
)
from photosynth.catalogue.demo.shapes import Shape
from photosynth.core.mesh import Mesh


def random_package(rng: np.random.Generator, texture_px: int = 512) -> Mesh:
    """A package that nobody sells: shape, proportions, words, palette and pictures all drawn from `rng`.

    Its size is that of supermarket goods, 4 to 33 cm; the texture is (texture_px, texture_px, 3).
    """
    shape, metal = _random_shape(rng)
    style = random_style(rng)
    return shape.printed(lambda panels: _print(panels, style, metal, rng), texture_px, supersample=2)


def _random_shape(rng: np.random.Generator) -> tuple[Shape, bool]:
    """A shape and whether its ends are bare metal."""
    kind = int(rng.integers(9))
    u = rng.uniform
    if kind <= 1:
        w = u(45, 210)
        return shapes.carton_box(w, w * u(0.15, 0.8), w * u(0.5, 2.0), u(0.6, 4.0)), False
    if kind == 2:
        w = u(60, 100)
        return shapes.brick_carton(w, w * u(0.55, 1.0), w * u(1.5, 2.6), u(9, 14)), False
    if kind == 3:
        w = u(60, 100)
        return shapes.gable_carton(w, w * u(0.85, 1.0), w * u(1.4, 2.9), w * u(0.4, 0.6), u(12, 22)), False
    if kind == 4:
        return shapes.drink_can(u(24, 36), u(85, 170)), True
    if kind == 5:
        return shapes.food_can(u(28, 52), u(40, 140)), True
    if kind == 6:
        top = u(30, 60)
        make = shapes.yoghurt_pot if rng.random() < 0.5 else shapes.snap_lid_tub
        return make(top, top * u(0.68, 0.95), top * u(0.9, 2.6)), False
    if kind == 7:
        r = u(26, 45)
        h = r * u(5.0, 8.5)
        low = u(8, 30)
        return shapes.glass_bottle(r, h, (low, h * u(0.40, 0.56))), False
    r = u(26, 44)
    return shapes.squeeze_bottle(r, r * u(3.8, 6.5), u(0.55, 1.0)), False


def _print(panels: dict[str, Canvas], s: Style, metal: bool, rng: np.random.Generator) -> None:
    body = str(rng.choice(["#f2f0ea", "#1f2f17", "#3a2410", "#20242c", "#d8d8d6", s.accents[0], s.accents[1], s.paper]))
    if metal:
        metal_end(panels, lighter(s.accents[0], 0.3) if rng.random() < 0.15 else "#c8cacd")
    for name, c in panels.items():
        if name in ("front", "back"):
            print_front(c, s, rng)
        elif name in ("right", "left"):
            print_facts(c, s, rng)
        elif name in ("body", "wall", "label"):
            print_wrap(c, s, rng)
        elif name in ("top-lid", "top-foil") and not metal:
            print_front(c, s, rng)
        elif name in ("top", "bottom", "fin"):
            print_ground(c, s)
            c.text(c.width / 2, c.height / 2, s.brand, min(c.width / 5, c.height / 2), s.ink, s.face, fit=c.width * 0.8)
        elif name in ("cap-side", "lid-edge", "cap-foot", "top-cap"):
            c.rect(0, 0, c.width, c.height, s.accents[1])
            if name in ("cap-side", "lid-edge") and c.width > 3 * c.height:
                pictures.ribs(c, 36, s.accents[1])
        elif not metal:
            c.rect(0, 0, c.width, c.height, darker(body, 0.1) if "bottom" in name else body)
