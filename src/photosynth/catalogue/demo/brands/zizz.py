"""Zizz: sodas in aluminium cans. The flavours share everything but word, fruit and accent."""

from __future__ import annotations

from dataclasses import dataclass

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import Picture, green_leaf
from photosynth.catalogue.demo.paint import Color, Linear, Radial, lighter
from photosynth.catalogue.demo.paths import box, ellipse
from photosynth.catalogue.demo.shapes import Shape, drink_can

_NIGHT, _SEA = "#101f4d", "#1d4c9b"
_ROWS = (
    ("Energy", "84 kJ / 20 kcal"),
    ("Fat", "0 g"),
    ("Carbohydrate", "4.8 g"),
    ("- of which sugars", "4.7 g"),
    ("Protein", "0 g"),
    ("Salt", "0.01 g"),
)


@dataclass(frozen=True)
class Flavour:
    """What tells one soda from another."""

    word: str
    accent: Color
    whole: Picture
    half: Picture
    digits: str


LEMON = Flavour("LEMON", "#ffe04a", fruit.lemon, fruit.lemon_half, "761204522011")
CHERRY = Flavour("CHERRY", "#ff6b81", fruit.cherries, fruit.cherries, "761204522028")


def shape() -> Shape:
    """A 330 ml can."""
    return drink_can()


def paint(c: dict[str, Canvas], f: Flavour) -> None:
    """Print one flavour."""
    metal_end(c)
    neck = c["neck"]
    neck.rect(0, neck.height * 0.42, neck.width, neck.height, _NIGHT)
    neck.rect(0, neck.height * 0.62, neck.width, neck.height * 0.74, f.accent)
    body = c["body"]
    w, h = body.width, body.height
    body.rect(0, 0, w, h, Linear((0, 0), (0, h), ((0, _NIGHT), (0.55, "#17357a"), (1, _SEA))))
    for m in (w / 2, 0.0, w):
        pictures.bubbles(body, m - 26, 34, m + 26, h, 90, lighter(f.accent, 0.45), 8, 2.1)
    for m in (w / 2, 0.0, w):
        _face(body, m, f)
    _facts(body, w * 0.25, f)
    _small_print(body, w * 0.75, f)
    body.rect(0, h - 3.0, w, h - 1.6, f.accent)


def metal_end(c: dict[str, Canvas], tone: Color = "#c6c9cd") -> None:
    """Bare metal on every end of a can; the lid gets its score line and the tab its hole."""
    for name, panel in c.items():
        if name != "body":
            pictures.brushed_metal(panel, tone, lathe_turned=name in ("top-lid", "bottom-dome", "bottom-end"))
    lid = c["top-lid"]
    m = lid.width / 2
    lid.ring(m, m, m * 0.86, m * 0.84, "#8e9298", opacity=0.6)
    if m < 30:
        opening = ellipse(m, m * 1.46, m * 0.40, m * 0.36)
        lid.fill(opening, "#7d8187", opacity=0.75, holes=[ellipse(m, m * 1.46, m * 0.375, m * 0.335)])
        lid.fill(ellipse(m, m * 1.46, m * 0.36, m * 0.32), "#ffffff", opacity=0.18, blur=1.0)
    else:
        for k in (0.72, 0.58, 0.44):
            lid.ring(m, m, m * k, m * (k - 0.015), "#8e9298", opacity=0.5)
    tab = c["top-tab"]
    tab.fill(box(3.2, 3.0, 11.8, 10.5, 4.0), "#6f747b", opacity=0.85)
    tab.fill(box(3.8, 3.8, 11.2, 10.5, 3.6), Radial((7.5, 6), 7, ((0, "#9a9fa6"), (1, "#b9bdc2"))))
    tab.ring(7.5, 16.5, 2.8, 2.4, "#7d8187", opacity=0.7)


def _face(c: Canvas, m: float, f: Flavour) -> None:
    h = c.height
    c.disc(m, h * 0.66, 25, Radial((m, h * 0.66), 25, ((0, "#3d86dc"), (1, "#1c4690"))), opacity=0.55, blur=4)
    c.text(m + 0.7, 22.6, "zizz", 33.0, "#060d26", "black-italic", tracking=-0.05, opacity=0.5)
    c.text(m, 21.6, "zizz", 33.0, "#ffffff", "black-italic", tracking=-0.05)
    c.text(m, 40.0, f.word, 8.2, f.accent, "black", tracking=0.16, fit=46)
    c.text(m, 47.2, "SPARKLING SODA", 2.9, "#ffffff", "semibold", tracking=0.22)
    y = h * 0.695
    if f.whole is f.half:
        f.whole(c, m - 1.5, y + 3.0, 14.5, 0.0)
    else:
        green_leaf(c, m + 3, y - 2, 14, -32)
        f.whole(c, m - 8.5, y - 1.5, 11.5, -24.0)
        c.disc(m + 10.5, y + 5.0, 11.8, "#060d26", opacity=0.35, blur=1.4)
        f.half(c, m + 10.0, y + 3.5, 11.8, 10.0)
    c.text(m, h - 8.0, "20 kcal per 100 ml", 2.5, "#ffffff", "semibold", tracking=0.04)


def _facts(c: Canvas, m: float, f: Flavour) -> None:
    c.text(m, 7.0, "zizz", 9.0, "#ffffff", "black-italic", tracking=-0.04)
    y = marks.nutrition_table(c, m - 17, 13.5, 34, _ROWS, size=2.1, ink="#ffffff", per="per 100 ml")
    y = c.paragraph(
        m - 18,
        y + 3,
        36,
        f"Sparkling water, {f.word.lower()} juice 9 %, sugar, natural flavouring, citric acid. "
        "Serve cold. Do not shake, do not freeze. Best before: see base.",
        1.95,
        "#ffffff",
        align="m",
    )
    marks.net_weight(c, m - 1.5, y + 4.5, "330 ml", 5.0, f.accent, "mm")
    marks.recycling_loop(c, m - 10, y + 16, 4.4, "#ffffff", "41", "ALU")
    marks.tidy_person(c, m + 6, y + 20.5, 10, "#ffffff")


def _small_print(c: Canvas, m: float, f: Flavour) -> None:
    c.text(m, 9.0, "Small bubbles.", 4.6, f.accent, "times-bold-italic")
    c.text(m, 15.0, "Big afternoon.", 4.6, f.accent, "times-bold-italic")
    c.paragraph(
        m - 18,
        20.5,
        36,
        "Real fruit, cold water and eleven thousand bubbles, give or take. Tip, sip, repeat.",
        2.2,
        "#ffffff",
        align="m",
        leading=1.4,
    )
    draw_ean13(c, m - 16.5, 35.0, f.digits, 0.29, 20.0)
    c.rect(m - 15, 61, m + 15, 70, "#ffffff", radius=2, holes=[box(m - 14.6, 61.4, m + 14.6, 69.6, 1.6)])
    c.text(m, 63.8, "RETURN FOR", 2.3, "#ffffff", "semibold", tracking=0.1)
    c.text(m, 67.2, "25c DEPOSIT", 3.0, f.accent, "extrabold", tracking=0.05)
    c.paragraph(m - 18, 74, 36, "Zizz Bottling, 12 Quay Street, Port Amber", 1.9, "#ffffff", align="m")
