"""Outlines: closed or open polylines (n, 2) in millimetres, x right and y down, that a Canvas fills or strokes."""

from __future__ import annotations

import math

import numpy as np


def ellipse(x: float, y: float, rx: float, ry: float | None = None, turn_deg: float = 0.0, n: int = 72) -> np.ndarray:
    """An ellipse about (x, y)."""
    ry = rx if ry is None else ry
    a = np.linspace(0, 2 * math.pi, n, endpoint=False)
    return place(np.stack([rx * np.cos(a), ry * np.sin(a)], axis=1), x, y, 1.0, turn_deg)


def arc(x: float, y: float, r: float, start_deg: float, end_deg: float, n: int = 32) -> np.ndarray:
    """An open arc; angles clockwise from +x as y points down."""
    a = np.radians(np.linspace(start_deg, end_deg, n))
    return np.stack([x + r * np.cos(a), y + r * np.sin(a)], axis=1)


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> np.ndarray:
    """A rectangle, its corners rounded if `radius` is given."""
    if radius <= 0:
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)
    r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    return np.concatenate(
        [
            arc(x1 - r, y0 + r, r, -90, 0, 12),
            arc(x1 - r, y1 - r, r, 0, 90, 12),
            arc(x0 + r, y1 - r, r, 90, 180, 12),
            arc(x0 + r, y0 + r, r, 180, 270, 12),
        ]
    )


def spline(points, closed: bool = True, per_span: int = 12) -> np.ndarray:
    """A smooth curve through the points (centripetal-free Catmull-Rom)."""
    p = np.asarray(points, dtype=np.float64)
    if closed:
        p0, p1, p2, p3 = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    else:
        q = np.concatenate([p[:1], p, p[-1:]])
        p0, p1, p2, p3 = q[:-3], q[1:-2], q[2:-1], q[3:]
    t = (np.arange(per_span) / per_span)[None, :, None]
    p0, p1, p2, p3 = (v[:, None, :] for v in (p0, p1, p2, p3))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    out = curve.reshape(-1, 2)
    return out if closed else np.concatenate([out, p[-1:]])


def place(path: np.ndarray, x: float, y: float, scale: float = 1.0, turn_deg: float = 0.0) -> np.ndarray:
    """Scale about the origin, turn clockwise, move to (x, y)."""
    a = math.radians(turn_deg)
    turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    return np.asarray(path, dtype=np.float64) @ turn * scale + np.array([x, y])


def star(x: float, y: float, r_out: float, r_in: float, n: int, turn_deg: float = 0.0) -> np.ndarray:
    """A star of n rays; with a large n and close radii, the edge of a price burst."""
    a = np.linspace(0, 2 * math.pi, 2 * n, endpoint=False) - math.pi / 2 + math.radians(turn_deg)
    r = np.where(np.arange(2 * n) % 2 == 0, r_out, r_in)
    return np.stack([x + r * np.cos(a), y + r * np.sin(a)], axis=1)


def leaf(x: float, y: float, length: float, width: float, turn_deg: float = 0.0, curl: float = 0.12) -> np.ndarray:
    """A pointed leaf whose stalk end is at (x, y), growing along +x before the turn."""
    t = np.linspace(0, 1, 24)
    half = width / 2 * np.sin(math.pi * t**0.8) ** 0.9
    bend = curl * length * np.sin(math.pi * t)
    upper = np.stack([t * length, -half - bend], axis=1)
    lower = np.stack([t * length, half - bend], axis=1)[::-1]
    return place(np.concatenate([upper, lower]), x, y, 1.0, turn_deg)


def midrib(x: float, y: float, length: float, turn_deg: float = 0.0, curl: float = 0.12) -> np.ndarray:
    """The open middle line of the `leaf` of the same numbers."""
    t = np.linspace(0.02, 0.92, 16)
    return place(np.stack([t * length, -curl * length * np.sin(math.pi * t)], axis=1), x, y, 1.0, turn_deg)


def drop(x: float, y: float, r: float, turn_deg: float = 0.0, tail: float = 2.0) -> np.ndarray:
    """A drop whose round end is at (x, y) and whose tail points up before the turn."""
    t = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    out = 1.18 * r * np.sin(t) * np.sin(t / 2) ** 1.6
    down = r * (1 - tail) / 2 - r * (1 + tail) / 2 * np.cos(t)
    return place(np.stack([out, down], axis=1), x, y, 1.0, turn_deg)


def wave(
    x0: float, x1: float, y: float, y_base: float, height: float, n_waves: float, phase: float = 0.0
) -> np.ndarray:
    """A filled wave: a sine edge about y closed down (or up) to y_base."""
    x = np.linspace(x0, x1, 96)
    edge = y + height * np.sin(2 * math.pi * n_waves * (x - x0) / (x1 - x0) + phase)
    return np.concatenate([np.stack([x, edge], axis=1), [[x1, y_base], [x0, y_base]]])


def splash(x: float, y: float, r: float, seed: int, n: int = 11, spike: float = 0.55) -> np.ndarray:
    """A blot of liquid: a round body with `n` rounded spikes of uneven length."""
    rng = np.random.default_rng(seed)
    points = []
    for k in range(n):
        a = 2 * math.pi * (k + rng.uniform(-0.22, 0.22)) / n
        long = r * (1 + spike * rng.uniform(0.25, 1.0))
        w = rng.uniform(0.08, 0.13) * 2 * math.pi / n * 2.2
        for da, rr in ((-0.5 * 2 * math.pi / n, r * 0.86), (-w, long * 0.9), (0.0, long), (w, long * 0.9)):
            points.append((x + rr * math.cos(a + da), y + rr * math.sin(a + da)))
    return spline(points, per_span=8)


def moved(path: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """The outline shifted."""
    return np.asarray(path, dtype=np.float64) + np.array([dx, dy])
