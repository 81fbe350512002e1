"""Shapes of packages: which panels they print on, and how those become a mesh."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.demo.atlas import plan_atlas
from photosynth.catalogue.demo.boxes import SIDE_NAMES, bevelled_box, gable_body, gable_slope_mm, plate
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.lathe import Turn, panel_sizes_mm, sections, turn
from photosynth.catalogue.demo.patch import Patch, UvRect, join
from photosynth.catalogue.demo.paths import box, ellipse
from photosynth.core.mesh import Mesh

Paint = Callable[[dict[str, Canvas]], None]
"""Draws on the panels of a shape, by name."""


@dataclass(frozen=True)
class Shape:
    """A package without its print."""

    panels_mm: dict[str, tuple[float, float]]
    """Width and height of each printed surface."""
    build: Callable[[Mapping[str, UvRect]], list[Patch]]
    """The surface, given each panel's place in the texture."""

    def printed(self, paint: Paint, texture_px: int, supersample: int = 4) -> Mesh:
        """The package as a mesh with a square texture of that side."""
        atlas = plan_atlas(self.panels_mm, texture_px)
        canvases = {name: atlas.canvas(name, supersample) for name in self.panels_mm}
        paint(canvases)
        patches = self.build({name: atlas.uv_rect(name) for name in self.panels_mm})
        return join(patches, atlas.texture(canvases))


def revolved(profile: tuple[Turn, ...], n_sides: int = 56) -> Shape:
    """A shape turned on the lathe; its panels are those the profile names."""
    parts = sections(profile)
    return Shape(panel_sizes_mm(parts), lambda rects: turn(parts, rects, n_sides))


def yoghurt_pot(top_r_mm: float, foot_r_mm: float, height_mm: float) -> Shape:
    """A cup with a foil lid: panels wall (print), rim, top-foil, foil-edge, foot, bottom-base."""
    t, b, h = top_r_mm, foot_r_mm, height_mm
    profile = (
        Turn(0.0, 4.0, panel="bottom-base"),
        Turn(b * 0.80, 4.0, 1.0, "bottom-base"),
        Turn(b * 0.88, 0.0, 1.0, "foot"),
        Turn(b * 0.96, 0.0, 1.5, "foot"),
        Turn(b, 3.0, 2.0, "wall"),
        Turn(t - 4.0, h - 7.0, 0.6, "rim"),
        Turn(t - 1.6, h - 5.6, 0.6, "rim"),
        Turn(t - 1.4, h - 2.2, 0.3, "foil-under"),
        Turn(t, h - 2.2, 0.3, "foil-edge"),
        Turn(t, h - 0.6, 0.6, "foil-edge"),
        Turn(t - 2.0, h, 1.0, "top-foil"),
        Turn(t - 5.0, h - 0.5, 1.0, "top-foil"),
        Turn(0.0, h - 0.8),
    )
    return revolved(profile)


def snap_lid_tub(top_r_mm: float, foot_r_mm: float, height_mm: float) -> Shape:
    """A low tub with a plastic snap lid: panels wall (print), lid-edge, lid-under, top-lid, foot, bottom-base."""
    t, b, h = top_r_mm, foot_r_mm, height_mm
    profile = (
        Turn(0.0, 2.0, panel="bottom-base"),
        Turn(b * 0.86, 2.0, 1.0, "bottom-base"),
        Turn(b * 0.92, 0.0, 1.0, "foot"),
        Turn(b - 1.0, 0.0, 2.0, "foot"),
        Turn(b, 3.0, 2.0, "wall"),
        Turn(t - 3.0, h - 9.0, 0.4, "lid-under"),
        Turn(t, h - 9.0, 0.8, "lid-edge"),
        Turn(t, h - 0.5, 1.4, "lid-edge"),
        Turn(t - 3.6, h, 1.0, "top-lid"),
        Turn(t - 5.2, h - 2.6, 0.8, "top-lid"),
        Turn(0.0, h - 2.6),
    )
    return revolved(profile)


def glass_bottle(radius_mm: float, height_mm: float, label_mm: tuple[float, float]) -> Shape:
    """A slim bottle with a screw cap: panels label (from z to z), glass-low, glass-high, cap-side, top-cap, base."""
    r, h = radius_mm, height_mm
    low, high = label_mm
    neck = 0.40 * r
    profile = (
        Turn(0.0, 5.0, panel="bottom-base"),
        Turn(r * 0.7, 3.0, 8.0, "bottom-base"),
        Turn(r * 0.82, 0.0, 2.0, "bottom-base"),
        Turn(r, 0.0, 4.0, "glass-low"),
        Turn(r, low, 0.0, "label-foot"),
        Turn(r + 0.25, low + 0.3, 0.0, "label"),
        Turn(r + 0.25, high - 0.3, 0.0, "label-head"),
        Turn(r, high, 0.0, "glass-high"),
        Turn(r, high + 0.16 * h, 0.16 * h, "glass-high"),
        Turn(neck, high + 0.24 * h, 0.10 * h, "glass-high"),
        Turn(neck, h - 27.0, 1.0, "collar"),
        Turn(neck + 2.0, h - 26.0, 0.5, "cap-side"),
        Turn(neck + 1.6, h, 1.5, "top-cap"),
        Turn(0.0, h),
    )
    return revolved(profile)


def squeeze_bottle(radius_mm: float, height_mm: float, oval: float = 0.66) -> Shape:
    """An oval plastic bottle with a flip cap: panels body (print), shoulder, foot, cap-side, top-cap, bottom-base."""
    r, h = radius_mm, height_mm
    profile = (
        Turn(0.0, 4.0, panel="bottom-base"),
        Turn(r * 0.7, 3.0, 4.0, "bottom-base"),
        Turn(r * 0.82, 0.0, 3.0, "bottom-base"),
        Turn(r * 0.97, 0.0, 5.0, "foot"),
        Turn(r, 14.0, 30.0, "body"),
        Turn(r * 0.94, h * 0.40, 160.0, "body"),
        Turn(r * 0.97, h * 0.64, 60.0, "shoulder"),
        Turn(r * 0.62, h * 0.78, 26.0, "shoulder"),
        Turn(r * 0.56, h * 0.83, 3.0, "collar"),
        Turn(r * 0.66, h * 0.83, 0.8, "cap-side"),
        Turn(r * 0.60, h * 0.955, 6.0, "cap-side"),
        Turn(r * 0.40, h * 0.965, 1.5, "top-cap"),
        Turn(r * 0.36, h, 4.0, "top-cap"),
        Turn(0.0, h),
    )
    round_bottle = revolved(profile)
    return Shape(round_bottle.panels_mm, lambda rects: [p.squeezed(oval) for p in round_bottle.build(rects)])


def carton_box(width_mm: float, depth_mm: float, height_mm: float, bevel_mm: float = 1.2) -> Shape:
    """A plain box: panels front, right, back, left, top, bottom."""
    return Shape(
        _box_panels(width_mm, depth_mm, height_mm),
        lambda rects: bevelled_box((width_mm, depth_mm, height_mm), bevel_mm, rects),
    )


def brick_carton(width_mm: float, depth_mm: float, height_mm: float, cap_r_mm: float = 12.0) -> Shape:
    """A drink carton with a flat top and a screw cap on it: a box's panels, cap-top and cap-side."""
    cap = sections(_cap_profile(cap_r_mm, 13.0))

    def build(rects: Mapping[str, UvRect]) -> list[Patch]:
        lid = turn(cap, rects, 40)
        y = depth_mm / 2 - cap_r_mm - 7.0 if depth_mm > 4 * cap_r_mm else 0.0
        body = bevelled_box((width_mm, depth_mm, height_mm), 1.6, rects)
        return [*body, *[p.moved(0.0, -y, height_mm / 2 - 0.5) for p in lid]]

    return Shape({**_box_panels(width_mm, depth_mm, height_mm), **panel_sizes_mm(cap)}, build)


def gable_carton(width_mm: float, depth_mm: float, body_mm: float, roof_mm: float, fin_mm: float) -> Shape:
    """A milk carton: panels front, right, back, left (body with roof), bottom, fin (both sides), cap-top, cap-side."""
    slope = gable_slope_mm(depth_mm, roof_mm)
    cap = sections(_cap_profile(13.5, 12.0))
    panels = {
        "front": (width_mm, body_mm + slope),
        "back": (width_mm, body_mm + slope),
        "right": (depth_mm, body_mm + slope),
        "left": (depth_mm, body_mm + slope),
        "bottom": (width_mm, depth_mm),
        "fin": (width_mm, fin_mm),
        **panel_sizes_mm(cap),
    }

    def build(rects: Mapping[str, UvRect]) -> list[Patch]:
        ridge_z = body_mm + roof_mm
        fin_rects = dict.fromkeys(SIDE_NAMES, rects["fin"])
        u0, v0, u1, v1 = rects["fin"]
        for name in ("left", "right", "top", "bottom"):
            fin_rects[name] = (u0, v0, u0 + (u1 - u0) * 0.02, v0 + (v1 - v0) * 0.1)
        fin = bevelled_box((width_mm, 2.2, fin_mm), 0.5, fin_rects, segments=1)
        lean = math.atan2(roof_mm, depth_mm / 2)
        tilt = np.array([[1, 0, 0], [0, math.cos(lean), -math.sin(lean)], [0, math.sin(lean), math.cos(lean)]])
        along = 0.47
        y, z = -depth_mm / 2 * (1 - along), body_mm + roof_mm * along
        return [
            *gable_body(width_mm, depth_mm, body_mm, roof_mm, 1.6, rects),
            *[p.moved(z=ridge_z + fin_mm / 2 - 1.0) for p in fin],
            *[p.moved(0.0, y, z, tilt) for p in turn(cap, rects, 40)],
        ]

    return Shape(panels, build)


def drink_can(radius_mm: float = 33.0, height_mm: float = 115.5) -> Shape:
    """An aluminium can: panels body (print), neck, rim, top-lid, foot, bottom-dome, top-tab."""
    r, h = radius_mm, height_mm
    lid_r = r * 0.79
    profile = (
        Turn(0.0, 8.5, panel="bottom-dome"),
        Turn(r * 0.45, 7.0, 20.0, "bottom-dome"),
        Turn(r * 0.70, 0.9, 2.0, "bottom-dome"),
        Turn(r * 0.75, 0.0, 0.8, "foot"),
        Turn(r * 0.80, 1.2, 1.0, "foot"),
        Turn(r, 9.0, 6.0, "body"),
        Turn(r, h - 13.5, 8.0, "neck"),
        Turn(lid_r, h - 3.4, 4.0, "neck"),
        Turn(lid_r, h - 2.2, 0.6, "rim"),
        Turn(lid_r + 1.5, h - 1.8, 0.5, "rim"),
        Turn(lid_r + 1.5, h, 0.7, "rim"),
        Turn(lid_r - 0.6, h, 0.6, "rim"),
        Turn(lid_r - 1.6, h - 5.4, 0.6, "top-lid"),
        Turn(lid_r - 3.2, h - 5.4, 0.5, "top-lid"),
        Turn(lid_r - 3.8, h - 3.9, 0.5, "top-lid"),
        Turn(0.0, h - 3.9),
    )
    return _with_tab(profile, h - 3.9, lid_r * 0.30)


def food_can(radius_mm: float = 37.0, height_mm: float = 109.0) -> Shape:
    """A tin with a paper label: panels body (label), foot, bottom-end, neck, rim, top-lid, top-tab."""
    r, h = radius_mm, height_mm
    profile = (
        Turn(0.0, 3.0, panel="bottom-end"),
        Turn(r * 0.62, 3.0, 0.6, "bottom-end"),
        Turn(r * 0.66, 2.0, 0.6, "bottom-end"),
        Turn(r * 0.90, 2.0, 0.8, "bottom-end"),
        Turn(r * 0.925, 0.0, 0.6, "foot"),
        Turn(r * 1.012, 0.0, 0.7, "foot"),
        Turn(r * 1.012, 2.8, 0.5, "foot"),
        Turn(r * 0.975, 3.6, 0.6, "foot"),
        Turn(r * 0.975, 6.0, 0.5, "foot"),
        Turn(r, 7.2, 0.5, "body"),
        Turn(r, h - 7.2, 0.5, "neck"),
        Turn(r * 0.975, h - 6.0, 0.5, "neck"),
        Turn(r * 0.975, h - 3.6, 0.6, "neck"),
        Turn(r * 1.012, h - 2.8, 0.5, "rim"),
        Turn(r * 1.012, h, 0.7, "rim"),
        Turn(r * 0.94, h, 0.6, "rim"),
        Turn(r * 0.925, h - 4.2, 0.6, "top-lid"),
        Turn(r * 0.82, h - 4.2, 0.6, "top-lid"),
        Turn(r * 0.80, h - 3.2, 0.6, "top-lid"),
        Turn(0.0, h - 3.2),
    )
    return _with_tab(profile, h - 3.2, r * 0.62)


def _with_tab(profile: tuple[Turn, ...], lid_z_mm: float, out_mm: float) -> Shape:
    """A can with a pull tab lying on its lid."""
    parts = sections(profile)
    outline = box(-7.5, -12.0, 7.5, 12.0, 6.5)[::-1] * (1, -1) + (0.0, -out_mm + 6.0)
    outline = outline[::-1] if _turns_clockwise(outline) else outline
    rivet = ellipse(0.0, -out_mm - 1.0, 2.2, n=20)

    def build(rects: Mapping[str, UvRect]) -> list[Patch]:
        tab = plate(outline, lid_z_mm - 0.2, lid_z_mm + 1.3, rects["top-tab"])
        head = plate(rivet, lid_z_mm + 1.0, lid_z_mm + 1.8, rects["top-tab"])
        return [*turn(parts, rects), *tab, *head]

    return Shape({**panel_sizes_mm(parts), "top-tab": (15.0, 24.0)}, build)


def _turns_clockwise(outline: np.ndarray) -> bool:
    x, y = outline.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) < 0


def _cap_profile(r: float, h: float) -> tuple[Turn, ...]:
    return (
        Turn(0.0, -3.0, panel="cap-hidden"),
        Turn(r, -3.0, panel="cap-foot"),
        Turn(r, 2.0, 0.6, "cap-foot"),
        Turn(r * 0.93, 2.6, 0.4, "cap-side"),
        Turn(r * 0.91, h, 1.2, "top-cap"),
        Turn(0.0, h),
    )


def _box_panels(width_mm: float, depth_mm: float, height_mm: float) -> dict[str, tuple[float, float]]:
    front, side, end = (width_mm, height_mm), (depth_mm, height_mm), (width_mm, depth_mm)
    return {"front": front, "right": side, "back": front, "left": side, "top": end, "bottom": end}
