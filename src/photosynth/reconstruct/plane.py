"""The support plane: the table that the object stands on, found among sparse or dense points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.reconstruct.stance import Stance

TRIALS = 3000
THICKNESS = 0.006
"""Points this near to the plane lie on it; a share of the cameras' distance."""
MAX_BELOW = 0.12
MIN_SHARE = 0.08
MIN_SPREAD = 1.2
"""Median distance of the points on a table from the middle of those above it, over the latter's own, at least."""
MAX_TILT_DEG = 25.0
"""The plane's normal may differ from the cameras' up by this, if they agree on their up."""


@dataclass(frozen=True, eq=False)
class Plane:
    """normal @ x + offset = height above it; normal (3,) of unit length points to the cameras."""

    normal: np.ndarray
    offset: float
    share: float
    """Share of the points near the focus that lie on it."""

    def height(self, points: np.ndarray) -> np.ndarray:
        """Signed heights (n,) of points (n, 3)."""
        return np.asarray(points) @ self.normal + self.offset


def support_plane(points: np.ndarray, centres: np.ndarray, stance: Stance, rng: np.random.Generator) -> Plane | None:
    """The plane below the focus that holds most points; None if none does.

    RANSAC (Fischler and Bolles 1981) over points near the focus, then least squares with Tukey's weights. A plane is
    considered if nearly all cameras are above it, the focus is not below it, little lies below it, and it is square
    to the cameras' up as far as they agree on one.
    """
    near = points[np.linalg.norm(points - stance.focus, axis=1) < stance.distance]
    if len(near) < 30:
        return None
    thick = THICKNESS * stance.distance
    level = stance.level_share() > 0.8
    best, score = None, MIN_SHARE * len(near)
    probe = near if len(near) <= 4000 else near[rng.choice(len(near), 4000, replace=False)]
    scale = len(near) / len(probe)
    for picks in rng.integers(0, len(near), (TRIALS, 3)):
        a, b, c = near[picks]
        normal = np.cross(b - a, c - a)
        length = float(np.linalg.norm(normal))
        if length < 1e-12:
            continue
        normal /= length
        if np.median(centres @ normal - a @ normal) < 0:
            normal = -normal
        offset = -float(normal @ a)
        if level and normal @ stance.up < np.cos(np.radians(MAX_TILT_DEG)):
            continue
        if (
            centres @ normal + offset > thick
        ).mean() < 0.95 or stance.focus @ normal + offset < -0.05 * stance.distance:
            continue
        heights = probe @ normal + offset
        on = np.abs(heights) < thick
        count = float(on.sum()) * scale
        little_below = (heights < -3 * thick).mean() <= MAX_BELOW
        if count > score and little_below and _reaches_out(probe - np.outer(heights, normal), on, heights > 3 * thick):
            best, score = (normal, offset), count
    return None if best is None else _refined(near, *best, thick)


def _reaches_out(points: np.ndarray, on: np.ndarray, above: np.ndarray) -> bool:
    """Whether what lies on a plane is spread wider than what stands on it: a slice of the object itself is not.

    Args:
        points: (n, 3) dropped onto the plane.
        on: which lie on it.
        above: which stand on it.
    """
    if above.sum() < 10:
        return True
    middle = np.median(points[above], axis=0)
    spread = [float(np.median(np.linalg.norm(points[which] - middle, axis=1))) for which in (on, above)]
    return spread[0] >= MIN_SPREAD * spread[1]


def _refined(near: np.ndarray, normal: np.ndarray, offset: float, thick: float) -> Plane:
    """Least squares on the points that lie on the plane, far ones weighted down, with a shrinking reach."""
    for reach in (1.5, 1.2, 1.0, 0.8, 0.7, 0.7):
        heights = near @ normal + offset
        weights = np.clip(1.0 - (heights / (reach * thick)) ** 2, 0.0, None) ** 2
        total = float(weights.sum())
        if total < 3:
            break
        middle = (weights[:, None] * near).sum(axis=0) / total
        spread = (weights[:, None] * (near - middle)).T @ (near - middle)
        turned = np.linalg.eigh(spread)[1][:, 0]
        normal = turned if turned @ normal > 0 else -turned
        offset = -float(normal @ middle)
    share = float((np.abs(near @ normal + offset) < thick).mean())
    return Plane(normal, offset, share)
