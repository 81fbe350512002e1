"""Stable poses: the ways a convex solid rests on a plane, and how often it comes to rest in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.sample.arrange.hull import Hull

COPLANAR_DEG = 0.5
"""Neighbouring triangles whose normals differ by less are one face."""
SAME_POSE_DEG = 5.0
"""Poses on faces whose normals differ by less are one pose: the likelier."""
UPRIGHT_DEG = 8.0
"""A face turned away from straight down by less can carry the thing as it was scanned."""


@dataclass(frozen=True, eq=False)
class StablePoses:
    """The k ways a solid rests, likeliest first.

    rotations (k, 3, 3): world from object, +z up, least turned about the vertical. probabilities (k,): they sum
    to 1. upright: which of them is the one it was scanned in, None if it cannot stand so.
    """

    rotations: np.ndarray
    probabilities: np.ndarray
    upright: int | None

    def draw(self, rng: np.random.Generator, upright_share: float = 0.0) -> np.ndarray:
        """One (3, 3) rotation: with probability `upright_share` the upright one, if there is one, else by
        `probabilities`. Always takes two numbers from `rng`."""
        stand, at = rng.random(2)
        if self.upright is not None and stand < upright_share:
            return self.rotations[self.upright]
        edges = np.cumsum(self.probabilities)
        return self.rotations[min(int(np.searchsorted(edges, at * edges[-1], side="right")), len(edges) - 1)]


def stable_poses(hull: Hull) -> StablePoses:
    """The faces that a hull of even density rests on when it is let go at a random rotation and loses its speed at
    once, and their probabilities.

    It first lands on a face with the probability of the solid angle that the face fills as seen from the centre of
    mass; from a face that the centre of mass does not stand over, it rolls over the nearest edge onto the next one,
    until it rests (the quasi-static estimate: Goldberg, Mirtich, Zhuang, Craig, Carlisle and Canny, "Part pose
    statistics: estimators and experiments", IEEE Transactions on Robotics and Automation 15(5), 1999).
    """
    face_of, normals = _merge(hull)
    count = len(normals)
    landed = np.bincount(face_of, _solid_angles(hull.points_m[hull.triangles] - hull.centre_m), count)
    onto = _rolls_onto(hull, face_of, normals)
    heights = (hull.points_m @ normals.T).max(axis=0) - normals @ hull.centre_m
    for k in np.argsort(-heights, kind="stable"):  # a roll lowers the centre of mass: pass on from the highest down
        if onto[k] >= 0 and heights[onto[k]] < heights[k]:
            landed[onto[k]] += landed[k]
            landed[k] = 0.0
    return _as_poses(normals, landed / landed.sum())


def rotation_onto(normal: np.ndarray) -> np.ndarray:
    """The smallest (3, 3) rotation that turns a unit direction straight down (Rodrigues)."""
    x, y, z = (float(v) for v in normal)
    level = np.hypot(x, y)
    if level < 1e-12:
        return np.diag([1.0, -1.0, -1.0]) if z > 0 else np.eye(3)
    length = np.hypot(level, z)
    sin, cos = level / length, -z / length  # of the turn about the level axis (-y, x, 0)
    cross = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]]) / level
    return np.eye(3) + sin * cross + (1.0 - cos) * (cross @ cross)


def _as_poses(normals: np.ndarray, landed: np.ndarray) -> StablePoses:
    kept: list[int] = []
    weights: list[float] = []
    for k in np.lexsort((np.arange(len(landed)), -landed)):
        if landed[k] <= 1e-9:
            break
        near = [n for n, other in enumerate(kept) if normals[k] @ normals[other] > np.cos(np.radians(SAME_POSE_DEG))]
        if near:
            weights[near[0]] += float(landed[k])
        else:
            kept.append(int(k))
            weights.append(float(landed[k]))
    order = np.argsort(-np.array(weights), kind="stable")
    chosen, probabilities = np.array(kept)[order], np.array(weights)[order]
    down = -normals[chosen, 2]
    upright = int(np.argmax(down)) if down.max() > np.cos(np.radians(UPRIGHT_DEG)) else None
    rotations = np.stack([rotation_onto(normals[k]) for k in chosen])
    return StablePoses(rotations, probabilities / probabilities.sum(), upright)


def _merge(hull: Hull) -> tuple[np.ndarray, np.ndarray]:
    """Which face each triangle belongs to (f,), and the normals of the m faces (m, 3), largest triangle first."""
    corners = hull.points_m[hull.triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    face_of = np.full(len(areas), -1)
    seeds: list[int] = []
    limit = np.cos(np.radians(COPLANAR_DEG))
    for seed in np.argsort(-areas, kind="stable"):
        if face_of[seed] >= 0:
            continue
        near = hull.normals @ hull.normals[seed] > limit
        face_of[seed] = len(seeds)
        queue = [int(seed)]
        while queue:
            for other in hull.neighbours[queue.pop()]:
                if near[other] and face_of[other] < 0:
                    face_of[other] = len(seeds)
                    queue.append(int(other))
        seeds.append(int(seed))
    return face_of, hull.normals[seeds]


def _rolls_onto(hull: Hull, face_of: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The face that each of m faces rolls onto over the edge nearest to the foot of the centre of mass, (m,) int;
    -1 where the foot is inside the face."""
    own = np.repeat(np.arange(len(hull.triangles)), 3)
    other = hull.neighbours.reshape(-1)
    ends = hull.triangles[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2)
    border = face_of[own] != face_of[other]
    face, beyond = face_of[own][border], face_of[other][border]
    start, end = (hull.points_m[ends[border, k]] for k in (0, 1))
    along, normal = end - start, normals[face]
    reach = hull.centre_m - start
    reach = reach - np.einsum("ij,ij->i", reach, normal)[:, None] * normal  # from the edge's start to the foot
    outside = np.einsum("ij,ij->i", np.cross(along, normal), reach) > 0
    t = np.clip(np.einsum("ij,ij->i", reach, along) / np.einsum("ij,ij->i", along, along), 0.0, 1.0)
    distance = np.linalg.norm(reach - t[:, None] * along, axis=1)
    onto = np.full(len(normals), -1)
    for k in np.lexsort((-distance, face)):  # the nearest of a face's edges comes last
        if outside[k]:
            onto[face[k]] = beyond[k]
    return onto


def _solid_angles(corners: np.ndarray) -> np.ndarray:
    """(f,) of (f, 3, 3) triangles seen from the origin (Van Oosterom and Strackee, 1983)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    top = np.abs(np.einsum("ij,ij->i", a, np.cross(b, c)))
    below = la * lb * lc + (a * b).sum(1) * lc + (a * c).sum(1) * lb + (b * c).sum(1) * la
    return 2 * np.arctan2(top, below)
