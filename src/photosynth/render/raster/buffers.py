"""What rasterising fills for each pixel, kept from one picture to the next: what a picture has written is emptied while
it is read, so none begins with clearing all of it."""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.centres import NOT_ASKED, draw_centres
from photosynth.render.raster.fragments import sort_out
from photosynth.render.raster.transform import NEAR_M
from photosynth.render.raster.visibility import SAMPLES, merge, rasterise

PixelBox = tuple[int, int, int, int]
"""x0, y0, x1, y1 of the pixels x0 <= x < x1, y0 <= y < y1."""
OWN_PIXELS = 12000
"""Instances of at most so many pixels are drawn by themselves: their samples take 375 KiB."""
_NOBODY = np.zeros((0, 0), np.uint8)


class PixelBuffers:
    """The visibility buffer of one thread, and what is found in it.

    keys: (>= H, >= W, 4) int64, see visibility; empty but between `begin` and `sort_out`.
    kinds, lows: (>= H, >= W) int32, mixed: (m, 4) int64 and ties (t,) int32, from sort_out.
    centres: (>= H, >= W) int64, see centres: of tied pixels the key of whoever is seen there, NOT_ASKED of others.
    """

    def __init__(self) -> None:
        self._fronts: dict[int, np.ndarray] = {}
        self._make(0, 0)

    def begin(self, height: int, width: int) -> None:
        """Make everything empty, and large enough for a picture."""
        rows, columns = self.centres.shape
        if rows < height or columns < width:
            self._make(max(rows, height), max(columns, width))
        elif not self._empty:  # the picture before this one came to nothing
            self.keys[:] = self._own[:] = 0
            self.centres[:] = NOT_ASKED
        self.centres.reshape(-1)[self.ties] = NOT_ASKED
        self.ties = self._ties[:0]
        self._empty, self._fronts = False, {}

    def draw(self, cam, screen, faces, instance: int, lens, box: PixelBox, among_others: bool, drawn) -> None:
        """Draw an instance that stands within a box, as visibility.rasterise. One of few pixels among others is drawn
        by itself first, where it stays in the processor's cache."""
        x0, y0, x1, y1 = box
        fronts, count = np.empty(len(faces), np.int32), 0
        if not among_others or (x1 - x0) * (y1 - y0) > OWN_PIXELS:
            count = rasterise(
                cam, screen, faces, instance, lens, NEAR_M, *box, 0, 0, self.keys, drawn, fronts
            )  # fmt: skip
        elif x1 > x0 and y1 > y0:
            own = self._own[: (x1 - x0) * (y1 - y0)].reshape(y1 - y0, x1 - x0, SAMPLES)
            count = rasterise(
                cam, screen, faces, instance, lens, NEAR_M, *box, x0, y0, own, _NOBODY, fronts
            )  # fmt: skip
            merge(own, *box, self.keys, drawn)
        self._fronts[instance] = fronts[:count]

    def draw_centres(self, cam, screen, faces, instance: int, lens, box: PixelBox, drawn) -> None:
        """Draw an instance once more, at the centres that are asked for: after `sort_out`, see centres."""
        draw_centres(
            cam, screen, faces, self._fronts[instance], instance, lens, NEAR_M, *box, self.ties, self.centres, drawn
        )  # fmt: skip

    def sort_out(self, box: PixelBox, several_charts: bool) -> None:
        """Find out what is in the pixels of a box, see fragments.sort_out; outside, nothing was drawn."""
        count = sort_out(
            self.keys, *box, several_charts, self.kinds, self.lows, self.mixed, self.centres, self._ties
        )  # fmt: skip
        self.ties, self._empty = self._ties[:count], True

    def _make(self, height: int, width: int) -> None:
        self.keys = np.zeros((height, width, SAMPLES), np.int64)
        self.kinds, self.lows = np.empty((2, height, width), np.int32)
        self.mixed = np.empty((height * width, SAMPLES), np.int64)
        self.centres = np.full((height, width), NOT_ASKED, np.int64)
        self._ties = np.empty(height * width, np.int32)
        self.ties = self._ties[:0]
        self._own = np.zeros((min(height * width, OWN_PIXELS), SAMPLES), np.int64)
        self._empty = True
