"""Metres, +z up, origin in the middle of the box."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from photosynth.catalogue.load import LoadedModel
from photosynth.catalogue.surface import Surface
from photosynth.core.mesh import z_up_from_y_up

METRES_LIKELY = (0.01, 5.0)
"""Diagonals that are believed to be metres in files without a unit."""
METRES_POSSIBLE = (0.001, 100.0)
"""Diagonals that are believed in files with a unit."""
HALVES_DIFFER = 0.25
"""Two half-scans whose proportions differ by more than this get a warning."""


@dataclass(frozen=True, eq=False)
class Normalised:
    """Surfaces in metres, the object's extents (3,), and whether its size is known."""

    surfaces: tuple[Surface, ...]
    size_m: tuple[float, float, float]
    scale_known: bool
    notes: tuple[str, ...]


def normalise(
    surfaces: tuple[Surface, ...], model: LoadedModel, up_axis: Literal["auto", "y", "z"], longest_side_m: float | None
) -> Normalised:
    """Bring all parts of one model to the object's frame.

    Args:
        surfaces: one for each part, in the file's units and axes.
        model: what the format says about axes and units.
        up_axis: for formats that do not say.
        longest_side_m: the size to give it, if known.
    """
    up = model.up_axis or ("z" if up_axis == "auto" else up_axis)
    centred = [_centred(_z_up(s, up)) for s in surfaces]
    notes: list[str] = []
    if len(centred) == 2:
        centred[1], note = _match_halves(centred[0], centred[1])
        notes.append(note)
    extents = np.mean([np.ptp(s.vertices, axis=0) for s in centred], axis=0)
    scale, known, note = _scale(float(np.linalg.norm(extents)), float(extents.max()), model, longest_side_m)
    scaled = tuple(replace(s, vertices=s.vertices * scale) for s in centred)
    x, y, z = (float(v) for v in extents * scale)
    return Normalised(scaled, (x, y, z), known, (*notes, note))


def _z_up(surface: Surface, up: str) -> Surface:
    """Turn the axis `up` to +z by a rotation."""
    turn = {"z": lambda v: v, "y": z_up_from_y_up, "x": lambda v: np.stack([-v[:, 2], v[:, 1], v[:, 0]], axis=1)}[up]
    normals = None if surface.normals is None else turn(surface.normals)
    return replace(surface, vertices=turn(surface.vertices), normals=normals)


def _centred(surface: Surface) -> Surface:
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    return replace(surface, vertices=surface.vertices - (low + high) / 2)


def _match_halves(top: Surface, bottom: Surface) -> tuple[Surface, str]:
    """Scale the bottom to the top's size by the middle one of the three ratios of their boxes' sides."""
    ratios = np.ptp(top.vertices, axis=0) / np.maximum(np.ptp(bottom.vertices, axis=0), 1e-12)
    ratio = float(np.median(ratios))
    spread = float(ratios.max() / ratios.min() - 1.0)
    note = f"the bottom half was scaled by {ratio:.3f} to the top half's size; their proportions differ by {spread:.0%}"
    if spread > HALVES_DIFFER:
        note += ": check the preview, the halves may not be the same object in the same attitude"
    return replace(bottom, vertices=bottom.vertices * ratio), note


def _scale(
    diagonal: float, longest: float, model: LoadedModel, longest_side_m: float | None
) -> tuple[float, bool, str]:
    """Metres per unit, whether that is knowledge, and a note that says where it came from."""
    if longest_side_m is not None:
        return longest_side_m / longest, True, f"scaled to the given longest side of {longest_side_m:g} m"
    if model.metres_per_unit is not None:
        metres = diagonal * model.metres_per_unit
        if METRES_POSSIBLE[0] <= metres <= METRES_POSSIBLE[1]:
            return model.metres_per_unit, True, f"size from the file's unit: diagonal {metres:.3g} m"
        return (
            1.0 / diagonal,
            False,
            f"the file's unit makes it {metres:.3g} m across: not believed, diagonal set to 1 m",
        )
    if len(model.parts) == 1 and model.up_axis is None and METRES_LIKELY[0] <= diagonal <= METRES_LIKELY[1]:
        return 1.0, True, f"the file names no unit; taken as metres: diagonal {diagonal:.3g} m"
    return 1.0 / diagonal, False, "the file's unit is unknown: diagonal set to 1 m; give size_m to tell the true size"
