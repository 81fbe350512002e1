"""Morrow's: breakfast cereal in a tall box."""

from __future__ import annotations

import numpy as np

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import Linear, Radial
from photosynth.catalogue.demo.paths import moved, spline
from photosynth.catalogue.demo.shapes import Shape, carton_box

_RED, _NAVY, _BROWN = "#c8202f", "#17305e", "#5a2d06"
_SKY = ((0.0, "#fff1b0"), (0.35, "#ffd23f"), (0.75, "#ffa51f"), (1.0, "#f47a12"))
_ROWS = (
    ("Energy", "1 610 kJ / 381 kcal"),
    ("Fat", "3.9 g"),
    ("- of which saturates", "0.7 g"),
    ("Carbohydrate", "72 g"),
    ("- of which sugars", "18 g"),
    ("Fibre", "8.6 g"),
    ("Protein", "9.8 g"),
    ("Salt", "0.75 g"),
    ("Iron", "9.1 mg"),
)


def shape() -> Shape:
    """A 375 g box, 190 x 58 x 285 mm."""
    return carton_box(190.0, 58.0, 285.0, 1.2)


def paint(c: dict[str, Canvas]) -> None:
    """Print the box."""
    _front(c["front"])
    _back(c["back"])
    _side(c["right"], facts=True)
    _side(c["left"], facts=False)
    for name in ("top", "bottom"):
        p = c[name]
        p.rect(0, 0, p.width, p.height, "#fff1b0" if name == "top" else "#f47a12")
        for y in (p.height * 0.36, p.height * 0.64):
            p.rect(0, y, p.width, y + 0.4, _BROWN, opacity=0.35)
        p.text(p.width / 2, p.height / 2, "Morrow's Golden Rings", 9, _RED, "black-italic", tracking=-0.02)
        p.text(
            p.width / 2, p.height * 0.82, "press here to open" if name == "top" else "375 g", 3.4, _BROWN, "semibold"
        )
    marks.date_stamp(c["top"], 12, 6, ("BEST BEFORE 30 11 27", "M7 0412 16:20"), 3.2)


def _banner(c: Canvas, x: float, y: float, w: float, h: float) -> None:
    """The red ribbon with the brand's name."""
    bend = h * 0.16
    top = spline([(x - w / 2, y - h / 2 + bend), (x, y - h / 2 - bend), (x + w / 2, y - h / 2 + bend)], closed=False)
    foot = spline([(x + w / 2, y + h / 2 + bend), (x, y + h / 2 - bend), (x - w / 2, y + h / 2 + bend)], closed=False)
    for side in (-1, 1):
        tail = np.array([(0.42, -0.25), (0.62, -0.30), (0.57, 0.15), (0.62, 0.62), (0.42, 0.66)]) * (side * w, h)
        c.fill(moved(tail, x, y + bend * 1.3), "#861320")
    body = np.concatenate([top, foot])
    c.fill(moved(body, 0, h * 0.07), "#000000", opacity=0.28, blur=h * 0.05)
    c.fill(body, Linear((x, y - h / 2), (x, y + h / 2), ((0, "#e2323f"), (1, "#a9152a"))))
    for rim, shift in ((top, 0.09), (foot, -0.09)):
        c.stroke(rim * (0.985, 1) + (x * 0.015, h * shift), h * 0.022, "#ffd98a")
    c.text_arc(x, y + w * 1.62, w * 1.62 + h * 0.06, "Morrow's", h * 0.70, "#fff6dd", "serif-bold-italic", tracking=0.0)


def _front(c: Canvas) -> None:
    w, h = c.width, c.height
    m = w / 2
    c.rect(0, 0, w, h, Linear((0, 0), (0, h), _SKY))
    pictures.sunburst(c, m, 128, 260, 26, "#fff6cf", 0.42)
    c.disc(m, 132, 78, Radial((m, 132), 78, ((0, "#fffbe6"), (0.6, "#fff0b5"), (1, "#ffe07a"))), opacity=0.8, blur=9)
    pictures.hills(c, 214, ("#e0a32a", "#c98718", "#b06d10"), height=7)
    for x, turn, size in ((20, -18, 82), (34, -4, 66), (170, 20, 82), (156, 4, 66), (7, -26, 60), (183, 28, 60)):
        pictures.oat_ear(c, x, 232, size, turn, "#9c6a16", "#f0bc4a")
    _banner(c, m, 32, 142, 29)
    c.text(m + 0.9, 72.2, "Golden", 47, _BROWN, "black-italic", tracking=-0.03, opacity=0.5, fit=164)
    c.text(m, 70.6, "Golden", 47, "#ffffff", "black-italic", tracking=-0.03, outline=(2.3, _NAVY), fit=164)
    c.text(m + 0.9, 107.6, "Rings", 47, _BROWN, "black-italic", tracking=-0.03, opacity=0.5, fit=150)
    c.text(m, 106.0, "Rings", 47, "#ffffff", "black-italic", tracking=-0.03, outline=(2.3, _NAVY), fit=150)
    marks.pill(c, m, 135.5, "WHOLE-GRAIN OATS WITH HONEY", 5.0, _NAVY, "#ffe9a6")
    pictures.bowl_of_rings(c, m, 190, 62, "#2459a6")
    for x, y, r, turn in (
        (24, 168, 9, 20),
        (168, 158, 8, -30),
        (42, 254, 8.5, -10),
        (150, 256, 9.0, 40),
        (16, 203, 6.5, 60),
    ):
        pictures.cereal_ring(c, x, y, r, 0.85, turn)
    pictures.honey_drop(c, 160, 184, 6.5)
    fruit.strawberry(c, 169, 226, 11, 24)
    fruit.blueberries(c, 24, 233, 10.5, 0)
    marks.price_burst(c, 164, 148, 17.5, _RED, "#ffffff", "8.6 g", "fibre / 100 g")
    c.rect(0, h - 23, w, h, _NAVY)
    c.rect(0, h - 24.2, w, h - 23, "#ffd23f")
    marks.net_weight(c, 10, h - 11.5, "375 g", 11, "#ffffff")
    for k, (big, small) in enumerate((("160 kcal", "per 40 g bowl"), ("7 g", "sugars"), ("0.3 g", "salt"))):
        x = 92 + 34 * k
        c.rect(x - 15, h - 19.5, x + 15, h - 3.5, "#ffffff", radius=3.5)
        c.text(x, h - 14.0, big, 6.0, _NAVY, "black", fit=27)
        c.text(x, h - 7.2, small, 3.5, _NAVY, "semibold", fit=27)


def _back(c: Canvas) -> None:
    w, h = c.width, c.height
    m = w / 2
    c.rect(0, 0, w, h, Linear((0, 0), (0, h), ((0, "#bfe3f5"), (0.5, "#fdf3cf"), (1, "#ffd98a"))))
    c.disc(150, 62, 17, Radial((150, 62), 17, ((0, "#fff7c9"), (1, "#ffc53d"))))
    pictures.sunburst(c, 150, 62, 60, 16, "#fff3b8", 0.5)
    pictures.hills(c, 150, ("#9cc26a", "#7aa84a", "#e7b33d", "#d2962a"), height=11)
    _banner(c, 70, 27, 108, 23)
    c.text(14, 55, "A good morning", 13.5, _NAVY, "black", anchor="lm", tracking=-0.03)
    c.text(14, 69, "has a hole in it.", 13.5, _RED, "black", anchor="lm", tracking=-0.03)
    c.paragraph(
        14,
        82,
        112,
        "We mill whole oats slowly, bake them into rings and finish each batch with honey from our "
        "neighbour's hives. The hole? That is where the milk goes.",
        5.0,
        _NAVY,
        leading=1.42,
    )
    for x, size, turn in ((14, 60, -8), (28, 72, 2), (172, 74, 6), (184, 58, 12), (158, 62, -4)):
        pictures.oat_ear(c, x, 206, size, turn, "#8a6a1a", "#f3cf6b")
    pictures.bowl_of_rings(c, m, 158, 36, _RED)
    for k, (word, line) in enumerate(
        (("Mill", "whole oats, husk to heart"), ("Bake", "golden, never fried"), ("Pour", "cold milk, two seconds"))
    ):
        x = 36 + 59 * k
        c.rect(x - 26, 214, x + 26, 250, "#fffaf0", radius=5)
        pictures.cereal_ring(c, x - 16, 224, 6, 0.9, 30 * k)
        c.text(x + 4, 224, word, 9, _RED, "times-bold-italic")
        c.paragraph(x - 23, 233, 46, line, 4.0, _NAVY, align="m", face="semibold")
    c.rect(0, h - 29, w, h, _NAVY)
    draw_ean13(c, w - 50, h - 26.5, "761204533018", 0.36, 23.5)
    c.paragraph(
        12,
        h - 24,
        110,
        "Morrow's Mill, Old Bridge Road 1, Fairhaven. Contains oats and barley. May contain milk and "
        "nuts. Store cool and dry. Packed by weight, contents may settle. Questions? www.morrows.example",
        3.1,
        "#ffffff",
    )


def _side(c: Canvas, facts: bool) -> None:
    w, h = c.width, c.height
    m = w / 2
    c.rect(0, 0, w, h, Linear((0, 0), (0, h), _SKY))
    c.rect(0, h - 24.2, w, h, _NAVY)
    c.rect(0, h - 24.2, w, h - 23, "#ffd23f")
    if facts:
        c.text(m, 16, "Morrow's", 9.5, _RED, "serif-bold-italic")
        c.text(m, 27, "Golden Rings", 6.8, _NAVY, "black-italic", tracking=-0.02)
        y = marks.nutrition_table(c, 4, 36, w - 8, _ROWS, size=3.1, ink=_NAVY, paper="#fffaf0")
        y = c.paragraph(
            5,
            y + 6,
            w - 10,
            "Ingredients: whole-grain OAT flour 68 %, sugar, wheat starch, honey 5 %, BARLEY malt extract, "
            "salt, iron, vitamins B6, B12, D. For allergens see words in capitals.",
            3.0,
            _NAVY,
            leading=1.4,
        )
        y = marks.ticks(c, 7, y + 5, ("Whole grain first", "Source of iron", "No colours"), 3.7, _NAVY, "#2c7a3a")
        pictures.honey_drop(c, m, y + 27, 9.5)
        c.text(m, y + 48, "with real honey", 5.2, _RED, "times-bold-italic")
    else:
        c.text(
            m, 136, "Golden Rings", 30, "#ffffff", "black-italic", turn_deg=-90, outline=(1.5, _NAVY), tracking=-0.02
        )
        pictures.cereal_ring(c, m, 27, 13, 0.9)
        marks.recycling_loop(c, m - 12, 242, 5.2, _BROWN, "21", "PAP")
        marks.tidy_person(c, m + 8, 249, 13, _BROWN)
    c.text(m, h - 11.5, "Good morrow.", 6.2, "#ffe9a6", "times-bold-italic")
