"""Citrus fruit, and what every fruit picture is made of: leaves, lit bodies, highlights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import Linear, Radial, darker, lighter, mix
from photosynth.catalogue.demo.paths import drop, ellipse, leaf, midrib, moved, place, spline

Picture = Callable[[Canvas, float, float, float, float], None]
"""A picture: canvas, x, y of its middle, its size r, turn_deg."""

_GREEN = ("#1f6b2c", "#4fa03a", "#a9d45c")


def green_leaf(c: Canvas, x: float, y: float, length: float, turn_deg: float, width: float = 0.46) -> None:
    """A leaf with a midrib and side veins, its stalk end at (x, y)."""
    a = math.radians(turn_deg)
    tip = (x + length * math.cos(a), y + length * math.sin(a))
    blade = leaf(x, y, length, length * width, turn_deg)
    c.fill(blade, Linear((x, y), tip, ((0, _GREEN[0]), (0.6, _GREEN[1]), (1, _GREEN[2]))))
    lit = leaf(x, y, length, length * width * 0.9, turn_deg)[:24]
    rib = midrib(x, y, length, turn_deg)
    c.fill(np.concatenate([lit, rib[::-1]]), lighter(_GREEN[2], 0.1), opacity=0.28)
    c.stroke(rib, length * 0.02, lighter(_GREEN[2], 0.35), opacity=0.8)


def shaded_ball(c: Canvas, outline: np.ndarray, x: float, y: float, r: float, color: str, rim: str) -> None:
    """Fill an outline as a lit round body."""
    stops = ((0, lighter(color, 0.38)), (0.45, color), (0.85, mix(color, rim, 0.7)), (1, rim))
    c.fill(outline, Radial((x - r * 0.35, y - r * 0.4), r * 1.5, stops))


def gloss(c: Canvas, x: float, y: float, r: float, turn_deg: float = -38.0, strength: float = 0.55) -> None:
    """A soft highlight."""
    c.fill(ellipse(x, y, r, r * 0.55, turn_deg), "#ffffff", opacity=strength, blur=r * 0.22)


def citrus(skin: str, rim: str, oval: float = 1.0) -> Picture:
    """A whole citrus fruit with pores and a leaf."""

    def draw(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
        body = ellipse(0, 0, r * oval, r, n=90)
        if oval > 1:
            a = np.linspace(0, 2 * math.pi, 90, endpoint=False)
            tip = r * 0.16 * (np.exp(-(((a + math.pi) % (2 * math.pi) - math.pi) ** 2) / 0.05))
            body = body + np.stack([tip, np.zeros_like(tip)], axis=1)
        body = place(body, x, y, 1.0, turn_deg)
        shaded_ball(c, body, x, y, r * (1 + oval) / 2, skin, rim)
        rng = np.random.default_rng(7)
        n = 90
        rho, phi = np.sqrt(rng.uniform(0, 0.86, n)), rng.uniform(0, 2 * math.pi, n)
        spots = [
            place(ellipse(r * oval * p * math.cos(q), r * p * math.sin(q), r * 0.013, n=8), x, y, 1, turn_deg)
            for p, q in zip(rho, phi, strict=True)
        ]
        c.fill(spots, rim, opacity=0.45)
        gloss(c, x - r * 0.38, y - r * 0.48, r * 0.3)
        stalk = place(np.array([[-r * oval * 0.98, 0.0]]), x, y, 1.0, turn_deg)[0] if oval > 1 else (x, y - r * 0.92)
        green_leaf(c, stalk[0], stalk[1], r * 0.95, -28 if oval == 1 else turn_deg - 60)
        c.disc(stalk[0], stalk[1], r * 0.06, "#5b4a22")

    return draw


def citrus_half(skin: str, flesh: str, pale: str) -> Picture:
    """A cut half: peel, pith, ten segments with juice sacs."""

    def draw(c: Canvas, x: float, y: float, r: float, turn_deg: float = 0.0) -> None:
        c.disc(
            x, y, r, Radial((x - r * 0.3, y - r * 0.3), r * 1.4, ((0, lighter(skin, 0.15)), (1, darker(skin, 0.12))))
        )
        c.disc(x, y, r * 0.925, mix(pale, "#ffffff", 0.55))
        n = 10
        rng = np.random.default_rng(11)
        for k in range(n):
            a0 = turn_deg + 360 / n * k
            segment = wedge(r * 0.10, r * 0.86, 360 / n - 4.5)
            segment = place(segment, x, y, 1.0, a0)
            c.fill(
                segment, Radial((x, y), r * 0.9, ((0.1, lighter(flesh, 0.42)), (0.55, flesh), (1, darker(flesh, 0.1))))
            )
            sacs = []
            for _ in range(9):
                rho, phi = rng.uniform(0.3, 0.74) * r, math.radians(a0 + rng.uniform(-0.30, 0.30) * 360 / n)
                sac = drop(0, 0, r * 0.022, math.degrees(phi) - 90, 4.5)
                sacs.append(moved(sac, x + rho * math.cos(phi), y + rho * math.sin(phi)))
            c.fill(sacs, lighter(flesh, 0.5), opacity=0.42)
        c.disc(x, y, r * 0.07, mix(pale, "#ffffff", 0.6))
        c.fill(ellipse(x - r * 0.3, y - r * 0.42, r * 0.36, r * 0.13, -35), "#ffffff", opacity=0.3, blur=r * 0.06)

    return draw


def wedge(r0: float, r1: float, angle_deg: float) -> np.ndarray:
    """A rounded sector between two radii, about the +x axis."""
    h = math.radians(angle_deg) / 2
    a = np.linspace(-h, h, 9)
    outer = np.stack([r1 * np.cos(a * 0.86), r1 * np.sin(a * 0.86)], axis=1)
    return spline(
        [
            (r0, 0),
            (r1 * 0.55, -r1 * 0.55 * math.tan(h) * 0.95),
            *outer[::2],
            (r1 * 0.55, r1 * 0.55 * math.tan(h) * 0.95),
        ],
        per_span=6,
    )
