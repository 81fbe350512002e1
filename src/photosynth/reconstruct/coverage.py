"""From where the object was photographed, and from where it was not: a picture and advice."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from photosynth.core.capture import CapturedPhoto
from photosynth.core.geometry import transform_points
from photosynth.reconstruct.isolate import Isolated
from photosynth.reconstruct.sparse import SparseModel

MAX_GAP_DEG = 40.0
"""A gap in the ring of directions that is worth three more photos."""
MUCH_BESIDE = 0.25
"""Share of the object's points beside it that is worth a look: captures of things alone on a table had up to 0.02."""
LOW_DEG, HIGH_DEG = 30.0, 45.0
GREEN, RED, INK, OBJECT = "#28964a", "#c82828", "#303030", "#d08a1e"


def directions(model: SparseModel, found: Isolated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Azimuths and elevations (c,) in degrees and distances (c,) of the cameras, seen from the object's middle."""
    middle = 0.5 * (np.array(found.region.low) + np.array(found.region.high))
    away = transform_points(found.world_from_model, model.centres()) - middle
    azimuth = np.degrees(np.arctan2(away[:, 1], away[:, 0])) % 360.0
    elevation = np.degrees(np.arctan2(away[:, 2], np.hypot(away[:, 0], away[:, 1])))
    return azimuth, elevation, np.linalg.norm(away, axis=1)


def gaps(azimuth_deg: np.ndarray, widest_deg: float = MAX_GAP_DEG) -> list[tuple[float, float]]:
    """(from, to) in degrees, anticlockwise, of the stretches without a camera wider than `widest_deg`; widest first."""
    if len(azimuth_deg) == 0:
        return [(0.0, 360.0)]
    ring = np.sort(np.asarray(azimuth_deg, dtype=float) % 360.0)
    nexts = np.append(ring[1:], ring[0] + 360.0)
    found = [(float(a), float(b)) for a, b in zip(ring, nexts, strict=True) if b - a > widest_deg]
    return sorted(found, key=lambda g: g[0] - g[1])


def coverage_advice(model: SparseModel, photos: Sequence[CapturedPhoto], found: Isolated) -> tuple[str, ...]:
    """What more to photograph, naming the photos next to the gap; empty if nothing is missing."""
    source = {p.file: p.source for p in photos}
    azimuth, elevation, _ = directions(model, found)
    lines = []
    for start, end in gaps(azimuth)[:3]:
        before = source[model.files[int(np.argmin(np.abs((azimuth - start + 180) % 360 - 180)))]]
        after = source[model.files[int(np.argmin(np.abs((azimuth - end + 180) % 360 - 180)))]]
        count = max(1, round((end - start) / 15.0) - 1)
        lines.append(
            f"take {count} more in the gap of {end - start:.0f} degrees between {before} and {after} (mark A-B)"
            if not lines
            else f"take {count} more in the gap of {end - start:.0f} degrees between {before} and {after}"
        )
    if (elevation < LOW_DEG).sum() < 4:
        lines.append("take a ring from lower down, about 20 degrees above the table: the sides are seen at a slant")
    if (elevation > HIGH_DEG).sum() < 4:
        lines.append("take a ring from higher up, about 55 degrees above the table: the top is seen at a slant")
    return tuple(lines)


def left_out_advice(found: Isolated) -> tuple[str, ...]:
    """What to look at where much stands beside the object: a gap between points is all that tells the two apart."""
    if found.n_beside <= MUCH_BESIDE * found.n_points:
        return ()
    return (
        f"{found.n_beside} measured points stand beside what was taken for the object ({found.n_points} points) and "
        "were left out: if the preview lacks a part of it, move it away from what stands there, or give masks",
    )


def coverage_picture(model: SparseModel, photos: Sequence[CapturedPhoto], found: Isolated) -> bytes:
    """A PNG: cameras and object as seen from above and from the side, the gaps, and the names of photos that failed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 5.6), dpi=100, layout="constrained")
    above, side = figure.subplots(1, 2)
    centres = transform_points(found.world_from_model, model.centres())
    forward = np.einsum("ij,njk->nik", _rotation(found), model.rotations())[:, :, 2]
    _seen_from_above(above, model, found, centres, forward)
    _seen_from_the_side(side, found, centres)
    failed = [p.source for p in photos if p.file not in set(model.files)]
    title = f"{len(model.files)} of {len(photos)} photos registered"
    if failed:
        title += "; failed: " + ", ".join(failed[:6]) + (f" and {len(failed) - 6} more" if len(failed) > 6 else "")
    figure.suptitle(title, fontsize=11, color=RED if failed else INK)
    lines = coverage_advice(model, photos, found)
    figure.supxlabel("\n".join(lines) if lines else "every side is covered", fontsize=9, color=INK)
    data = io.BytesIO()
    FigureCanvasAgg(figure).print_png(data)
    return data.getvalue()


def _rotation(found: Isolated) -> np.ndarray:
    linear = found.world_from_model[:3, :3]
    return linear / np.cbrt(np.linalg.det(linear))


def _seen_from_above(axes: Any, model: SparseModel, found: Isolated, centres: np.ndarray, forward: np.ndarray) -> None:
    azimuth, _, distance = directions(model, found)
    reach = float(np.median(distance))
    axes.scatter(*found.object_points[:, :2].T, s=2, color=OBJECT)
    axes.scatter(centres[:, 0], centres[:, 1], s=26, color=GREEN, zorder=3)
    tips = 0.18 * reach * forward
    axes.quiver(*centres[:, :2].T, *tips[:, :2].T, angles="xy", scale_units="xy", scale=1, color=GREEN, width=0.004)
    for number, (start, end) in enumerate(gaps(azimuth)[:3]):
        arc = np.radians(np.linspace(start, end, 40))
        axes.plot(reach * np.cos(arc), reach * np.sin(arc), color=RED, linewidth=5, alpha=0.35)
        if number == 0:
            for letter, angle in (("A", arc[0]), ("B", arc[-1])):
                place = 1.15 * reach * np.array([np.cos(angle), np.sin(angle)])
                axes.annotate(letter, place, color=RED, fontsize=13, ha="center", va="center")
    edge = 1.12 * max(float(np.abs(centres[:, :2]).max()), 1.2 * reach)
    axes.set_xlim(-edge, edge)
    axes.set_ylim(-edge, edge)
    axes.set_title("from above", fontsize=10)
    axes.set_aspect("equal")


def _seen_from_the_side(axes: Any, found: Isolated, centres: np.ndarray) -> None:
    across = np.hypot(found.object_points[:, 0], found.object_points[:, 1])
    axes.scatter(across, found.object_points[:, 2], s=2, color=OBJECT)
    axes.scatter(np.hypot(centres[:, 0], centres[:, 1]), centres[:, 2], s=26, color=GREEN)
    axes.axhline(0.0, color=INK, linewidth=1)
    axes.set_xlim(left=0.0)
    axes.set_title(
        "from the side, every direction turned into one" + ("" if found.has_table else " (no table found)"), fontsize=10
    )
    axes.set_aspect("equal")
