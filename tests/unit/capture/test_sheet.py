"""The marker sheet at its true size."""

import re

import numpy as np
import pytest

from photosynth.capture.sheet import POINT_MM, RULER_MM, marker_rects, pdf_bytes, ruler_rects, write_sheet
from photosynth.core.errors import ConfigError
from photosynth.core.markers import PAPER_MM, sheet_layout
from photosynth.reconstruct.scale import find_corners

PX_PER_MM = 5.0


def drawn_rects(data):
    """The rectangles of a PDF in millimetres."""
    found = re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re f", data)
    return np.array(found, float) * POINT_MM


def rasterise(data, page_mm):
    """The rectangles as a picture, row 0 at the top."""
    width, height = (round(v * PX_PER_MM) for v in page_mm)
    picture = np.full((height, width), 255, np.uint8)
    for x, y, w, h in drawn_rects(data):
        left, right = round(x * PX_PER_MM), round((x + w) * PX_PER_MM)
        top, bottom = height - round((y + h) * PX_PER_MM), height - round(y * PX_PER_MM)
        picture[top:bottom, left:right] = 0
    return np.repeat(picture[..., None], 3, axis=2)


@pytest.mark.parametrize("paper", sorted(PAPER_MM))
def test_the_drawn_page_is_found_where_the_layout_says(paper):
    layout = sheet_layout(paper)
    data = pdf_bytes(layout)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert np.allclose([float(box[1]) * POINT_MM, float(box[2]) * POINT_MM], PAPER_MM[paper], atol=0.01)
    corners = find_corners(rasterise(data, layout.page_mm))
    assert {number for number, _ in corners} == {m.marker_id for m in layout.markers}
    for marker in layout.markers:
        for k, (x, y) in enumerate(marker.corners_mm()):
            wanted = np.array([x, layout.page_mm[1] - y]) * PX_PER_MM
            assert np.abs(corners[marker.marker_id, k] - wanted).max() < 1.0


@pytest.mark.parametrize("paper", sorted(PAPER_MM))
def test_markers_and_ruler_lie_on_the_page_and_apart(paper):
    layout = sheet_layout(paper)
    rects = np.array([*marker_rects(layout), *ruler_rects(layout)])
    assert (rects[:, :2] >= 5.0).all()
    assert (rects[:, 0] + rects[:, 2] <= layout.page_mm[0] - 5.0).all()
    assert (rects[:, 1] + rects[:, 3] <= layout.page_mm[1] - 5.0).all()
    places = np.array([(m.x_mm, m.y_mm) for m in layout.markers])
    apart = np.abs(places[:, None] - places[None]).max(axis=2) + 1e9 * np.eye(len(places))
    assert apart.min() > 1.2 * layout.markers[0].side_mm
    assert ruler_rects(layout)[0][2] == RULER_MM == 100.0


def test_papers_have_different_codes():
    a4, letter = ({m.marker_id for m in sheet_layout(p).markers} for p in ("a4", "letter"))
    assert not a4 & letter


def test_the_pdf_is_whole(tmp_path):
    write_sheet(tmp_path / "sheet.pdf", "letter")
    data = (tmp_path / "sheet.pdf").read_bytes()
    start = int(re.search(rb"startxref\n(\d+)", data)[1])
    assert data[start : start + 4] == b"xref"
    for offset in re.findall(rb"(\d{10}) 00000 n", data):
        assert re.match(rb"\d+ 0 obj", data[int(offset) :])
    length = int(re.search(rb"/Length (\d+)", data)[1])
    assert len(re.search(rb"stream\n(.*)\nendstream", data, re.DOTALL)[1]) == length
    with pytest.raises(ConfigError, match=r"\.pdf"):
        write_sheet(tmp_path / "sheet.png")
