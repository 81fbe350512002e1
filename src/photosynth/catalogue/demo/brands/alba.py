"""Alba: olive oil in a dark glass bottle with a cream label."""

from __future__ import annotations

from photosynth.catalogue.demo import fruit, marks, pictures
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import Linear
from photosynth.catalogue.demo.shapes import Shape, glass_bottle

_GLASS, _CREAM, _INK, _GOLD = "#1f2f17", "#f6efdc", "#2b3320", "#b98c35"
_ROWS = (
    ("Energy", "3 404 kJ / 828 kcal"),
    ("Fat", "92 g"),
    ("- of which saturates", "13 g"),
    ("Carbohydrate", "0 g"),
    ("Protein", "0 g"),
    ("Salt", "0 g"),
)


def shape() -> Shape:
    """A 500 ml bottle, 66 mm wide and 262 mm high."""
    return glass_bottle(33.0, 262.0, (24.0, 132.0))


def paint(c: dict[str, Canvas]) -> None:
    """Print the label and colour the glass."""
    for name, panel in c.items():
        w, h = panel.width, panel.height
        if name in ("cap-side", "collar"):
            pictures.brushed_metal(panel, _GOLD)
        elif name == "top-cap":
            pictures.brushed_metal(panel, _GOLD, lathe_turned=True)
        elif name != "label":
            panel.rect(0, 0, w, h, Linear((0, 0), (0, h), ((0, "#2c4020"), (0.5, _GLASS), (1, "#16230f"))))
    for y in (0.08, 0.86):
        c["cap-side"].rect(
            0, c["cap-side"].height * y, c["cap-side"].width, c["cap-side"].height * (y + 0.03), "#6d5017"
        )
    top = c["top-cap"]
    top.text(top.width / 2, top.height / 2, "A", 11, "#6d5017", "serif-bold-italic")
    label = c["label"]
    label.rect(0, 0, label.width, label.height, _CREAM)
    _front(label, label.width / 2)
    _back(label, 0.0)
    _back(label, label.width)
    _award(label, label.width * 0.255)
    _award(label, label.width * 0.745)
    for y, t in ((1.6, 1.0), (3.4, 0.3), (label.height - 2.6, 1.0), (label.height - 3.7, 0.3)):
        label.rect(0, y, label.width, y + t, _GOLD)


def _front(c: Canvas, m: float) -> None:
    h = c.height
    c.text(m, 12.5, "ESTATE BOTTLED", 2.6, _GOLD, "extrabold", tracking=0.28)
    c.text(m, 26.0, "Alba", 25.0, _INK, "times-bold-italic")
    c.rect(m - 21, 38.0, m + 21, 38.35, _GOLD)
    c.text(m, 42.6, "EXTRA VIRGIN", 5.0, _INK, "times-bold", tracking=0.14, fit=46)
    c.text(m, 49.2, "OLIVE OIL", 5.0, _INK, "times-bold", tracking=0.14, fit=46)
    fruit.olives(c, m, 71.0, 18.5, 4)
    c.text(m, 88.0, "first cold pressing", 4.2, "#5d7a2c", "times-bold-italic")
    marks.net_weight(c, m - 2.0, h - 10.5, "500 ml", 4.6, _INK, "mm")


def _award(c: Canvas, m: float) -> None:
    for y, turn in ((26, 0), (78, 180)):
        fruit.olives(c, m, y, 11.0, turn)
    c.disc(m, 53, 10.0, _GOLD)
    c.ring(m, 53, 9.2, 8.8, _CREAM)
    c.text_arc(m, 53, 7.1, "HARVEST", 2.2, _CREAM, "extrabold", tracking=0.16)
    c.text(m, 53.6, "2026", 5.6, _CREAM, "times-bold")
    c.text_arc(m, 53, 7.1, "HAND PICKED", 1.9, _CREAM, "extrabold", tracking=0.1, centre_deg=180)


def _back(c: Canvas, m: float) -> None:
    c.text(m, 12.5, "From old trees", 6.0, _INK, "times-bold-italic")
    y = c.paragraph(
        m - 21,
        18,
        42,
        "Green, peppery and a little stubborn, like the hill it grows on. Pour it over everything that is warm.",
        2.6,
        _INK,
        align="m",
        leading=1.38,
    )
    y = marks.nutrition_table(c, m - 20, y + 2, 40, _ROWS, size=2.3, ink=_INK, per="per 100 ml")
    draw_ean13(c, m - 18, y + 4, "761204566016", 0.32, 19, ink=_INK, paper="#fffaf0")
    marks.recycling_loop(c, m - 10, y + 30, 3.8, _INK, "71", "GL")
    marks.tidy_person(c, m + 4, y + 34, 9.5, _INK)
