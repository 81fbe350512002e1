"""Primitives: boxes, cylinders, cones, balls, rings, capsules and prisms with random textures, as distractors."""

from __future__ import annotations

import numpy as np

from photosynth.catalogue.patterns import random_pattern
from photosynth.core.mesh import Mesh

SIDES = 40
"""Faces round a body of revolution."""
ARC = 10
"""Steps of a quarter circle."""
EIGHTH = 4
"""Steps of an eighth of a circle on a rounded box."""

Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Vertices (n, 3), normals (n, 3), uv (n, 2), faces (f, 3) anticlockwise from outside."""


def random_primitive(rng: np.random.Generator) -> Mesh:
    """A body that nobody sells: kind, proportions, texture and which way it stands all drawn from `rng`.

    Its longest side is 4 to 30 cm; the texture is (256, 256, 3).
    """
    makers = (_box, _prism, _cylinder, _frustum, _ball, _torus, _capsule, _rounded_box)
    vertices, normals, uv, faces = makers[int(rng.integers(len(makers)))](rng)
    axes = np.roll(np.eye(3), int(rng.integers(3)), axis=0)  # an even permutation: no mirror
    vertices, normals = vertices @ axes.T, normals @ axes.T
    vertices = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    vertices *= np.exp(rng.uniform(np.log(0.04), np.log(0.30))) / np.ptp(vertices, axis=0).max()
    return Mesh(
        vertices_m=np.ascontiguousarray(vertices, np.float32),
        normals=np.ascontiguousarray(normals, np.float32),
        uv=np.ascontiguousarray(uv, np.float32),
        faces=np.ascontiguousarray(faces, np.int32),
        texture=random_pattern(rng),
    )


def _box(rng: np.random.Generator) -> Piece:
    a, b = rng.uniform(0.2, 1.0, 2)
    corners = np.array([(a, b), (-a, b), (-a, -b), (a, -b)])
    return extruded(corners, rng.uniform(0.15, 1.2))


def _prism(rng: np.random.Generator) -> Piece:
    count = int(rng.choice([3, 3, 5, 6, 8]))
    angles = (np.arange(count) + 0.5) * (2 * np.pi / count)
    corners = np.stack([np.cos(angles), rng.uniform(0.6, 1.0) * np.sin(angles)], axis=1)
    return extruded(corners, rng.uniform(0.2, 1.6))


def _cylinder(rng: np.random.Generator) -> Piece:
    h = rng.uniform(0.15, 2.2)
    return joined([disc(1.0, -h), lathed(np.array([(1.0, -h), (1.0, h)])), disc(1.0, h)])


def _frustum(rng: np.random.Generator) -> Piece:
    h, top = rng.uniform(0.4, 1.6), 0.0 if rng.random() < 0.5 else rng.uniform(0.2, 0.8)
    pieces = [disc(1.0, -h), lathed(np.array([(1.0, -h), (top, h)]))]
    return joined([*pieces, disc(top, h)] if top > 0 else pieces)


def _ball(rng: np.random.Generator) -> Piece:
    t = np.linspace(-np.pi / 2, np.pi / 2, 2 * ARC + 1)
    stretch = 1.0 if rng.random() < 0.5 else rng.uniform(0.5, 1.8)
    return lathed(np.stack([np.cos(t), stretch * np.sin(t)], axis=1))


def _torus(rng: np.random.Generator) -> Piece:
    t, thick = np.linspace(-np.pi, np.pi, 2 * ARC + 1), rng.uniform(0.12, 0.6)
    return lathed(np.stack([1.0 + thick * np.cos(t), thick * np.sin(t)], axis=1))


def _capsule(rng: np.random.Generator) -> Piece:
    t, h = np.linspace(0, np.pi / 2, ARC + 1), rng.uniform(0.3, 2.0)
    low = np.stack([np.cos(t[::-1]), -h - np.sin(t[::-1])], axis=1)
    return lathed(np.vstack([low, np.stack([np.cos(t), h + np.sin(t)], axis=1)]))


def _rounded_box(rng: np.random.Generator) -> Piece:
    half = rng.uniform(0.25, 1.0, 3)
    return rounded_box(half, half.min() * rng.uniform(0.15, 0.9))


def lathed(profile: np.ndarray) -> Piece:
    """A profile (n, 2) of radius and height, from the lowest point up, turned about z; its normals are smooth."""
    count = len(profile)
    tangent = np.gradient(profile, axis=0)
    if np.allclose(profile[0], profile[-1]):  # a closed profile has one tangent at its seam
        tangent[0] = tangent[-1] = profile[1] - profile[-2]
    outward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    azimuth = np.linspace(0.0, 2 * np.pi, SIDES + 1)
    c, s = np.cos(azimuth), np.sin(azimuth)

    def turned(points: np.ndarray) -> np.ndarray:
        r, z = points[:, :1], np.repeat(points[:, 1:], SIDES + 1, axis=1)
        return np.stack([r * c, r * s, z], axis=2).reshape(-1, 3)

    u, v = np.meshgrid(azimuth / (2 * np.pi), along / along[-1])
    return turned(profile), turned(outward), np.stack([u, v], axis=2).reshape(-1, 2), _grid(profile[:, 0], count)


def _grid(radii: np.ndarray, count: int) -> np.ndarray:
    """Faces of a grid of `count` rings; those that a ring of no radius makes empty are left out."""
    row = SIDES + 1
    k = (np.arange(count - 1)[:, None] * row + np.arange(SIDES)).ravel()
    lower = np.stack([k, k + 1, k + row + 1], axis=1)
    upper = np.stack([k, k + row + 1, k + row], axis=1)
    empty = np.repeat(np.abs(radii) < 1e-9, SIDES)
    return np.concatenate([lower[~empty[: len(k)]], upper[~empty[SIDES:]]])


def disc(radius: float, height: float) -> Piece:
    """A flat end of a body of revolution: it looks down below z = 0 and up above."""
    angles = np.linspace(0.0, 2 * np.pi, SIDES, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _flat(np.hstack([ring * radius, np.full((SIDES, 1), height)]), ring * 0.5 + 0.5, height > 0)


def extruded(corners: np.ndarray, half_height: float) -> Piece:
    """A convex polygon (n, 2), anticlockwise, made a prism from -half_height to half_height."""
    reach = float(np.abs(corners).max())
    ends = [
        _flat(np.hstack([corners, np.full((len(corners), 1), z)]), corners / (2 * reach) + 0.5, z > 0)
        for z in (-half_height, half_height)
    ]
    sides = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        quad = np.array([[*a, -half_height], [*b, -half_height], [*b, half_height], [*a, half_height]])
        normal = np.array([b[1] - a[1], a[0] - b[0], 0.0]) / np.linalg.norm(b - a)
        aspect = np.array([np.linalg.norm(b - a), 2 * half_height])
        uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * aspect / aspect.max()
        sides.append((quad, np.tile(normal, (4, 1)), uv, np.array([[0, 1, 2], [0, 2, 3]])))
    return joined([*ends, *sides])


def _flat(ring: np.ndarray, uv: np.ndarray, up: bool) -> Piece:
    """A convex polygon (n, 3), anticlockwise from above, as a fan that looks up or down."""
    k = np.arange(1, len(ring) - 1)
    fan = np.stack([np.zeros_like(k), k, k + 1], axis=1)
    normals = np.tile([0.0, 0.0, 1.0 if up else -1.0], (len(ring), 1))
    return ring, normals, uv, fan if up else fan[:, ::-1]


def rounded_box(half: np.ndarray, radius: float) -> Piece:
    """A box of half sides (3,) with rounded edges: a box smaller by the radius, grown by it all round.

    Across each face run an eighth of a circle, a flat strip and another eighth; the neighbouring face has the rest.
    """
    slope = np.tan(np.linspace(0.0, np.pi / 4, EIGHTH + 1))
    slopes = np.concatenate([-slope[::-1], slope])
    side = np.repeat([-1.0, 1.0], EIGHTH + 1)
    row, inner = len(slopes), half - radius
    i, j = (a.ravel() for a in np.meshgrid(np.arange(row), np.arange(row)))
    k = (np.arange(row - 1)[:, None] * row + np.arange(row - 1)).ravel()
    cells = np.concatenate([np.stack([k, k + 1, k + row + 1], 1), np.stack([k, k + row + 1, k + row], 1)])
    pieces = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            across, up = (axis + 1) % 3, (axis + 2) % 3
            normal, core = np.empty((len(i), 3)), np.empty((len(i), 3))
            normal[:, axis], normal[:, across], normal[:, up] = sign, slopes[i], slopes[j]
            normal /= np.linalg.norm(normal, axis=1, keepdims=True)
            core[:, axis], core[:, across], core[:, up] = sign, side[i], side[j]
            place = core * inner + radius * normal
            uv = place[:, [across, up]] / (2 * half.max()) + 0.5
            pieces.append((place, normal, uv, cells if sign > 0 else cells[:, ::-1]))
    return joined(pieces)


def joined(pieces: list[Piece]) -> Piece:
    """Pieces as one."""
    starts = np.cumsum([0, *(len(piece[0]) for piece in pieces)])
    vertices, normals, uv = (np.concatenate([piece[k] for piece in pieces]) for k in range(3))
    faces = np.concatenate([piece[3] + start for piece, start in zip(pieces, starts, strict=False)])
    return vertices, normals, uv, faces
