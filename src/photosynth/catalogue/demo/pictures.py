"""Pictures that are not fruit: bowls, ears of oat, splashes, hills, bubbles, suns. (x, y) is the middle, r the size."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.paint import Color, Linear, Radial, darker, lighter, mix
from photosynth.catalogue.demo.paths import arc, drop, ellipse, leaf, moved, place, splash, spline


def liquid_splash(c: Canvas, x: float, y: float, r: float, color: Color, seed: int = 1) -> None:
    """A blot of liquid with a shadow, a highlight and flying drops."""
    body = splash(x, y, r, seed)
    c.fill(moved(body, r * 0.03, r * 0.06), darker(color, 0.5), opacity=0.18, blur=r * 0.05)
    c.fill(
        body,
        Radial(
            (x - r * 0.2, y - r * 0.35), r * 1.7, ((0, lighter(color, 0.5)), (0.6, color), (1, darker(color, 0.14)))
        ),
    )
    c.fill(splash(x - r * 0.02, y - r * 0.03, r * 0.86, seed), lighter(color, 0.45), opacity=0.35, blur=r * 0.04)
    rng = np.random.default_rng(seed + 100)
    for _ in range(9):
        a, rho, size = rng.uniform(0, 2 * math.pi), r * rng.uniform(1.45, 1.85), r * rng.uniform(0.03, 0.085)
        bead = drop(x + rho * math.cos(a), y + rho * math.sin(a), size, math.degrees(a) - 90, 1.6)
        c.fill(
            bead,
            Radial((x + rho * math.cos(a), y + rho * math.sin(a)), size * 1.3, ((0, lighter(color, 0.5)), (1, color))),
        )


def cereal_ring(c: Canvas, x: float, y: float, r: float, tilt: float = 0.8, turn_deg: float = 0.0) -> None:
    """One toasted ring."""
    outer, inner = ellipse(x, y, r, r * tilt, turn_deg), ellipse(x, y, r * 0.40, r * 0.36 * tilt, turn_deg)
    c.fill(moved(outer, r * 0.05, r * 0.14), "#6b3c08", opacity=0.35, blur=r * 0.09)
    c.fill(
        outer,
        Radial((x - r * 0.3, y - r * 0.4), r * 1.6, ((0, "#ffd98a"), (0.5, "#e9a23b"), (1, "#a9640f"))),
        holes=[inner],
    )
    c.fill(ellipse(x, y, r * 0.52, r * 0.47 * tilt, turn_deg), "#8a4d0a", opacity=0.35, blur=r * 0.05, holes=[inner])
    c.fill(ellipse(x - r * 0.32, y - r * 0.5 * tilt, r * 0.3, r * 0.12, -30), "#fff3cf", opacity=0.75, blur=r * 0.07)
    rng = np.random.default_rng(round(x * 37 + y * 17) & 0xFFFF)
    a = rng.uniform(0, 2 * math.pi, 7)
    rho = rng.uniform(0.55, 0.9, 7) * r
    crumbs = [
        ellipse(x + p * math.cos(q), y + p * tilt * math.sin(q), r * 0.035, n=8) for p, q in zip(rho, a, strict=True)
    ]
    c.fill(crumbs, "#8a4d0a", opacity=0.5)


def bowl_of_rings(c: Canvas, x: float, y: float, r: float, glaze: Color = "#2b5fa8") -> None:
    """A bowl of milk heaped with toasted rings."""
    c.fill(ellipse(x, y + r * 0.74, r * 0.95, r * 0.14), "#3a1d00", opacity=0.4, blur=r * 0.08)
    a = np.linspace(0, math.pi, 40)
    side = np.stack([x + r * np.cos(a) * (1 - 0.10 * np.sin(a)), y + r * 0.80 * np.sin(a) ** 0.75], axis=1)
    c.fill(side, Linear((x - r, y), (x + r, y), ((0, lighter(glaze, 0.35)), (0.3, glaze), (1, darker(glaze, 0.45)))))
    with c.clip(side):
        c.stroke(
            spline([(x - r, y + r * 0.22), (x, y + r * 0.50), (x + r, y + r * 0.22)], closed=False),
            r * 0.05,
            "#ffffff",
            opacity=0.75,
        )
        c.stroke(
            spline([(x - r, y + r * 0.31), (x, y + r * 0.60), (x + r, y + r * 0.31)], closed=False),
            r * 0.02,
            "#ffffff",
            opacity=0.6,
        )
    c.fill(ellipse(x, y, r, r * 0.30), lighter(glaze, 0.55))
    c.fill(
        ellipse(x, y + r * 0.01, r * 0.94, r * 0.265),
        Linear((x, y - r * 0.3), (x, y + r * 0.3), ((0, "#dfe7f2"), (1, "#ffffff"))),
    )
    rng = np.random.default_rng(4)
    spots = []
    for _ in range(70):
        a, rho = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform(0, 1)) * 0.80
        u, v = rho * math.cos(a), rho * math.sin(a) * 0.24
        v -= 0.24 * (1 - rho**2) * rng.uniform(0.3, 1.0)
        spots.append((v + 0.1 * (1 - rho), u, v, rng.uniform(0.6, 0.95), rng.uniform(-60, 60)))
    for _, u, v, tilt, turn in sorted(spots):
        cereal_ring(c, x + u * r, y + v * r, r * 0.125, tilt, turn)


def milk_pour(c: Canvas, x: float, y: float, height: float, r: float) -> None:
    """A stream of milk that falls from (x, y) and crowns where it lands."""
    w = r * 0.17
    stream = spline(
        [
            (x - w * 1.3, y),
            (x - w * 0.7, y + height * 0.5),
            (x - w * 1.1, y + height),
            (x + w * 1.1, y + height),
            (x + w * 0.7, y + height * 0.5),
            (x + w * 1.3, y),
        ]
    )
    c.fill(stream, Linear((x - w, y), (x + w, y), ((0, "#d7dfeb"), (0.35, "#ffffff"), (1, "#c9d3e2"))))
    crown = place(splash(0, 0, 1.0, 9, 12, 0.42) * (1.0, 0.42), x, y + height, r * 0.42)
    c.fill(crown, Radial((x, y + height - r * 0.1), r * 0.8, ((0, "#ffffff"), (1, "#d9e1ee"))))


def oat_ear(c: Canvas, x: float, y: float, length: float, turn_deg: float, stem: Color, grain: Color) -> None:
    """An ear of oat or wheat that grows from (x, y) upwards before the turn."""
    spine = place(spline([(0, 0), (0.03, -0.45), (0.12, -1.0)], closed=False), x, y, length, turn_deg)
    c.stroke(spine, length * 0.014, stem)
    for k in range(9):
        t = 0.40 + 0.60 * k / 8
        root = spine[min(int(t * (len(spine) - 1)), len(spine) - 1)]
        size = length * (0.19 - 0.008 * k)
        for side in (-1, 1) if k < 8 else (0,):
            turn = turn_deg - 84 + side * 27
            husk = leaf(root[0], root[1], size, size * 0.42, turn, 0.10 * -side)
            c.fill(
                husk,
                Linear(
                    tuple(root), tuple(husk[23]), ((0, darker(grain, 0.22)), (0.6, grain), (1, lighter(grain, 0.4)))
                ),
            )
            tip = husk[23]
            c.stroke([root * 0.15 + tip * 0.85, tip + (tip - root) * 0.45], length * 0.006, grain)


def hills(
    c: Canvas, y: float, colors: tuple[Color, ...], x0: float = 0.0, x1: float | None = None, height: float = 8.0
) -> None:
    """Rolling hills, one colour behind the other, from y to the canvas's bottom; the edges meet when wrapped round."""
    x1 = c.width if x1 is None else x1
    x = np.linspace(x0, x1, 160)
    t = 2 * math.pi * (x - x0) / (x1 - x0)
    for k, color in enumerate(colors):
        edge = (
            y + k * height * 0.8 - height * (0.5 * np.sin((k % 2 + 1) * t + 1.7 * k) + 0.28 * np.sin((k + 3) * t + k))
        )
        shape = np.concatenate([np.stack([x, edge], 1), [[x1, c.height + 1], [x0, c.height + 1]]])
        c.fill(
            shape, Linear((0, y - height), (0, y + height * 4), ((0, lighter(color, 0.22)), (1, darker(color, 0.12))))
        )


def sunburst(
    c: Canvas, x: float, y: float, r: float, n: int, color: Color, opacity: float = 0.35, turn_deg: float = 0
) -> None:
    """Rays from a centre."""
    rays = []
    for k in range(n):
        a0, a1 = (math.radians(turn_deg) + 2 * math.pi * (k + d) / n for d in (-0.25, 0.25))
        rays.append(
            np.array(
                [(x, y), (x + r * math.cos(a0), y + r * math.sin(a0)), (x + r * math.cos(a1), y + r * math.sin(a1))]
            )
        )
    c.fill(rays, color, opacity=opacity)


def sun_mark(c: Canvas, x: float, y: float, r: float, color: Color) -> None:
    """A half sun with seven rays: a brand mark."""
    c.fill(np.concatenate([arc(x, y, r * 0.52, 180, 360)]), color)
    for k in range(7):
        a = math.radians(180 + 180 * (k + 0.5) / 7)
        tip, root = r, r * 0.68
        c.stroke(
            [(x + root * math.cos(a), y + root * math.sin(a)), (x + tip * math.cos(a), y + tip * math.sin(a))],
            r * 0.13,
            color,
        )


def bubbles(
    c: Canvas, x0: float, y0: float, x1: float, y1: float, n: int, color: Color, seed: int = 3, size: float = 1.6
) -> None:
    """Bubbles of many sizes in a rectangle, small ones more often."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x, y, r = rng.uniform(x0, x1), rng.uniform(y0, y1), size * rng.uniform(0.12, 1.0) ** 2.2
        c.ring(x, y, r, r * 0.82, color, opacity=0.75)
        c.disc(x, y, r * 0.82, color, opacity=0.16)
        c.disc(x - r * 0.3, y - r * 0.3, r * 0.2, "#ffffff", opacity=0.85)


def honey_drop(c: Canvas, x: float, y: float, r: float) -> None:
    """A drop of honey."""
    c.fill(drop(x + r * 0.06, y + r * 0.1, r, 0, 2.2), "#6b3c08", opacity=0.3, blur=r * 0.12)
    c.fill(
        drop(x, y, r, 0, 2.2),
        Radial((x - r * 0.3, y - r * 0.1), r * 1.8, ((0, "#ffe08a"), (0.4, "#f5a81c"), (1, "#b9660a"))),
    )
    c.fill(ellipse(x - r * 0.36, y - r * 0.1, r * 0.16, r * 0.4, 18), "#fff6d8", opacity=0.85, blur=r * 0.06)


def swirl(c: Canvas, x: float, y: float, r: float, color: Color) -> None:
    """A whirl of cream or paste seen from above."""
    c.disc(
        x,
        y,
        r,
        Radial((x - r * 0.3, y - r * 0.3), r * 1.5, ((0, lighter(color, 0.25)), (0.7, color), (1, darker(color, 0.2)))),
    )
    t = np.linspace(0.16, 1.0, 140)
    for shift, ink, opacity in ((0.0, darker(color, 0.32), 0.5), (0.028, lighter(color, 0.55), 0.75)):
        a = 2 * math.pi * 2.6 * t + 0.6 + shift * 2
        rho = r * (0.92 * t - shift)
        c.stroke(np.stack([x + rho * np.cos(a), y + rho * np.sin(a)], 1), r * 0.045, ink, opacity=opacity)


def brushed_metal(c: Canvas, tone: Color = "#c9ccd0", lathe_turned: bool = False) -> None:
    """Cover a canvas with bright metal: soft reflections round the axis and fine grooves."""
    light, dark = lighter(tone, 0.55), darker(tone, 0.28)
    w, h = c.size_px
    if lathe_turned:
        y, x = np.mgrid[0:h, 0:w]
        dx, dy = (x + 0.5) / w - 0.5, (y + 0.5) / h - 0.5
        glint = 0.5 + 0.5 * np.cos(2 * np.arctan2(dy, dx) - 0.8)
        groove = 0.5 + 0.5 * np.sin(np.hypot(dx, dy) * min(w, h) * 0.9)
    else:
        x = np.linspace(0, 2 * math.pi, w)[None, :]
        glint = np.broadcast_to(0.5 + 0.3 * np.cos(3 * x + 1.0) + 0.2 * np.cos(5 * x), (h, w))
        groove = np.broadcast_to(0.5 + 0.5 * np.sin(np.arange(h) * 1.9)[:, None], (h, w))
    t = np.clip(0.82 * glint + 0.18 * groove, 0, 1)[..., None]
    a, b = (np.array([int(v[k : k + 2], 16) for k in (1, 3, 5)], dtype=np.float64) for v in (dark, light))
    c.image.paste(Image.fromarray(np.round(a + (b - a) * t).astype(np.uint8)), (0, 0))


def ribs(c: Canvas, n: int, color: Color) -> None:
    """The grip of a screw cap: n upright ribs."""
    step = c.width / n
    for k in range(n):
        x = k * step
        c.rect(x, 0, x + step * 0.30, c.height, darker(color, 0.30), opacity=0.75)
        c.rect(x + step * 0.45, 0, x + step * 0.70, c.height, mix(color, "#ffffff", 0.30), opacity=0.6)
