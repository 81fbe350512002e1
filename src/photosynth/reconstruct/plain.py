"""Plain: where the object is in photos with nothing else in them but a plain background, such as a turntable's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosynth.core.capture import CapturedPhoto
from photosynth.core.codec import write_atomic
from photosynth.core.photo import read_photo
from photosynth.core.progress import Progress, Silent

WORK_SIDE_PX = 800
"""The photos are looked at this size."""
BORDER = 0.06
"""The outer band of a photo in which the background is looked for, a share of its shorter side."""
PLAIN_LEVELS = 10.0
"""Largest deviation (in 255ths) of nearly all of that band from a smooth brightness."""
NOISE_SIGMAS, LEAST_LEVELS = 4.5, 4.0
"""What differs from the background by this many of its standard deviations, and levels of 255, is the object."""
EDGE_PX, EDGE_LEVEL = 4, 0.35
"""What is weaker than this share of the strongest within so many pixels is the blur of an outline."""
CLEAR_LEVEL, CLEAR_SHARE = 2.0, 0.85
"""An outline is trusted if by this share of it the object differs from the background by so many times the least."""
AREA = (0.004, 0.7)
"""Share of the photo that an object covers."""
MOST = 0.85
"""Share of the photos that must be plain for any to be taken so."""
MASKS = "plain"


def plain_masks(
    photos: Sequence[CapturedPhoto], folder: Path, work: Path, progress: Progress | None = None
) -> Path | None:
    """A folder with NAME.png (white: the object) for each photo, if nearly all show one thing before a plain ground.

    Args:
        photos: with `file` relative to `folder`.
        folder: the capture folder.
        work: where the folder is made; masks of an interrupted run that are complete are used again.
        progress: is told.
    """
    import cv2

    target, done = Path(work) / MASKS, Path(work) / MASKS / "done"
    if done.is_file():
        return target if done.read_text() == "plain" else None
    masks = {}
    allowed = int((1 - MOST) * len(photos))
    for photo in photos:
        mask = object_mask(read_photo(Path(folder) / photo.file))
        if mask is not None:
            masks[photo.file] = mask
        elif len(photos) - len(masks) > allowed and (allowed := allowed - 1) < 0:
            break
    plain = len(masks) >= MOST * len(photos) and len(photos) > 0
    if plain:
        (progress or Silent()).note(f"a plain background: the object alone is used ({len(masks)} of {len(photos)})")
        for file, mask in masks.items():
            write_atomic(
                target / f"{Path(file).name}.png", cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()
            )
    write_atomic(done, b"plain" if plain else b"not plain")
    return target if plain else None


def object_mask(image: np.ndarray) -> np.ndarray | None:
    """(H, W) bool: what differs from the plain background of an (H, W, 3) uint8 photo; None if that is not plain.

    The background is a polynomial of second order in x and y, fitted to the photo's border. Holes are filled, since
    nothing plain is seen through an opaque thing; dark parts at the outline are bridged as far as closing goes.
    """
    import cv2

    height, width = image.shape[:2]
    shrink = min(1.0, WORK_SIDE_PX / max(height, width))
    small_wh = max(8, round(width * shrink)), max(8, round(height * shrink))
    small = cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.2)
    terms = _terms(*small_wh)
    band = np.ones(soft.shape[:2], bool)
    edge = max(2, round(BORDER * min(small_wh)))
    band[edge:-edge, edge:-edge] = False
    found = _background(terms[band], soft[band])
    if found is None:
        return None
    model, sigma = found
    off = np.abs(soft - terms @ model).max(axis=2)
    least = max(NOISE_SIGMAS * sigma, LEAST_LEVELS)
    bright = cv2.dilate(off, np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8))
    marked = (off > least) & (off > EDGE_LEVEL * bright)  # an outline lies half way up, not where blur ends
    mask = _main_part(marked)
    if mask is None or _clear_share(mask, bright, least) < CLEAR_SHARE:
        return None
    full = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return full > 0.5


def _terms(width: int, height: int) -> np.ndarray:
    """(H, W, 6): 1, x, y, xx, xy, yy with x and y in -1..1."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)


def _background(terms: np.ndarray, colors: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Coefficients (6, 3) of the background's brightness and the standard deviation round it; None if it is not plain.

    Args:
        terms: (n, 6) at the border's pixels.
        colors: (n, 3) of these.
    """
    keep = np.ones(len(colors), bool)
    for _ in range(4):
        if keep.mean() < 0.8:
            return None
        model = np.linalg.lstsq(terms[keep], colors[keep], rcond=None)[0]
        off = np.abs(colors - terms @ model).max(axis=1)
        sigma = 1.4826 * float(np.median(off))
        keep = off <= max(4.0 * sigma, 3.0)
    if np.percentile(off, 90) > PLAIN_LEVELS or sigma > 0.4 * PLAIN_LEVELS:
        return None
    return model, sigma


def _clear_share(mask: np.ndarray, bright: np.ndarray, least: float) -> float:
    """Share of the mask's outline at which the object differs clearly from the background: elsewhere, some of it may
    have been taken for background.

    Args:
        mask: (H, W) bool.
        bright: (H, W) the largest difference from the background near each pixel.
        least: the difference that marks the object.
    """
    import cv2

    rim = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return float((bright[rim] > CLEAR_LEVEL * least).mean()) if rim.any() else 0.0


def _main_part(marked: np.ndarray) -> np.ndarray | None:
    """The object among the marked pixels: the largest joined part and what is near its size; None if there is none."""
    import cv2
    from scipy.ndimage import binary_fill_holes

    reach = max(2, round(0.008 * max(marked.shape)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    opened = cv2.morphologyEx(marked.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    padded = cv2.copyMakeBorder(opened, *(4 * [2 * reach]), cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disk)[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return None
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    mask = binary_fill_holes(np.isin(labels, np.flatnonzero(areas > 0.1 * areas.max())))
    return mask if AREA[0] <= mask.mean() <= AREA[1] else None
