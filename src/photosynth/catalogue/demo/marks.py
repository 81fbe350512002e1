"""Marks that every package carries: nutrition table, recycling loop, best-before stamp, badges, small print."""

from __future__ import annotations

import math

import numpy as np

from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.fonts import text_width
from photosynth.catalogue.demo.paint import Color, Paint
from photosynth.catalogue.demo.paths import ellipse, leaf, place, spline, star

Rows = tuple[tuple[str, str], ...]


def nutrition_table(
    c: Canvas,
    x: float,
    y: float,
    width: float,
    rows: Rows,
    *,
    size: float = 2.0,
    ink: Color = "#1c1c1c",
    title: str = "Nutrition",
    per: str = "per 100 g",
    paper: Color | None = None,
) -> float:
    """A ruled table of names and amounts; a name that starts with a dash is indented. Returns the y below it."""
    line = size * 1.5
    height = line * (len(rows) + 1.5) + size * 0.4
    if paper is not None:
        c.rect(x, y, x + width, y + height, paper)
    rule = max(size * 0.07, 0.8 / c.px_per_mm)
    inset = size * 0.5
    c.text(x + inset, y + line * 0.68, title, size * 1.25, ink, "extrabold", anchor="lm")
    c.text(x + width - inset, y + line * 0.72, per, size * 0.9, ink, "semibold", anchor="rm")
    c.rect(x, y + line * 1.3, x + width, y + line * 1.3 + rule * 2.5, ink)
    for k, (name, amount) in enumerate(rows):
        at = y + line * (k + 1.9) + size * 0.1
        sub = name.startswith("-")
        label = name.lstrip("- ")
        c.text(
            x + inset + (size if sub else 0.0),
            at,
            label,
            size,
            ink,
            "regular" if sub else "semibold",
            anchor="lm",
            fit=width * 0.62,
        )
        c.text(x + width - inset, at, amount, size, ink, "regular", anchor="rm", fit=width * 0.36)
        if k < len(rows) - 1:
            c.rect(x + inset, at + line * 0.5, x + width - inset, at + line * 0.5 + rule * 0.7, ink, opacity=0.55)
    c.stroke([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], rule, ink, closed=True)
    return y + height


def recycling_loop(c: Canvas, x: float, y: float, r: float, ink: Paint, code: str = "", word: str = "") -> None:
    """Three arrows that chase each other, a number inside and a word below."""
    for k in range(3):
        turn = 120 * k
        a0, a1 = math.radians(-90 - 44), math.radians(-90 + 26)
        a = np.linspace(a0, a1, 12)
        outer = np.stack([np.cos(a), np.sin(a)], 1) * r
        inner = outer[::-1] * 0.70
        c.fill(place(np.concatenate([outer, inner]), x, y, 1.0, turn), ink)
        head_at = np.array([math.cos(a1), math.sin(a1)]) * r * 0.85
        along = np.array([-math.sin(a1), math.cos(a1)]) * r * 0.46
        across = np.array([math.cos(a1), math.sin(a1)]) * r * 0.34
        c.fill(place(np.array([head_at + across, head_at + along, head_at - across]), x, y, 1.0, turn), ink)
    if code:
        c.text(x, y, code, r * 0.75, ink, "extrabold")
    if word:
        c.text(x, y + r * 1.2, word, r * 0.62, ink, "semibold", anchor="mt")


def tidy_person(c: Canvas, x: float, y: float, h: float, ink: Paint) -> None:
    """A figure that drops litter into a bin, h tall, its feet at y."""
    c.disc(x, y - h * 0.88, h * 0.11, ink)
    c.stroke([(x, y - h * 0.72), (x - h * 0.02, y - h * 0.36)], h * 0.13, ink)
    c.stroke([(x - h * 0.03, y - h * 0.36), (x - h * 0.12, y - h * 0.04)], h * 0.09, ink)
    c.stroke([(x, y - h * 0.36), (x + h * 0.08, y - h * 0.04)], h * 0.09, ink)
    c.stroke([(x, y - h * 0.68), (x + h * 0.2, y - h * 0.52), (x + h * 0.36, y - h * 0.58)], h * 0.07, ink)
    c.fill(
        np.array([(x + h * 0.28, y - h * 0.36), (x + h * 0.6, y - h * 0.36), (x + h * 0.54, y), (x + h * 0.34, y)]), ink
    )
    c.rect(x + h * 0.40, y - h * 0.50, x + h * 0.48, y - h * 0.42, ink)


def date_stamp(
    c: Canvas, x: float, y: float, lines: tuple[str, ...], size: float = 2.6, ink: Color = "#22252b"
) -> None:
    """Lines of an ink-jet printer's dotted type, top left at (x, y)."""
    for k, line in enumerate(lines):
        c.text(x, y + k * size * 1.25, line, size, ink, "mono-bold", anchor="lt", stretch=0.92, opacity=0.86)


def round_badge(
    c: Canvas, x: float, y: float, r: float, ground: Paint, ink: Color, big: str, small: str, ring: str = ""
) -> None:
    """A disc with a large and a small word and, if given, type round its edge."""
    c.disc(x + r * 0.03, y + r * 0.07, r, "#000000", opacity=0.22, blur=r * 0.06)
    c.disc(x, y, r, ground)
    c.ring(x, y, r * 0.93, r * 0.895, ink, opacity=0.9)
    inner = 1.3 * r
    if ring:
        c.text_arc(x, y, r * 0.745, ring, r * 0.21, ink, "extrabold", tracking=0.06)
        inner = 1.05 * r
    c.text(x, y - r * 0.10, big, r * 0.72, ink, "black", fit=inner, tracking=-0.02)
    c.text(x, y + r * 0.34, small, r * 0.25, ink, "semibold", fit=inner)


def price_burst(c: Canvas, x: float, y: float, r: float, ground: Paint, ink: Color, big: str, small: str) -> None:
    """A jagged star with two lines of type, tilted."""
    c.fill(star(x + r * 0.03, y + r * 0.06, r, r * 0.87, 20), "#000000", opacity=0.22, blur=r * 0.06)
    c.fill(star(x, y, r, r * 0.87, 20), ground)
    c.text(x, y - r * 0.14, big, r * 0.66, ink, "black-italic", fit=1.45 * r, turn_deg=-10)
    c.text(x + r * 0.06, y + r * 0.34, small, r * 0.26, ink, "extrabold", fit=1.2 * r, turn_deg=-10)


def leaf_badge(c: Canvas, x: float, y: float, r: float, ground: Paint, ink: Color, words: str) -> None:
    """A round seal with two leaves and type along its lower edge."""
    c.disc(x, y, r, ground)
    c.ring(x, y, r * 0.92, r * 0.88, ink)
    for turn in (-125, -55):
        c.fill(leaf(x, y + r * 0.14, r * 0.68, r * 0.34, turn, 0.08), ink)
    c.stroke(spline([(x, y + r * 0.36), (x, y + r * 0.1)], closed=False), r * 0.06, ink)
    c.text_arc(x, y, r * 0.66, words, r * 0.2, ink, "extrabold", centre_deg=180, tracking=0.04)


def net_weight(c: Canvas, x: float, y: float, amount: str, size: float, ink: Paint, anchor: str = "lm") -> None:
    """The amount with the estimated sign of packaged goods."""
    width = c.text(x, y, amount, size, ink, "extrabold", anchor=anchor)
    right = x + (width if anchor[0] == "l" else width / 2 if anchor[0] == "m" else 0.0)
    c.text(right + size * 0.28, y, "℮", size * 1.05, ink, "sans", anchor="lm")


def pill(
    c: Canvas, x: float, y: float, words: str, size: float, ground: Paint, ink: Color, face: str = "extrabold"
) -> float:
    """Words on a capsule, centred; returns its width."""
    w = text_width(words, face, size, 0.04) + size * 1.5
    c.rect(x - w / 2, y - size * 0.88, x + w / 2, y + size * 0.88, ground, radius=size * 0.88)
    c.text(x, y, words, size, ink, face, tracking=0.04)
    return w


def ticks(c: Canvas, x: float, y: float, words: tuple[str, ...], size: float, ink: Paint, mark: Paint) -> float:
    """A list with ticked discs, top left at (x, y); returns the y below it."""
    for k, line in enumerate(words):
        at = y + k * size * 1.75 + size * 0.6
        c.fill(ellipse(x + size * 0.6, at, size * 0.6), mark)
        tick = [(x + size * 0.32, at), (x + size * 0.53, at + size * 0.22), (x + size * 0.92, at - size * 0.24)]
        c.stroke(np.array(tick), size * 0.16, "#ffffff")
        c.text(x + size * 1.6, at, line, size, ink, "semibold", anchor="lm")
    return y + len(words) * size * 1.75
