"""How the cameras stand: which way is up for them, and what they all look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.reconstruct.sparse import SparseModel

MAX_CANDIDATES = 4000
ROUND, ODD = 0.7, 1.4
"""Cameras go all round an axis if their spread in two directions square to it is alike by the first, and that along
it differs from these by the second."""
MIN_HEIGHT = 0.05
"""Mean height of the cameras over what they look at, in distances, that tells which end of the axis is up."""
LEVEL_SHARE = 0.8
"""Cameras held level, of all, from which how they were held says which way is up."""
SIDEWAYS_COST, UPSIDE_DOWN_COST, LOOKING_UP_COST = 0.1, 0.25, 0.1


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

    def level_share(self, tolerance_rad: float = 0.4) -> float:
        """Share of the cameras that are held level or turned by a quarter or a half, give or take `tolerance_rad`."""
        off = np.abs((self.rolls_rad + np.pi / 4) % (np.pi / 2) - np.pi / 4)
        return float((off < tolerance_rad).mean())

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


def ring_axis(centres: np.ndarray, focus: np.ndarray) -> np.ndarray | None:
    """The axis (3,) of one or more full rings of cameras round a thing, to the side where most of them are.

    Cameras all round an axis are spread alike in two directions, and otherwise along it: it is the odd one of their
    principal axes. None where no one is odd enough, or where the rings do not say which end is up.
    """
    spread, axes = np.linalg.eigh(np.cov(centres.T))
    spread = np.maximum(spread, 1e-12 * spread[2])
    flat, tall = spread[1] / spread[2], spread[0] / spread[1]
    if max(flat, tall) < ROUND or abs(np.log(flat / tall)) < np.log(ODD):
        return None
    axis = axes[:, 0] if flat > tall else axes[:, 2]
    away = centres - focus
    height = float((away @ axis).mean())
    if abs(height) < MIN_HEIGHT * float(np.median(np.linalg.norm(away, axis=1))):
        return None
    return axis if height > 0 else -axis


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
    """The direction (3,) that is up, from how people hold cameras: level, or turned by a quarter.

    A camera held so has its right axis (or, on its side, its down axis) horizontal, however much it looks down. Each
    pair of such axes gives a candidate, square to both; the least odd one (see _oddness) is refined by least squares.

    Args:
        rotations: (c, 3, 3) world_from_cam; columns are right, down, forward.
    """
    axes = np.concatenate([rotations[:, :, 0], rotations[:, :, 1]])
    first, second = np.triu_indices(len(axes), 1)
    keep = slice(None, None, max(1, len(first) // MAX_CANDIDATES))
    candidates = np.cross(axes[first[keep]], axes[second[keep]])
    length = np.linalg.norm(candidates, axis=1)
    candidates = candidates[length > 0.2] / length[length > 0.2, None]
    own_up = -rotations[:, :, 1].mean(axis=0)
    if not len(candidates):
        return own_up / max(float(np.linalg.norm(own_up)), 1e-12)
    candidates = np.concatenate([candidates, -candidates])
    up = candidates[int(np.argmin([_oddness(rotations, c) for c in candidates]))]
    for _ in range(5):
        right, down = rotations[:, :, 0] @ up, rotations[:, :, 1] @ up
        level = np.where(
            (np.abs(right) <= np.abs(down) + SIDEWAYS_COST)[:, None], rotations[:, :, 0], rotations[:, :, 1]
        )
        weights = 1.0 / (1.0 + ((level @ up) / 0.15) ** 2)
        scatter = (weights[:, None] * level).T @ level + 1e-3 * weights.sum() * (np.eye(3) - np.outer(up, up))
        turned = np.linalg.eigh(scatter)[1][:, 0]
        up = turned if turned @ up > 0 else -turned
    return up


def _oddness(rotations: np.ndarray, up: np.ndarray) -> float:
    """How oddly the cameras would be held: the mean of sines off level, capped, with costs of being turned.

    Level costs nothing, on its side a little, upside down more; looking up costs a little too.
    """
    right, down, forward = (rotations[:, :, k] @ up for k in range(3))
    across = np.hypot(right, down)  # near 0 for a camera that looks straight up or down: it tells nothing
    right, down = right / np.maximum(across, 1e-9), down / np.maximum(across, 1e-9)
    upright = np.abs(right) + UPSIDE_DOWN_COST * (down > 0.2)
    sideways = np.abs(down) + SIDEWAYS_COST
    odd = np.where(across > 0.3, np.minimum(np.minimum(upright, sideways), 0.4), 0.4)
    return float(odd.mean() + LOOKING_UP_COST * forward.mean())


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
