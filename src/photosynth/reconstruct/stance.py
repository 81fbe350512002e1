"""How the cameras stand: which way is up for them, and what they all look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.reconstruct.sparse import SparseModel


@dataclass(frozen=True, eq=False)
class Stance:
    """up (3,): the direction that is up for most cameras. rolls_rad (c,): how far each is turned about its axis
    from upright, in (-pi, pi]. focus (3,): the point nearest to all viewing axes. distance: median distance of the
    cameras from it. miss: median distance at which the axes pass it, as a share of `distance`.
    """

    up: np.ndarray
    rolls_rad: np.ndarray
    focus: np.ndarray
    distance: float
    miss: float

    def upright_share(self, tolerance_rad: float = 0.9) -> float:
        """Share of the cameras that are held upright, give or take `tolerance_rad`."""
        return float((np.abs(self.rolls_rad) < tolerance_rad).mean())


def stance_of(model: SparseModel) -> Stance:
    """The stance of a model's cameras."""
    rotations, centres = model.rotations(), model.centres()
    focus = common_focus(centres, rotations[:, :, 2])
    away = centres - focus
    forward = rotations[:, :, 2]
    along = np.abs((away * forward).sum(axis=1))
    distance = float(np.median(np.linalg.norm(away, axis=1)))
    miss = np.sqrt(np.maximum((away**2).sum(axis=1) - along**2, 0.0))
    up = common_up(rotations)
    return Stance(up, rolls(rotations, up), focus, distance, float(np.median(miss)) / max(distance, 1e-12))


def common_focus(centres: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """The point (3,) with the least squared distance to all viewing axes, far-off ones weighted down (IRLS)."""
    weights = np.ones(len(centres))
    focus = centres.mean(axis=0)
    for _ in range(15):
        across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
        normal = (weights[:, None, None] * across).sum(axis=0)
        right = (weights[:, None, None] * across @ centres[:, :, None]).sum(axis=0)[:, 0]
        focus = np.linalg.lstsq(normal, right, rcond=None)[0]
        residual = np.linalg.norm(np.einsum("nij,nj->ni", across, focus - centres), axis=1)
        scale = max(float(np.median(residual)), 1e-9)
        weights = 1.0 / (1.0 + (residual / (2.0 * scale)) ** 2)
    return focus


def common_up(rotations: np.ndarray) -> np.ndarray:
    """The direction (3,) to which the cameras' right axes are square, on the side of most cameras' own up.

    A person who holds a camera level keeps its right axis horizontal, however much it looks down. Photos on their
    side are weighted down (IRLS).

    Args:
        rotations: (c, 3, 3) world_from_cam; columns are right, down, forward.
    """
    right, ups = rotations[:, :, 0], -rotations[:, :, 1]
    weights = np.ones(len(right))
    up = np.zeros(3)
    for _ in range(15):
        scatter = (weights[:, None] * right).T @ right
        towards = (weights[:, None] * ups).sum(axis=0)
        if len(right) < 3 or np.linalg.norm(ups.mean(axis=0)) > 0.97:
            up = towards
        else:
            up = np.linalg.eigh(scatter + 0.02 * (np.eye(3) * weights.sum() - (weights[:, None] * ups).T @ ups))[1][
                :, 0
            ]
            up = up if up @ towards >= 0 else -up
        up = up / max(float(np.linalg.norm(up)), 1e-12)
        weights = 1.0 / (1.0 + ((right @ up) / 0.15) ** 2) * np.where(ups @ up > -0.1, 1.0, 0.2)
    return up


def rolls(rotations: np.ndarray, up: np.ndarray) -> np.ndarray:
    """How far each camera is turned about its viewing axis from upright, (c,) in radians; 0 is level."""
    right, down = rotations[:, :, 0], rotations[:, :, 1]
    return np.arctan2(right @ up, -(down @ up))


def triangulation_angles_deg(model: SparseModel) -> np.ndarray:
    """Largest angle between the first camera's ray and the others' of each point, (n,) degrees."""
    rays = model.points[model.tracks[:, 0]] - model.centres()[model.tracks[:, 1]]
    rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-12)
    first = np.searchsorted(model.tracks[:, 0], model.tracks[:, 0], side="left")
    cosine = np.clip((rays * rays[first]).sum(axis=1), -1.0, 1.0)
    largest = np.zeros(len(model.points))
    np.maximum.at(largest, model.tracks[:, 0], np.degrees(np.arccos(cosine)))
    return largest
