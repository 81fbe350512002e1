"""The sheet to print and put under the object: coded markers at known places, and a ruler to check the printer.

The drawing is a list of black rectangles in millimetres: what the PDF draws, what the tests check, and what the
reconstruction reads the scale from are the same numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from photosynth.core.codec import write_atomic
from photosynth.core.errors import ConfigError
from photosynth.core.markers import SheetLayout, sheet_layout

Paper = Literal["a4", "letter"]
POINT_MM = 25.4 / 72.0
RULER_MM = 100.0
Rect = tuple[float, float, float, float]
"""x, y of the lower left corner, width, height, in millimetres from the page's lower left corner."""


def marker_rects(layout: SheetLayout) -> list[Rect]:
    """The black squares of every marker, joined along each row."""
    import cv2

    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, layout.dictionary))
    cells = dictionary.markerSize + 2
    rects: list[Rect] = []
    for marker in layout.markers:
        bits = cv2.aruco.generateImageMarker(dictionary, marker.marker_id, cells, borderBits=1)
        cell = marker.side_mm / cells
        for row in range(cells):
            start = None
            for column in range(cells + 1):
                black = column < cells and bits[row, column] == 0
                if black and start is None:
                    start = column
                elif not black and start is not None:
                    x = marker.x_mm + start * cell
                    y = marker.y_mm + marker.side_mm - (row + 1) * cell
                    rects.append((x, y, (column - start) * cell, cell))
                    start = None
    return rects


def ruler_rects(layout: SheetLayout) -> list[Rect]:
    """A line of exactly RULER_MM with a tick every 10 mm, at the foot of the page."""
    x0, y0 = (layout.page_mm[0] - RULER_MM) / 2, 8.0
    rects: list[Rect] = [(x0, y0, RULER_MM, 0.3)]
    for k in range(int(RULER_MM / 10) + 1):
        height = 4.0 if k % 5 == 0 else 2.5
        rects.append((x0 + 10.0 * k - 0.1, y0, 0.2, height))
    return rects


def write_sheet(path: Path, paper: Paper = "a4") -> SheetLayout:
    """Write the PDF at its true size, one page, and return where its markers are.

    Raises:
        ConfigError: for another paper, or a path that does not end in .pdf.
    """
    if Path(path).suffix.lower() != ".pdf":
        raise ConfigError(f"{path} does not end in .pdf; give the sheet a name such as sheet.pdf")
    layout = sheet_layout(paper)
    write_atomic(Path(path), pdf_bytes(layout))
    return layout


def pdf_bytes(layout: SheetLayout) -> bytes:
    """The sheet as PDF 1.4: filled rectangles and three lines of text, in points of 1/72 inch."""
    width, height = (v / POINT_MM for v in layout.page_mm)
    lines = ["0 g"]
    for rect in (*marker_rects(layout), *ruler_rects(layout)):
        lines.append(" ".join(f"{v / POINT_MM:.4f}" for v in rect) + " re f")
    ruler_x = (layout.page_mm[0] - RULER_MM) / 2
    lines += _text(
        ruler_x, 4.0, 8, "This line is exactly 100 mm long: measure it. If it is not, print at 100 % (no fit)."
    )
    centre = layout.page_mm[1] / 2
    lines += _text(layout.page_mm[0] / 2 - 24, centre, 9, "Put the object here, on the sheet.")
    lines += _text(layout.page_mm[0] / 2 - 34, centre - 5, 9, "Keep two markers or more in every photo.")
    content = "\n".join(lines).encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.4f} {height:.4f}] "
            "/Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
        ).encode(),
        b"<< /Length " + str(len(content)).encode() + b" >>\nstream\n" + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    tail = data.rindex(b"xref")
    return data + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{tail}\n%%EOF\n".encode()


def _text(x_mm: float, y_mm: float, size_pt: int, words: str) -> list[str]:
    escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return [f"BT /F1 {size_pt} Tf {x_mm / POINT_MM:.4f} {y_mm / POINT_MM:.4f} Td ({escaped}) Tj ET"]
