"""Bel Campo: chopped tomatoes in a tin with a paper label."""

from __future__ import annotations

import numpy as np

from photosynth.catalogue.demo import fruit, marks
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.brands.zizz import metal_end
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import green_leaf
from photosynth.catalogue.demo.paint import Linear
from photosynth.catalogue.demo.paths import arc
from photosynth.catalogue.demo.shapes import Shape, food_can

_RED, _DEEP, _CREAM, _GOLD, _GREEN = "#b5121b", "#7d0a14", "#fbf1d9", "#d9a441", "#2f5a2a"
_ROWS = (
    ("Energy", "103 kJ / 24 kcal"),
    ("Fat", "0.2 g"),
    ("- of which saturates", "0 g"),
    ("Carbohydrate", "3.8 g"),
    ("- of which sugars", "3.6 g"),
    ("Fibre", "0.9 g"),
    ("Protein", "1.2 g"),
    ("Salt", "0.05 g"),
)


def shape() -> Shape:
    """A 400 g tin, 75 mm wide and 109 mm high."""
    return food_can()


def paint(c: dict[str, Canvas]) -> None:
    """Print the label."""
    metal_end(c, "#cfcbc1")
    body = c["body"]
    w, h = body.width, body.height
    body.rect(0, 0, w, h, Linear((0, 0), (0, h), ((0, "#c9202a"), (0.5, _RED), (1, "#960d18"))))
    for m in (w / 2, 0.0, w):
        _face(body, m)
    _facts(body, w * 0.25)
    _small_print(body, w * 0.75)
    for y, t in ((2.2, 1.5), (4.7, 0.5), (h - 3.7, 1.5), (h - 5.2, 0.5)):
        body.rect(0, y, w, y + t, _GOLD)


def _arch(m: float, half: float, top: float, foot: float) -> np.ndarray:
    return np.concatenate([arc(m, top + half, half, 180, 360, 40), [[m + half, foot], [m - half, foot]]])


def _face(c: Canvas, m: float) -> None:
    h = c.height
    c.fill(_arch(m, 32.0, 8.0, h - 7.0), _GOLD)
    c.fill(_arch(m, 31.2, 8.8, h - 7.0), _DEEP)
    c.fill(_arch(m, 30.2, 9.8, h - 7.0), Linear((m, 10), (m, h), ((0, "#fffaf0"), (1, "#f6e3b8"))))
    c.text_arc(m, 40.0, 22.6, "POMODORI SCELTI", 3.1, _GREEN, "extrabold", tracking=0.16)
    c.text(m, 28.6, "Bel Campo", 13.6, _RED, "serif-bold-italic", tracking=-0.03, fit=52)
    c.rect(m - 19, 36.2, m + 19, 36.6, _GOLD)
    c.text(m, 41.4, "CHOPPED TOMATOES", 5.0, _DEEP, "times-bold", fit=52, tracking=0.03)
    c.text(m, 47.0, "in rich tomato juice", 3.9, _GREEN, "times-bold-italic")
    with c.clip(_arch(m, 30.2, 9.8, h - 7.0)):
        for x, y, length, turn in (
            (-6, 62, 24, -162),
            (6, 62, 24, -20),
            (1, 66, 14, -96),
            (-14, 74, 18, 160),
            (15, 74, 18, 18),
        ):
            green_leaf(c, m + x, y, length, turn, 0.52)
        fruit.tomato(c, m - 14.5, 71.0, 11.5, -10)
        fruit.tomato(c, m + 14.0, 69.5, 10.5, 12)
        c.disc(m + 0.5, 79.2, 11.8, "#4a0508", opacity=0.3, blur=1.5)
        fruit.tomato_half(c, m, 77.6, 11.5, 10)
    marks.pill(c, m, h - 8.6, "400 g  -  drained 260 g", 3.0, _GREEN, "#ffffff")


def _facts(c: Canvas, m: float) -> None:
    c.text(m, 14.0, "Bel Campo", 8.0, _CREAM, "serif-bold-italic")
    y = marks.nutrition_table(c, m - 20, 20, 40, _ROWS, size=2.3, ink=_DEEP, paper=_CREAM)
    c.paragraph(
        m - 20,
        y + 3,
        40,
        "Tomatoes 65 %, tomato juice, citric acid. Once open move to a glass bowl, keep cold and use "
        "within two days. Store cool and dry.",
        2.2,
        _CREAM,
        align="m",
        leading=1.35,
    )
    marks.tidy_person(c, m - 8, 84.5, 10.5, _CREAM)
    marks.recycling_loop(c, m + 8, 78.5, 4.4, _CREAM, "40", "FE")


def _small_print(c: Canvas, m: float) -> None:
    c.text(m, 14.5, "Ripe, peeled, ready.", 5.0, _CREAM, "times-bold-italic")
    c.paragraph(
        m - 20,
        20.5,
        40,
        "Soften an onion in olive oil, add one tin, a leaf of basil and twenty quiet minutes. That is supper.",
        2.5,
        _CREAM,
        align="m",
        leading=1.4,
    )
    draw_ean13(c, m - 18, 37, "761204555010", 0.32, 20, ink="#3a0508", paper=_CREAM)
    marks.leaf_badge(c, m, 69, 8.0, _GREEN, _CREAM, "SUN RIPENED")
    marks.date_stamp(c, m - 17, 81, ("BBE 03 2029  LT 114 B",), 2.7, "#2a0306")
