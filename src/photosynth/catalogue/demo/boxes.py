"""Box-shaped surfaces: bevelled boxes, gable tops and plates cut from an outline."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from photosynth.catalogue.demo.patch import Patch, UvRect, flat_patch, grid_patch, in_rect

_SIDES = {
    # name: right, up and out of each face as axes, seen from outside
    "front": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "right": ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    "back": ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    "left": ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    "top": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "bottom": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
}
SIDE_NAMES = tuple(_SIDES)
"""Panels of a box; the front looks along -y."""


def bevelled_box(
    size_mm: tuple[float, float, float], bevel_mm: float, rects: Mapping[str, UvRect], segments: int = 3
) -> list[Patch]:
    """A box about the origin whose edges and corners are rounded; each panel reaches to the middle of its bevels."""
    half = np.asarray(size_mm, dtype=np.float64) / 2
    r = min(bevel_mm, *half)
    t = r * np.tan(np.linspace(0, math.pi / 4, segments + 1))
    patches = []
    for name, axes in _SIDES.items():
        right, up, out = (np.asarray(a, dtype=np.float64) for a in axes)
        h_right, h_up, h_out = (float(np.abs(a) @ half) for a in (right, up, out))
        xs = np.concatenate([-(h_right - r) - t[::-1], (h_right - r) + t])
        ys = np.concatenate([-(h_up - r) - t[::-1], (h_up - r) + t])
        x, y = np.meshgrid(xs, ys, indexing="ij")
        cube = x[..., None] * right + y[..., None] * up + h_out * out
        inner = np.clip(cube, -(half - r), half - r)
        away = cube - inner
        normals = away / np.linalg.norm(away, axis=-1, keepdims=True)
        uv = np.stack([x / h_right, y / h_up], -1) / 2 + 0.5
        patches.append(grid_patch(inner + r * normals, normals, in_rect(uv, rects[name])))
    return patches


def gable_body(
    width_mm: float, depth_mm: float, body_mm: float, roof_mm: float, edge_mm: float, rects: Mapping[str, UvRect]
) -> list[Patch]:
    """A carton with a folded roof, standing on z = 0: four panels named as the sides and a bottom.

    Each side's panel is the flat carton's: the body (`body_mm` high) and above it the roof panel, which is as high
    as the slope is long. On the left and right the roof is folded inwards. The ridge is a line of `width_mm` at
    z = body_mm + roof_mm; see `gable_slope_mm`.
    """
    slope = gable_slope_mm(depth_mm, roof_mm)
    total = body_mm + slope
    hx, hy = width_mm / 2, depth_mm / 2
    patches, floor = [], []
    for name in ("front", "right", "back", "left"):
        right, _, out = (np.asarray(a, dtype=np.float64) for a in _SIDES[name])
        half, reach = (hx, hy) if name in ("front", "back") else (hy, hx)
        a = np.linspace(math.pi / 4, 0, 4)
        curve_x = np.concatenate(
            [-(half - edge_mm) - edge_mm * np.sin(a), (half - edge_mm) + edge_mm * np.sin(a[::-1])]
        )
        drop = edge_mm * (1 - np.cos(np.concatenate([a, a[::-1]])))
        lean = np.concatenate([-np.sin(a), np.sin(a[::-1])])
        loop = curve_x[:, None] * right + (reach - drop)[:, None] * out
        normal = lean[:, None] * right + np.sqrt(1 - lean**2)[:, None] * out
        u = (curve_x / half + 1) / 2
        foot, eaves = loop.copy(), loop.copy()
        eaves[:, 2] = body_mm
        ring = np.stack([foot, eaves], axis=1)
        uv = np.stack([np.stack([u, np.zeros_like(u)], -1), np.stack([u, np.full_like(u, body_mm / total)], -1)], 1)
        patches.append(grid_patch(ring, np.stack([normal, normal], 1), in_rect(uv, rects[name])))
        patches.extend(_roof(name, loop, u, width_mm, body_mm, roof_mm, slope, rects[name]))
        floor.append(loop[:-1])
    under = np.concatenate(floor)[::-1]
    uv = under[:, :2] * (1, -1) / (width_mm, depth_mm) + 0.5
    return [*patches, flat_patch(under, in_rect(uv, rects["bottom"]))]


def gable_slope_mm(depth_mm: float, roof_mm: float) -> float:
    """Length of the roof's slope."""
    return math.hypot(depth_mm / 2, roof_mm)


def plate(outline: np.ndarray, z0: float, z1: float, rect: UvRect) -> list[Patch]:
    """An upright prism over a convex outline (n, 2), anticlockwise seen from above; the panel is its top."""
    n = len(outline)
    low, span = outline.min(axis=0), np.ptp(outline, axis=0)
    uv = in_rect((outline - low) / span, rect)
    top = np.column_stack([outline, np.full(n, z1)])
    bottom = np.column_stack([outline, np.full(n, z0)])
    patches = [flat_patch(top, uv), flat_patch(bottom[::-1], uv[::-1])]
    for k in range(n):
        m = (k + 1) % n
        patches.append(flat_patch([bottom[k], bottom[m], top[m], top[k]], [uv[k], uv[m], uv[m], uv[k]]))
    return patches


def _roof(name, loop, u, width_mm, body_mm, roof_mm, slope, rect) -> list[Patch]:
    total, ridge_z = body_mm + slope, body_mm + roof_mm
    eaves = loop.copy()
    eaves[:, 2] = body_mm
    v0 = body_mm / total
    if name in ("front", "back"):
        side = 1.0 if name == "front" else -1.0
        across = (u - u[0]) / (u[-1] - u[0]) - 0.5
        ridge = np.stack([side * across * width_mm, np.zeros_like(u), np.full_like(u, ridge_z)], axis=1)
        grid = np.stack([eaves, ridge], axis=1)
        normal = np.cross(grid[-1, 0] - grid[0, 0], grid[len(u) // 2, 1] - grid[len(u) // 2, 0])
        normals = np.broadcast_to(normal / np.linalg.norm(normal), grid.shape)
        uv = np.stack([np.stack([u, np.full_like(u, v0)], -1), np.stack([u, np.ones_like(u)], -1)], 1)
        return [grid_patch(grid, normals, in_rect(uv, rect))]
    side = 1.0 if name == "right" else -1.0
    apex = np.array([side * width_mm * 0.24, 0.0, ridge_z - 0.4])
    ridge_end = np.array([side * width_mm / 2, 0.0, ridge_z])
    middle = np.array([0.5, v0 + 0.86 * (1 - v0)])
    patches = [
        flat_patch([eaves[0], eaves[-1], apex], in_rect([[0, v0], [1, v0], middle], rect)),
        flat_patch([eaves[0], apex, ridge_end], in_rect([[0, v0], middle, [0, 1]], rect)),
        flat_patch([eaves[-1], ridge_end, apex], in_rect([[1, v0], [1, 1], middle], rect)),
    ]
    patches.append(flat_patch(eaves, in_rect(np.stack([u, np.full_like(u, v0)], -1), rect)))
    return patches
