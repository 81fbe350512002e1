"""Prediction: what a photo should look like, from mesh and texture alone, to compare with what it does look like."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from photosynth.reconstruct.jit import kernel
from photosynth.reconstruct.surface import Surface
from photosynth.reconstruct.texture import Texture
from photosynth.reconstruct.views import View, scaled

OVERSAMPLING = 2


@dataclass(frozen=True, eq=False)
class Predicted:
    """image (H, W, 3) float32 sRGB 0..255; coverage (H, W) float32 0..1 of the mesh; seen (H, W) bool: wholly on
    texels that some photo saw."""

    image: np.ndarray
    coverage: np.ndarray
    seen: np.ndarray


def predict(view: View, surface: Surface, texture: Texture) -> Predicted:
    """The textured mesh as `view` would see it, unlit, averaged over 2 x 2 samples a pixel."""
    height, width = view.image.shape[:2]
    ss = OVERSAMPLING
    k = scaled(view.intrinsics, ss, ss)
    points = surface.vertices[texture.unwrapped.origin] @ view.rotation.T + view.translation
    inverse_z = np.zeros((height * ss, width * ss))
    uv = np.zeros((height * ss, width * ss, 2), np.float32)
    draw_faces(points, texture.unwrapped.faces, texture.unwrapped.uv, k, inverse_z, uv)
    hit = inverse_z > 0
    side = texture.image.shape[0]
    at = uv * np.float32(side) - np.float32(0.5)
    drawn = cv2.remap(texture.image, at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float32)
    known = texture.seen[
        np.clip(np.rint(at[..., 1]).astype(int), 0, side - 1), np.clip(np.rint(at[..., 0]).astype(int), 0, side - 1)
    ]
    coverage = _shrink(hit.astype(np.float32))
    image = _shrink(drawn * hit[..., None]) / np.maximum(coverage, 1e-6)[..., None]
    return Predicted(image, coverage, _shrink((hit & known).astype(np.float32)) > 0.999)


def psnr(predicted: Predicted, image: np.ndarray, inside: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the pixels wholly inside the seen surface.

    Before it is taken, one gain per channel is fitted (least squares): a held-out photo has an exposure of its own.

    Args:
        predicted: from predict.
        image: (H, W, 3) uint8, the photo.
        inside: (H, W) bool: further limits the pixels; None takes those at least two pixels from the outline.
    """
    if inside is None:
        inside = cv2.erode((predicted.coverage > 0.99).astype(np.uint8), np.ones((5, 5))).astype(bool)
    use = inside & predicted.seen
    if use.sum() < 100:
        return float("nan")
    mine, other = predicted.image[use], image[use].astype(np.float32)
    gain = (mine * other).sum(axis=0) / np.maximum((mine**2).sum(axis=0), 1e-6)
    return float(10 * np.log10(255.0**2 / max(float(((mine * gain - other) ** 2).mean()), 1e-9)))


def _shrink(a: np.ndarray) -> np.ndarray:
    height, width = a.shape[:2]
    s = OVERSAMPLING
    return a.reshape(height // s, s, width // s, s, *a.shape[2:]).mean(axis=(1, 3))


@kernel
def draw_faces(points, faces, st, k, inverse_z, uv):
    """Faces into a z-buffer of 1 / z with perspective-correct texture coordinates, or any other two numbers of the
    vertices; faces that reach behind the camera are left out.

    points (V, 3) float64 in the camera's frame, faces (F, 3), st (V, 2) float32, k (3, 3) intrinsics for pixel
    centres at whole numbers; inverse_z (H, W) float64 and uv (H, W, 2) float32, both zero, are filled."""
    height, width = inverse_z.shape
    for i in range(faces.shape[0]):
        a, b, c = faces[i, 0], faces[i, 1], faces[i, 2]
        if points[a, 2] <= 1e-9 or points[b, 2] <= 1e-9 or points[c, 2] <= 1e-9:
            continue
        q0, q1, q2 = 1 / points[a, 2], 1 / points[b, 2], 1 / points[c, 2]
        x0, y0 = k[0, 0] * points[a, 0] * q0 + k[0, 2], k[1, 1] * points[a, 1] * q0 + k[1, 2]
        x1, y1 = k[0, 0] * points[b, 0] * q1 + k[0, 2], k[1, 1] * points[b, 1] * q1 + k[1, 2]
        x2, y2 = k[0, 0] * points[c, 0] * q2 + k[0, 2], k[1, 1] * points[c, 1] * q2 + k[1, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area >= -1e-12:  # a face seen from outside runs clockwise in pixels whose y points down
            continue
        left, right = max(0, int(np.ceil(min(x0, x1, x2)))), min(width - 1, int(np.floor(max(x0, x1, x2))))
        top, bottom = max(0, int(np.ceil(min(y0, y1, y2)))), min(height - 1, int(np.floor(max(y0, y1, y2))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
                w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
                w0 = 1 - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                q = w0 * q0 + w1 * q1 + w2 * q2
                if q > inverse_z[y, x]:
                    inverse_z[y, x] = q
                    uv[y, x, 0] = (w0 * q0 * st[a, 0] + w1 * q1 * st[b, 0] + w2 * q2 * st[c, 0]) / q
                    uv[y, x, 1] = (w0 * q0 * st[a, 1] + w1 * q1 * st[b, 1] + w2 * q2 * st[c, 1]) / q
