"""Layers through a lens: what is projected lies where it is drawn."""

import cv2
import msgspec
import numpy as np
import pytest

from photosynth.core.camera import Camera, distort, project
from photosynth.core.engine import FakeEngine
from photosynth.core.errors import ConfigError
from photosynth.core.frame import Layers
from photosynth.core.geometry import IDENTITY, as_matrix4
from photosynth.core.scene import Background, EnvironmentFill, Placement, PlainFill, Scene
from photosynth.render.compose import compose
from photosynth.render.fills import draw_fill
from photosynth.render.lens import bend_of, pixel_tangents, render_through_lens

BARREL, PINCUSHION, MIXED = (-0.12, 0.0, 0.0, 0.0), (0.08, 0.0, 0.0, 0.0), (-0.1, 0.02, 0.004, -0.003, 0.0)
LENSES = [BARREL, PINCUSHION, MIXED]
DOTS = np.array([(x, y, 1.0) for x in np.linspace(-0.5, 0.5, 5) for y in np.linspace(-0.4, 0.4, 4)])
DOT_SD_M, DISC_M = 0.008, 0.05


class WallEngine:
    """A wall at 1 m, painted with soft dots; each dot's disc is a placement. Exact for a pinhole camera."""

    name = "wall"

    def render(self, scene):
        camera = scene.camera
        assert camera.distortion == ()
        y, x = np.mgrid[: camera.size_wh[1], : camera.size_wh[0]] + 0.5
        x, y = (x - camera.principal_px[0]) / camera.focal_px, (y - camera.principal_px[1]) / camera.focal_px
        squared = np.stack([(x - dx) ** 2 + (y - dy) ** 2 for dx, dy, _ in DOTS])
        light = np.exp(-squared / (2 * DOT_SD_M**2)).sum(0).astype(np.float32)[..., None].repeat(3, 2)
        masks = squared < DISC_M**2
        ids = np.where(masks.any(0), masks.argmax(0) + 1, 0).astype(np.uint16)
        depth, normals = np.ones(x.shape, np.float32), np.zeros((*x.shape, 3), np.float32)
        normals[..., 2] = ids
        areas = np.full(len(DOTS), np.pi * (DISC_M * camera.focal_px) ** 2)
        return Layers(light, np.ones(x.shape, np.float32), depth, ids, normals, masks, areas)


def camera(distortion, size_wh=(320, 240), focal_px=260.0, principal_px=None):
    return Camera(
        size_wh=size_wh,
        focal_px=focal_px,
        principal_px=principal_px or (size_wh[0] / 2, size_wh[1] / 2),
        world_from_cam=IDENTITY,
        distortion=distortion,
    )


def scene(lens, fill=PlainFill(color_srgb=(0.5, 0.5, 0.5)), **changes):
    return Scene(index=0, camera=camera(lens, **changes), background=Background(fill=fill))


@pytest.mark.parametrize("lens", LENSES)
def test_projected_points_land_on_their_features(lens):
    layers = render_through_lens(WallEngine(), scene(lens))
    assert layers.radiance.shape == (240, 320, 3)
    y, x = np.mgrid[:240, :320] + 0.5
    expected, _ = project(camera(lens), DOTS)
    for k, (at_x, at_y) in enumerate(expected):
        near = (np.hypot(x - at_x, y - at_y) < 8) * layers.radiance[..., 0]
        found = (near * x).sum() / near.sum(), (near * y).sum() / near.sum()
        assert np.hypot(found[0] - at_x, found[1] - at_y) < 0.1, k
        mask = layers.amodal_masks[k]
        assert np.hypot(x[mask].mean() - at_x, y[mask].mean() - at_y) < 0.3, k
        assert layers.instance_ids[int(at_y), int(at_x)] == k + 1
        np.testing.assert_array_equal(layers.instance_ids == k + 1, mask)
    shift = np.hypot(*(expected - project(camera(()), DOTS)[0]).T)
    assert shift.max() > 5, "the lens does bend"


@pytest.mark.parametrize("lens", LENSES)
def test_opencv_straightens_the_picture_again(lens):
    bent, straight = (render_through_lens(WallEngine(), scene(k)).radiance for k in (lens, ()))
    matrix = np.array([[260.0, 0, 159.5], [0, 260, 119.5], [0, 0, 1]])  # OpenCV counts from pixel centres
    again = cv2.undistort(bent, matrix, np.array(lens))
    inner = (slice(40, 200), slice(50, 270))
    assert np.abs(again - straight)[inner].max() < 0.1
    assert np.abs(again - straight)[inner].mean() < 0.3 * np.abs(bent - straight)[inner].mean()


def test_without_distortion_nothing_is_touched():
    class Once:
        def render(self, given):
            return given

    assert render_through_lens(Once(), plain := scene(())) is plain
    assert render_through_lens(Once(), plain := scene((0.0,) * 5)) is plain


def test_full_areas():
    lens = BARREL
    layers = render_through_lens(WallEngine(), scene(lens))
    masks = layers.amodal_masks
    for k in range(len(DOTS)):
        edge = np.concatenate([masks[k][0], masks[k][-1], masks[k][:, 0], masks[k][:, -1]])
        if not edge.any():
            assert layers.full_area_px[k] == pytest.approx(masks[k].sum(), rel=0.03)
    whole = render_through_lens(WallEngine(), scene(PINCUSHION))
    part = render_through_lens(WallEngine(), scene(PINCUSHION, size_wh=(280, 240), principal_px=(160.0, 120.0)))
    cut = [k for k in range(len(DOTS)) if 0 < part.amodal_masks[k].sum() < 0.9 * whole.amodal_masks[k].sum()]
    assert cut
    for k in cut:
        assert part.full_area_px[k] == pytest.approx(whole.full_area_px[k], rel=0.06)


def test_layers_agree_with_each_other():
    things = []
    for name, x, z in (("tea", -0.2, 1.0), ("milk", 0.3, 2.0)):
        matrix = np.eye(4)
        matrix[0, 3], matrix[2, 3] = x, z
        things.append(Placement(asset_id="a", part="p", class_name=name, world_from_object=as_matrix4(matrix)))
    layers = render_through_lens(FakeEngine(), msgspec.structs.replace(scene(MIXED), placements=tuple(things)))
    inside = layers.instance_ids > 0
    np.testing.assert_array_equal(np.isfinite(layers.depth_m), inside)
    assert (layers.coverage[inside] >= 0.24).all(), "the nearest of four pixels"
    assert (layers.coverage[~inside] <= 0.76).all()
    assert set(np.unique(layers.depth_m[inside])) == {1.0, 2.0}
    assert layers.coverage.max() <= 1
    assert layers.full_area_px.shape == (2,)


def test_pixels_look_where_the_lens_says():
    at = camera(MIXED)
    tangents = pixel_tangents(MIXED, at.focal_px, at.principal_px, at.size_wh)
    seen = distort(MIXED, tangents) * at.focal_px + at.principal_px
    y, x = np.mgrid[:240, :320] + 0.5
    assert np.hypot(seen[..., 0] - x, seen[..., 1] - y).max() < 0.05
    bend = bend_of(at)
    np.testing.assert_allclose(
        (bend.x_px - bend.pinhole.principal_px[0]) / bend.pinhole.focal_px, tangents[..., 0], atol=1e-4
    )


def test_the_environment_is_bent_with_the_camera():
    fov = 2 * np.arctan(120 / 260)
    fill = EnvironmentFill(map_file="package:lobby.exr", yaw_rad=0.4, pitch_rad=0.1, roll_rad=0.2, fov_rad=fov)
    nothing = FakeEngine().render(scene(()))
    bent, straight = (compose(scene(lens, fill), nothing).color.astype(np.float32) for lens in (BARREL, ()))
    matrix = np.array([[260.0, 0, 159.5], [0, 260, 119.5], [0, 0, 1]])
    again = cv2.undistort(bent, matrix, np.array(BARREL))
    inner = (slice(20, 220), slice(30, 290))
    assert np.abs(again - straight)[inner].mean() < 0.3 * np.abs(bent - straight)[inner].mean()
    other = msgspec.structs.replace(fill, fov_rad=1.5)  # another view of it has no lens of ours
    np.testing.assert_array_equal(
        compose(scene(BARREL, other), nothing).color, compose(scene((), other), nothing).color
    )
    assert draw_fill(fill, (320, 240), BARREL).shape == (240, 320, 3)


def test_a_lens_that_needs_too_wide_a_picture_is_refused():
    with pytest.raises(ConfigError, match="pinhole picture of"):
        bend_of(camera((0.0, 0.0, 0.0, 0.0, 8.0), focal_px=200.0))
