"""Separation of convex solids: how deep two are in each other, and how far one can drop onto others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosynth.sample.arrange.hull import Hull


def overlap_m(a: Hull, b: Hull, tolerance_m: float = 0.0) -> float:
    """Penetration depth of two hulls: the length of the shortest shift that parts them.

    0 or less when they are apart; its size is then a lower bound of their distance. If they are less than
    `tolerance_m` deep in each other, some number between the true depth and the tolerance may come back, sooner.

    The depth is the least overlap along the normals of the Minkowski difference: those of both hulls' facets, and
    the cross products of those pairs of edges whose arcs on the Gauss map cross (separating-axis theorem; Gregorius,
    "The separating axis test between convex polyhedra", GDC 2013).
    """
    over_a = (a.offsets_m - (b.points_m @ a.normals.T).min(axis=0)).min()
    if over_a <= tolerance_m:
        return float(over_a)
    over_b = (b.offsets_m - (a.points_m @ b.normals.T).min(axis=0)).min()
    if over_b <= tolerance_m:
        return float(over_b)
    return float(min(over_a, over_b, _edge_overlap(a, b)))


def boxes_apart(a: Hull, b: Hull) -> bool:
    """Whether the bounding boxes of two hulls are apart: quicker than `overlap_m`, and enough to rule a pair out."""
    return bool(
        (a.points_m.max(axis=0) < b.points_m.min(axis=0)).any()
        or (b.points_m.max(axis=0) < a.points_m.min(axis=0)).any()
    )


def drop_m(upper: Hull, lowers: Sequence[Hull], most_m: float = np.inf) -> float:
    """How far a hull can be lowered before it meets one of the others; `most_m` if it meets none sooner.

    Below 0 for one that is already inside another: as far as it has to be raised.
    """
    far = [low for low in lowers if not _beside(upper, low)]
    drops = [_fall(upper, low) for low in far if upper.points_m[:, 2].min() - low.points_m[:, 2].max() < most_m]
    return float(min([most_m, *drops]))


def _beside(a: Hull, b: Hull) -> bool:
    return bool(
        (a.points_m[:, :2].max(axis=0) < b.points_m[:, :2].min(axis=0)).any()
        or (b.points_m[:, :2].max(axis=0) < a.points_m[:, :2].min(axis=0)).any()
    )


def _fall(upper: Hull, lower: Hull) -> float:
    """Linear programme: the point x of the upper hull and the drop t for which x - t z is in the lower one, t least."""
    from scipy.optimize import linprog

    size = max(float(np.abs(upper.points_m - lower.centre_m).max()), float(np.ptp(lower.points_m, axis=0).max()))
    rows = np.block(
        [
            [upper.normals, np.zeros((len(upper.normals), 1))],
            [lower.normals, -lower.normals[:, 2:]],
        ]
    )
    bounds = np.concatenate(
        [upper.offsets_m - upper.normals @ lower.centre_m, lower.offsets_m - lower.normals @ lower.centre_m]
    )
    found = linprog([0.0, 0.0, 0.0, 1.0], rows, bounds / size, bounds=[(None, None)] * 4, method="highs")
    return float(found.fun) * size if found.status == 0 else np.inf


def _edge_overlap(a: Hull, b: Hull) -> float:
    """The least overlap along cross products of edges whose arcs cross; infinity if none do."""
    n_a, m_a = a.normals[a.edge_facets[:, 0]], a.normals[a.edge_facets[:, 1]]
    n_b, m_b = -b.normals[b.edge_facets[:, 0]], -b.normals[b.edge_facets[:, 1]]
    normal_a, normal_b = np.cross(m_a, n_a), np.cross(m_b, n_b)
    cba, dba = normal_a @ n_b.T, normal_a @ m_b.T
    adc, bdc = n_a @ normal_b.T, m_a @ normal_b.T
    i, j = np.nonzero((cba * dba < 0) & (adc * bdc < 0) & (cba * bdc > 0))
    if len(i) == 0:
        return np.inf
    start_a, start_b = a.points_m[a.edges[i, 0]], b.points_m[b.edges[j, 0]]
    axis = np.cross(a.points_m[a.edges[i, 1]] - start_a, b.points_m[b.edges[j, 1]] - start_b)
    length = np.linalg.norm(axis, axis=1)
    good = length > 1e-12 * max(float(length.max()), 1e-300)
    axis = axis[good] / length[good, None]
    start_a, start_b = start_a[good], start_b[good]
    outward = np.einsum("ij,ij->i", axis, n_a[i[good]] + m_a[i[good]])
    axis *= np.where(outward < 0, -1.0, 1.0)[:, None]
    return float(np.einsum("ij,ij->i", axis, start_a - start_b).min(initial=np.inf))
