"""Depth maps: which pixels of a photo to match, against which other photos, from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from photosynth.core.errors import QualityError
from photosynth.core.record import Record
from photosynth.reconstruct.patchmatch import DepthMap, Effort, Sources, match
from photosynth.reconstruct.views import View, scaled

MIN_SOURCES = 2
"""A photo with fewer neighbours has no depth map."""
BORDER_PX = 9
"""Pixels at the edge of a photo that are not matched: the window would leave it."""


class DepthConfig(Record, frozen=True, kw_only=True):
    """How photos are matched densely."""

    object_px: int = 330
    """The photos are shrunk until the object's diagonal is about this long in a typical one."""
    sources: int = 5
    """Other photos that each is matched against."""
    angle_deg: float = 14.0
    """Wanted angle between a photo's ray to the object and a source's."""
    angle_range_deg: tuple[float, float] = (3.0, 42.0)
    """Photos at other angles are no sources."""
    margin_rel: float = 0.03
    """The searched region reaches this far round the sparse points, in diagonals of the object."""
    max_cost: float = 0.6
    """Matches with a higher cost (1 - normalised cross-correlation) are thrown away."""


@dataclass(frozen=True, eq=False)
class Subject:
    """The object to be matched, in a world whose z points up.

    points (n, 3): sparse points of the object. diagonal: length of their robust bounding box. table: whether the
    object stands on a plane at z = 0.
    """

    points: np.ndarray
    diagonal: float
    table: bool

    @property
    def centre(self) -> np.ndarray:
        """Middle of the points, (3,)."""
        return np.median(self.points, axis=0)

    def hull(self) -> np.ndarray:
        """Points (m, 3) whose convex hull holds the object: with a table, also their feet on it."""
        if not self.table:
            return self.points
        feet = self.points.copy()
        feet[:, 2] = 0
        return np.concatenate([self.points, feet])


def subject_of(points: np.ndarray, table: bool) -> Subject:
    """The subject of some sparse points of the object; the diagonal leaves the outer 2 % on each side out.

    Raises:
        QualityError: if there are too few points.
    """
    if len(points) < 8:
        raise QualityError(f"only {len(points)} points of the object were found; take more photos, closer to it")
    low, high = np.percentile(points, [2, 98], axis=0)
    if table:
        low[2] = 0.0
    return Subject(np.asarray(points, dtype=float), float(np.linalg.norm(high - low)), table)


def working_scale(config: DepthConfig, subject: Subject, views_px: list[tuple[float, float]]) -> float:
    """The scale, at most 1, at which the object's diagonal is `object_px` long in the median view.

    Args:
        config: has object_px.
        subject: the object.
        views_px: (focal length in pixels, distance) of each photo at full size.
    """
    lengths = [subject.diagonal * focal / distance for focal, distance in views_px]
    return float(min(1.0, config.object_px / max(np.median(lengths), 1e-9)))


def object_mask(view: View, subject: Subject, margin_rel: float) -> np.ndarray:
    """(H, W) bool: pixels round the projected hull of the object, in the view's mask, away from the photo's edges."""
    pixels, depth = view.project(subject.hull())
    pixels = pixels[depth > 0]
    mask = np.zeros(view.image.shape[:2], np.uint8)
    if len(pixels) < 3:
        return mask.astype(bool)
    hull = cv2.convexHull(np.clip(pixels, -1e5, 1e5).astype(np.float32))
    cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 1)
    distance = float(np.median(depth[depth > 0]))
    reach = max(1, int(margin_rel * subject.diagonal / distance * view.intrinsics[0, 0]))
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    b = BORDER_PX
    mask[:b], mask[-b:], mask[:, :b], mask[:, -b:] = 0, 0, 0, 0
    return mask.astype(bool) if view.mask is None else mask.astype(bool) & view.mask


def depth_range(view: View, subject: Subject) -> tuple[float, float]:
    """Nearest and farthest depth at which the object may be."""
    depth = view.project(subject.hull())[1]
    near = max(float(depth.min()) - 0.08 * subject.diagonal, 0.05 * float(np.median(depth)))
    return near, float(depth.max()) + 0.15 * subject.diagonal


def view_angles(views: list[View], centre: np.ndarray) -> np.ndarray:
    """Angles (v, v) in degrees between the rays from each view to a point."""
    rays = np.array([view.centre for view in views]) - centre
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(rays @ rays.T, -1, 1)))


def choose_sources(config: DepthConfig, angles: np.ndarray, k: int) -> list[int]:
    """The views to match view `k` against: those whose angle to it is nearest to the wanted one."""
    low, high = config.angle_range_deg
    order = np.argsort(np.abs(angles[k] - config.angle_deg), kind="stable")
    return [int(j) for j in order if j != k and low < angles[k, j] < high][: config.sources]


def estimate_depth(config: DepthConfig, views: list[View], k: int, subject: Subject, angles: np.ndarray) -> DepthMap:
    """The depth map of view `k`: searched at half size, refined at full size. All 0 if it has too few neighbours."""
    view = views[k]
    shape = view.image.shape[:2]
    picked = choose_sources(config, angles, k)
    if len(picked) < MIN_SOURCES:
        return DepthMap(np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32), np.full(shape, 2, np.float32))
    mask, span = object_mask(view, subject, config.margin_rel), depth_range(view, subject)
    others = [views[j] for j in picked]
    half = (shape[1] // 2, shape[0] // 2)
    coarse_image, coarse_k = _resized(view, half)
    coarse_mask = cv2.resize(mask.astype(np.uint8), half, interpolation=cv2.INTER_NEAREST).astype(bool)
    found = match(
        coarse_image, coarse_k, coarse_mask, _sources(view, coarse_k, others, 0.5), span, Effort(sweeps=4), seed=k + 1
    )
    start = DepthMap(
        *(cv2.resize(a, shape[::-1], interpolation=cv2.INTER_NEAREST) for a in (found.depth, found.normals)), found.cost
    )
    fine = Effort(sweeps=2, refinements=3, first_sweep=3)
    found = match(
        view.grey(), view.intrinsics, mask, _sources(view, view.intrinsics, others, 1.0), span, fine, start, seed=k + 1
    )
    return DepthMap(np.where(found.cost > config.max_cost, np.float32(0), found.depth), found.normals, found.cost)


def _resized(view: View, size_wh: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    height, width = view.image.shape[:2]
    image = cv2.resize(view.grey(), size_wh, interpolation=cv2.INTER_AREA)
    return image, scaled(view.intrinsics, size_wh[0] / width, size_wh[1] / height)


def _sources(view: View, intrinsics: np.ndarray, others: list[View], scale: float) -> Sources:
    images, a, b = [], [], []
    height = max(int(o.image.shape[0] * scale) for o in others)
    width = max(int(o.image.shape[1] * scale) for o in others)
    unproject = np.linalg.inv(intrinsics)
    for other in others:
        own = int(other.image.shape[1] * scale), int(other.image.shape[0] * scale)
        image, matrix = (other.grey(), other.intrinsics) if scale == 1.0 else _resized(other, own)
        padded = np.zeros((height, width), np.float32)  # photos of several sizes share one array
        padded[: image.shape[0], : image.shape[1]] = image
        rotation = other.rotation @ view.rotation.T
        images.append(padded)
        a.append(matrix @ rotation @ unproject)
        b.append(matrix @ (other.translation - rotation @ view.translation))
    return Sources(np.stack(images), np.stack(a), np.stack(b))
