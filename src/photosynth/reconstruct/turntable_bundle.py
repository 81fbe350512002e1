"""Bundle adjustment on a turntable: one pose for each ring, one angle for each photo.

A narrow view of a small thing hardly tells its own focal length: free cameras bend the model to suit a wrong one. On a
turntable thirty photos share two poses, so most of that freedom is gone, and models without a common point keep
their places by the even steps of the table. What freedom is left lies between focal length and distortion, so a
lens is taken as free of distortion unless the photos show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from photosynth.core.geometry import transform_points
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.turntable import Turntable

LOSS_PX = 1.0
"""Residuals beyond this count less (soft L1)."""
STEP_SIGMA_DEG = (0.03, 1.0)
"""Bounds of how far angles may be off their even steps by one standard deviation."""
ROUNDS = 60
"""Evaluations of the solver, at most."""
BENT = 100.0
"""A lens has distortion if that takes this many variances off the sum of squares. Lenses without any took up to 18 off:
what photos show is off by more than noise."""
WRONG_PX = 4.0
"""Observations farther off than this after a first round are taken out, and points with less than two left."""


@dataclass(frozen=True, eq=False)
class Adjusted:
    """turntable: with poses, angles and steps as adjusted. groups: names of the camera groups, and lenses (g, 2): focal
    length in pixels and k1 of each. points (n, 3) in its world; point_of and photo_of (m,), seen_px (m, 2): the
    observations that were kept; off_px (m,): their distances after adjustment. origin (n,): (model, point) of each
    point."""

    turntable: Turntable
    groups: tuple[str, ...]
    lenses: np.ndarray
    points: np.ndarray
    point_of: np.ndarray
    photo_of: np.ndarray
    seen_px: np.ndarray
    off_px: np.ndarray
    origin: np.ndarray


@dataclass(frozen=True, eq=False)
class _Problem:
    """What stays the same: observations, and for each its photo's ring and lens."""

    seen_px: np.ndarray
    middle_px: np.ndarray
    point_of: np.ndarray
    photo_of: np.ndarray
    ring_of: np.ndarray
    lens_of: np.ndarray
    base: np.ndarray
    even_unit: np.ndarray
    ring_of_photo: np.ndarray
    sigma_rad: float
    sizes: tuple[int, int, int, int]
    bent: bool

    def split(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """lenses (g, 2), ring changes (r, 6), steps (r,), angles (n,), points (p, 3)."""
        lenses, rings, photos, _ = self.sizes
        ends = np.cumsum([2 * lenses, 6 * rings, rings, photos])
        a, b, c, d, e = np.split(x, ends)
        return a.reshape(-1, 2) * [1.0, float(self.bent)], b.reshape(-1, 6), c, d, e.reshape(-1, 3)

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """Pixels (2 m,), then angles off their even steps in standard deviations (n,)."""
        lenses, rings, steps, angles, points = self.split(x)
        local = self._local(rings, angles, points)
        tangents = local[:, :2] / local[:, 2:]
        r2 = (tangents**2).sum(axis=1)
        focal, k = lenses[self.lens_of].T
        pixels = tangents * (focal * (1.0 + k * r2))[:, None] + self.middle_px
        rhythm = (angles - steps[self.ring_of_photo] * self.even_unit) / self.sigma_rad
        return np.concatenate([(pixels - self.seen_px).ravel(), rhythm])

    def _local(self, rings: np.ndarray, angles: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Observed points in camera coordinates (m, 3)."""
        import cv2

        rotation = np.stack(
            [
                base[:3, :3] @ cv2.Rodrigues(np.ascontiguousarray(c[:3]))[0]
                for base, c in zip(self.base, rings, strict=True)
            ]
        )
        centre = self.base[:, :3, 3] + rings[:, 3:]
        angle = angles[self.photo_of]
        cos, sin = np.cos(angle), np.sin(angle)
        x, y, z = points[self.point_of].T
        still = np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=1)  # turned back by the photo's angle
        return np.einsum("mji,mj->mi", rotation[self.ring_of], still - centre[self.ring_of])

    def pattern(self):
        """Which residual depends on which number, sparse (2 m + n, x)."""
        from scipy.sparse import coo_matrix

        lenses, rings, photos, points = self.sizes
        starts = np.cumsum([0, 2 * lenses, 6 * rings, rings, photos])
        m = len(self.seen_px)
        each = np.arange(2 * m)
        observation = each // 2
        columns = [starts[0] + 2 * self.lens_of[observation] + k for k in range(2)]
        columns += [starts[1] + 6 * self.ring_of[observation] + k for k in range(6)]
        columns += [starts[3] + self.photo_of[observation]]
        columns += [starts[4] + 3 * self.point_of[observation] + k for k in range(3)]
        rows = [each] * len(columns)
        rhythm = 2 * m + np.arange(photos)
        rows += [rhythm, rhythm]
        columns += [starts[2] + self.ring_of_photo, starts[3] + np.arange(photos)]
        rows, columns = np.concatenate(rows), np.concatenate(columns)
        shape = 2 * m + photos, int(starts[4]) + 3 * points
        return coo_matrix((np.ones(len(rows), int), (rows, columns)), shape=shape).tocsr()


def adjust(models: Sequence[SparseModel], table: Turntable, order: dict[str, int], groups: dict[str, str]) -> Adjusted:
    """Adjust the table's poses, angles and lenses, and the points of all models, to what the photos show.

    Args:
        models: as they were given to find_turntable.
        table: what that found.
        order: each file's place in the order in which the photos were taken.
        groups: each file's camera group: photos with one lens.
    """
    photo_at = {int(number): k for k, number in enumerate(table.number)}
    names = tuple(sorted({groups[f] for m in models for f in m.files}))
    lens_of_photo = np.zeros(len(table.number), int)
    middle = np.zeros((len(table.number), 2))
    points, point_of, photo_of, seen, origin, lenses = [], [], [], [], [], [[] for _ in names]
    n_points = 0
    for m, model in enumerate(models):
        place = np.array([photo_at.get(order[f], -1) for f in model.files])
        for camera, file, at in zip(model.cameras, model.files, place, strict=True):
            lenses[names.index(groups[file])].append(
                (camera.focal_px, camera.distortion[0] if camera.distortion else 0.0)
            )
            if at >= 0:
                lens_of_photo[at], middle[at] = names.index(groups[file]), camera.principal_px
        good = place[model.tracks[:, 1]] >= 0
        points.append(transform_points(table.world_from_model[m], model.points))
        point_of.append(model.tracks[good, 0] + n_points)
        photo_of.append(place[model.tracks[good, 1]])
        seen.append(model.tracks_px[good])
        origin.append(np.column_stack([np.full(len(model.points), m), np.arange(len(model.points))]))
        n_points += len(model.points)
    state = Adjusted(
        table,
        names,
        np.array([np.median(found, axis=0) for found in lenses]),
        np.concatenate(points),
        np.concatenate(point_of),
        np.concatenate(photo_of),
        np.concatenate(seen).astype(float),
        np.zeros(sum(map(len, seen))),
        np.concatenate(origin),
    )
    rough, _ = _solved(_thinned(state), lens_of_photo, middle, False)
    straight, without = _solved(_thinned(rough), lens_of_photo, middle, False)
    free, with_it = _solved(straight, lens_of_photo, middle, True)
    return free if with_it < without * (1 - BENT / (2 * len(straight.photo_of))) else straight


def _thinned(state: Adjusted) -> Adjusted:
    """Without observations that are far off, and points with less than two left."""
    good = state.off_px <= WRONG_PX
    enough = np.bincount(state.point_of[good], minlength=len(state.points)) >= 2
    good &= enough[state.point_of]
    row = np.cumsum(enough) - 1
    return replace(
        state,
        points=state.points[enough],
        origin=state.origin[enough],
        point_of=row[state.point_of[good]],
        photo_of=state.photo_of[good],
        seen_px=state.seen_px[good],
        off_px=state.off_px[good],
    )


def _solved(state: Adjusted, lens_of_photo: np.ndarray, middle: np.ndarray, bent: bool) -> tuple[Adjusted, float]:
    """The state adjusted, with lenses that have distortion or not, and the loss that is left."""
    from scipy.optimize import least_squares

    table = state.turntable
    even = (table.number - table.first[table.ring]).astype(float)
    sigma = float(np.clip(table.spread_rad, *np.radians(STEP_SIGMA_DEG)))
    sizes = len(state.lenses), len(table.ring_poses), len(table.number), len(state.points)
    problem = _Problem(
        state.seen_px, middle[state.photo_of], state.point_of, state.photo_of, table.ring[state.photo_of],
        lens_of_photo[state.photo_of], table.ring_poses, even, table.ring, sigma, sizes, bent,
    )  # fmt: skip
    start = np.concatenate(
        [state.lenses.ravel(), np.zeros(6 * sizes[1]), table.step_rad, table.angle_rad, state.points.ravel()]
    )
    found = least_squares(
        problem.residuals, start, jac_sparsity=problem.pattern(), x_scale="jac", loss="soft_l1", f_scale=LOSS_PX,
        max_nfev=ROUNDS, ftol=1e-6, xtol=1e-7,
    )  # fmt: skip
    import cv2

    lenses, rings, steps, angles, points = problem.split(found.x)
    poses = table.ring_poses.copy()
    for pose, change in zip(poses, rings, strict=True):
        pose[:3, :3] = pose[:3, :3] @ cv2.Rodrigues(np.ascontiguousarray(change[:3]))[0]
        pose[:3, 3] += change[3:]
    off = np.linalg.norm(problem.residuals(found.x)[: 2 * len(state.seen_px)].reshape(-1, 2), axis=1)
    spread = float(np.sqrt(np.mean((angles - steps[table.ring] * even) ** 2)))
    after = replace(table, ring_poses=poses, step_rad=steps, angle_rad=angles, spread_rad=spread)
    return replace(state, turntable=after, lenses=lenses, points=points, off_px=off), float(found.cost)
