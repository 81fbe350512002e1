"""Zaya: hummus in a low tub with a printed lid."""

from __future__ import annotations

import math

import numpy as np

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import green_leaf
from photosynth.catalogue.demo.paint import Radial
from photosynth.catalogue.demo.paths import ellipse, place, star
from photosynth.catalogue.demo.shapes import Shape, snap_lid_tub

_TEAL, _DEEP, _SAND, _SAFFRON = "#0f6b6b", "#0a4448", "#f7e9cf", "#e8a023"
_ROWS = (
    ("Energy", "1 205 kJ / 291 kcal"),
    ("Fat", "24 g"),
    ("- of which saturates", "2.6 g"),
    ("Carbohydrate", "10 g"),
    ("Protein", "7.2 g"),
    ("Salt", "0.9 g"),
)


def shape() -> Shape:
    """A 250 g tub, 110 mm wide and 52 mm high."""
    return snap_lid_tub(55.0, 46.0, 52.0)


def paint(c: dict[str, Canvas]) -> None:
    """Print wall and lid."""
    for panel in c.values():
        panel.rect(0, 0, panel.width, panel.height, _SAND)
    edge = c["lid-edge"]
    edge.rect(0, 0, edge.width, edge.height, _TEAL)
    pictures.ribs(edge, 110, _TEAL)
    c["lid-under"].rect(0, 0, 999, 99, _DEEP)
    marks.recycling_loop(
        c["bottom-base"], c["bottom-base"].width / 2, c["bottom-base"].height / 2, 8, "#c9b48c", "5", "PP"
    )
    _wall(c["wall"])
    _lid(c["top-lid"])


def _tiles(c: Canvas, y: float, n: int, size: float) -> None:
    """A frieze of eight-pointed stars."""
    step = c.width / n
    for k in range(n):
        x = (k + 0.5) * step
        c.fill(star(x, y, size, size * 0.62, 8), _SAFFRON)
        c.fill(star(x, y, size * 0.55, size * 0.34, 8), _DEEP)
        for side in (-0.5, 0.5):
            c.fill(place(np.array([(-1, 0), (0, -1), (1, 0), (0, 1)]), x + side * step, y, size * 0.45), _SAND)


def _wall(c: Canvas) -> None:
    w, h = c.width, c.height
    c.rect(0, 0, w, h, _TEAL)
    c.rect(0, h - 10.5, w, h, _DEEP)
    _tiles(c, h - 5.4, 40, 3.1)
    c.rect(0, h - 11.2, w, h - 10.5, _SAFFRON)
    for m in (w / 2, 0.0, w):
        c.text(m - 9, 13.0, "Zaya", 16.0, "#ffffff", "serif-bold-italic", tracking=-0.02)
        c.text(m - 9, 25.0, "CLASSIC HUMMUS", 4.0, _SAFFRON, "extrabold", tracking=0.1)
        fruit.chickpeas(c, m + 28, 16.0, 10.5, 0)
    m = w * 0.25
    marks.nutrition_table(c, m - 36, 3, 38, _ROWS, size=2.0, ink=_DEEP, paper=_SAND)
    c.paragraph(
        m + 6,
        4,
        30,
        "Chickpeas 52 %, SESAME paste 18 %, rapeseed oil, lemon juice, garlic, salt. Keep below 6 C. Once "
        "open eat within three days.",
        2.1,
        "#ffffff",
        leading=1.35,
    )
    m = w * 0.75
    draw_ean13(c, m - 33, 4, "761204588018", 0.31, 19.5, ink=_DEEP, paper=_SAND)
    marks.recycling_loop(c, m + 12, 11, 4.2, "#ffffff", "5", "PP")
    marks.tidy_person(c, m + 22, 16, 10, "#ffffff")
    marks.date_stamp(c, m + 8, 20.5, ("USE BY 19 05 27", "Z1 02:44"), 2.2, "#e8f2ef")


def _lid(c: Canvas) -> None:
    m = c.width / 2
    c.disc(m, m, m * 1.45, _TEAL)
    n = 28
    for k in range(n):
        a = 2 * math.pi * k / n
        x, y = m + m * 0.80 * math.cos(a), m + m * 0.80 * math.sin(a)
        c.fill(star(x, y, m * 0.062, m * 0.038, 8, math.degrees(a)), _SAFFRON)
        c.disc(x, y, m * 0.018, _DEEP)
    c.ring(m, m, m * 0.735, m * 0.715, _SAFFRON)
    c.disc(m, m, m * 0.70, Radial((m, m), m * 0.7, ((0, "#fff8e8"), (1, _SAND))))
    with c.clip(ellipse(m, m, m * 0.70)):
        pictures.swirl(c, m, m + 19, 17.5, "#e8cd98")
        c.fill(ellipse(m + 3, m + 17, 4.6, 2.6, -20), "#a9a02a", opacity=0.75, blur=0.7)
        for k in range(16):
            a, r = 2.4 * k, 3.2 + 0.75 * k
            c.disc(m + r * math.cos(a), m + 19 + 0.8 * r * math.sin(a), 0.55, "#b8321a", opacity=0.85)
        fruit.chickpeas(c, m - 20, m + 14.5, 6.5, 30)
        green_leaf(c, m + 15, m + 10, 9, -40, 0.5)
        green_leaf(c, m + 16, m + 11, 8, 10, 0.5)
    c.text(m, m - 17.0, "Zaya", 20.0, _TEAL, "serif-bold-italic", tracking=-0.02)
    c.text(m, m - 2.8, "CLASSIC HUMMUS", 4.4, _DEEP, "extrabold", tracking=0.1, fit=56)
    marks.pill(c, m, m + 41.6, "250 g", 4.0, _DEEP, "#ffffff")
