"""What can be measured on one photo alone: how light it is, how much fine detail it has, what it looks like."""

from __future__ import annotations

import io

import numpy as np

from photosynth.core.capture import Exposure

DETAIL_SIDE_PX = 1024
"""Detail is measured on a picture of this longer side: what the reconstruction sees, without the sensor's noise."""
THUMB_SIDE_PX = 640
TILE_PX = 64
FINE, COARSE = (0.7, 1.4), (2.8, 5.6)
"""Sigmas in pixels of the two bands of detail that are compared."""
TEXTURE_LEVEL = 1.5 / 255.0
"""A tile is textured if its coarse detail varies by more than this (standard deviation)."""
N_FEATURES = 1000
N_DIRECTIONS = 4


class Measured:
    """What was measured: exposure, detail, hash (8,) uint8, size_wh of the thumbnail, keypoints and descriptors.

    `detail` is the share of fine in coarse detail, see `detail`; `points_px` is (n, 2) float32 on the thumbnail and
    `descriptors` (n, 32) uint8 of ORB.
    """

    def __init__(
        self,
        exposure: Exposure,
        detail: float,
        brightness: tuple[float, float],
        hash_bits: np.ndarray,
        thumb_wh: tuple[int, int],
        points_px: np.ndarray,
        descriptors: np.ndarray,
    ) -> None:
        self.exposure, self.detail, self.brightness = exposure, detail, brightness
        self.hash_bits, self.thumb_wh = hash_bits, thumb_wh
        self.points_px, self.descriptors = points_px, descriptors


def measure(picture: np.ndarray) -> Measured:
    """Measure an upright (H, W, 3) uint8 photo."""
    import cv2

    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    thumb = shrink(gray, THUMB_SIDE_PX)
    found, descriptors = cv2.ORB_create(N_FEATURES, fastThreshold=8).detectAndCompute(thumb, None)
    points = np.array([k.pt for k in found], np.float32).reshape(-1, 2)
    if descriptors is None:
        descriptors = np.zeros((0, 32), np.uint8)
    low, high = np.percentile(thumb, [10, 99.7]) / 255.0  # a small thing before black is not too dark
    return Measured(
        exposure=exposure_of(thumb),
        detail=detail(shrink(gray, DETAIL_SIDE_PX)),
        brightness=(float(low), float(high)),
        hash_bits=perceptual_hash(thumb),
        thumb_wh=(thumb.shape[1], thumb.shape[0]),
        points_px=points,
        descriptors=descriptors,
    )


def exposure_of(gray: np.ndarray) -> Exposure:
    """Mean brightness and the shares at the ends of a (H, W) uint8 picture."""
    return Exposure(
        mean=round(float(gray.mean()) / 255.0, 4),
        dark_share=round(float((gray <= 5).mean()), 4),
        bright_share=round(float((gray >= 250).mean()), 4),
    )


def detail(gray: np.ndarray) -> float:
    """How much fine detail there is for the coarse detail that is there, in the direction that has least of it.

    Both bands are differences of Gaussians; their derivatives along four directions are compared on textured tiles
    only, so that a plain background counts for nothing, and the better half of the tiles counts, so that a soft
    background behind a sharp object does not hide it. Camera shake removes fine detail along its path alone:
    therefore the poorest direction is returned. 0 for a picture without texture.

    Args:
        gray: (H, W) uint8.
    """
    import cv2

    image = gray.astype(np.float32) / 255.0
    fine, coarse = (cv2.GaussianBlur(image, (0, 0), a) - cv2.GaussianBlur(image, (0, 0), b) for a, b in (FINE, COARSE))
    textured = _tiles(coarse**2) > TEXTURE_LEVEL**2
    if not textured.any():
        return 0.0
    fine_slopes, coarse_slopes = _slopes(fine), _slopes(coarse)
    ratios = []
    for direction in range(N_DIRECTIONS):
        below = _tiles(coarse_slopes[direction])[textured]
        above = _tiles(fine_slopes[direction])[textured]
        enough = below > 0.25 * np.median(below)
        ratio = np.sqrt(above[enough] / np.maximum(below[enough], 1e-12))
        ratios.append(float(np.percentile(ratio, 75)))
    return min(ratios)


def _slopes(band: np.ndarray) -> list[np.ndarray]:
    """Squared derivatives along 0, 45, 90 and 135 degrees, (H, W) each."""
    import cv2

    dx, dy = cv2.Sobel(band, cv2.CV_32F, 1, 0), cv2.Sobel(band, cv2.CV_32F, 0, 1)
    return [dx**2, (dx + dy) ** 2 / 2, dy**2, (dx - dy) ** 2 / 2]


def _tiles(values: np.ndarray) -> np.ndarray:
    """Mean of each TILE_PX square, (h, w)."""
    import cv2

    h, w = (max(1, s // TILE_PX) for s in values.shape)
    return cv2.resize(values, (w, h), interpolation=cv2.INTER_AREA)


def perceptual_hash(gray: np.ndarray) -> np.ndarray:
    """64 bits (8 bytes uint8) of the low frequencies: two shots of one view differ in few (pHash, Zauner 2010)."""
    import cv2

    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    return np.packbits(low > np.median(low[1:]))


def hash_distance(a: np.ndarray, b: np.ndarray) -> int:
    """Number of bits in which two hashes differ, 0..64."""
    return int(np.unpackbits(a ^ b).sum())


def shrink(gray: np.ndarray, side_px: int) -> np.ndarray:
    """The picture with a longer side of at most `side_px`; never enlarged."""
    import cv2

    h, w = gray.shape[:2]
    scale = side_px / max(h, w)
    if scale >= 1.0:
        return gray
    return cv2.resize(gray, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)


def pack(measured: Measured) -> bytes:
    """A Measured as bytes, so that an interrupted capture need not measure again."""
    data = io.BytesIO()
    e = measured.exposure
    np.savez(
        data,
        numbers=np.array([e.mean, e.dark_share, e.bright_share, measured.detail, *measured.brightness]),
        hash_bits=measured.hash_bits,
        thumb_wh=np.array(measured.thumb_wh),
        points_px=measured.points_px,
        descriptors=measured.descriptors,
    )
    return data.getvalue()


def unpack(data: bytes) -> Measured:
    """What `pack` packed."""
    with np.load(io.BytesIO(data)) as arrays:
        mean, dark, bright, found_detail, low, high = (float(v) for v in arrays["numbers"])
        return Measured(
            exposure=Exposure(mean=mean, dark_share=dark, bright_share=bright),
            detail=found_detail,
            brightness=(low, high),
            hash_bits=arrays["hash_bits"],
            thumb_wh=tuple(int(v) for v in arrays["thumb_wh"]),
            points_px=arrays["points_px"],
            descriptors=arrays["descriptors"],
        )
