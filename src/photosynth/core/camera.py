"""Camera: a pinhole with OpenCV axes, and the distortion of its lens."""

from __future__ import annotations

import math

import numpy as np

from photosynth.core.geometry import Matrix4, Vec2, invert_rigid
from photosynth.core.record import Record

MAX_STEPS = 30
"""Newton steps of `undistort` before it gives up; five are usual."""
PRECISION = 1e-10
"""Change of a tangent at which `undistort` stops: far below a thousandth of a pixel."""
REACH_MARGIN = 1.02
"""A lens must be invertible this much farther out than the picture's farthest corner."""


class Camera(Record, frozen=True, kw_only=True):
    """A pinhole camera: OpenCV axes (+x right, +y down, +z forward), pixel centres at +0.5.

    Raises:
        ValueError: for a number of coefficients other than 0, 4 or 5, or a distortion that shows one point of the
            world at two places of the picture.
    """

    size_wh: tuple[int, int]
    """Picture size in pixels, width first."""
    focal_px: float
    """Focal length in pixels; pixels are square."""
    principal_px: Vec2
    """Where the optical axis meets the picture; the centre is (w / 2, h / 2)."""
    world_from_cam: Matrix4
    """Where the camera stands: takes camera coordinates to world coordinates."""
    distortion: tuple[float, ...] = ()
    """OpenCV coefficients k1, k2, p1, p2, k3; empty means none."""

    def __post_init__(self) -> None:
        if any(self.distortion) or len(self.distortion) not in (0, 4, 5):
            require_invertible(self.distortion, self._farthest_tangent())

    def _farthest_tangent(self) -> float:
        """Distance of the farthest corner from the optical axis, in focal lengths."""
        reach = [max(at, side - at) for at, side in zip(self.principal_px, self.size_wh, strict=True)]
        return math.hypot(*reach) / self.focal_px

    def cam_from_world(self) -> np.ndarray:
        """The (4, 4) inverse of `world_from_cam`."""
        return invert_rigid(np.array(self.world_from_cam))

    def position_m(self) -> np.ndarray:
        """The optical centre in the world, (3,)."""
        return np.array(self.world_from_cam)[:3, 3]


def project(camera: Camera, points_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 2) and z-depths in metres (n,) of world points (n, 3); points behind get NaN pixels.

    The pinhole model of Hartley and Zisserman, Multiple View Geometry, eq. 6.2, and then the lens. Points that a
    distorted lens cannot see (beyond where its model turns back) get NaN too.
    """
    matrix = camera.cam_from_world()
    local = np.asarray(points_world, dtype=float) @ matrix[:3, :3].T + matrix[:3, 3]
    depth = local[:, 2]
    safe = np.where(depth > 1e-9, depth, np.nan)
    tangents = local[:, :2] / safe[:, None]
    if any(camera.distortion):
        beyond = np.hypot(tangents[:, 0], tangents[:, 1]) >= turning_radius(camera.distortion)
        tangents = np.where(beyond[:, None], np.nan, distort(camera.distortion, tangents))
    return camera.focal_px * tangents + np.array(camera.principal_px), depth


def distort(distortion: tuple[float, ...], tangents: np.ndarray) -> np.ndarray:
    """Where a lens shows points that a pinhole would show at `tangents`; both (..., 2) are x / z, y / z.

    Brown, Close-range camera calibration, 1971, with OpenCV's coefficients (calib3d, "Camera Calibration and 3D
    Reconstruction"): x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2), and so for y.
    """
    k1, k2, p1, p2, k3 = _five(distortion)
    points = np.asarray(tangents, dtype=float)
    x, y = points[..., 0], points[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def undistort(distortion: tuple[float, ...], tangents: np.ndarray) -> np.ndarray:
    """The inverse of `distort` by Newton's method; (..., 2) both. NaN for what the lens shows nowhere."""
    wanted = np.asarray(tangents, dtype=float)
    if not any(distortion):
        return wanted.copy()
    x, y = wanted[..., 0].copy(), wanted[..., 1].copy()
    for _ in range(MAX_STEPS):
        seen = distort(distortion, np.stack([x, y], axis=-1))
        a, b, c, d = distortion_jacobian(distortion, x, y)
        det = a * d - b * c
        dx, dy = wanted[..., 0] - seen[..., 0], wanted[..., 1] - seen[..., 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            step_x, step_y = (d * dx - b * dy) / det, (a * dy - c * dx) / det
        x, y = x + step_x, y + step_y
        change = np.maximum(np.abs(step_x), np.abs(step_y))
        if not (change > PRECISION).any():
            break
    found = (change <= 1e-6) & (np.hypot(x, y) < turning_radius(distortion))
    return np.where(found[..., None], np.stack([x, y], axis=-1), np.nan)


def distortion_jacobian(distortion: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """dx'/dx, dx'/dy, dy'/dx, dy'/dy of `distort` at tangents x, y."""
    k1, k2, p1, p2, k3 = _five(distortion)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
    across = slope * x * y + 2 * p1 * x + 2 * p2 * y
    return (
        radial + slope * x * x + 2 * p1 * y + 6 * p2 * x,
        across,
        across,
        radial + slope * y * y + 6 * p1 * y + 2 * p2 * x,
    )


def turning_radius(distortion: tuple[float, ...]) -> float:
    """The undistorted radius (in focal lengths) at which the radial part of the lens model turns back; may be inf."""
    k1, k2, _, _, k3 = _five(distortion)
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return math.sqrt(min((float(r) for r in real if r > 0), default=math.inf))


def require_invertible(distortion: tuple[float, ...], farthest_tangent: float) -> None:
    """Refuse coefficients that show one point of the world twice within `farthest_tangent` of the axis.

    Raises:
        ValueError: naming the coefficients and how far out they hold.
    """
    if len(distortion) not in (0, 4, 5) or not all(math.isfinite(k) for k in distortion):
        raise ValueError(f"distortion takes k1, k2, p1, p2 and maybe k3, all finite, or nothing; got {distortion}")
    turning = turning_radius(distortion)
    edge = farthest_tangent * REACH_MARGIN
    if math.isfinite(turning):
        holds = float(np.hypot(*distort(_radial_only(distortion), np.array([turning, 0.0]))))
        if holds <= edge:
            raise ValueError(
                f"distortion {distortion} turns back {holds:.3g} focal lengths from the axis, within the picture "
                f"(its corner lies {farthest_tangent:.3g} out); use weaker coefficients or a longer focal length"
            )
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * np.array([0.35, 0.7, 1.0])[:, None, None] * edge
    inner = undistort(distortion, rays)
    a, b, c, d = distortion_jacobian(distortion, inner[..., 0], inner[..., 1])
    if not (a * d - b * c > 0).all():  # NaN counts as failed
        raise ValueError(f"distortion {distortion} folds the picture; use weaker coefficients or a longer focal length")


def _radial_only(distortion: tuple[float, ...]) -> tuple[float, ...]:
    k1, k2, _, _, k3 = _five(distortion)
    return k1, k2, 0.0, 0.0, k3


def _five(distortion: tuple[float, ...]) -> tuple[float, float, float, float, float]:
    k1, k2, p1, p2, k3 = (*distortion, *(0.0,) * (5 - len(distortion)))
    return k1, k2, p1, p2, k3
