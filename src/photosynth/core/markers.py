"""The marker sheet: which coded squares lie where, shared by the printer and the reader of the scale."""

from __future__ import annotations

import numpy as np

from photosynth.core.errors import ConfigError
from photosynth.core.record import Record

PAPER_MM = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
DICTIONARY = "DICT_APRILTAG_36h11"
MARKER_MM = 32.0
MARGIN_MM = 15.0
FIRST_ID = {"a4": 0, "letter": 100}


class Marker(Record, frozen=True, kw_only=True):
    """One printed square."""

    marker_id: int
    """Its code."""
    x_mm: float
    """Left edge of its black border, from the page's left."""
    y_mm: float
    """Lower edge of its black border, from the page's foot."""
    side_mm: float
    """Side of its black border."""

    def corners_mm(self) -> np.ndarray:
        """Corners (4, 2) in the order in which OpenCV finds them: top left, top right, bottom right, bottom left."""
        x, y, s = self.x_mm, self.y_mm, self.side_mm
        return np.array([[x, y + s], [x + s, y + s], [x + s, y], [x, y]])


class SheetLayout(Record, frozen=True, kw_only=True):
    """A whole sheet; x to the right and y up from its lower left corner."""

    paper: str
    """``"a4"`` or ``"letter"``; their markers have different codes, so that a photo tells which was printed."""
    page_mm: tuple[float, float]
    """Width and height."""
    dictionary: str
    """Name of the dictionary in cv2.aruco."""
    markers: tuple[Marker, ...]
    """The squares, round the edge of the page; the middle is free for the object."""


def sheet_layout(paper: str) -> SheetLayout:
    """Ten markers round the edge of a page.

    Raises:
        ConfigError: for a paper that is not in PAPER_MM.
    """
    if paper not in PAPER_MM:
        raise ConfigError(f"there is no paper {paper!r}; choose one of {', '.join(PAPER_MM)}")
    width, height = PAPER_MM[paper]
    low, high = 20.0, height - MARGIN_MM - MARKER_MM
    right = width - MARGIN_MM - MARKER_MM
    places = [(x, y) for x in (MARGIN_MM, right) for y in np.linspace(low, high, 4)]
    middle = (width - MARKER_MM) / 2
    places += [(middle, low), (middle, high)]
    markers = tuple(
        Marker(marker_id=FIRST_ID[paper] + k, x_mm=float(x), y_mm=float(y), side_mm=MARKER_MM)
        for k, (x, y) in enumerate(places)
    )
    return SheetLayout(paper=paper, page_mm=(width, height), dictionary=DICTIONARY, markers=markers)
