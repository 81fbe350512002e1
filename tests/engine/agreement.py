"""How far two engines' layers of one scene agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photosynth.core.frame import Layers
from photosynth.render.color import srgb_from_linear

STEP_REL, STEP_NORMAL = 0.02, 0.25
"""A depth that changes by more than this share between neighbours, or a component of the normal by more than this,
is an edge."""


@dataclass(frozen=True)
class Agreement:
    """Inside the objects, where both engines see the same one."""

    psnr_db: float
    """Of colours after the sRGB curve, clipped to 0..1."""
    brightness: float
    """Mean linear radiance: the first engine's over the second's."""
    mask_iou: float
    """Smallest intersection over union of an object's visible masks."""
    depth_median: float
    """Median relative difference of depth."""
    depth_p99: float
    """Its 99th percentile away from edges."""
    normal_median_deg: float
    """Median angle between normals away from edges."""

    def __str__(self) -> str:
        return (
            f"PSNR {self.psnr_db:.1f} dB, brightness {self.brightness:.3f}, IoU {self.mask_iou:.4f}, "
            f"depth {self.depth_median:.1e} / {self.depth_p99:.1e}, normals {self.normal_median_deg:.2f} deg"
        )


def agreement(one: Layers, other: Layers) -> Agreement:
    """Compare two engines' layers of one scene that shows an object at least."""
    same = (one.instance_ids == other.instance_ids) & (other.instance_ids > 0)
    flat = same & _away_from_edges(other, same)
    difference = srgb_from_linear(one.radiance[same]) - srgb_from_linear(other.radiance[same])
    depth = np.abs(one.depth_m[same] / other.depth_m[same] - 1)
    depth_flat = np.abs(one.depth_m[flat] / other.depth_m[flat] - 1)
    cosine = np.clip((one.normals[flat] * other.normals[flat]).sum(axis=-1), -1, 1)
    return Agreement(
        psnr_db=float(-10 * np.log10(np.mean(difference**2))),
        brightness=float(one.radiance[same].mean() / other.radiance[same].mean()),
        mask_iou=min(_iou(one.instance_ids == k, other.instance_ids == k) for k in np.unique(other.instance_ids) if k),
        depth_median=float(np.median(depth)),
        depth_p99=float(np.percentile(depth_flat, 99)),
        normal_median_deg=float(np.degrees(np.median(np.arccos(cosine)))),
    )


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def _away_from_edges(layers: Layers, same: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbours are agreed on and belong to the same smooth surface."""
    import cv2

    box = np.ones((3, 3), np.uint8)
    depth = np.where(same, layers.depth_m, 1e6).astype(np.float32)
    steady = cv2.dilate(depth, box) - cv2.erode(depth, box) < STEP_REL * depth
    turn = (cv2.dilate(layers.normals, box) - cv2.erode(layers.normals, box)).max(axis=2)
    return steady & (turn < STEP_NORMAL)
