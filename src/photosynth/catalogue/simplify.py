"""Simplification that leaves texture coordinates exact: vertices are dropped, never moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.catalogue.quadrics import Quadrics, surface_quadrics
from photosynth.catalogue.surface import face_normals, position_ids

MAX_ROUNDS = 400
STALLED_ROUNDS = 6
PASSES = 6
MIN_TURN_COS = 0.3
"""A face may turn by at most about 70 degrees in one collapse."""


@dataclass(frozen=True, eq=False)
class Moves:
    """Candidate collapses: place `place_u` (n,) goes to `place_v` (n,), at `cost` (n,).

    Vertices u go to v, (n, 2) each; the second is -1 except on a seam, whose two sides move together.
    """

    place_u: np.ndarray
    place_v: np.ndarray
    u: np.ndarray
    v: np.ndarray
    cost: np.ndarray

    def __getitem__(self, index: np.ndarray) -> Moves:
        return Moves(self.place_u[index], self.place_v[index], self.u[index], self.v[index], self.cost[index])


def simplify(vertices: np.ndarray, uv: np.ndarray, faces: np.ndarray, target_faces: int) -> np.ndarray:
    """Faces (n, 3) of a coarser mesh over the same vertices; n is about `target_faces`, or more if seams forbid it.

    Half-edge collapses ordered by quadric errors over position and texture coordinates together (Garland and
    Heckbert, Simplifying Surfaces with Color and Texture using Quadric Error Metrics, 1998). Seams and open borders
    collapse only along themselves, the two sides of a seam together, so textures do not smear and nothing tears.
    Many collapses that do not touch one another are made at once, so numpy suffices.

    Args:
        vertices: (V, 3); uv: (V, 2), vertices doubled along seams; faces: (F, 3).
    """
    faces = np.asarray(faces, np.int64)
    place = position_ids(vertices)
    quadrics = surface_quadrics(vertices, uv, faces)
    blocked = np.empty(0, np.int64)
    stalled = 0
    for _ in range(MAX_ROUNDS):
        if len(faces) <= target_faces or stalled >= STALLED_ROUNDS:
            break
        moves = _moves(faces, place, quadrics, blocked)
        if len(moves.cost) == 0:
            if len(blocked) == 0:
                break
            blocked, stalled = np.empty(0, np.int64), stalled + 1
            continue
        chosen = moves[_apart(moves, faces, place, -(-(len(faces) - target_faces) // 2))]
        good = _allowed(chosen, vertices, uv, faces, place)
        bad = chosen[~good]
        blocked = np.concatenate([blocked, bad.place_u * len(vertices) + bad.place_v])
        faces, before = _collapse(chosen[good], faces, place, quadrics), len(faces)
        stalled = stalled + 1 if len(faces) > 0.999 * before else 0
    return faces


def _moves(faces: np.ndarray, place: np.ndarray, quadrics: Quadrics, blocked: np.ndarray) -> Moves:
    """The cheapest half of the best collapse of each place."""
    n = len(place)
    u = faces[:, [0, 1, 2]].ravel()
    v = faces[:, [1, 2, 0]].ravel()
    keys, count = np.unique(np.minimum(u, v) * n + np.maximum(u, v), return_counts=True)
    a, b = keys // n, keys % n
    border = count == 1
    vertex_sides = np.bincount(place[np.unique(faces)], minlength=n)
    borders_at = np.bincount(np.concatenate([a[border], b[border]]), minlength=n)
    tangled = np.zeros(n, bool)
    tangled[np.concatenate([a[count > 2], b[count > 2]])] = True
    inner = ~border & (count == 2)
    free = (vertex_sides[place] == 1) & (borders_at == 0) & ~tangled
    from_u, to_v = np.concatenate([a[inner], b[inner]]), np.concatenate([b[inner], a[inner]])
    ok = free[from_u] & (place[from_u] != place[to_v])
    single_u, single_v = from_u[ok], to_v[ok]
    # Border edges: one side only on an open border, two sides on a seam.
    bu, bv = np.concatenate([a[border], b[border]]), np.concatenate([b[border], a[border]])
    directed = place[bu] * n + place[bv]
    order = np.lexsort((bu, directed))
    bu, bv, directed = bu[order], bv[order], directed[order]
    _, first, sides = np.unique(directed, return_index=True, return_counts=True)
    sides_of_edge = np.repeat(sides, sides)
    most, least = np.zeros(n, np.int64), np.full(n, 9, np.int64)
    np.maximum.at(most, bu, sides_of_edge)
    np.minimum.at(least, bu, sides_of_edge)
    along = (borders_at == 2) & ~tangled & (most == least)
    open_edge = (sides_of_edge == 1) & along[bu] & (vertex_sides[place[bu]] == 1) & (place[bu] != place[bv])
    single_u, single_v = np.concatenate([single_u, bu[open_edge]]), np.concatenate([single_v, bv[open_edge]])
    pair = first[sides == 2]
    u1, u2, v1, v2 = bu[pair], bu[pair + 1], bv[pair], bv[pair + 1]
    seam = (u1 != u2) & along[u1] & along[u2] & (vertex_sides[place[u1]] == 2) & (place[u1] != place[v1])
    u1, u2, v1, v2 = u1[seam], u2[seam], v1[seam], v2[seam]
    none = np.full(len(single_u), -1, np.int64)
    all_u = np.concatenate([np.stack([single_u, none], 1), np.stack([u1, u2], 1)])
    all_v = np.concatenate([np.stack([single_v, none], 1), np.stack([v1, v2], 1)])
    cost = quadrics.cost(all_u[:, 0], all_v[:, 0])
    two = all_u[:, 1] >= 0
    cost[two] += quadrics.cost(all_u[two, 1], all_v[two, 1])
    moves = Moves(place[all_u[:, 0]], place[all_v[:, 0]], all_u, all_v, cost)
    if len(blocked):
        moves = moves[~np.isin(moves.place_u * n + moves.place_v, blocked)]
    order = np.lexsort((moves.place_v, moves.cost, moves.place_u))
    best = order[np.r_[True, np.diff(moves.place_u[order]) != 0]] if len(order) else order
    best = best[np.lexsort((moves.place_u[best], moves.cost[best]))]
    return moves[best[: max(32, len(best) // 2)]]


def _apart(moves: Moves, faces: np.ndarray, place: np.ndarray, limit: int) -> np.ndarray:
    """Indices of cheap moves of which no two are within two edges of one another, at most `limit`."""
    n = len(place)
    corners = place[faces]
    src = np.concatenate([corners[:, [0, 1, 2]].ravel(), corners[:, [1, 2, 0]].ravel()])
    dst = np.concatenate([corners[:, [1, 2, 0]].ravel(), corners[:, [0, 1, 2]].ravel()])
    order = np.argsort(src, kind="stable")
    src, dst = src[order], dst[order]
    heads = np.flatnonzero(np.r_[True, np.diff(src) != 0])
    owners = src[heads]

    def least_around(values: np.ndarray) -> np.ndarray:
        out = values.copy()
        out[owners] = np.minimum(out[owners], np.minimum.reduceat(values[dst], heads))
        return out

    far = len(moves.cost)
    rank = np.full(n, far, np.int64)
    rank[moves.place_u] = np.arange(far)  # moves come sorted by cost
    chosen: list[np.ndarray] = []
    for _ in range(PASSES):
        least = least_around(least_around(rank))
        winners = np.flatnonzero((rank == least) & (rank < far))
        if len(winners) == 0:
            break
        chosen.append(rank[winners])
        near = np.ones(n, np.int64)
        near[winners] = 0
        rank[least_around(least_around(near)) == 0] = far
    return np.sort(np.concatenate(chosen))[:limit] if chosen else np.empty(0, np.int64)


def _targets(moves: Moves, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each vertex goes (n,), and which move takes it there (-1: none)."""
    target, mover = np.arange(n), np.full(n, -1, np.int64)
    for side in range(2):
        used = moves.u[:, side] >= 0
        target[moves.u[used, side]] = moves.v[used, side]
        mover[moves.u[used, side]] = np.flatnonzero(used)
    return target, mover


def _allowed(moves: Moves, vertices: np.ndarray, uv: np.ndarray, faces: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Which moves keep the surface a surface: no face turns over, in space or in the texture, and no fin appears."""
    target, mover = _targets(moves, len(vertices))
    which = mover[faces].max(axis=1)
    touched = faces[which >= 0]
    which = which[which >= 0]
    after = target[touched]
    corners = place[after]
    gone = (corners[:, 0] == corners[:, 1]) | (corners[:, 1] == corners[:, 2]) | (corners[:, 2] == corners[:, 0])
    normal_before, area_before = face_normals(vertices, touched)
    normal_after, area_after = face_normals(vertices, after)
    flipped = np.einsum("fc,fc->f", normal_before, normal_after) < MIN_TURN_COS
    flipped |= area_after < 1e-4 * area_before
    uv_before, uv_after = _signed_area(uv, touched), _signed_area(uv, after)
    flipped |= (uv_before * uv_after <= 0) & (np.abs(uv_before) > 1e-14)
    good = np.ones(len(moves.cost), bool)
    good[which[flipped & ~gone]] = False
    return good & _linked(moves, faces, place, np.bincount(which[gone], minlength=len(good)))


def _linked(moves: Moves, faces: np.ndarray, place: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """The link condition (Dey et al. 1999): the ends share no neighbours but those of the faces that vanish."""
    from scipy.sparse import coo_matrix

    corners = place[faces]
    src = np.concatenate([corners[:, [0, 1, 2]].ravel(), corners[:, [1, 2, 0]].ravel()])
    dst = np.concatenate([corners[:, [1, 2, 0]].ravel(), corners[:, [0, 1, 2]].ravel()])
    near = coo_matrix((np.ones(len(src), np.int32), (src, dst)), shape=(len(place), len(place))).tocsr()
    near.data[:] = 1
    shared = np.asarray(near[moves.place_u].multiply(near[moves.place_v]).sum(axis=1)).ravel()
    return (shared == gone) & (gone <= 2)


def _collapse(moves: Moves, faces: np.ndarray, place: np.ndarray, quadrics: Quadrics) -> np.ndarray:
    target, _ = _targets(moves, len(place))
    for side in range(2):
        used = moves.u[:, side] >= 0
        quadrics.add(moves.v[used, side], moves.u[used, side])
    faces = target[faces]
    corners = place[faces]
    keep = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    return faces[keep]


def _signed_area(uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (uv[faces[:, k]] for k in range(3))
    return ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])) / 2
