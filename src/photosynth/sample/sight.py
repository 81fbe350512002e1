"""Sight: what stands between a camera and the things of an arrangement, by their convex hulls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.core.camera import Camera, project
from photosynth.sample.arrange.hull import Hull

MAX_PROBES = 24
"""Points of a thing that lines of sight are drawn to."""
PROBE_REACH = 0.9
"""How far out they lie, from the middle (0) to the hull (1)."""


def probes_of(hull: Hull) -> np.ndarray:
    """(n, 3) points of a thing, its middle and some just inside its hull, n at most MAX_PROBES + 1."""
    middle = hull.points_m.mean(axis=0)
    step = max(1, -(-len(hull.points_m) // MAX_PROBES))
    return np.vstack([middle, middle + (hull.points_m[::step] - middle) * PROBE_REACH])


def clearance_m(hull: Hull, point_m: np.ndarray) -> float:
    """How far a point is outside a hull, at least (its largest distance from a facet's plane); below 0 inside."""
    return float((hull.normals @ point_m - hull.offsets_m).max())


def blocked(hull: Hull, eye_m: np.ndarray, targets_m: np.ndarray) -> np.ndarray:
    """(n,) bool: whether the hull crosses the straight line from the eye to each of (n, 3) targets.

    The line is clipped by each plane in turn (Cyrus and Beck, 1978).
    """
    at_eye = hull.normals @ eye_m - hull.offsets_m
    along = (targets_m - eye_m) @ hull.normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        t = -at_eye / along
    enter = np.where(along < 0, t, 0.0).max(axis=1, initial=0.0)
    leave = np.where(along > 0, t, 1.0).min(axis=1, initial=1.0)
    beside = ((along == 0) & (at_eye > 0)).any(axis=1)
    return ~beside & (enter < leave - 1e-6)


def seen_share(camera: Camera, probes_m: np.ndarray, others: Sequence[Hull]) -> float:
    """About how much of a thing the camera sees: the share of its (n, 3) probes that are inside the picture and
    have no other hull before them."""
    pixels, depth = project(camera, probes_m)
    with np.errstate(invalid="ignore"):
        seen = (depth > 0) & (pixels >= 0).all(axis=1) & (pixels <= np.array(camera.size_wh)).all(axis=1)
    eye = camera.position_m()
    for other in others:
        if not seen.any():
            return 0.0
        seen[seen] = ~blocked(other, eye, probes_m[seen])
    return float(seen.mean())
