"""Resize: the one way a picture of any size becomes a network's input, here, in a browser and on a phone.

The rule (version 1) is exact arithmetic, so that every language gives the same bytes. For one axis of n source
pixels and S output pixels, output pixel i is a mean of source pixels j with whole numbers as weights, which add up
to D:

- n >= S, area: the weight is the overlap of [i n, (i + 1) n) with [j S, (j + 1) S); D = n.
- n < S, linear: let a = min(max((2 i + 1) n - S, 0), 2 S (n - 1)), j = floor(a / 2 S) and r = a - 2 S j; pixel j
  weighs 2 S - r and pixel j + 1 weighs r; D = 2 S.

The output value is floor((2 T + D) / (2 D)), with D = D_rows D_columns and T the sum over both axes of weight times
weight times value: the true mean, rounded once, halves up. T stays below 2^53, so doubles hold it exactly and no
order of summation changes it. Each of R, G and B is treated alike, as 8-bit sRGB values.

"squash" resizes the whole picture to S x S, each axis for itself. It keeps every pixel, which cropping would not, and
spends none on bars; training pictures get aspect jitter that covers 4:3 and 3:4. "letterbox" keeps the aspect ratio:
the longer side m becomes S, a side n becomes max(1, floor((2 n S + m) / (2 m))); the picture lies in the upper left
corner and the rest is PADDING.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np

from photosynth.core.errors import ConfigError

RESIZE_VERSION = 1
"""Number of the rule above; a model made for another one must be exported again."""
PADDING = 128
"""Value of R, G and B beside a letterboxed picture."""
SUM_ROWS_RATIO = 2
"""Axes shrunk at least this much are summed block by block, others by a sparse product; the result is the same."""
Fit = Literal["squash", "letterbox"]


def resize(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Resize a (H, W, 3) uint8 picture to (size_wh[1], size_wh[0], 3) uint8, contiguous.

    Raises:
        ConfigError: if it is not a uint8 picture with three channels and at least one pixel, or the size is not
            positive.
    """
    check_picture(image)
    width, height = size_wh
    if width < 1 or height < 1:
        raise ConfigError(f"cannot resize a picture to {width} x {height}; expected at least 1 x 1")
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    rows = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    tall = _weighted(rows, height, _row_kind(image.shape[0], height)).reshape(height, image.shape[1], 3)
    columns = tall.transpose(1, 0, 2).reshape(image.shape[1], -1)
    total = _weighted(columns, width, np.float64)  # whole numbers below 2^53
    divisor = float(denominator(image.shape[0], height)) * denominator(image.shape[1], width)
    total *= 2.0
    total += divisor
    total /= 2.0 * divisor
    return np.ascontiguousarray(total.astype(np.uint8).reshape(width, height, 3).transpose(1, 0, 2))


def resize_square(image: np.ndarray, size_px: int) -> np.ndarray:
    """Squash a (H, W, 3) uint8 picture to (size_px, size_px, 3) uint8; raises as `resize`."""
    return resize(image, (size_px, size_px))


def fit_square(image: np.ndarray, size_px: int, fit: Fit = "squash") -> tuple[np.ndarray, tuple[float, float]]:
    """A picture as a network's square input, and how boxes go back.

    Returns:
        (size_px, size_px, 3) uint8; and source pixels per input pixel along x and y: x_picture = x_input * scale.

    Raises:
        ConfigError: as `resize`.
    """
    check_picture(image)
    height, width = image.shape[:2]
    if fit == "squash":
        return resize_square(image, size_px), (width / size_px, height / size_px)
    w, h = letterbox_wh((width, height), size_px)
    square = np.full((size_px, size_px, 3), PADDING, np.uint8)
    square[:h, :w] = resize(image, (w, h))
    return square, (width / w, height / h)


def letterbox_wh(size_wh: tuple[int, int], size_px: int) -> tuple[int, int]:
    """What a letterboxed picture of that size measures in its square."""
    longer = max(size_wh)
    w, h = (max(1, (2 * side * size_px + longer) // (2 * longer)) for side in size_wh)
    return w, h


def check_picture(image: np.ndarray) -> None:
    """Raise ConfigError if it is not a uint8 picture with three channels and at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ConfigError(
            f"a picture must be an (H, W, 3) uint8 array in RGB order; this one is {image.shape} {image.dtype}"
        )


def denominator(n: int, size: int) -> int:
    """What the weights of one output pixel add up to."""
    return n if n >= size else 2 * size


def axis_weights(n: int, size: int) -> list[list[tuple[int, int]]]:
    """The rule for one axis: for each of `size` output pixels its (source pixel, weight) pairs, in plain Python."""
    pixels = []
    for i in range(size):
        if n >= size:
            start, end = i * n, (i + 1) * n
            touched = range(start // size, -(-end // size))
            pixels.append([(j, min(end, (j + 1) * size) - max(start, j * size)) for j in touched])
        else:
            a = min(max((2 * i + 1) * n - size, 0), 2 * size * (n - 1))
            j, r = divmod(a, 2 * size)
            pixels.append([(j, 2 * size - r), (j + 1, r)] if r else [(j, 2 * size)])
    return pixels


def resize_slowly(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """The readable twin of `resize`: whole numbers of any length, one pixel at a time."""
    (height, width), (out_width, out_height) = image.shape[:2], size_wh
    divisor = denominator(height, out_height) * denominator(width, out_width)
    columns = axis_weights(width, out_width)
    result = np.zeros((out_height, out_width, 3), np.uint8)
    for y, row_weights in enumerate(axis_weights(height, out_height)):
        for x, column_weights in enumerate(columns):
            for channel in range(3):
                total = sum(
                    row_weight * column_weight * int(image[j, k, channel])
                    for j, row_weight in row_weights
                    for k, column_weight in column_weights
                )
                result[y, x, channel] = (2 * total + divisor) // (2 * divisor)
    return result


def _row_kind(n: int, size: int) -> type:
    """The smallest float type that holds sums along one axis as whole numbers: below 2^24, or else 2^53."""
    return np.float32 if 255 * denominator(n, size) < 2**24 else np.float64


def _weighted(rows: np.ndarray, size: int, kind: type) -> np.ndarray:
    """(n, m) whole numbers to (size, m) weighted sums of rows, of float type `kind`, exact."""
    n = rows.shape[0]
    if n < SUM_ROWS_RATIO * size:
        return _matrix(n, size, kind) @ rows.astype(kind)
    result = np.empty((size, rows.shape[1]), kind)
    for i, pairs in enumerate(_row_blocks(n, size)):
        first, weights = pairs
        np.dot(weights.astype(kind), rows[first : first + len(weights)].astype(kind), out=result[i])
    return result


@lru_cache(maxsize=2048)
def _matrix(n: int, size: int, kind: type) -> Any:
    """(size, n) sparse weights."""
    from scipy.sparse import csr_matrix

    pixels = axis_weights(n, size)
    starts = np.cumsum([0, *(len(pairs) for pairs in pixels)])
    columns, weights = zip(*(pair for pairs in pixels for pair in pairs), strict=True)
    return csr_matrix((np.array(weights, kind), np.array(columns, np.int32), starts.astype(np.int32)), shape=(size, n))


@lru_cache(maxsize=64)
def _row_blocks(n: int, size: int) -> tuple[tuple[int, np.ndarray], ...]:
    """For each output pixel its first source pixel and the weights from there on."""
    return tuple((pairs[0][0], np.array([w for _, w in pairs], np.float64)) for pairs in axis_weights(n, size))
