"""Lumi: yoghurt in round pots with a foil lid. The flavours share everything but word, fruit and accent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import Picture
from photosynth.catalogue.demo.paint import Color, Linear, Radial, lighter
from photosynth.catalogue.demo.paths import box
from photosynth.catalogue.demo.shapes import Shape, yoghurt_pot

_BLUE, _INK, _WHITE = "#1f4fa3", "#16305f", "#fbfaf6"
_ROWS = (
    ("Energy", "389 kJ / 92 kcal"),
    ("Fat", "2.6 g"),
    ("- of which saturates", "1.7 g"),
    ("Carbohydrate", "12.4 g"),
    ("- of which sugars", "11.8 g"),
    ("Protein", "4.1 g"),
    ("Salt", "0.13 g"),
    ("Calcium", "130 mg"),
)


@dataclass(frozen=True)
class Flavour:
    """What tells one yoghurt from another."""

    word: str
    accent: Color
    picture: Picture
    digits: str


STRAWBERRY = Flavour("Strawberry", "#d81e3f", fruit.strawberry, "761204511015")
BLUEBERRY = Flavour("Blueberry", "#4a3fa0", fruit.blueberries, "761204511022")


def shape() -> Shape:
    """A 450 g pot, 92 mm wide and 108 mm high."""
    return yoghurt_pot(46.0, 36.5, 108.0)


def paint(c: dict[str, Canvas], f: Flavour) -> None:
    """Print one flavour."""
    for name in ("foot", "bottom-base", "rim"):
        c[name].rect(0, 0, c[name].width, c[name].height, "#f1efe9")
    for name in ("foil-edge", "foil-under"):
        pictures.brushed_metal(c[name], "#d3d6da")
    marks.recycling_loop(
        c["bottom-base"], c["bottom-base"].width / 2, c["bottom-base"].height / 2, 7, "#cfccc2", "5", "PP"
    )
    _foil(c["top-foil"], f)
    _wall(c["wall"], f)


def _wall(c: Canvas, f: Flavour) -> None:
    w, h = c.width, c.height
    c.rect(0, 0, w, h, Linear((0, 0), (0, h), ((0, "#ffffff"), (0.7, _WHITE), (1, "#efece3"))))
    x = np.linspace(0, w, 240)
    for dy, wobble, color in (
        (-17.0, 2.6, lighter(f.accent, 0.68)),
        (-10.5, 2.2, lighter(f.accent, 0.25)),
        (-4.5, 1.6, f.accent),
    ):
        edge = h + dy - wobble * np.sin(4 * math.pi * x / w + dy)
        c.fill(np.concatenate([np.stack([x, edge], 1), [[w, h + 1], [0, h + 1]]]), color)
    for middle in (w / 2, 0.0, w):
        _face(c, middle, f)
    _facts(c, w * 0.25, f)
    _small_print(c, w * 0.75, f)


def _face(c: Canvas, m: float, f: Flavour) -> None:
    """The main side, its middle at x = m; drawn twice round the pot."""
    h = c.height
    c.rect(
        m - 28,
        4.0,
        m + 28,
        33.0,
        Linear((m - 28, 0), (m + 28, 33), ((0, "#3a78d0"), (0.5, _BLUE), (1, "#173a80"))),
        radius=14.5,
    )
    c.rect(m - 27, 5.0, m + 27, 32.0, "#ffffff", radius=13.5, holes=[box(m - 26.6, 5.4, m + 26.6, 31.6, 13.1)])
    c.text(m, 17.4, "Lumi", 18.5, "#ffffff", "serif-bold-italic", tracking=-0.02)
    c.text(m, 29.0, "CREAMY YOGHURT", 2.7, "#ffffff", "extrabold", tracking=0.14)
    c.text(m, 42.8, f.word, 12.0, f.accent, "times-bold-italic", fit=56)
    c.text(m, 51.0, "with real fruit pieces", 3.2, _INK, "semibold")
    pictures.liquid_splash(c, m, 73.0, 15.5, lighter(f.accent, 0.80), 21)
    f.picture(c, m - 9.0, 74.0, 13.0, -14)
    f.picture(c, m + 12.5, 77.5, 9.6, 18)
    marks.net_weight(c, m, h - 3.6, "450 g", 4.4, "#ffffff", "mm")


def _facts(c: Canvas, m: float, f: Flavour) -> None:
    y = marks.nutrition_table(c, m - 21, 8, 42, _ROWS, size=2.3, ink=_INK, paper="#ffffff")
    c.paragraph(
        m - 21,
        y + 3,
        42,
        f"Yoghurt (milk), {f.word.lower()} 12 %, sugar, lemon juice, live cultures. Contains milk. "
        "Keep chilled below 6 C. Once open eat within three days.",
        2.05,
        _INK,
        align="m",
    )
    marks.leaf_badge(c, m, 74.5, 7.5, _BLUE, "#ffffff", "MEADOW MILK")


def _small_print(c: Canvas, m: float, f: Flavour) -> None:
    c.text(m, 11, "Stirred, not hurried.", 4.4, f.accent, "times-bold-italic")
    c.paragraph(
        m - 20,
        16,
        40,
        "Milk from small farms, cultures that take the night off to work, and a spoonful of summer. "
        "That is all there is in it.",
        2.3,
        _INK,
        align="m",
        leading=1.35,
    )
    draw_ean13(c, m - 17.5, 34, f.digits, 0.31, 18.0)
    marks.recycling_loop(c, m - 12, 62.5, 4.0, _INK, "5", "PP")
    marks.tidy_person(c, m - 1, 67, 10, _INK)
    marks.date_stamp(c, m - 17, 75.0, ("USE BY 02 06 27", "L2 118 04:36"), 2.5)


def _foil(c: Canvas, f: Flavour) -> None:
    m = c.width / 2
    pictures.brushed_metal(c, "#d9dbdf", lathe_turned=True)
    c.disc(m, m, m * 0.90, Radial((m - 10, m - 10), m * 1.5, ((0, "#ffffff"), (1, "#eceae4"))))
    c.ring(m, m, m * 0.90, m * 0.80, f.accent)
    c.text_arc(m, m, m * 0.85, "CREAMY YOGHURT WITH REAL FRUIT", 3.1, "#ffffff", "extrabold", tracking=0.10)
    c.text_arc(m, m, m * 0.85, "PEEL AND STIR", 3.1, "#ffffff", "extrabold", tracking=0.10, centre_deg=180)
    c.rect(
        m - 24, m - 26, m + 24, m - 3, Linear((m - 24, 0), (m + 24, 23), ((0, "#3a78d0"), (1, "#173a80"))), radius=11.5
    )
    c.text(m, m - 14.4, "Lumi", 16.0, "#ffffff", "serif-bold-italic", tracking=-0.02)
    c.text(m, m + 3.2, f.word, 8.0, f.accent, "times-bold-italic", fit=50)
    f.picture(c, m - 7.5, m + 18.5, 8.2, -12)
    f.picture(c, m + 8.5, m + 19.5, 6.6, 16)
