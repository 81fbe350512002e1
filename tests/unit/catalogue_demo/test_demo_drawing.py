import ast
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

import photosynth.catalogue.demo as demo
from photosynth.catalogue.demo.atlas import padding_px, plan_atlas
from photosynth.catalogue.demo.canvas import Canvas
from photosynth.catalogue.demo.fonts import FONT_NAMES, cap_height, font
from photosynth.catalogue.demo.lathe import Turn, panel_sizes_mm, sections
from photosynth.catalogue.demo.paint import Linear, Radial, mix
from photosynth.catalogue.demo.paths import ellipse, spline


def test_every_typeface_loads_with_basic_layout():
    for name in FONT_NAMES:
        face = font(name, 20)
        assert face.layout_engine == ImageFont.Layout.BASIC
        assert 0.5 < cap_height(name) < 0.85


def test_labels_use_only_letters_the_fonts_have():
    """Inter's files hold ASCII: any other character in a label's text must go through another face."""
    allowed = {"℮"}
    for path in Path(demo.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 400:
                strange = {ch for ch in node.value if ord(ch) > 126 or ch == "@"} - allowed
                assert not strange, (path.name, node.value)


@pytest.mark.parametrize("px_per_mm", [4.0, 7.3])
def test_disc_covers_its_area_and_has_soft_edges(px_per_mm):
    c = Canvas(20, 20, px_per_mm, "#000000")
    c.disc(10, 10, 7, "#ffffff")
    value = c.pixels()[..., 0] / 255.0
    assert value.sum() / px_per_mm**2 == pytest.approx(np.pi * 49, rel=0.01)
    assert ((value > 0.1) & (value < 0.9)).any()


def test_fill_reaches_the_last_pixel():
    c = Canvas(10.07, 10.07, 9.7, "#ffffff")
    c.rect(0, 0, c.width, c.height, "#000000")
    assert c.pixels().max() == 0


def test_gradients_run_between_their_stops():
    c = Canvas(10, 10, 8, Linear((0, 0), (10, 0), ((0, "#000000"), (1, "#ff0000"))))
    row = c.pixels()[40, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[0] < 6
    assert row[-1] > 249
    c.disc(5, 5, 4, Radial((5, 5), 4, ((0, "#00ff00"), (1, "#0000ff"))))
    assert np.abs(c.pixels()[40, 40].astype(int) - (0, 255, 0)).max() < 8


def test_clip_confines_drawing():
    c = Canvas(10, 10, 8, "#000000")
    with c.clip(ellipse(5, 5, 2)):
        c.rect(0, 0, 10, 10, "#ffffff")
    assert c.pixels()[40, 40, 0] == 255
    assert c.pixels()[8, 8, 0] == 0


@pytest.mark.parametrize("turn_deg", [0, 90, 37])
def test_text_is_centred_on_its_anchor(turn_deg):
    c = Canvas(40, 40, 8, "#000000")
    c.text(20, 20, "HOH", 8, "#ffffff", "black", turn_deg=turn_deg)
    y, x = np.nonzero(c.pixels()[..., 0] > 128)
    assert x.mean() / 8 == pytest.approx(20, abs=0.25)
    assert y.mean() / 8 == pytest.approx(20, abs=0.25)


def test_text_shrinks_to_fit_and_slants_to_the_right():
    c = Canvas(40, 12, 8, "#000000")
    assert c.text(20, 6, "WIDE WORDS", 20, "#ffffff", "black", fit=30) == 30
    c = Canvas(20, 20, 8, "#000000")
    c.text(10, 10, "I", 16, "#ffffff", "regular", slant=0.3)
    lit = c.pixels()[..., 0] > 128
    rows = np.flatnonzero(lit.any(axis=1))
    assert np.flatnonzero(lit[rows[2]]).mean() > np.flatnonzero(lit[rows[-3]]).mean() + 10


def test_spline_goes_through_its_points():
    points = np.array([(0, 0), (4, 1), (5, 5), (1, 4)], dtype=float)
    curve = spline(points, per_span=10)
    assert np.allclose(curve[::10], points)


def test_mix_is_between():
    assert mix("#000000", "#ffffff", 0.5) == "#808080"


def test_atlas_panels_do_not_touch_and_are_dilated():
    sizes = {"front": (190.0, 285.0), "side": (58.0, 285.0), "top": (190.0, 58.0), "dot": (3.0, 3.0)}
    atlas = plan_atlas(sizes, 512)
    used, pad = np.zeros((512, 512), dtype=int), padding_px(512)
    canvases = {}
    for k, name in enumerate(sizes):
        canvases[name] = Canvas(*sizes[name], atlas.px_per_mm, f"#{80 * k:02x}0000")
        x, y = atlas.corners_px[name]
        w, h = canvases[name].size_px
        used[y - pad : y + h + pad, x - pad : x + w + pad] += 1
        u0, v0, u1, v1 = atlas.uv_rect(name)
        assert 0 < u0 < u1 < 1
        assert 0 < v0 < v1 < 1
        assert u0 * 512 == pytest.approx(x + 0.5)
        assert (1 - v1) * 512 == pytest.approx(y + 0.5)
    assert used.max() == 1
    texture = atlas.texture(canvases)
    x, y = atlas.corners_px["side"]
    inside = texture[y + 3, x + 3, 0]
    assert (texture[y - pad : y + 3, x - pad : x + 3, 0] == inside).all()
    assert abs(int(inside) - 80) < 8
    assert texture.min() > 0
    assert texture.max() < 250


def test_profile_is_rounded_and_cut_between_panels():
    profile = (
        Turn(0, 0, panel="bottom"),
        Turn(10, 0, 2.0, "wall"),
        Turn(10, 20, 0.0, "top"),
        Turn(0, 20),
    )
    bottom, wall, top = sections(profile)
    assert (bottom.panel, wall.panel, top.panel) == ("bottom", "wall", "top")
    assert np.allclose(bottom.points[-1], wall.points[0])
    assert np.allclose(wall.points[-1], (10, 20))
    corner = 10 - 2 * (1 - np.sqrt(0.5)), 2 * (1 - np.sqrt(0.5))
    assert np.linalg.norm(bottom.points[-1] - corner) < 0.5
    assert np.allclose(wall.normals[-1, 1], (1, 0))
    assert np.allclose(top.normals[0, 0], (0, 1))
    assert panel_sizes_mm([bottom, wall, top])["wall"][0] == pytest.approx(20 * np.pi)


def test_a_panel_used_twice_is_refused():
    profile = (Turn(0, 0, panel="a"), Turn(5, 0, panel="b"), Turn(5, 5, panel="a"), Turn(0, 5))
    with pytest.raises(ValueError, match="'a'"):
        panel_sizes_mm(sections(profile))
