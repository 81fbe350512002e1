"""Window: the directions from which a finished model may be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.asset import ALL_ROUND_DEG
from photosynth.core.geometry import Vec2, look_at
from photosynth.reconstruct.model import MAX_UNSEEN_SHARE, STEP_DEG, seen_elevations
from photosynth.reconstruct.predict import draw_faces
from photosynth.reconstruct.surface import Surface

AZIMUTH_STEP_DEG = 10.0
MIN_ARC_DEG, MIN_BAND_DEG = 60.0, 20.0
"""A window that is narrower or lower than this is worth nothing: its pictures are all but one picture."""
NEAR_DEG = 25.0
"""Directions farther than this from those that photos were taken from stay out of a window that does not go all round:
what the photos saw at a slant would be shown straight on."""
VIEW_PX = 96
"""Side of the views that are drawn to see what is visible."""
DISTANCE = 4.0
"""Of their cameras, in diagonals of the object."""
FILL = 0.95
"""How much of a view the object's bounding sphere fills."""


@dataclass(frozen=True)
class Window:
    """azimuth_deg, elevation_deg: as in AssetPart. measured_share: 0..1, the part of what its cameras see near which
    photos agreed on a depth; None for a window all round, whose surface is judged as a whole."""

    azimuth_deg: Vec2
    elevation_deg: Vec2
    measured_share: float | None = None

    @property
    def arc_deg(self) -> float:
        """How far round it goes; 360 is all round."""
        return self.azimuth_deg[1] - self.azimuth_deg[0]

    def solid_angle_sr(self) -> float:
        """Of its directions."""
        low, high = np.sin(np.radians(self.elevation_deg))
        return float(np.radians(self.arc_deg) * (high - low))


def window_of(surface: Surface, seen: np.ndarray, measured: np.ndarray, cameras: np.ndarray) -> Window | None:
    """The directions from which at most MAX_UNSEEN_SHARE of what is visible was never photographed.

    All round between two elevations wherever `seen_elevations` finds a band of MIN_BAND_DEG; else the largest arc and
    band (or that low band, if it is larger), each direction of which obeys the rule and is near a photo's.

    Args:
        surface: the mesh, z up.
        seen: (V,) bool, vertices that some photo saw.
        measured: (V,) bool, vertices near which photos agreed on a depth.
        cameras: (c, 3) where the photos were taken from, in the same world.

    Returns:
        The window; None if there is none.
    """
    low, high = seen_elevations(surface, seen)
    all_round = Window(ALL_ROUND_DEG, (low, high)) if low < high else None
    if high - low >= MIN_BAND_DEG:
        return all_round
    both = [w for w in (all_round, window_on_one_side(surface, seen, measured, cameras)) if w is not None]
    return max(both, key=Window.solid_angle_sr, default=None)


def window_on_one_side(surface: Surface, seen: np.ndarray, measured: np.ndarray, cameras: np.ndarray) -> Window | None:
    """The same, but each direction must obey the rule, the inside of a surface with holes counts as unseen, and the
    window keeps near the photos' directions."""
    elevations = np.arange(-90.0, 90.0 + STEP_DEG, STEP_DEG)
    azimuths = np.arange(-180.0, 180.0, AZIMUTH_STEP_DEG)
    directions = _directions(elevations, azimuths)
    photographed = cameras - 0.5 * (surface.vertices.min(axis=0) + surface.vertices.max(axis=0))
    photographed /= np.linalg.norm(photographed, axis=1, keepdims=True)
    near = (directions @ photographed.T).max(axis=-1) >= np.cos(np.radians(NEAR_DEG))
    shares = np.zeros((*near.shape, 2))
    shares[near] = visible_shares(surface, np.stack([seen, measured], axis=1), directions[near])
    return widest_window(1.0 - shares[..., 0] <= MAX_UNSEEN_SHARE, elevations, azimuths, shares[..., 1])


def _directions(elevations_deg: np.ndarray, azimuths_deg: np.ndarray) -> np.ndarray:
    """Unit vectors (e, a, 3)."""
    e, a = np.meshgrid(np.radians(elevations_deg), np.radians(azimuths_deg), indexing="ij")
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1)


def visible_shares(surface: Surface, marks: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The mean of two marks of the vertices over what is visible of the surface, hidden parts left out. The inside of
    a surface with holes is visible too, and has neither mark.

    Args:
        surface: the mesh.
        marks: (V, 2), each 0..1.
        directions: (d, 3) unit vectors from the object to the cameras.

    Returns:
        (d, 2); 0 where nothing is visible.
    """
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    middle, distance = 0.5 * (low + high), DISTANCE * float(np.linalg.norm(high - low))
    focal = FILL * VIEW_PX / 2 / np.tan(np.arcsin(0.5 / DISTANCE))
    intrinsics = np.array([[focal, 0, VIEW_PX / 2 - 0.5], [0, focal, VIEW_PX / 2 - 0.5], [0, 0, 1]])
    vertices, faces, marks = surface.vertices, surface.faces, np.asarray(marks, np.float32)
    if not surface.closed:  # every face once more, looking inwards, with vertices of its own
        faces = np.concatenate([faces, faces[:, ::-1] + len(vertices)])
        vertices, marks = np.concatenate([vertices, vertices]), np.concatenate([marks, np.zeros_like(marks)])
    shares = np.zeros((len(directions), 2))
    for k, direction in enumerate(directions):
        pose = look_at(middle + distance * direction, middle)
        points = np.ascontiguousarray((vertices - pose[:3, 3]) @ pose[:3, :3])
        inverse_z, drawn = np.zeros((VIEW_PX, VIEW_PX)), np.zeros((VIEW_PX, VIEW_PX, 2), np.float32)
        draw_faces(points, faces, marks, intrinsics, inverse_z, drawn)
        shares[k] = drawn.reshape(-1, 2).sum(axis=0) / max(int((inverse_z > 0).sum()), 1)
    return shares


def widest_window(
    good: np.ndarray, elevations_deg: np.ndarray, azimuths_deg: np.ndarray, measured: np.ndarray
) -> Window | None:
    """The window with the largest solid angle, of those at least MIN_ARC_DEG by MIN_BAND_DEG.

    Args:
        good: (e, a) bool: whether the model may be shown from there.
        elevations_deg: (e,) rising.
        azimuths_deg: (a,) rising in even steps, from -180 to one step before 180.
        measured: (e, a) share of what is visible from there near which photos agreed on a depth.

    Returns:
        The window, its corners on the grid; None if there is none.
    """
    best: Window | None = None
    step, count = 360.0 / len(azimuths_deg), len(azimuths_deg)
    for i in range(len(elevations_deg)):
        column = np.ones(count, bool)
        for k in range(i, len(elevations_deg)):
            column &= good[k]
            start, length = longest_run(column)
            arc = 360.0 if length == count else (length - 1) * step
            low, high = float(elevations_deg[i]), float(elevations_deg[k])
            if arc < MIN_ARC_DEG or high - low < MIN_BAND_DEG:
                continue
            first = float(azimuths_deg[start])
            shown = measured[i : k + 1, (start + np.arange(length)) % count]
            share = None if length == count else float(shown.mean())
            window = Window((first, first + arc), (low, high), share)
            if best is None or window.solid_angle_sr() > best.solid_angle_sr():
                best = window
    return best


def longest_run(ring: np.ndarray) -> tuple[int, int]:
    """Start and length of the longest run of True on a ring (n,) bool; (0, 0) without any, (0, n) if all are True."""
    count = len(ring)
    if ring.all():
        return 0, count
    best, start = (0, 0), None
    first = int(np.argmin(ring))  # begin where it is False, so that no run goes over the end
    for k in range(first, first + count + 1):
        if ring[k % count] and k < first + count:
            start = k if start is None else start
        elif start is not None:
            best = max(best, (start, k - start), key=lambda run: run[1])
            start = None
    return best[0] % count, best[1]
