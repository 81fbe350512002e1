"""Lathe: surfaces of revolution from a profile with rounded corners."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.demo.patch import Patch, UvRect, cuts, grid_patch, in_rect

SMOOTH_DEG = 35.0
"""Corners of the profile sharper than this are hard edges."""


@dataclass(frozen=True)
class Turn:
    """One corner of a profile, in mm, outside first from the bottom's centre to the top's.

    `fillet` rounds it; `panel` is what covers the profile from here to the next corner. A panel whose name starts
    with ``top`` or ``bottom`` is a disc seen from that side, any other is wrapped round, its middle at -y.
    """

    r: float
    z: float
    fillet: float = 0.0
    panel: str = ""


@dataclass(frozen=True, eq=False)
class Section:
    """The part of a profile that one panel covers: points (k, 2) as (r, z), smooth, with normals (k, 2) per segment
    end, shape (k - 1, 2, 2)."""

    panel: str
    points: np.ndarray
    normals: np.ndarray

    def length_mm(self) -> float:
        """Along the profile."""
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())


def sections(profile: tuple[Turn, ...]) -> list[Section]:
    """Round the corners and cut the profile where the panel changes (in the middle of a rounded corner)."""
    points, panels = [], []
    for k, turn in enumerate(profile):
        curve = _corner(profile, k)
        if points:
            straight = np.linspace(points[-1], curve[0], cuts(float(np.linalg.norm(curve[0] - points[-1]))) + 1)[1:-1]
            points.extend(straight)
            panels.extend([profile[k - 1].panel] * len(straight))
        half = len(curve) // 2
        points.extend(curve)
        panels.extend([profile[max(k - 1, 0)].panel] * half + [turn.panel] * (len(curve) - half))
    p = np.asarray(points)
    keep = np.concatenate([[True], np.linalg.norm(np.diff(p, axis=0), axis=1) > 1e-6])
    p, panels = p[keep], [name for name, k in zip(panels, keep, strict=True) if k]
    normals = _segment_normals(p)
    out, start = [], 0
    for k in range(1, len(p)):
        if k == len(p) - 1 or panels[k] != panels[start]:
            out.append(Section(panels[start], p[start : k + 1], normals[start:k]))
            start = k
    return out


def panel_sizes_mm(parts: list[Section]) -> dict[str, tuple[float, float]]:
    """Width and height of each panel's canvas. A panel may have one section only.

    Raises:
        ValueError: if a panel's name is used twice.
    """
    sizes: dict[str, tuple[float, float]] = {}
    for part in parts:
        if part.panel in sizes:
            raise ValueError(f"panel {part.panel!r} covers two separate stretches of the profile")
        r = float(part.points[:, 0].max())
        disc = part.panel.startswith(("top", "bottom"))
        sizes[part.panel] = (2 * r, 2 * r) if disc else (2 * math.pi * r, part.length_mm())
    return sizes


def turn(parts: list[Section], rects: Mapping[str, UvRect], n_sides: int = 56) -> list[Patch]:
    """The surface: u grows anticlockwise seen from above, so that print reads from outside."""
    angle = np.linspace(-1.5 * math.pi, 0.5 * math.pi, n_sides + 1)
    angle[-1] = angle[0]  # the seam closes exactly
    around = np.linspace(0, 1, n_sides + 1)
    cos, sin = np.cos(angle), np.sin(angle)
    patches = []
    for part in parts:
        widest = part.points[:, 0].max()
        step = np.linalg.norm(np.diff(part.points, axis=0), axis=1)
        along = np.concatenate([[0], np.cumsum(step)]) / max(step.sum(), 1e-9)
        for k in range(len(part.points) - 1):
            rz, nrz = part.points[k : k + 2], part.normals[k]
            ring = np.stack([np.outer(cos, rz[:, 0]), np.outer(sin, rz[:, 0]), np.tile(rz[:, 1], (len(cos), 1))], -1)
            normals = np.stack(
                [np.outer(cos, nrz[:, 0]), np.outer(sin, nrz[:, 0]), np.tile(nrz[:, 1], (len(cos), 1))], -1
            )
            if part.panel.startswith(("top", "bottom")):
                side = 1.0 if part.panel.startswith("top") else -1.0
                uv = np.stack([0.5 + side * ring[..., 0] / widest / 2, 0.5 + ring[..., 1] / widest / 2], -1)
            else:
                uv = np.stack(np.broadcast_arrays(around[:, None], along[None, k : k + 2]), -1)
            patches.append(grid_patch(ring, normals, in_rect(uv, rects[part.panel])))
    return patches


def _corner(profile: tuple[Turn, ...], k: int) -> np.ndarray:
    """The points that stand for the k-th corner: itself, or an arc."""
    here = np.array([profile[k].r, profile[k].z], dtype=np.float64)
    if profile[k].fillet <= 0 or k in (0, len(profile) - 1):
        return here[None]
    before, after = (np.array([profile[j].r, profile[j].z]) for j in (k - 1, k + 1))
    return _fillet(before, here, after, profile[k].fillet)


def _fillet(before: np.ndarray, corner: np.ndarray, after: np.ndarray, radius: float) -> np.ndarray:
    """Points of the arc of that radius (or the largest that fits) that replaces a corner."""
    to_a, to_b = before - corner, after - corner
    len_a, len_b = np.linalg.norm(to_a), np.linalg.norm(to_b)
    a, b = to_a / len_a, to_b / len_b
    half = math.acos(float(np.clip(a @ b, -1, 1))) / 2
    if half > math.pi / 2 - 0.02:
        return corner[None]
    reach = min(radius / math.tan(half), 0.5 * len_a, 0.5 * len_b)
    radius = reach * math.tan(half)
    bisector = (a + b) / np.linalg.norm(a + b)
    centre = corner + bisector * radius / math.sin(half)
    start, end = corner + a * reach - centre, corner + b * reach - centre
    sweep = math.atan2(start[0] * end[1] - start[1] * end[0], start @ end)
    n = max(int(abs(math.degrees(sweep)) / 22) + 1, min(int(abs(sweep) * radius / 4.0), 10), 2)
    t = np.linspace(0, sweep, n + 1)
    turned = np.stack([start[0] * np.cos(t) - start[1] * np.sin(t), start[0] * np.sin(t) + start[1] * np.cos(t)], 1)
    return centre + turned


def _segment_normals(p: np.ndarray) -> np.ndarray:
    """(segments, 2, 2): the normal (r, z) at each end of each segment, averaged over soft corners."""
    d = np.diff(p, axis=0)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    n = np.stack([d[:, 1], -d[:, 0]], axis=1)
    out = np.stack([n, n], axis=1)
    for k in range(1, len(n)):
        if n[k - 1] @ n[k] > math.cos(math.radians(SMOOTH_DEG)):
            mean = (n[k - 1] + n[k]) / np.linalg.norm(n[k - 1] + n[k])
            out[k - 1, 1], out[k, 0] = mean, mean
    return out
