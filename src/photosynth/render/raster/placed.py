"""A placement or a slab as one scene's camera sees it, and what a placement covers when it stands alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from photosynth.core.scene import Placement, Slab
from photosynth.render.raster.buffers import PixelBox, PixelBuffers
from photosynth.render.raster.fragments import count_covered
from photosynth.render.raster.prepared import PreparedMesh
from photosynth.render.raster.shadow import Caster
from photosynth.render.raster.transform import NEAR_M, View, transform_vertices

CANVAS_SIDE_PX = 512
"""Side of the canvas on which a placement that leaves the picture is measured."""
CANVAS_REACH = 8.0
"""Its area is counted as far as this many picture sizes beyond the edges."""


@dataclass(frozen=True, eq=False)
class Placed:
    """One placement or slab in one view.

    gain: (3,) what its texture is multiplied by; rotation (3, 3) float64 and scale, to the world; cam_from_object
    (4, 4) float64; cam, screen (V, 3) float64 from transform_vertices; box (5,) float64 likewise; pixels: the
    pixels its box touches.
    """

    roughness: float
    specular_f0: float
    gain: tuple[float, float, float]
    caster: Caster
    rotation: np.ndarray
    scale: float
    cam_from_object: np.ndarray
    cam: np.ndarray
    screen: np.ndarray
    box: np.ndarray
    pixels: PixelBox

    @property
    def mesh(self) -> PreparedMesh:
        """Its mesh."""
        return self.caster.mesh

    def inside(self, view: View) -> bool:
        """True if all of it projects into the picture."""
        x0, y0, x1, y1, behind = self.box
        return behind == 0 and x0 >= 0 and y0 >= 0 and x1 <= view.width and y1 <= view.height


def place(placement: Placement, mesh: PreparedMesh, view: View) -> Placed:
    """Put a mesh into a view. Raises ValueError for a matrix that is no similarity."""
    matrix, scale = _similarity(placement.world_from_object, f"world_from_object of {placement.asset_id}")
    gain = placement.albedo_gain_linear
    return _put(placement.roughness, placement.specular_f0, gain, matrix, scale, mesh, view)


def place_slab(slab: Slab, mesh: PreparedMesh, view: View) -> Placed:
    """Put a slab into a view; its gain is in its texture. Raises ValueError for a matrix that scales, or no size."""
    if not (min(slab.size_m) > 0 and slab.fill_size_m > 0):
        raise ValueError(f"size_m {slab.size_m} and fill_size_m {slab.fill_size_m} of a slab must be above 0")
    matrix, scale = _similarity(slab.world_from_slab, "world_from_slab")
    if abs(scale - 1) > 1e-3:
        raise ValueError(f"world_from_slab must have scale 1, found {scale:.4f}; size_m is for that")
    return _put(slab.roughness, slab.specular_f0, (1.0, 1.0, 1.0), matrix, scale, mesh, view)


def _similarity(matrix4, name: str) -> tuple[np.ndarray, float]:
    matrix = np.array(matrix4, dtype=np.float64)
    linear = matrix[:3, :3]
    (a, b, c), (d, e, f), (g, h, i) = linear.tolist()
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    scale = determinant ** (1 / 3) if determinant > 0 and math.isfinite(sum(map(sum, matrix.tolist()))) else 0.0
    if not 0 < scale < math.inf or np.abs(linear @ linear.T - scale**2 * np.eye(3)).max() > 1e-3 * scale**2:
        raise ValueError(f"{name} must be rotation, uniform scale and translation, found {linear.tolist()}")
    return matrix, scale


def _put(roughness, specular_f0, gain, matrix: np.ndarray, scale: float, mesh: PreparedMesh, view: View) -> Placed:
    centre = matrix[:3, :3] @ mesh.centre + matrix[:3, 3]
    depth_m = max(float(view.cam_from_world[2, :3] @ centre + view.cam_from_world[2, 3]), NEAR_M)
    mesh = mesh.at_size(2 * scale * mesh.radius * view.lens[0] / depth_m)
    caster = Caster(mesh, matrix, centre, max(scale * mesh.radius, 1e-9))
    cam_from_object = view.cam_from_world @ matrix
    count = len(mesh.vertices)
    cam, screen, box = np.empty((count, 3)), np.empty((count, 3)), np.empty(5)
    transform_vertices(mesh.vertices, cam_from_object, view.lens, NEAR_M, cam, screen, box)
    pixels = _pixel_box(box, count, view.width, view.height)
    rotation = np.ascontiguousarray(matrix[:3, :3] / scale)
    return Placed(roughness, specular_f0, gain, caster, rotation, scale, cam_from_object, cam, screen, box, pixels)


def union(boxes: list[PixelBox]) -> PixelBox:
    """The smallest box round some; empty ones do not count."""
    kept = [b for b in boxes if b[2] > b[0] and b[3] > b[1]]
    if not kept:
        return (0, 0, 0, 0)
    x0, y0, x1, y1 = zip(*kept, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


class Silhouettes:
    """Rasterises placements alone; keeps its buffers between scenes."""

    def __init__(self) -> None:
        self._buffers = PixelBuffers()

    def full_area_px(self, placed: Placed, view: View) -> float:
        """Its area in pixels if the picture had no edges (cut off CANVAS_REACH picture sizes beyond them).

        Measured by its shadow proxy, exact to the pixel while its box is at most CANVAS_SIDE_PX wide and high; larger
        ones are measured on a coarser canvas.
        """
        vertices, faces = placed.mesh.proxy_vertices, placed.mesh.proxy_faces
        if placed.box[4] >= len(placed.mesh.vertices):
            return 0.0
        reach = CANVAS_REACH * max(view.width, view.height)
        low, high = np.array([-reach, -reach]), np.array([view.width + reach, view.height + reach])
        if placed.box[4] == 0:
            low, high = np.maximum(low, placed.box[:2]), np.minimum(high, placed.box[2:4])
        low = np.floor(low)
        extent = np.maximum(high - low, 0)
        scale = max(1.0, float(extent.max()) / CANVAS_SIDE_PX)
        width, height = (max(1, int(np.ceil(e / scale))) for e in extent)
        lens = np.array([view.lens[0], view.lens[1] - low[0], view.lens[2] - low[1]]) / scale
        cam, screen, box = np.empty((len(vertices), 3)), np.empty((len(vertices), 3)), np.empty(5)
        transform_vertices(vertices, placed.cam_from_object, lens, NEAR_M, cam, screen, box)
        canvas, nobody, buffers = (0, 0, width, height), np.zeros((0, 0), np.uint8), self._buffers
        buffers.begin(height, width)
        buffers.draw(cam, screen, faces, 0, lens, canvas, False, nobody)
        buffers.sort_out(canvas, False)
        buffers.draw_centres(cam, screen, faces, 0, lens, canvas, nobody)
        return scale**2 * count_covered(buffers.kinds, buffers.mixed, buffers.centres, *canvas)


def _pixel_box(box: np.ndarray, count: int, width: int, height: int) -> PixelBox:
    if box[4] >= count:
        return (0, 0, 0, 0)
    if box[4] > 0:  # edges that are clipped may reach anywhere
        return (0, 0, width, height)
    x0, y0 = (int(max(0.0, np.floor(v))) for v in np.minimum(box[:2], 1e9))
    x1, y1 = (int(min(limit, np.floor(v) + 1)) for limit, v in zip((width, height), box[2:4], strict=True))
    return (x0, y0, max(x0, x1), max(y0, y1))
