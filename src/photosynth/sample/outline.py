"""Outlines of flat things: rectangles seen askew, discs, and torn shapes."""

from __future__ import annotations

import math

import numpy as np


def sample_outline(rng: np.random.Generator) -> np.ndarray:
    """The corners, (n, 2) with n of 4 or more, of a random shape about the origin that reaches out about 1."""
    kind, turn = rng.random(), rng.uniform(0.0, 2 * math.pi)
    if kind < 0.6:
        half_angle = math.atan(rng.uniform(0.25, 1.0))  # of the diagonal: the sides' ratio
        corners = np.array([half_angle, math.pi - half_angle, math.pi + half_angle, -half_angle])
        askew = rng.normal(0.0, 0.06, (4, 2))
        return _turned(np.stack([np.cos(corners), np.sin(corners)], axis=1) + askew, turn)
    if kind < 0.8:
        angles = np.linspace(0.0, 2 * math.pi, 24, endpoint=False)
        return _turned(np.stack([np.cos(angles), rng.uniform(0.4, 1.0) * np.sin(angles)], axis=1), turn)
    count = int(rng.integers(5, 11))
    angles = (np.arange(count) + rng.uniform(-0.35, 0.35, count)) * (2 * math.pi / count)
    reach = rng.uniform(0.5, 1.0, count)
    return _turned(np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1), turn)


def bounding_aspect(outline_px: np.ndarray) -> float:
    """Width / height of the upright bounding box, held within 1/8..8."""
    width, height = np.ptp(outline_px, axis=0)
    return float(np.clip(width / max(height, 1e-9), 1 / 8, 8))


def _turned(points: np.ndarray, angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return points @ np.array([[c, s], [-s, c]])
