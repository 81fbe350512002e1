"""Frame: a rendered picture with its layers, and the record of it that goes to disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.camera import Camera
from photosynth.core.geometry import Matrix4
from photosynth.core.record import Record

OCCLUDER_ID = 65535
"""Instance id of pixels where an occluder hides what is behind it."""


@dataclass(frozen=True, eq=False)
class Layers:
    """What an engine returns, before background, occluders and camera finish. n is the number of placements.

    radiance (H, W, 3) float32: linear light, premultiplied by coverage.
    coverage (H, W) float32: 0..1, how much of the pixel the placements and the surroundings fill.
    depth_m (H, W) float32: along the optical axis, of the placement or slab that fills most of the pixel; inf
        where nothing is.
    instance_ids (H, W) uint16: that placement k as k + 1; 0 where a slab or nothing is.
    normals (H, W, 3) float32: unit, in the world; 0 where nothing is.
    amodal_masks (n, H, W) bool: each placement as if it were alone, without surroundings.
    full_area_px (n,) float64: the area of each placement if the picture had no edges.
    """

    radiance: np.ndarray
    coverage: np.ndarray
    depth_m: np.ndarray
    instance_ids: np.ndarray
    normals: np.ndarray
    amodal_masks: np.ndarray
    full_area_px: np.ndarray


@dataclass(frozen=True, eq=False)
class Frame:
    """A finished picture with its layers. n is the number of placements.

    color (H, W, 3) uint8 sRGB; depth_m, instance_ids, normals, amodal_masks, full_area_px as in Layers, after
    occluders: their pixels have instance id OCCLUDER_ID and depth 0.
    """

    color: np.ndarray
    depth_m: np.ndarray
    instance_ids: np.ndarray
    normals: np.ndarray
    amodal_masks: np.ndarray
    full_area_px: np.ndarray


@dataclass(frozen=True, eq=False)
class KeptLayers:
    """A finished picture's layers as they come back from disk.

    depth_m (H, W) float32: along the optical axis, within 0.1 % of the truth; inf where nothing is, 0 on occluders.
    instance_ids (H, W) uint16: as in Frame. normals (H, W, 3) float32: in the world, within half a degree.
    depth_step_m: what depth was rounded to; None where it was not.
    """

    depth_m: np.ndarray
    instance_ids: np.ndarray
    normals: np.ndarray
    depth_step_m: float | None


class Rle(Record, frozen=True, kw_only=True):
    """A mask as COCO's compressed run-length code (column-major, as pycocotools writes it)."""

    size: tuple[int, int]
    """Height, width."""
    counts: str
    """The code, ASCII."""


class FrameInstance(Record, frozen=True, kw_only=True):
    """One placement in a frame on disk."""

    asset_id: str
    """Which asset."""
    class_name: str
    """Its class."""
    role: str
    """``"object"`` or ``"distractor"``."""
    visible: Rle
    """Its pixels that are seen."""
    amodal: Rle
    """Its pixels inside the picture if nothing stood before it."""
    full_area_px: float
    """Its area in pixels if the picture had no edges."""
    visible_fraction: float = 1.0
    """Its pixels that are seen, as a share of `full_area_px`, 0..1."""
    cam_from_object: Matrix4 | None = None
    """Its 6D pose (and uniform scale): camera (OpenCV axes, metres) from object; None in a picture that was not
    rendered."""


class FrameRecord(Record, frozen=True, kw_only=True):
    """One line of a render artifact's ``frames-*.jsonl``."""

    index: int
    """The scene's number."""
    image_file: str
    """The picture, relative to the render folder."""
    size_wh: tuple[int, int]
    """Its size."""
    kind: str
    """The scene's kind: ``"object"``, ``"empty"`` or ``"lookalike"``."""
    instances: tuple[FrameInstance, ...]
    """One for each placement, in order."""
    camera: Camera | None = None
    """What saw it; None in a picture that was not rendered."""
    layers_file: str | None = None
    """NPZ with depth, instance ids and normals, when they were asked for; core.codec.read_layers reads it."""
