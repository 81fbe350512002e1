"""Lens: engines see pinhole cameras only; here their layers are bent as the scene's lens bends them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import msgspec
import numpy as np

from photosynth.core.camera import Camera, distortion_jacobian, undistort
from photosynth.core.engine import RenderEngine
from photosynth.core.errors import ConfigError
from photosynth.core.frame import Layers
from photosynth.core.scene import Scene

OVERSAMPLING = 1.25
"""Pixels of the pinhole picture for one of the distorted picture, where the lens stretches most. Linear interpolation
then is nearer to a picture made at four times the size (35.3 dB on a chessboard) than the engine's own
anti-aliasing without any lens is (34.1 dB); cubic interpolation gains nothing."""
MARGIN_PX = 2
"""Added round the pinhole picture, so that interpolation does not leave it."""
GRID_PX = 6
"""The lens model is evaluated this far apart and linearly interpolated: off by 0.05 px in the corners of a 300 px
picture for the strongest lens that recipes draw."""
MAX_GROWTH = 4.0
"""The pinhole picture may be this many times as wide or high as the distorted one."""
INSIDE = 0.99
"""A placement with more of its area in the picture counts as wholly inside: its full area is that of its mask."""


@dataclass(frozen=True, eq=False)
class Bend:
    """How a pinhole picture becomes a distorted one.

    pinhole: the camera that engines get. x_px, y_px (H, W) float32: where each pixel's centre lies in the pinhole
    picture. area (H, W) float32: how many square pixels of the pinhole picture it covers.
    """

    pinhole: Camera
    x_px: np.ndarray
    y_px: np.ndarray
    area: np.ndarray


def render_through_lens(engine: RenderEngine, scene: Scene) -> Layers:
    """An engine's layers of a scene as its camera's lens shows them; shapes as in Layers.

    Without distortion it is `engine.render(scene)`. With it, the engine gets an enlarged pinhole camera that covers the
    distorted picture. Light and coverage are interpolated; ids, depth, normals and masks are those of the nearest
    pixel. The full area of a placement that reaches out of the picture is extrapolated from its part inside.

    Raises:
        ConfigError: if the pinhole picture would be more than MAX_GROWTH times as wide or high.
        EngineError: if the engine fails.
    """
    if not any(scene.camera.distortion):
        return engine.render(scene)
    bend = bend_of(scene.camera)
    return bent(engine.render(msgspec.structs.replace(scene, camera=bend.pinhole)), bend)


def bend_of(camera: Camera, oversampling: float = OVERSAMPLING) -> Bend:
    """The pinhole camera that covers a distorted camera's picture, and the way back. Raises ConfigError."""
    width, height = camera.size_wh
    tangents = _tangent_grid(camera.distortion, camera.focal_px, camera.principal_px, camera.size_wh)
    a, b, c, d = distortion_jacobian(camera.distortion, tangents[..., 0], tangents[..., 1])
    stretch = np.abs(a + d) / 2 + np.hypot((a - d) / 2, b)  # the larger eigenvalue: the Jacobian is symmetric
    focal_px = camera.focal_px * max(1.0, float(stretch.max())) * oversampling
    low = np.floor(tangents.min(axis=(0, 1)) * focal_px).astype(int) - MARGIN_PX
    high = np.ceil(tangents.max(axis=(0, 1)) * focal_px).astype(int) + MARGIN_PX
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    if size[0] > MAX_GROWTH * width + 2 * MARGIN_PX or size[1] > MAX_GROWTH * height + 2 * MARGIN_PX:
        raise ConfigError(
            f"a lens with distortion {camera.distortion} at a focal length of {camera.focal_px:g} px needs a pinhole "
            f"picture of {size[0]}x{size[1]} for {width}x{height}; use weaker coefficients"
        )
    pinhole = msgspec.structs.replace(
        camera, size_wh=size, focal_px=focal_px, principal_px=(float(-low[0]), float(-low[1])), distortion=()
    )
    at = (tangents * focal_px - low).astype(np.float32)
    area = (focal_px / camera.focal_px) ** 2 / np.abs(a * d - b * c)
    return Bend(pinhole, *(_between(layer, (width, height)) for layer in (at[..., 0], at[..., 1], area)))


def pixel_tangents(
    distortion: tuple[float, ...], focal_px: float, principal_px: tuple[float, float], size_wh: tuple[int, int]
) -> np.ndarray:
    """Where the pixels of a distorted picture look: x / z, y / z in the camera, (H, W, 2) float32."""
    grid = _tangent_grid(distortion, focal_px, principal_px, size_wh)
    return np.stack([_between(grid[..., k], size_wh) for k in (0, 1)], axis=-1)


def bent(layers: Layers, bend: Bend) -> Layers:
    """The layers of the pinhole camera as the lens shows them; shapes as in Layers for the distorted picture."""
    x, y = bend.x_px - np.float32(0.5), bend.y_px - np.float32(0.5)
    fixed = cv2.convertMaps(x, y, cv2.CV_16SC2)
    nearest = cv2.convertMaps(x, y, cv2.CV_16SC2, nninterpolation=True)[0]

    def smooth(image: np.ndarray) -> np.ndarray:
        return np.maximum(cv2.remap(image, *fixed, cv2.INTER_LINEAR), 0)

    def pick(image: np.ndarray) -> np.ndarray:
        return cv2.remap(image, nearest, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)

    masks = np.zeros((len(layers.amodal_masks), *bend.area.shape), bool)
    areas = np.zeros(len(masks))
    for k, mask in enumerate(layers.amodal_masks):
        masks[k] = pick(mask.view(np.uint8)).view(bool)
        areas[k] = _full_area(masks[k], float(layers.full_area_px[k]), bend)
    return Layers(
        radiance=smooth(layers.radiance),
        coverage=np.minimum(smooth(layers.coverage), 1),
        depth_m=pick(layers.depth_m),
        instance_ids=pick(layers.instance_ids),
        normals=pick(layers.normals),
        amodal_masks=masks,
        full_area_px=areas,
    )


def _full_area(mask: np.ndarray, pinhole_area_px: float, bend: Bend) -> float:
    """Area in the distorted picture if it had no edges: what is outside is taken to shrink as what is inside does."""
    seen_px = float(np.count_nonzero(mask))
    if seen_px == 0:
        return pinhole_area_px * float(1 / bend.area.mean())
    inside = float(bend.area[mask].sum()) / max(pinhole_area_px, 1e-9)
    return seen_px if inside > INSIDE else seen_px / inside


def _tangent_grid(distortion: tuple[float, ...], focal_px: float, principal_px, size_wh) -> np.ndarray:
    """(rows, columns, 2) undistorted tangents; the grid's first and last entries lie on the picture's edges."""
    columns, rows = (max(2, -(-side // GRID_PX) + 1) for side in size_wh)
    x, y = np.meshgrid(np.linspace(0, size_wh[0], columns), np.linspace(0, size_wh[1], rows))
    return undistort(distortion, (np.stack([x, y], axis=-1) - principal_px) / focal_px)


def _between(grid: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 values at pixel centres of a grid whose first and last entries lie on the picture's edges."""
    rows, columns = grid.shape
    grid = grid.astype(np.float32)
    x, y = ((np.arange(side) + 0.5) * ((n - 1) / side) for side, n in zip(size_wh, (columns, rows), strict=True))
    low_x, low_y = x.astype(int), y.astype(int)
    mix_x, mix_y = (x - low_x).astype(np.float32), (y - low_y).astype(np.float32)[:, None]
    across = grid[:, low_x] * (1 - mix_x) + grid[:, low_x + 1] * mix_x
    return across[low_y] * (1 - mix_y) + across[low_y + 1] * mix_y
