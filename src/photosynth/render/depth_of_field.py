"""Depth of field: layers seen through an aperture, blurred slice by slice of depth, from the farthest to the nearest.

What lies behind something nearer is not in the layers, and a blurred edge would show nothing there: each slice is
continued under what hides it, by the mean of what a disc does show or, far in, with a pyramid of averages (Kraus and
Strengert, Depth-of-Field Rendering by Pyramidal Image Processing, 2007). So a receding table has no seams, and edges no
dark halos.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from photosynth.core.frame import Layers
from photosynth.core.scene import DepthOfField
from photosynth.render.raster.jit import kernel

SHARP_PX = 1.0
"""Discs smaller than this are points."""
SLICE_RATIO = 1.6
"""Discs of one slice differ at most by this factor; the slice is blurred by their mean."""
MAX_LEVEL = 15
MAX_KERNEL_RADIUS_PX = 5.0
"""Larger discs are drawn at half the size, and so on: wider kernels are ten times as slow in OpenCV."""
MIN_KNOWN = 1e-6
"""Stands for no part of a cell in divisions."""
TRUST = 4.0
"""A cell (or a disc) of which a quarter is not hidden needs no wider one."""


def through_aperture(canvas: np.ndarray, layers: Layers, lens: DepthOfField, focal_px: float) -> np.ndarray:
    """(H, W, 3) float32 linear light of the layers before the background `canvas` (H, W, 3), which is at infinity.

    The disc of confusion is that of DepthOfField. Nothing changes in the layers: labels stay sharp.
    """
    strength = lens.aperture_m * focal_px
    picture = disc_blur(canvas, strength / lens.focus_m / 2)
    depth = _solid_depth(layers)
    if depth is None:
        return picture.copy() if picture is canvas else picture
    level, disc_px = depth_levels(depth, strength, lens.focus_m)
    number = (level.ravel() + MAX_LEVEL).astype(np.intp)
    counts = np.bincount(number, minlength=2 * MAX_LEVEL + 2)[:-1]
    sums = np.bincount(number, disc_px.ravel(), minlength=2 * MAX_LEVEL + 2)[:-1]
    radii = {k - MAX_LEVEL: sums[k] / counts[k] / 2 for k in np.flatnonzero(counts).tolist()}
    picture = np.array(picture)
    for k in sorted(radii, reverse=True):
        nearer = [radii[j] for j in radii if j < k]
        _add_slice(picture, layers, level, k, radii[k] if k else 0.0, max(nearer, default=None))
    return picture


def disc_diameter_px(depth_m: np.ndarray | float, strength: float, focus_m: float) -> np.ndarray:
    """Signed diameter of the disc of confusion: above 0 behind the plane in focus.

    `strength` is the aperture in metres times the focal length in pixels.
    """
    return strength * (1 / focus_m - 1 / np.asarray(depth_m))


def depth_levels(depth_m: np.ndarray, strength: float, focus_m: float) -> tuple[np.ndarray, np.ndarray]:
    """The slice of each pixel, int8, and its disc's diameter in pixels, float32; both (H, W).

    0 is in focus, 1, 2, ... ever farther behind it and -1, -2, ... before it; EMPTY where depth is infinite.
    """
    signed = disc_diameter_px(np.maximum(depth_m, np.float32(1e-6)), strength, focus_m).astype(np.float32)
    disc = np.abs(signed)
    steps = np.ceil(np.log(np.maximum(disc, SHARP_PX) / SHARP_PX) / np.float32(math.log(SLICE_RATIO)))
    level = (np.sign(signed) * np.minimum(steps, MAX_LEVEL)).astype(np.int8)
    level[~np.isfinite(depth_m)] = EMPTY
    return level, disc


EMPTY = MAX_LEVEL + 1


def disc_blur(image: np.ndarray, radius_px: float) -> np.ndarray:
    """(H, W, C) float32 spread over discs of that radius; the picture goes on beyond its edges as it is there.

    The same array if the radius is below SHARP_PX / 2.
    """
    if radius_px < SHARP_PX / 2:
        return image
    height, width = image.shape[:2]
    halvings = max(0, math.ceil(math.log2(radius_px / MAX_KERNEL_RADIUS_PX)))
    small = image
    if halvings:
        size = (max(1, round(width / 2**halvings)), max(1, round(height / 2**halvings)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    kernel = disc_kernel(radius_px * small.shape[1] / width)
    small = cv2.filter2D(small, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) if halvings else small


def disc_kernel(radius_px: float) -> np.ndarray:
    """A normalised (n, n) float32 disc with an anti-aliased rim."""
    reach = math.ceil(radius_px)
    fine = (np.arange((2 * reach + 1) * 8) + 0.5) / 8 - reach - 0.5
    inside = (fine[:, None] ** 2 + fine[None, :] ** 2 <= radius_px**2).astype(np.float32)
    kernel = inside.reshape(2 * reach + 1, 8, 2 * reach + 1, 8).sum(axis=(1, 3))
    return kernel / kernel.sum()


def _solid_depth(layers: Layers) -> np.ndarray | None:
    """Depth wherever there is coverage: at soft edges it may stand in the neighbour only. None if all is empty."""
    covered = layers.coverage > 0
    if not covered.any():
        return None
    depth = layers.depth_m
    bare = covered & ~np.isfinite(depth)
    if bare.any():
        depth = np.where(bare, cv2.erode(depth, np.ones((3, 3), np.uint8)), depth)
    return np.where(covered, depth, np.float32(np.inf))


def _add_slice(
    picture: np.ndarray, layers: Layers, level: np.ndarray, k: int, radius_px: float, nearer_px: float | None
) -> None:
    """Lay slice k over the picture, in place; `nearer_px` is the largest radius among nearer slices, if any."""
    reach = math.ceil(radius_px + (nearer_px or 0.0)) + 2
    window = _window(level == k, reach)
    shape = level[window].shape
    rgba, hidden = np.empty((*shape, 4), np.float32), np.empty(shape, np.float32)
    any_hidden = take_slice(layers.radiance[window], layers.coverage[window], level[window], k, rgba, hidden)
    blurred = disc_blur(rgba, radius_px)
    if any_hidden and nearer_px is not None:
        complete(blurred, disc_blur(hidden, radius_px), continued(rgba, hidden, reach))
    lay_slice(picture[window], blurred)


@kernel
def take_slice(radiance, coverage, level, k, rgba, hidden):
    """Fill rgba (H, W, 4) with slice k, premultiplied, and hidden (H, W) with what covers nearer slices; return whether
    anything does."""
    found = False
    for y in range(level.shape[0]):
        for x in range(level.shape[1]):
            mine = np.float32(level[y, x] == k)
            for c in range(3):
                rgba[y, x, c] = radiance[y, x, c] * mine
            rgba[y, x, 3] = coverage[y, x] * mine
            hidden[y, x] = coverage[y, x] * np.float32(level[y, x] < k)
            found |= hidden[y, x] > 0
    return found


@kernel
def complete(rgba, hidden, guess):
    """Add to blurred rgba (H, W, 4), in place, what a blurred share `hidden` (H, W) of each disc kept from it: the mean
    of what the disc did show, or the `guess` (H, W, 4) where it showed next to nothing."""
    for y in range(hidden.shape[0]):
        for x in range(hidden.shape[1]):
            gone = hidden[y, x]
            if gone > 0:
                known = max(np.float32(1) - gone, np.float32(MIN_KNOWN))
                trust = min(np.float32(TRUST) * known, np.float32(1))
                for c in range(4):
                    seen = rgba[y, x, c]
                    rgba[y, x, c] = seen + gone * (trust * seen / known + (1 - trust) * guess[y, x, c])


@kernel
def lay_slice(picture, rgba):
    """Lay premultiplied rgba (H, W, 4) over a picture (H, W, 3), in place."""
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            left = np.float32(1) - rgba[y, x, 3]
            for c in range(3):
                picture[y, x, c] = picture[y, x, c] * left + rgba[y, x, c]


def continued(rgba: np.ndarray, hidden: np.ndarray, reach_px: int) -> np.ndarray:
    """What a slice's premultiplied rgba (H, W, 4) may be where it is `hidden` (H, W), out to `reach_px` at least.

    A pixel takes the mean of what is not hidden in a cell of the pyramid just large enough to hold some of that.
    """
    levels = [(rgba, 1 - hidden)]
    while 2 ** len(levels) < 8 * reach_px and min(levels[-1][1].shape) > 1:
        size = tuple(max(1, side // 2) for side in levels[-1][1].shape[::-1])
        levels.append(tuple(cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in levels[-1]))
    image, known = levels[-1]
    filled = image / np.maximum(known, MIN_KNOWN)[..., None]
    for image, known in reversed(levels[1:-1]):
        wider = cv2.resize(filled, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
        trust = np.minimum(TRUST * known, 1)[..., None]
        filled = wider + trust * (image / np.maximum(known, MIN_KNOWN)[..., None] - wider)
    return cv2.resize(filled, hidden.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _window(mask: np.ndarray, reach: int) -> tuple[slice, slice]:
    """The box of a mask's pixels, wider by `reach` on each side."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return tuple(slice(max(0, int(at[0]) - reach), int(at[-1]) + reach + 1) for at in (rows, columns))
