"""Footprints: convex outlines on a table, which must not overlap."""

from __future__ import annotations

import numpy as np


def footprints_apart(a: np.ndarray, b: np.ndarray, gap_m: float = 0.0) -> bool:
    """Whether two convex outlines (n, 2), anticlockwise, can be parted by a line along one of their edges with at
    least `gap_m` between them (separating-axis theorem)."""
    return _parts(a, b, gap_m) or _parts(b, a, gap_m)


def apart_from_all(outline: np.ndarray, others: list[np.ndarray], gap_m: float = 0.0) -> bool:
    """Whether an outline is apart from every one of the others."""
    low, high = outline.min(axis=0) - gap_m, outline.max(axis=0) + gap_m
    for other in others:
        beside = (other.max(axis=0) <= low).any() or (other.min(axis=0) >= high).any()
        if not beside and not footprints_apart(outline, other, gap_m):
            return False
    return True


def _parts(a: np.ndarray, b: np.ndarray, gap_m: float) -> bool:
    along = np.roll(a, -1, axis=0) - a
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1)[:, None]
    reach = np.einsum("ij,ij->i", outward, a)
    return bool(((b @ outward.T).min(axis=0) - reach >= gap_m).any())
