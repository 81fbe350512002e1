"""Sunnora: fruit juices in gable-top cartons. The flavours share everything but word, fruit and accent."""

from __future__ import annotations

from dataclasses import dataclass

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import Picture, green_leaf
from photosynth.catalogue.demo.paint import Color, Linear, lighter
from photosynth.catalogue.demo.paths import drop, spline, wave
from photosynth.catalogue.demo.shapes import Shape, gable_carton

_GREEN, _DEEP, _CREAM = "#0f5241", "#093a2e", "#fff7e4"
_ROOF = 50.2
_ROWS = (
    ("Energy", "188 kJ / 44 kcal"),
    ("Fat", "0.2 g"),
    ("- of which saturates", "0 g"),
    ("Carbohydrate", "9.8 g"),
    ("- of which sugars", "9.4 g"),
    ("Fibre", "0.4 g"),
    ("Protein", "0.6 g"),
    ("Salt", "0 g"),
    ("Vitamin C", "32 mg"),
)


@dataclass(frozen=True)
class Flavour:
    """What tells one juice from another."""

    word: str
    accent: Color
    ink: Color
    whole: Picture
    half: Picture
    whole_turn_deg: float
    digits: str
    pressed_from: str


ORANGE = Flavour(
    "Orange", "#ff9416", "#e05a00", fruit.orange, fruit.orange_half, 0.0, "761204500101", "five whole oranges"
)
MANGO = Flavour("Mango", "#ffc02e", "#d98300", fruit.mango, fruit.mango_half, -24.0, "761204500118", "two ripe mangoes")


def shape() -> Shape:
    """A one-litre carton, 70 x 70 x 248 mm."""
    return gable_carton(70.0, 70.0, 195.0, 36.0, 17.0)


def paint(c: dict[str, Canvas], f: Flavour) -> None:
    """Print one flavour."""
    _front(c["front"], f, badge=True)
    _front(c["back"], f, badge=False)
    _facts(c["right"], f)
    _story(c["left"], f)
    for name in ("bottom", "top-cap", "cap-side", "cap-foot", "bottom-cap"):
        if name in c:
            c[name].rect(0, 0, c[name].width, c[name].height, _CREAM if name == "bottom" else f.accent)
    pictures.ribs(c["cap-side"], 36, f.accent)
    pictures.sun_mark(c["top-cap"], c["top-cap"].width / 2, c["top-cap"].height * 0.58, 6.0, "#ffffff")
    fin = c["fin"]
    fin.rect(0, 0, fin.width, fin.height, _GREEN)
    for y in (3.5, fin.height - 2.2):
        fin.rect(0, y, fin.width, y + 0.35, _DEEP)
    fin.text(
        fin.width / 2, fin.height / 2, "BEST BEFORE  14 08 27   L3 06:52", 3.0, "#d8e6dc", "mono-bold", stretch=0.9
    )
    marks.date_stamp(c["bottom"], 8, 30, ("TETRACASE 70x70", "FSC MIX  BOARD"), 3.0, "#9b8f78")


def _ground(c: Canvas, f: Flavour, cream: Color = _CREAM) -> None:
    """What runs round the carton: green roof, cream wall, a wave of juice."""
    w, h = c.width, c.height
    c.rect(0, 0, w, h, Linear((0, _ROOF), (0, h), ((0, cream), (0.5, cream), (1, lighter(f.accent, 0.6)))))
    c.fill(wave(0, w, 182, h + 1, 4.0, 1, 3.1416), lighter(f.accent, 0.42))
    c.fill(wave(0, w, 189, h + 1, 4.5, 1), Linear((0, 184), (0, h), ((0, lighter(f.accent, 0.12)), (1, f.ink))))
    c.fill(wave(0, w, 215, h + 1, 3.5, 1, 3.1416), f.ink, opacity=0.35)
    c.rect(0, 0, w, _ROOF + 2.0, Linear((0, 0), (0, _ROOF), ((0, _DEEP), (1, _GREEN))))
    c.rect(0, _ROOF + 2.0, w, _ROOF + 3.2, f.accent)
    with c.clip([(0, 0), (w, 0), (w, _ROOF + 2), (0, _ROOF + 2)]):
        pictures.sunburst(c, w / 2, 27.0, 62, 18, lighter(_GREEN, 0.16), 0.5)


def _front(c: Canvas, f: Flavour, badge: bool) -> None:
    _ground(c, f)
    m = c.width / 2
    pictures.sun_mark(c, m, 69.0, 8.5, f.accent)
    c.text(m, 79.5, "sunnora", 17.0, _GREEN, "black", tracking=-0.045, fit=62)
    c.text(m, 89.5, "COLD-PRESSED FRUIT", 3.3, _GREEN, "semibold", tracking=0.16)
    c.text(m, 104.5, f.word, 22.0, f.ink, "times-bold-italic", fit=58)
    c.text(m, 116.5, "100 % juice, not from concentrate", 3.1, _DEEP, "semibold")
    pictures.liquid_splash(c, m, 163.0, 24.0, lighter(f.accent, 0.12), 12)
    green_leaf(c, m - 8, 148, 24, -150)
    green_leaf(c, m + 8, 148, 24, -28)
    f.whole(c, m - 13.0, 154.0, 17.0, f.whole_turn_deg)
    c.disc(m + 8.5, 171.5, 20.0, "#5a2c00", opacity=0.22, blur=2.0)
    f.half(c, m + 8.0, 169.0, 20.0, 8.0)
    for x, y, r, turn in ((7, 132, 1.7, -20), (62, 138, 1.2, 15), (64.5, 147, 0.8, 30), (5.5, 181, 1.1, -160)):
        c.fill(drop(x, y, r, turn), f.accent)
    c.text(7.0, 224.0, "Pressed from", 3.1, "#ffffff", "semibold", anchor="ls")
    c.text(7.0, 229.4, f.pressed_from, 4.4, "#ffffff", "extrabold", anchor="ls")
    marks.net_weight(c, 7.0, 238.0, "1 L", 7.0, "#ffffff")
    c.text(63.0, 238.4, "Keep chilled 0-4 C", 2.7, "#ffffff", "semibold", anchor="rm")
    if badge:
        marks.round_badge(c, 57.0, 131.5, 9.5, _GREEN, "#ffffff", "0 %", "added sugar", "NOTHING BUT FRUIT")


def _facts(c: Canvas, f: Flavour) -> None:
    _ground(c, f)
    c.text(35, 66, "sunnora", 9.0, _GREEN, "black", tracking=-0.04)
    y = c.paragraph(
        8,
        75,
        54,
        f"{f.word} juice. Ingredients: juice of {f.pressed_from}. Gently pasteurised. Shake well, "
        "pour cold. Once open keep chilled and drink within five days.",
        2.55,
        _DEEP,
        face="regular",
    )
    y = marks.nutrition_table(c, 8, y + 2.5, 54, _ROWS, size=2.45, ink=_DEEP, per="per 100 ml", paper="#fffdf6")
    marks.ticks(c, 8, y + 4, ("No added sugar", "No preservatives", "One of your five a day"), 3.0, _DEEP, f.ink)
    fruit_y = 178.0
    f.half(c, 35, fruit_y, 13.5, 20)
    c.text(35, 226, "A glass of morning.", 5.4, "#ffffff", "times-bold-italic")
    c.text(35, 234, "www.sunnora.example", 2.8, "#ffffff", "semibold", tracking=0.05)


def _story(c: Canvas, f: Flavour) -> None:
    _ground(c, f)
    c.text(35, 67, "From grove to glass", 5.6, f.ink, "times-bold-italic", fit=54)
    c.paragraph(
        8,
        75,
        54,
        "We pick late, when the sun has done its work, and press on the same day. No water, no sugar, "
        "no hurry. What you pour is what grew on the tree.",
        2.7,
        _DEEP,
        leading=1.4,
    )
    c.stroke(spline([(8, 104), (22, 102.6), (35, 104), (48, 105.4), (62, 104)], closed=False), 0.5, f.accent)
    f.whole(c, 35, 121, 11.5, f.whole_turn_deg)
    draw_ean13(c, 15.5, 138, f.digits, 0.34, 21.0, paper="#fffdf6")
    marks.recycling_loop(c, 19, 171.5, 4.2, _GREEN, "81", "C/PAP")
    marks.tidy_person(c, 33, 176, 10.5, _GREEN)
    marks.leaf_badge(c, 54, 171, 6.4, _GREEN, "#ffffff", "PLANT CARTON")
    c.paragraph(
        8,
        208,
        54,
        "Sunnora Fruit Co., 4 Grove Lane, Port Amber. Packed in a protective atmosphere. "
        "Rinse, fold flat and recycle with the cap on.",
        2.3,
        "#ffffff",
        face="semibold",
        align="m",
    )
    c.text(35, 234, "PRESSED  CHILLED  POURED", 2.6, "#ffffff", "extrabold", tracking=0.12)
