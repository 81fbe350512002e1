"""Overlay: pictures with what is there and what was found drawn on them."""

from __future__ import annotations

import cv2
import numpy as np

from photosynth.core.instances import Instances

TRUTH_RGB, RIGHT_RGB, WRONG_RGB = (255, 255, 255), (60, 220, 60), (240, 50, 50)


def overlay(image: np.ndarray, truth: Instances, found: Instances, class_names: tuple[str, ...]) -> np.ndarray:
    """A copy of a (H, W, 3) uint8 picture: truth in white; finds in green where class and box (IoU 0.5) agree with it,
    else in red, with name and score."""
    canvas = np.ascontiguousarray(image).copy()
    for box in truth.boxes_xyxy:
        _rectangle(canvas, box, TRUTH_RGB, 1)
    for box, class_id, score in zip(found.boxes_xyxy, found.class_ids, found.scores, strict=True):
        same = truth.class_ids == class_id
        right = bool((_iou(box, truth.boxes_xyxy[same]) >= 0.5).any())
        colour = RIGHT_RGB if right else WRONG_RGB
        _rectangle(canvas, box, colour, 2)
        corner = (int(box[0]) + 2, int(max(box[1], 0)) + 11)
        cv2.putText(canvas, f"{class_names[class_id]} {score:.2f}", corner, cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour)
    return canvas


def _rectangle(canvas: np.ndarray, box: np.ndarray, colour: tuple[int, int, int], width: int) -> None:
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), colour, width)


def _iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    side = np.clip(np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2]), 0.0, None)
    shared = side.prod(1)
    area = (others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return shared / np.maximum(area - shared, 1e-9)
