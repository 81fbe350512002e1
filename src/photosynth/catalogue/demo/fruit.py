"""Fruit and vegetables as flat illustrations: soft gradients, a highlight, a leaf. (x, y) is the middle, r the size."""

from __future__ import annotations

import math

import numpy as np

from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.citrus import Picture, citrus, citrus_half, gloss, green_leaf, shaded_ball, wedge
from photosynth.catalogue.demo.paint import Linear, Radial, darker
from photosynth.catalogue.demo.paths import drop, ellipse, leaf, moved, place, spline, star


def mango(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A mango with a red blush and a leaf."""
    outline = spline(
        [
            (-1.12, 0.12),
            (-0.86, -0.52),
            (-0.2, -0.86),
            (0.55, -0.72),
            (1.05, -0.2),
            (1.1, 0.28),
            (0.72, 0.72),
            (0.05, 0.86),
            (-0.62, 0.72),
            (-1.0, 0.48),
        ]
    )
    body = place(outline, x, y, r, turn_deg)
    shaded_ball(c, body, x, y, r, "#ffb52b", "#dd7d10")
    with c.clip(body):
        a = math.radians(turn_deg)
        for along, across, size, color, opacity in (
            (0.75, -0.45, 0.75, "#d8321f", 0.8),
            (0.35, -0.75, 0.6, "#e8542a", 0.6),
            (-0.9, 0.5, 0.55, "#86a83a", 0.55),
        ):
            px = x + r * (along * math.cos(a) - across * math.sin(a))
            py = y + r * (along * math.sin(a) + across * math.cos(a))
            c.disc(px, py, r * size, color, blur=r * 0.26, opacity=opacity)
    gloss(c, x - r * 0.32, y - r * 0.42, r * 0.3, turn_deg - 20)
    end = place(np.array([[-1.1, 0.1]]), x, y, r, turn_deg)[0]
    c.stroke(spline([end, (end[0] - r * 0.1, end[1] - r * 0.12)], closed=False), r * 0.07, "#5b4a22")
    green_leaf(c, end[0] - r * 0.08, end[1] - r * 0.1, r * 1.05, turn_deg - 62, 0.36)


def mango_half(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A mango cheek, its flesh cut into cubes and turned out."""
    skin = place(ellipse(0, 0, r * 1.08, r * 0.84), x, y, 1.0, turn_deg)
    c.fill(skin, Linear((x, y - r), (x, y + r), ((0, "#e8862a"), (1, "#c8451d"))))
    flesh = place(ellipse(0, 0, r * 1.0, r * 0.76), x, y, 1.0, turn_deg)
    c.fill(flesh, Radial((x - r * 0.2, y - r * 0.3), r * 1.3, ((0, "#ffd95e"), (0.6, "#ffb51f"), (1, "#f59a10"))))
    with c.clip(flesh):
        step = r * 0.31
        for i in range(-4, 5):
            for j in range(-4, 5):
                middle = np.array([[i * step + r * 0.04 * math.sin(j), j * step + r * 0.04 * math.cos(i)]])
                px, py = place(middle, x, y, 1.0, turn_deg + 45)[0]
                cube = place(
                    spline(
                        np.array([(-1, -1), (0, -1.08), (1, -1), (1.08, 0), (1, 1), (0, 1.08), (-1, 1), (-1.08, 0)]),
                        per_span=4,
                    ),
                    px,
                    py,
                    step * 0.41,
                    turn_deg + 45,
                )
                c.fill(moved(cube, r * 0.02, r * 0.03), "#d97708", opacity=0.55)
                c.fill(
                    cube,
                    Linear(
                        (px - step / 2, py - step / 2),
                        (px + step / 2, py + step / 2),
                        ((0, "#ffe58a"), (0.5, "#ffc238"), (1, "#ffa914")),
                    ),
                )


def strawberry(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A strawberry with seeds and a crown of leaves."""
    outline = spline(
        [
            (0, -0.78),
            (0.5, -0.86),
            (0.88, -0.48),
            (0.84, 0.08),
            (0.5, 0.72),
            (0.12, 1.1),
            (-0.12, 1.1),
            (-0.5, 0.72),
            (-0.84, 0.08),
            (-0.88, -0.48),
            (-0.5, -0.86),
        ]
    )
    body = place(outline, x, y, r, turn_deg)
    shaded_ball(c, body, x, y, r, "#e8283c", "#9c0f2a")
    with c.clip(body):
        for row in range(-3, 5):
            for col in range(-3, 4):
                u, v = (col + 0.5 * (row % 2)) * 0.30, row * 0.27 + 0.05 * math.cos(col)
                u *= 1.0 - 0.10 * max(v, 0)
                px, py = place(np.array([[u, v]]), x, y, r, turn_deg)[0]
                c.fill(drop(px, py + r * 0.012, r * 0.052, turn_deg, 1.9), "#8a0c20", opacity=0.75)
                c.fill(drop(px, py, r * 0.036, turn_deg, 2.1), "#ffd970")
    gloss(c, x - r * 0.36, y - r * 0.32, r * 0.26, strength=0.5)
    top = place(np.array([[0.0, -0.80]]), x, y, r, turn_deg)[0]
    for k, spread in enumerate((-168, -140, -12, -40, 160, 20, -90)):
        green_leaf(c, top[0], top[1], r * (0.62 if k < 4 else 0.5), turn_deg + spread, 0.42)
    c.stroke(
        spline([top, (top[0] + r * 0.06, top[1] - r * 0.22), (top[0] + r * 0.2, top[1] - r * 0.36)], closed=False),
        r * 0.07,
        "#4f8a35",
    )


def blueberry(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """One blueberry with its crown and bloom."""
    shaded_ball(c, ellipse(x, y, r), x, y, r, "#4a5fae", "#1b2250")
    a = math.radians(turn_deg - 60)
    px, py = x + r * 0.3 * math.cos(a), y + r * 0.3 * math.sin(a)
    c.fill(place(star(0, 0, 0.44, 0.25, 5, turn_deg), px, py, r), "#222a5e")
    c.fill(place(star(0, 0, 0.34, 0.17, 5, turn_deg + 8), px, py, r), "#10153a")
    c.disc(x - r * 0.35, y - r * 0.3, r * 0.42, "#b7c5f2", opacity=0.42, blur=r * 0.16)
    c.fill(ellipse(x - r * 0.42, y - r * 0.52, r * 0.15, r * 0.08, -38), "#ffffff", opacity=0.6, blur=r * 0.03)


def blueberries(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A handful of blueberries with two leaves."""
    green_leaf(c, x - r * 0.3, y - r * 0.5, r * 1.1, turn_deg - 150, 0.5)
    green_leaf(c, x + r * 0.3, y - r * 0.5, r * 1.1, turn_deg - 32, 0.5)
    spots = (
        (-0.1, -0.62, 0.40, 40),
        (-0.66, -0.12, 0.44, 200),
        (0.62, -0.2, 0.43, 20),
        (-0.28, 0.52, 0.46, 120),
        (0.46, 0.5, 0.44, 300),
        (0.0, 0.0, 0.50, 80),
    )
    for u, v, size, turn in spots:
        px, py = place(np.array([[u, v]]), x, y, r, turn_deg * 0.3)[0]
        c.disc(px + r * 0.05, py + r * 0.09, r * size, "#0d1230", opacity=0.32, blur=r * 0.06)
        blueberry(c, px, py, r * size, turn)


def cherries(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """Two cherries on their stems, with a leaf."""
    top = np.array([x + r * 0.25, y - r * 1.05])
    for u, v, bend in ((-0.52, 0.3, -0.25), (0.55, 0.42, 0.2)):
        px, py = place(np.array([[u, v]]), x, y, r, turn_deg)[0]
        crown = np.array([px, py - r * 0.40])
        stem = spline([top, (top + crown) / 2 + (r * bend * 0.6, 0), crown], closed=False)
        c.stroke(stem, r * 0.07, "#5d7a2c")
    green_leaf(c, top[0], top[1], r * 1.05, 12, 0.46)
    for u, v in ((-0.52, 0.3), (0.55, 0.42)):
        px, py = place(np.array([[u, v]]), x, y, r, turn_deg)[0]
        body = spline(
            np.array(
                [
                    (0, -0.42),
                    (0.34, -0.5),
                    (0.55, -0.1),
                    (0.4, 0.42),
                    (0, 0.54),
                    (-0.4, 0.42),
                    (-0.55, -0.1),
                    (-0.34, -0.5),
                ]
            )
            * r
            + (px, py)
        )
        shaded_ball(c, body, px, py, r * 0.56, "#c3142f", "#56041a")
        c.fill(ellipse(px, py - r * 0.38, r * 0.14, r * 0.05), "#56041a", opacity=0.7, blur=r * 0.02)
        gloss(c, px - r * 0.2, py - r * 0.16, r * 0.14, strength=0.7)


def tomato(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A tomato with its green star."""
    outline = spline(
        [
            (0, -0.80),
            (0.45, -0.88),
            (0.92, -0.55),
            (1.06, 0.05),
            (0.8, 0.68),
            (0.3, 0.92),
            (-0.3, 0.92),
            (-0.8, 0.68),
            (-1.06, 0.05),
            (-0.92, -0.55),
            (-0.45, -0.88),
        ]
    )
    body = place(outline, x, y, r, turn_deg)
    shaded_ball(c, body, x, y, r * 1.05, "#e63a24", "#9d1512")
    with c.clip(body):
        for u in (-0.5, 0.5):
            seam = place(spline([(0, -0.8), (u, -0.35), (u * 1.3, 0.3)], closed=False), x, y, r, turn_deg)
            c.stroke(seam, r * 0.05, "#a51a14", opacity=0.25)
    gloss(c, x - r * 0.45, y - r * 0.34, r * 0.28, strength=0.6)
    top = place(np.array([[0.0, -0.74]]), x, y, r, turn_deg)[0]
    for spread in (-175, -140, -20, 0, 150, 35, 95):
        c.fill(
            leaf(top[0], top[1], r * 0.62, r * 0.15, turn_deg + spread, 0.2),
            Radial((top[0], top[1]), r * 0.6, ((0, "#2c6b22"), (1, "#6eb53f"))),
        )
    c.stroke(
        spline([top, (top[0] + r * 0.03, top[1] - r * 0.2), (top[0] + r * 0.14, top[1] - r * 0.34)], closed=False),
        r * 0.1,
        "#3f7d2c",
    )


def tomato_half(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A cut tomato with its seed chambers."""
    c.disc(x, y, r, Radial((x, y), r, ((0.8, "#d92b1e"), (1, "#b01a14"))))
    c.disc(x, y, r * 0.93, Radial((x - r * 0.2, y - r * 0.2), r * 1.1, ((0, "#f9806a"), (1, "#ea4a36"))))
    rng = np.random.default_rng(5)
    for k in range(5):
        chamber = place(wedge(r * 0.26, r * 0.76, 52), x, y, 1.0, turn_deg + 72 * k)
        c.fill(chamber, Radial((x, y), r * 0.8, ((0.3, "#f2692f"), (1, "#d42a1c"))))
        for _ in range(6):
            a = math.radians(turn_deg + 72 * k + rng.uniform(-19, 19))
            rho = r * rng.uniform(0.42, 0.68)
            c.fill(drop(x + rho * math.cos(a), y + rho * math.sin(a), r * 0.042, math.degrees(a) - 90, 2.0), "#ffe2a0")
    c.disc(x, y, r * 0.2, "#f9a792", opacity=0.85, blur=r * 0.05)


def olives(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """An olive branch with three olives."""
    twig = place(spline([(-1.25, 0.30), (-0.4, -0.12), (0.4, -0.18), (1.3, -0.55)], closed=False), x, y, r, turn_deg)
    c.stroke(twig, r * 0.055, "#6b5a34")
    for k in range(8):
        root = twig[3 + k * 4]
        side = -1 if k % 2 else 1
        blade = leaf(root[0], root[1], r * 0.78, r * 0.19, turn_deg - 15 + side * 48, 0.06 * side)
        tip = blade[23]
        shades = ((0, "#41602c"), (1, "#8fae62")) if k % 2 else ((0, "#5d7a40"), (1, "#b8ca8e"))
        c.fill(blade, Linear(tuple(root), tuple(tip), shades))
    for u, v, turn, color in ((-0.3, 0.36, 70, "#5a6b22"), (0.32, 0.26, 105, "#6e7f2a"), (0.84, 0.02, 75, "#3c3550")):
        px, py = place(np.array([[u, v]]), x, y, r, turn_deg)[0]
        body = ellipse(px, py, r * 0.33, r * 0.235, turn_deg + turn)
        shaded_ball(c, body, px, py, r * 0.33, color, darker(color, 0.5))
        gloss(c, px - r * 0.09, py - r * 0.12, r * 0.07, strength=0.75)


def chickpeas(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
    """A small heap of chickpeas."""
    outline = spline(
        [(-0.9, 0.1), (-0.55, -0.75), (0.2, -0.95), (0.8, -0.55), (1.12, -0.12), (0.85, 0.5), (0.2, 0.9), (-0.55, 0.75)]
    )
    for u, v, turn in (
        (-0.1, -0.52, 10),
        (-0.62, 0.05, 200),
        (0.6, 0.0, -30),
        (-0.25, 0.5, 80),
        (0.42, 0.56, 20),
        (0.02, 0.04, -70),
    ):
        px, py = place(np.array([[u, v]]), x, y, r, turn_deg)[0]
        c.disc(px + r * 0.03, py + r * 0.08, r * 0.38, "#5a3a10", opacity=0.35, blur=r * 0.06)
        body = place(outline, px, py, r * 0.36, turn)
        shaded_ball(c, body, px, py, r * 0.36, "#e9c586", "#b07f3c")
        crease = place(spline([(0.9, -0.1), (0.4, 0.02), (0.05, 0.3)], closed=False), px, py, r * 0.36, turn)
        c.stroke(crease, r * 0.03, "#9b6b2c", opacity=0.5)
        gloss(c, px - r * 0.12, py - r * 0.14, r * 0.08, strength=0.5)


orange, orange_half = citrus("#ff9a1f", "#d95f02"), citrus_half("#ff8c12", "#ff9c24", "#ffd9a0")
lemon, lemon_half = citrus("#ffe03a", "#d9a400", 1.25), citrus_half("#ffd51e", "#ffe458", "#fff4b0")
lime, lime_half = citrus("#8cc63f", "#3d7a1a", 1.2), citrus_half("#6fb02c", "#b6dc6a", "#e6f5c0")
grapefruit, grapefruit_half = citrus("#ff9d5c", "#d8553a"), citrus_half("#ff9248", "#f4604e", "#ffd8c0")

FRUIT: dict[str, Picture] = {
    "orange": orange,
    "orange half": orange_half,
    "lemon": lemon,
    "lemon half": lemon_half,
    "lime": lime,
    "lime half": lime_half,
    "grapefruit": grapefruit,
    "grapefruit half": grapefruit_half,
    "mango": mango,
    "mango half": mango_half,
    "strawberry": strawberry,
    "blueberries": blueberries,
    "cherries": cherries,
    "tomato": tomato,
    "tomato half": tomato_half,
    "olives": olives,
    "chickpeas": chickpeas,
}
"""Every fruit picture by name."""
