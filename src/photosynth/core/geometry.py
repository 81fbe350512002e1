"""Rigid transforms and directions. Names read target_from_source; lengths in metres; world +z is up."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Vec2: TypeAlias = tuple[float, float]
Vec3: TypeAlias = tuple[float, float, float]
Vec4: TypeAlias = tuple[float, float, float, float]
Matrix4: TypeAlias = tuple[Vec4, Vec4, Vec4, Vec4]

IDENTITY: Matrix4 = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def as_matrix4(array: np.ndarray) -> Matrix4:
    """A (4, 4) array as nested tuples of floats, for records."""
    rows = np.asarray(array, dtype=float)
    if rows.shape != (4, 4):
        raise ValueError(f"expected a (4, 4) matrix, got shape {rows.shape}")
    return tuple(tuple(float(v) for v in row) for row in rows)  # type: ignore[return-value]


def invert_rigid(target_from_source: np.ndarray) -> np.ndarray:
    """source_from_target of a (4, 4) similarity (rotation, uniform scale, translation)."""
    linear = np.asarray(target_from_source, dtype=float)[:3, :3]
    scale2 = float(np.cbrt(np.linalg.det(linear))) ** 2
    inverse = np.eye(4)
    inverse[:3, :3] = linear.T / scale2
    inverse[:3, 3] = -inverse[:3, :3] @ np.asarray(target_from_source, dtype=float)[:3, 3]
    return inverse


def look_at(eye_m: np.ndarray, target_m: np.ndarray, roll_rad: float = 0.0) -> np.ndarray:
    """world_from_cam (4, 4) of an OpenCV camera (+x right, +y down, +z forward) at `eye_m` facing `target_m`.

    Upright (world +z is up in the picture) at roll 0; a positive roll turns the camera clockwise seen from
    behind, so the picture's content turns anticlockwise. Straight up and straight down use world +y as up.

    Raises:
        ValueError: if eye and target coincide.
    """
    eye, target = np.asarray(eye_m, dtype=float), np.asarray(target_m, dtype=float)
    forward = target - eye
    length = float(np.linalg.norm(forward))
    if length < 1e-12:
        raise ValueError("the camera stands on its own target")
    forward /= length
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.9999 else np.array([0.0, 1.0, 0.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    world_from_cam = np.eye(4)
    world_from_cam[:3, 0] = c * right + s * down
    world_from_cam[:3, 1] = -s * right + c * down
    world_from_cam[:3, 2] = forward
    world_from_cam[:3, 3] = eye
    return world_from_cam


def elevation_rad(direction: np.ndarray) -> float:
    """Angle of a direction above the xy plane, in [-pi/2, pi/2]."""
    x, y, z = (float(v) for v in direction)
    return float(np.arctan2(z, np.hypot(x, y)))


def transform_points(target_from_source: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a (4, 4) transform to (n, 3) points."""
    matrix = np.asarray(target_from_source, dtype=float)
    return np.asarray(points, dtype=float) @ matrix[:3, :3].T + matrix[:3, 3]
