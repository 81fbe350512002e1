"""Depth of field: discs of the right size, nothing leaks through and nothing bleeds out."""

import numpy as np
import pytest

from photosynth.core.camera import Camera
from photosynth.core.frame import Layers
from photosynth.core.geometry import IDENTITY
from photosynth.core.scene import Background, DepthOfField, Finish, PlainFill, Scene
from photosynth.render.compose import compose
from photosynth.render.depth_of_field import EMPTY, depth_levels, disc_blur, disc_diameter_px, through_aperture

HEIGHT, WIDTH, FOCAL_PX = 120, 160, 200.0


def layers(depth, color=(1.0, 1.0, 1.0)):
    depth = np.broadcast_to(np.asarray(depth, np.float32), (HEIGHT, WIDTH)).copy()
    covered = np.isfinite(depth)
    radiance = covered[..., None] * np.array(color, np.float32)
    shape = (HEIGHT, WIDTH)
    return Layers(
        radiance, covered.astype(np.float32), depth, covered.astype(np.uint16), np.zeros((*shape, 3), np.float32),
        covered[None], np.array([1.0]),
    )  # fmt: skip


def receding_table():
    """From 0.4 m at the bottom edge to 4 m, half-way up, with nothing beyond and a box standing on it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    down = (y - 40) / FOCAL_PX
    depth = np.where(down > 0.04, 0.16 / np.maximum(down, 1e-9), np.inf)
    box = (np.abs(x - 80) < 20) & (np.abs(y - 60) < 25)
    return np.where(box, np.minimum(depth, 0.9), depth)


def canvas(color=(0.0, 0.0, 0.0)):
    return np.full((HEIGHT, WIDTH, 3), color, np.float32)


@pytest.mark.parametrize("radius", [1.0, 2.3, 4.9, 8.0, 17.0])
def test_blur_spreads_over_a_disc_of_that_radius(radius):
    image = np.zeros((121, 121, 3), np.float32)
    image[60, 60] = 1
    out = disc_blur(image, radius)[..., 0].astype(float)
    assert out.sum() == pytest.approx(1, abs=0.01)
    offset = np.arange(121) - (out.sum(0) * np.arange(121)).sum() / out.sum()
    assert np.sqrt((out.sum(0) * offset**2).sum() / out.sum()) == pytest.approx(
        np.sqrt(radius**2 / 4 + 1 / 12), rel=0.12
    )
    y, x = np.mgrid[:121, :121] - 60
    assert out[np.hypot(x, y) > radius * 1.5 + 3].max() < 0.01 * out.max()


def test_discs_follow_the_lens():
    strength = 0.05 * FOCAL_PX
    assert disc_diameter_px(1.0, strength, 1.0) == 0
    assert disc_diameter_px(np.inf, strength, 1.0) == pytest.approx(10)
    assert disc_diameter_px(0.5, strength, 1.0) == pytest.approx(-10)
    level, disc = depth_levels(np.array([[0.5, 0.95, 1.0, 1.05, 2.0, np.inf]]), strength, 1.0)
    assert (np.diff(level[0]) >= 0).all()
    assert level[0, 1:4].tolist() == [0, 0, 0]
    assert level[0, 0] < 0 < level[0, 4]
    assert level[0, 5] == EMPTY
    assert disc[0, 0] == pytest.approx(10)


@pytest.mark.parametrize(("aperture", "focus"), [(0.02, 0.9), (0.06, 0.9), (0.06, 0.45), (0.06, 3.0)])
def test_white_on_white_stays_white(aperture, focus):
    lens = DepthOfField(aperture_m=aperture, focus_m=focus)
    out = through_aperture(canvas((1, 1, 1)), layers(receding_table()), lens, FOCAL_PX)
    np.testing.assert_allclose(out, 1, atol=2e-3)


@pytest.mark.parametrize(("aperture", "focus"), [(0.02, 0.9), (0.06, 0.9), (0.06, 0.45), (0.06, 3.0)])
def test_nothing_shines_through_a_receding_table(aperture, focus):
    lens = DepthOfField(aperture_m=aperture, focus_m=focus)
    out = through_aperture(canvas(), layers(receding_table()), lens, FOCAL_PX)
    far_px = aperture * FOCAL_PX * abs(1 / focus - 1 / 4) / 2
    assert out[int(48 + far_px + 3) :].min() > 0.85
    assert out[: int(48 - far_px * 1.4 - 3), :50].max() < 0.02, "nor does it shine upwards"


def test_what_is_in_focus_stays_as_it_is_and_keeps_its_colour_to_itself():
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    disc = np.hypot(x - 80, y - 60) < 30
    rng = np.random.default_rng(0)
    behind = canvas()
    behind[..., 2] = rng.uniform(0, 1, (HEIGHT, WIDTH))
    made = layers(np.where(disc, 1.0, np.inf), (0.8, 0.4, 0.0))
    out = through_aperture(behind, made, DepthOfField(aperture_m=0.05, focus_m=1.0), FOCAL_PX)
    np.testing.assert_allclose(out[disc], made.radiance[disc], atol=1e-6)
    assert out[~disc][:, 0].max() == 0
    assert out[~disc][:, 2].std() < 0.3 * behind[~disc][:, 2].std(), "the background is blurred"
    assert made.radiance.max() == np.float32(0.8), "the layers are left as they were"


def test_a_near_edge_is_soft_on_both_sides_and_shows_what_is_behind():
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    disc = np.hypot(x - 80, y - 60) < 30
    made = layers(np.where(disc, 0.5, 2.0))
    made.radiance[disc] = (1.0, 0.0, 0.0)
    made.radiance[~disc] = (0.0, 1.0, 0.0)  # a wall in focus behind it; blue beyond the wall
    out = through_aperture(canvas((0, 0, 1)), made, DepthOfField(aperture_m=0.04, focus_m=2.0), FOCAL_PX)
    radius = 0.04 * FOCAL_PX * 1.5 / 2
    at = out[60, :, 0]
    assert at[80] == pytest.approx(1, abs=1e-3)
    assert at[110] == pytest.approx(0.5, abs=0.12)
    assert 0.02 < at[int(110 + radius * 0.6)] < at[109] < at[int(110 - radius * 0.6)] < 0.98
    assert out[..., 2].max() < 0.02, "the wall goes on behind the disc"
    np.testing.assert_allclose(out[..., 0] + out[..., 1], 1, atol=0.02)


def test_compose_without_it_and_with_a_pinhole_agree():
    camera = Camera(size_wh=(WIDTH, HEIGHT), focal_px=FOCAL_PX, principal_px=(80.0, 60.0), world_from_cam=IDENTITY)

    def picture(lens):
        return compose(
            Scene(
                index=0,
                camera=camera,
                background=Background(fill=PlainFill(color_srgb=(0.2, 0.3, 0.9), end_srgb=(0.9, 0.2, 0.1))),
                finish=Finish(depth_of_field=lens),
            ),
            layers(receding_table(), (0.4, 0.2, 0.1)),
        )

    sharp, pinhole = picture(None), picture(DepthOfField(aperture_m=1e-5, focus_m=1.0))
    assert np.abs(sharp.color.astype(int) - pinhole.color).max() <= 1
    soft = picture(DepthOfField(aperture_m=0.05, focus_m=0.9))
    assert np.abs(sharp.color.astype(int) - soft.color).max() > 50
    np.testing.assert_array_equal(soft.instance_ids, sharp.instance_ids)
    np.testing.assert_array_equal(soft.depth_m, sharp.depth_m)


def test_soft_edges_without_a_depth_of_their_own():
    made = layers(receding_table())
    made.coverage[47] = made.radiance[47] = 0.4  # anti-aliased, but nearest depth says there is nothing
    lens = DepthOfField(aperture_m=0.03, focus_m=0.9)
    out = through_aperture(canvas((1, 1, 1)), made, lens, FOCAL_PX)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out, 1, atol=2e-3)
    empty = through_aperture(behind := canvas((0.5, 0.5, 0.5)), layers(np.inf), lens, FOCAL_PX)
    np.testing.assert_allclose(empty, 0.5, atol=1e-5)
    assert empty is not behind
