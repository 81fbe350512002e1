"""Box-shaped surfaces: bevelled boxes, gable tops and plates cut from an outline."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from photosynth.catalogue.demo.patch import Patch, UvRect, cuts, flat_patch, grid_patch, in_rect

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
        xs, ys = (_stations(h - r, t) for h in (h_right, h_up))
        x, y = np.meshgrid(xs, ys, indexing="ij")
        cube = x[..., None] * right + y[..., None] * up + h_out * out
        inner = np.clip(cube, -(half - r), half - r)
        away = cube - inner
        normals = away / np.linalg.norm(away, axis=-1, keepdims=True)
        uv = np.stack([x / h_right, y / h_up], -1) / 2 + 0.5
        patches.append(grid_patch(inner + r * normals, normals, in_rect(uv, rects[name])))
    return patches


def _stations(flat: float, bevel: np.ndarray) -> np.ndarray:
    """Grid lines across a face: bevel, cells over the flat from -flat to flat, bevel."""
    middle = np.linspace(-flat, flat, cuts(2 * flat) + 1)
    return np.concatenate([-flat - bevel[:0:-1], middle, flat + bevel[1:]])


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
        flat = half - edge_mm
        n_flat = cuts(2 * flat) - 1
        lean = np.concatenate([-np.sin(a), np.zeros(n_flat), np.sin(a[::-1])])
        curve_x = edge_mm * lean + np.concatenate(
            [np.full(4, -flat), np.linspace(-flat, flat, n_flat + 2)[1:-1], np.full(4, flat)]
        )
        upright = np.sqrt(1 - lean**2)
        loop = curve_x[:, None] * right + (reach - edge_mm * (1 - upright))[:, None] * out
        normal = lean[:, None] * right + upright[:, None] * out
        u = (curve_x / half + 1) / 2
        t = np.linspace(0, 1, cuts(body_mm) + 1)
        ring = loop[:, None, :] + (t * body_mm)[None, :, None] * np.array([0.0, 0.0, 1.0])
        uv = np.stack(np.broadcast_arrays(u[:, None], t[None, :] * body_mm / total), -1)
        normals = np.broadcast_to(normal[:, None, :], ring.shape)
        patches.append(grid_patch(ring, normals, in_rect(uv, rects[name])))
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
    v0, t = body_mm / total, np.linspace(0, 1, cuts(slope) + 1)
    if name in ("front", "back"):
        side = 1.0 if name == "front" else -1.0
        across = (u - u[0]) / (u[-1] - u[0]) - 0.5
        ridge = np.stack([side * across * width_mm, np.zeros_like(u), np.full_like(u, ridge_z)], axis=1)
        grid = eaves[:, None] + (ridge - eaves)[:, None] * t[None, :, None]
        normal = np.cross(grid[-1, 0] - grid[0, 0], grid[len(u) // 2, -1] - grid[len(u) // 2, 0])
        normals = np.broadcast_to(normal / np.linalg.norm(normal), grid.shape)
        uv = np.stack(np.broadcast_arrays(u[:, None], v0 + (1 - v0) * t[None, :]), -1)
        return [grid_patch(grid, normals, in_rect(uv, rect))]
    side = 1.0 if name == "right" else -1.0
    apex = np.array([side * width_mm * 0.24, 0.0, ridge_z - 0.4])
    ridge_end = np.array([side * width_mm / 2, 0.0, ridge_z])
    middle = np.array([0.5, v0 + 0.86 * (1 - v0)])

    def fold_uv(edge_u: float, down: np.ndarray) -> np.ndarray:
        return np.stack([np.full_like(down, edge_u), 1 - (1 - v0) * down], -1)

    patches = [
        flat_patch([eaves[0], eaves[-1], apex], in_rect([[0, v0], [1, v0], middle], rect)),
        flat_patch(
            [apex, *(ridge_end + t[:, None] * (eaves[0] - ridge_end))], in_rect([middle, *fold_uv(0.0, t)], rect)
        ),
        flat_patch(
            [apex, *(eaves[-1] + t[:, None] * (ridge_end - eaves[-1]))], in_rect([middle, *fold_uv(1.0, 1 - t)], rect)
        ),
    ]
    patches.append(flat_patch(eaves, in_rect(np.stack([u, np.full_like(u, v0)], -1), rect)))
    return patches
