"""Havre: oat drink in a brick carton; few colours, large type."""

from __future__ import annotations

from photosynth.catalogue.demo import marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paths import spline
from photosynth.catalogue.demo.shapes import Shape, brick_carton

_PAPER, _INK, _CLAY, _MIST = "#ece5d6", "#22333d", "#d9653b", "#b9cdd3"
_ROWS = (
    ("Energy", "193 kJ / 46 kcal"),
    ("Fat", "1.5 g"),
    ("- of which saturates", "0.2 g"),
    ("Carbohydrate", "6.7 g"),
    ("- of which sugars", "4.0 g"),
    ("Fibre", "0.8 g"),
    ("Protein", "1.0 g"),
    ("Salt", "0.10 g"),
)


def shape() -> Shape:
    """A one-litre brick, 92 x 62 x 178 mm without its cap."""
    return brick_carton(92.0, 62.0, 178.0, 12.5)


def paint(c: dict[str, Canvas]) -> None:
    """Print the carton."""
    for name, panel in c.items():
        panel.rect(0, 0, panel.width, panel.height, _CLAY if "cap" in name else _PAPER)
    pictures.ribs(c["cap-side"], 34, _CLAY)
    _front(c["front"])
    _front(c["back"])
    _facts(c["right"])
    _story(c["left"])
    top = c["top"]
    top.rect(0, 0, top.width, top.height, _MIST)
    for y in (top.height * 0.45, top.height * 0.55):
        top.rect(0, y, top.width, y + 0.5, _INK, opacity=0.25)
    top.text(14, 14, "havre", 9, _INK, "black", anchor="lm", tracking=-0.04)
    marks.date_stamp(top, 66, 8, ("12 09 27", "H3 22:10"), 3.0)


def _band(c: Canvas) -> None:
    """A field at dawn that runs round the foot of the carton."""
    pictures.hills(c, 134, (_MIST, "#8fb0b8", "#d8b46a", "#c59a4a"), height=6.5)


def _front(c: Canvas) -> None:
    w, h = c.width, c.height
    m = w / 2
    c.disc(m + 22, 110, 15, _CLAY)
    _band(c)
    for x, size, turn in ((12, 52, -9), (22, 64, -3), (33, 56, 5), (60, 46, -4), (82, 44, 8), (72, 54, 3)):
        pictures.oat_ear(c, x, 163, size, turn, "#8c6a2c", "#e3bd6c")
    c.text(8, 23.0, "hav", 44, _INK, "black", anchor="lm", tracking=-0.06)
    c.text(8, 53.0, "re.", 44, _INK, "black", anchor="lm", tracking=-0.06)
    c.rect(8, 75.2, 84, 75.7, _INK)
    c.text(8, 80.5, "Oat drink", 6.4, _INK, "extrabold", anchor="lm")
    c.text(84, 80.5, "Barista", 6.4, _CLAY, "times-bold-italic", anchor="rm")
    c.text(8, 87.0, "oats, water, a pinch of salt", 3.4, _INK, "regular", anchor="lm")
    c.rect(0, h - 13, w, h, _INK)
    marks.net_weight(c, 8, h - 6.6, "1 L", 6.5, _PAPER)
    c.text(w - 8, h - 6.6, "100 % plant", 4.2, _PAPER, "semibold", anchor="rm")


def _facts(c: Canvas) -> None:
    w, h = c.width, c.height
    _band(c)
    c.text(6, 13, "What's in it", 6.5, _INK, "black", anchor="lm", tracking=-0.02)
    y = c.paragraph(
        6,
        21,
        w - 12,
        "Water, OATS 10 %, rapeseed oil, calcium carbonate, sea salt, vitamins D2, B2 and B12. "
        "Free from milk and soya.",
        2.8,
        _INK,
        leading=1.38,
    )
    y = marks.nutrition_table(c, 6, y + 3, w - 12, _ROWS, size=2.7, ink=_INK, per="per 100 ml")
    marks.ticks(c, 6, y + 4.5, ("Foams like a dream", "Grown within 90 km"), 3.2, _INK, _CLAY)
    c.rect(0, h - 13, w, h, _INK)
    c.text(w / 2, h - 6.6, "shake me first", 4.2, _PAPER, "semibold")


def _story(c: Canvas) -> None:
    w, h = c.width, c.height
    _band(c)
    c.text(6, 14, "Slow fields,", 7.2, _INK, "black", anchor="lm", tracking=-0.03)
    c.text(6, 22.5, "short list.", 7.2, _CLAY, "black", anchor="lm", tracking=-0.03)
    y = c.paragraph(
        6,
        31,
        w - 12,
        "Our oats stand in the north wind all summer and arrive here before breakfast. We soak, press and stop there.",
        3.0,
        _INK,
        leading=1.42,
    )
    c.stroke(spline([(6, y + 2), (20, y + 0.6), (34, y + 2), (w - 6, y + 1)], closed=False), 0.5, _CLAY)
    draw_ean13(c, 10.5, y + 7, "761204544014", 0.34, 21, ink=_INK, paper="#f7f3ea")
    marks.recycling_loop(c, 14, y + 40, 4.6, _INK, "81", "C/PAP")
    marks.tidy_person(c, 28, y + 45, 11.5, _INK)
    marks.leaf_badge(c, 49, y + 39.5, 7, _INK, _PAPER, "VEGAN FOODS")
    c.rect(0, h - 13, w, h, _INK)
    c.text(w / 2, h - 6.6, "havre.example", 4.2, _PAPER, "semibold")
