"""Random labels: endless invented prints that hang together, for things that are none of the user's objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.demo import citrus, fruit, marks, pictures, words
from photosynth.catalogue.demo.barcode import draw_ean13
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import Color, Linear, Radial, darker, from_hsv, lighter, luma, mix
from photosynth.catalogue.demo.paths import box, leaf, place, splash, spline, star, wave
from photosynth.catalogue.demo.words import pick

_FACES = (
    "black",
    "black",
    "black-italic",
    "extrabold",
    "light",
    "serif-bold",
    "serif-bold-italic",
    "times-bold",
    "times-bold-italic",
    "times-italic",
    "antique-italic",
    "antique-bold",
    "mono-bold",
)


@dataclass(frozen=True)
class Style:
    """What the faces of one package share."""

    paper: Color
    ink: Color
    accents: tuple[Color, Color, Color]
    face: str
    second_face: str
    brand: str
    product: str
    ground: int
    brand_form: int
    picture: int
    upper: bool
    seed: int


def random_style(rng: np.random.Generator) -> Style:
    """A palette by a rule of harmony, two typefaces, words and a way to lay them out."""
    hue = rng.random()
    spread = pick(rng, (0.03, 0.08, 0.33, 0.42, 0.5, 0.58))
    if rng.random() < 0.42:
        paper = from_hsv(hue, rng.uniform(0.0, 0.22), rng.uniform(0.88, 0.98))
    else:
        paper = from_hsv(hue, rng.uniform(0.35, 0.95), rng.uniform(0.16, 0.95))
    pale = luma(paper) > 0.55
    ink = (
        from_hsv(hue + spread, rng.uniform(0.2, 0.9), rng.uniform(0.1, 0.4))
        if pale
        else from_hsv(hue, rng.uniform(0, 0.15), 0.97)
    )
    accents = tuple(
        from_hsv(hue + spread * k + rng.normal(0, 0.02), rng.uniform(0.45, 0.95), rng.uniform(0.55, 0.97))
        for k in (1, 2, -1)
    )
    upper = bool(rng.random() < 0.4)
    brand = words.invented_word(rng)
    return Style(
        paper=paper,
        ink=ink,
        accents=accents,
        face=pick(rng, _FACES),
        second_face=pick(rng, _FACES),
        brand=brand.upper() if upper else brand if rng.random() < 0.7 else brand.lower(),
        product=words.product_words(rng),
        ground=int(rng.integers(9)),
        brand_form=int(rng.integers(6)),
        picture=int(rng.integers(8)),
        upper=upper,
        seed=int(rng.integers(2**31)),
    )


def random_label(rng: np.random.Generator, width_px: int, height_px: int) -> np.ndarray:
    """A random front: (height_px, width_px, 3) uint8 sRGB."""
    longest = max(width_px, height_px)
    scale = longest / 200.0
    c = Canvas(width_px / scale, height_px / scale, scale, "#ffffff", supersample=2)
    print_front(c, random_style(rng), rng)
    return np.ascontiguousarray(c.pixels()[:height_px, :width_px])


def print_front(c: Canvas, s: Style, rng: np.random.Generator) -> None:
    """The side with brand, product and picture, filled over the whole canvas."""
    print_ground(c, s)
    face_of(c, c.width / 2, c.width * 0.86, s, rng)


def print_wrap(c: Canvas, s: Style, rng: np.random.Generator) -> None:
    """A strip that runs round a package: the front twice, facts between."""
    print_ground(c, s)
    w = c.width
    state = rng.bit_generator.state
    for m in (w / 2, 0.0, w):
        rng.bit_generator.state = state
        face_of(c, m, w * 0.27, s, rng)
    facts_of(c, w * 0.25, w * 0.19, s, rng)
    facts_of(c, w * 0.75, w * 0.19, s, rng)


def print_facts(c: Canvas, s: Style, rng: np.random.Generator) -> None:
    """A side with table, prose and bar code."""
    print_ground(c, s)
    facts_of(c, c.width / 2, c.width * 0.86, s, rng)


def print_ground(c: Canvas, s: Style) -> None:
    """Paper and what is drawn across it; the same for each face of a package."""
    w, h = c.width, c.height
    rng = np.random.default_rng(s.seed)
    a, b, d = s.accents
    c.rect(0, 0, w, h, s.paper)
    if s.ground == 1:
        c.rect(0, 0, w, h, Linear((0, 0), (0, h), ((0, s.paper), (1, mix(s.paper, a, rng.uniform(0.3, 1.0))))))
    elif s.ground == 2:
        cut = h * rng.uniform(0.45, 0.8)
        c.fill(wave(0, w, cut, h, h * 0.03, int(rng.integers(1, 4))), a)
        c.fill(wave(0, w, cut + h * 0.08, h, h * 0.025, int(rng.integers(1, 4)), 2.0), b)
    elif s.ground == 3:
        n, slope = int(rng.integers(4, 16)), h * rng.uniform(-0.5, 0.5)
        step = w / n
        bars = [
            np.array([(k * step, 0), ((k + 0.5) * step, 0), ((k + 0.5) * step + slope, h), (k * step + slope, h)])
            for k in range(-8, n + 8)
        ]
        c.fill(bars, mix(s.paper, a, rng.uniform(0.15, 0.8)))
    elif s.ground == 4:
        n = int(rng.integers(6, 14))
        step = w / n
        spots = [
            star(i * step, j * step, step * 0.25, step * 0.25 * rng.uniform(0.4, 0.99), 6)
            for i in range(n + 1)
            for j in range(int(h / step) + 1)
        ]
        c.fill(spots, mix(s.paper, a, rng.uniform(0.2, 0.7)))
    elif s.ground == 5:
        pictures.hills(c, h * rng.uniform(0.5, 0.75), (d, b, a), height=h * rng.uniform(0.02, 0.07))
    elif s.ground == 6:
        pictures.sunburst(
            c, w / 2, h * rng.uniform(0.3, 0.7), 1.2 * max(w, h), int(rng.integers(8, 30)), a, rng.uniform(0.15, 0.6)
        )
    elif s.ground == 7:
        for k, y in enumerate(np.sort(rng.uniform(0.0, 1.0, 4))):
            c.rect(0, y * h, w, (y + rng.uniform(0.02, 0.2)) * h, s.accents[k % 3])
    elif s.ground == 8:
        for _ in range(7):
            r = rng.uniform(0.08, 0.3) * min(w, h)
            c.fill(
                splash(rng.uniform(0, w), rng.uniform(0, h), r, int(rng.integers(999))),
                s.accents[int(rng.integers(3))],
                opacity=rng.uniform(0.3, 0.9),
            )


def face_of(c: Canvas, m: float, width: float, s: Style, rng: np.random.Generator) -> None:
    """Brand, product, picture and marks in a column about x = m."""
    h = c.height
    size = min(width * 0.34, h * 0.24) * rng.uniform(0.8, 1.2)
    low = rng.random() < 0.25
    brand_y, picture_y = (h * 0.60, h * 0.28) if low else (h * rng.uniform(0.15, 0.24), h * rng.uniform(0.62, 0.74))
    r = min(width * 0.30, h * 0.18) * rng.uniform(0.8, 1.15)
    if s.ground in (3, 4, 6, 7, 8) or rng.random() < 0.25:
        c.rect(m - width / 2, h * 0.06, m + width / 2, h * 0.94, s.paper, radius=width * rng.uniform(0, 0.2))
    _picture(c, m, picture_y, r, s)
    _brand(c, m, brand_y, width, size, s)
    step = size * 0.95
    c.text(
        m,
        brand_y + step,
        s.product.upper() if s.upper else s.product,
        size * 0.42,
        s.ink,
        s.second_face,
        fit=width * 0.9,
    )
    if rng.random() < 0.7:
        c.text(
            m, brand_y + step * 1.5, words.prose(rng, 3).rstrip("."), size * 0.17, s.ink, "semibold", fit=width * 0.8
        )
    if rng.random() < 0.55:
        x, y, br = (
            m + width * rng.uniform(0.2, 0.36) * pick(rng, (-1, 1)),
            h * rng.uniform(0.4, 0.9),
            min(width, h) * rng.uniform(0.07, 0.12),
        )
        ground, letters = s.accents[1], "#ffffff" if luma(s.accents[1]) < 0.6 else "#1a1a1a"
        burst = marks.price_burst if rng.random() < 0.5 else marks.round_badge
        burst(c, x, y, br, ground, letters, f"{int(rng.integers(1, 99))}%", words.kind_word(rng).lower())
    marks.net_weight(c, m - width * 0.4, h * 0.94, words.amount(rng), min(width, h) * 0.055, s.ink)


def facts_of(c: Canvas, m: float, width: float, s: Style, rng: np.random.Generator) -> None:
    """Table, prose, bar code and marks in a column about x = m, as many as fit."""
    h, left = c.height, m - width / 2
    pale = s.ground in (0, 1) and luma(s.paper) > 0.55
    ink, paper = (s.ink, None) if pale else ("#1c1c1c", lighter(s.paper, 0.88))
    unit = min(width / 17.0, h / 24.0)
    y = h * 0.06
    if paper is not None:
        c.rect(left - unit, y - unit, left + width + unit, h * 0.96, paper, radius=unit)
    c.text(m, y + unit, s.brand, unit * 2.2, ink, s.face, fit=width)
    y += unit * 3
    names = ("Energy", "Fat", "- of which saturates", "Carbohydrate", "- of which sugars", "Protein", "Salt")
    rows = tuple((name, f"{rng.uniform(0, 60):.1f} g") for name in names[: int(rng.integers(4, 8))])
    parts = [0, 1, 2] if rng.random() < 0.6 else [1, 2, 0]
    for part in parts:
        if y > h * 0.78:
            break
        if part == 0:
            y = marks.nutrition_table(c, left, y, width, rows, size=unit, ink=ink) + unit
        elif part == 1:
            y = c.paragraph(left, y, width, words.prose(rng, 26), unit * 0.85, ink, face="regular") + unit
        else:
            digits = "".join(str(int(d)) for d in rng.integers(0, 10, 12))
            y += draw_ean13(c, left, y, digits, width * 0.75 / 113, unit * 6.5)[1] + unit
    if y < h * 0.84:
        marks.recycling_loop(c, left + unit * 2, y + unit * 2, unit * 1.5, ink, str(int(rng.integers(1, 99))))
        marks.tidy_person(c, left + unit * 6, y + unit * 3.4, unit * 3.6, ink)


def _brand(c: Canvas, m: float, y: float, width: float, size: float, s: Style) -> None:
    a = s.accents[0]
    on_a = "#ffffff" if luma(a) < 0.6 else darker(a, 0.75)
    if s.brand_form == 1:
        c.rect(m - width * 0.47, y - size * 0.62, m + width * 0.47, y + size * 0.62, a, radius=size * 0.6)
        c.text(m, y, s.brand, size, on_a, s.face, fit=width * 0.8)
    elif s.brand_form == 2:
        c.fill(
            spline(
                [
                    (m - width / 2, y - size * 0.5),
                    (m, y - size * 0.72),
                    (m + width / 2, y - size * 0.5),
                    (m + width / 2, y + size * 0.5),
                    (m, y + size * 0.72),
                    (m - width / 2, y + size * 0.5),
                ],
                per_span=8,
            ),
            a,
        )
        c.text(m, y, s.brand, size, on_a, s.face, fit=width * 0.78)
    elif s.brand_form == 3:
        c.text(m, y, s.brand, size * 1.1, "#ffffff", s.face, fit=width * 0.92, outline=(size * 0.06, darker(a, 0.5)))
    elif s.brand_form == 4:
        c.text(m, y, s.brand, size, s.ink, s.face, fit=width * 0.94, slant=0.15, stretch=0.8)
        c.rect(m - width * 0.3, y + size * 0.5, m + width * 0.3, y + size * 0.56, a)
    elif s.brand_form == 5:
        c.fill(box(m - width * 0.46, y - size * 0.6, m + width * 0.46, y + size * 0.6), s.ink)
        c.text(m, y, s.brand, size, s.paper, s.face, fit=width * 0.82, tracking=0.05)
    else:
        c.text(m, y, s.brand, size, s.ink, s.face, fit=width * 0.94, tracking=-0.02)


def _picture(c: Canvas, x: float, y: float, r: float, s: Style) -> None:
    """A fruit, an invented citrus, a bowl, ears, a splash or a pattern, always the same for one style."""
    rng = np.random.default_rng(s.seed + 1)
    a, b, d = s.accents
    if s.picture <= 1:
        pick(rng, tuple(fruit.FRUIT.values()))(c, x, y, r, rng.uniform(-30, 30))
    elif s.picture == 2:
        pictures.liquid_splash(c, x, y, r * 0.75, a, int(rng.integers(999)))
        citrus.citrus_half(a, b, lighter(b, 0.6))(c, x, y, r * 0.7, rng.uniform(0, 90))
    elif s.picture == 3:
        citrus.citrus(a, darker(a, 0.35), rng.uniform(1.0, 1.35))(c, x, y, r, rng.uniform(-40, 40))
    elif s.picture == 4:
        for k in range(-2, 3):
            pictures.oat_ear(c, x + k * r * 0.4, y + r, r * rng.uniform(1.4, 2.0), k * 12, darker(a, 0.3), a)
    elif s.picture == 5:
        n = int(rng.integers(5, 13))
        for k in range(n):
            petal = leaf(x, y, r, r * rng.uniform(0.3, 0.6), 360 * k / n, 0.1)
            c.fill(petal, Radial((x, y), r, ((0, darker(b, 0.2)), (1, lighter(d, 0.2)))))
        c.disc(x, y, r * 0.22, a)
    elif s.picture == 6:
        for k in range(int(rng.integers(3, 7)), 0, -1):
            t = k / 6
            shape = star(0, 0, r * t, r * t * rng.uniform(0.5, 1.0), int(rng.integers(3, 12)), rng.uniform(0, 90))
            c.fill(place(shape, x, y), s.accents[k % 3])
    else:
        for _ in range(int(rng.integers(4, 9))):
            u, v = rng.normal(0, 0.4, 2) * r
            size = r * rng.uniform(0.2, 0.5)
            color = s.accents[int(rng.integers(3))]
            c.disc(
                x + u,
                y + v,
                size,
                Radial(
                    (x + u - size * 0.3, y + v - size * 0.3),
                    size * 1.5,
                    ((0, lighter(color, 0.5)), (1, darker(color, 0.3))),
                ),
            )
