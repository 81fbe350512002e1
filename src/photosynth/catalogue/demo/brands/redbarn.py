"""Red Barn: tomato ketchup in an oval squeeze bottle."""

from __future__ import annotations

import numpy as np

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import green_leaf
from photosynth.catalogue.demo.paint import Linear
from photosynth.catalogue.demo.paths import box
from photosynth.catalogue.demo.shapes import Shape, squeeze_bottle

_RED, _DEEP, _CREAM, _GREEN, _INK = "#b01218", "#6e0a10", "#fff5e0", "#2f6b34", "#33120c"
_ROWS = (
    ("Energy", "435 kJ / 102 kcal"),
    ("Fat", "0.1 g"),
    ("Carbohydrate", "23 g"),
    ("- of which sugars", "22 g"),
    ("Protein", "1.2 g"),
    ("Salt", "1.8 g"),
)


def shape() -> Shape:
    """A 500 ml bottle, 76 x 50 x 205 mm."""
    return squeeze_bottle(38.0, 205.0)


def paint(c: dict[str, Canvas]) -> None:
    """Print both labels on the red plastic."""
    for name, panel in c.items():
        panel.rect(0, 0, panel.width, panel.height, "#f3f0ea" if "cap" in name or name == "collar" else _RED)
    side = c["cap-side"]
    side.rect(0, side.height * 0.62, side.width, side.height * 0.66, "#cfcac0")
    pictures.ribs(side, 72, "#e9e5dc")
    side.rect(0, 0, side.width, side.height * 0.60, "#f3f0ea")
    side.rect(0, side.height * 0.60, side.width, side.height * 0.63, "#bdb8ad")
    body = c["body"]
    _front(body, body.width / 2)
    for m in (0.0, body.width):
        _back(body, m)


def _shield(m: float, half: float, top: float, foot: float) -> np.ndarray:
    """A label between an oval and a rectangle: Lame's curve of degree 6."""
    a = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    x, y = (np.sign(v) * np.abs(v) ** (2 / 6) for v in (np.cos(a), np.sin(a)))
    return np.stack([m + half * x, (top + foot) / 2 + (foot - top) / 2 * y], axis=1)


def _barn(c: Canvas, m: float, y: float, s: float) -> None:
    """The brand mark: a barn with a round window."""
    c.fill(
        np.array([(-1, 1), (-1, -0.1), (-0.62, -0.62), (0, -0.95), (0.62, -0.62), (1, -0.1), (1, 1)]) * s + (m, y), _RED
    )
    c.stroke(
        np.array([(-1.1, -0.02), (-0.66, -0.66), (0, -1.0), (0.66, -0.66), (1.1, -0.02)]) * s + (m, y), s * 0.13, _INK
    )
    c.rect(m - s * 0.42, y + s * 0.18, m + s * 0.42, y + s, _CREAM)
    for a, b in (((-0.42, 0.18), (0.42, 1.0)), ((0.42, 0.18), (-0.42, 1.0))):
        c.stroke(np.array([a, b]) * s + (m, y), s * 0.09, _RED)
    c.disc(m, y - s * 0.36, s * 0.2, _CREAM)


def _front(c: Canvas, m: float) -> None:
    h = c.height
    c.fill(_shield(m, 32.0, 6.0, h - 5.0), _DEEP)
    c.fill(_shield(m, 31.0, 7.0, h - 6.0), _CREAM)
    c.fill(_shield(m, 29.4, 8.6, h - 7.6), "#e0b04a", holes=[_shield(m, 28.9, 9.1, h - 8.1)])
    _barn(c, m, 19.0, 8.0)
    c.text(m, 38.0, "RED BARN", 12.5, _INK, "black", tracking=-0.01, fit=52)
    c.rect(
        m - 40, 46.5, m + 40, 60.5, Linear((m - 40, 0), (m + 40, 0), ((0, "#1f4d26"), (0.5, _GREEN), (1, "#1f4d26")))
    )
    c.text(m, 53.6, "Tomato Ketchup", 10.0, "#ffffff", "times-bold-italic", fit=60)
    with c.clip(_shield(m, 28.9, 9.1, h - 8.1)):
        for x, turn in ((-8, -160), (8, -24), (0, -95)):
            green_leaf(c, m + x, 82, 17, turn, 0.5)
        fruit.tomato(c, m - 10.5, 85, 11.0, -8)
        c.disc(m + 10.0, 88.8, 9.6, "#4a0508", opacity=0.25, blur=1.2)
        fruit.tomato_half(c, m + 9.5, 87.5, 9.4, 10)
    c.text(m, 100.5, "148 g of tomatoes in 100 g", 2.9, _INK, "semibold", fit=38)
    marks.net_weight(c, m - 1.0, 106.5, "500 ml", 4.0, _INK, "mm")


def _back(c: Canvas, m: float) -> None:
    h = c.height
    c.fill(box(m - 29, 6, m + 29, h - 6, 8), _CREAM)
    c.text(m, 14, "Grown slow, squeezed fast.", 4.8, _RED, "times-bold-italic", fit=50)
    y = marks.nutrition_table(c, m - 24, 20, 48, _ROWS, size=2.6, ink=_INK)
    y = c.paragraph(
        m - 24,
        y + 3,
        48,
        "Tomatoes, spirit vinegar, sugar, salt, spice and celery extract. Shake well. Keep cold once "
        "open and use within eight weeks.",
        2.5,
        _INK,
        leading=1.35,
    )
    draw_ean13(c, m - 18, y + 2, "761204577012", 0.32, 19, paper="#fffaf0")
    marks.recycling_loop(c, m - 9, y + 29, 4.0, _INK, "1", "PET")
    marks.tidy_person(c, m + 6, y + 33.5, 10, _INK)
