"""Ambient occlusion and light sent back: against rays, against closed forms, and where it must do nothing."""

import cv2
import numpy as np
import pytest
from raster_scenes import box, camera, lamp, placement, plain, scene, slab, source, sphere

from photosynth.core.scene import Environment, PlainFill
from photosynth.render.raster.engine import RasterEngine, RasterOptions
from photosynth.render.raster.prepared import prepare
from photosynth.render.raster.twin import sky_seen

MESHES = source(ball=sphere(rings=16), white_ball=sphere(texture=plain(), rings=16), box=box())
PLAIN = RasterOptions(ambient_occlusion=False)
EVEN = Environment(strength=1.0)
BLACK = PlainFill(color_srgb=(0.0, 0.0, 0.0))
WHITE = PlainFill(color_srgb=(1.0, 1.0, 1.0))
TABLE = {"size_m": (40.0, 40.0, 0.02), "at_m": (0, 0, -0.06), "specular_f0": 0.0}


def matte(name, at_m=(0, 0, 0), **settings):
    return placement(name, at_m, specular_f0=0.0, **settings)


def ratio_of(wanted):
    """Light with occlusion over light without, one channel, where placements are."""
    hidden, free = (RasterEngine(MESHES, o).render(wanted) for o in (None, PLAIN))
    inside = (free.instance_ids > 0) & (free.coverage == 1)
    return hidden, inside, hidden.radiance[..., 1] / np.maximum(free.radiance[..., 1], 1e-9)


def test_a_convex_object_alone_is_left_as_it_is():
    assert prepare(sphere(rings=16), 64).probes.convex
    wanted = scene([matte("white_ball")], [lamp()], Environment(map_file="package:lobby.exr"))
    a, b = (RasterEngine(MESHES, o).render(wanted) for o in (None, PLAIN))
    assert np.quantile(np.abs(a.radiance - b.radiance)[a.coverage == 1], 0.8) < 5e-3


def test_over_a_black_table_a_ball_sees_the_upper_half_of_the_sky():
    """A surface tilted by t from the zenith sees the part (1 + cos t) / 2 of an even sky above a plane."""
    wanted = scene([matte("white_ball")], [], EVEN, camera(size_wh=(96, 80), focal_px=300), [slab(fill=BLACK, **TABLE)])
    layers, inside, ratio = ratio_of(wanted)
    expected = (1 + layers.normals[..., 2]) / 2
    assert np.abs(ratio - expected)[inside].mean() < 0.03
    assert np.abs(ratio - expected)[inside].max() < 0.1


def test_a_white_table_sends_the_light_back():
    eye = camera((0.5, -0.5, 0.02), size_wh=(96, 80), focal_px=300)
    dark, bright = (
        ratio_of(scene([matte("white_ball")], [], EVEN, eye, [slab(fill=fill, **TABLE)])) for fill in (BLACK, WHITE)
    )
    below = dark[1] & (dark[0].normals[..., 2] < -0.3)
    gained = (bright[2] - dark[2])[below]
    expected = 0.95 * (1 - dark[0].normals[..., 2][below]) / 2
    assert below.sum() > 100
    assert (gained / expected).mean() == pytest.approx(1, abs=0.12)


def test_lamps_light_the_table_and_the_table_lights_the_ball():
    """With no environment at all, the ball's lower side is lit by the table alone, as far as it lies outside the ball's
    own shadow: against rays. The ball is nearly black, so that it does not light the table in turn."""
    eye, gain = camera((0.5, -0.5, 0.0), size_wh=(96, 80), focal_px=300), 0.02
    ball = matte("white_ball", albedo_gain_linear=(gain,) * 3)
    wanted = scene([ball], [lamp((0, 0, 1.0))], Environment(strength=0.0), eye, [slab(fill=WHITE, **TABLE)])
    layers = RasterEngine(MESHES).render(wanted)
    inside = cv2.erode((layers.instance_ids == 1).astype(np.uint8), np.ones((3, 3))) > 0
    below = inside & (layers.normals[..., 2] < -0.2)
    found, expected = layers.radiance[below][:, 1] / gain, lit_from_below(layers.normals[below])
    assert below.sum() > 100
    assert found.mean() / expected.mean() == pytest.approx(1, abs=0.1)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.13 * expected.mean()


def lit_from_below(normals):
    """Radiance of points of the white ball (radius and height 0.05 m) with these normals (n, 3), lit by a white table
    that a lamp one metre above the ball's middle lights round the ball's shadow."""
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(2000, 3))
    rays = normals[:, None] + spread / np.linalg.norm(spread, axis=1)[:, None]  # cosine-weighted
    t = (-0.05 - 0.05 * normals[:, None, 2]) / np.minimum(rays[..., 2], -1e-9)
    off2 = ((0.05 * normals[:, None, :2] + t[..., None] * rays[..., :2]) ** 2).sum(axis=2)
    shadow_m = 1.05 * 0.05 / np.sqrt(1 - 0.05**2)
    seen = (rays[..., 2] < 0) & (off2 > shadow_m**2)
    return (seen * 12.0 / (4 * np.pi**2) * 1.05 / (off2 + 1.05**2) ** 1.5 * 0.95).mean(axis=1)


def test_slabs_and_objects_darken_where_rays_say():
    """Two boxes on a board before a wall, each point of a grid against rays from it."""
    things = [matte("box", (-0.07, 0, 0.05)), matte("box", (0.07, 0.01, 0.05), turn_rad=0.4)]
    boards = [
        slab((0.6, 0.6, 0.02), (0, 0, -0.01), fill=BLACK, specular_f0=0.0),
        slab((0.6, 0.02, 0.3), (0, 0.12, 0.15), fill=WHITE, albedo_gain_linear=(0.01, 0.01, 0.01), specular_f0=0.0),
    ]
    things = [
        type(t)(**{f: getattr(t, f) for f in t.__struct_fields__} | {"albedo_gain_linear": (0.01,) * 3}) for t in things
    ]
    wanted = scene(things, [], EVEN, camera((0.3, -0.45, 0.4), (0, 0, 0.03), (64, 52), 90.0), boards)
    layers, free = (RasterEngine(MESHES, o).render(wanted) for o in (None, PLAIN))
    y, x = (a.ravel() for a in np.mgrid[3:52:4, 3:64:4])
    kept = (free.coverage[y, x] == 1) & (free.radiance[y, x, 1] > 0)
    y, x = y[kept], x[kept]
    view = np.array(wanted.camera.world_from_cam)
    rays = np.stack([(x + 0.5 - 32) / 90, (y + 0.5 - 26) / 90, np.ones(len(x))], axis=1)
    points = (rays * layers.depth_m[y, x, None].astype(float)) @ view[:3, :3].T + view[:3, 3]
    seen = sky_seen(wanted, MESHES, points, layers.normals[y, x].astype(float))
    error = layers.radiance[y, x, 1] / free.radiance[y, x, 1] - seen
    assert len(seen) > 40
    assert seen.min() < 0.5
    assert np.abs(error.mean()) < 0.03
    assert np.median(np.abs(error)) < 0.05
    assert np.abs(error).mean() < 0.08


def test_an_object_shades_itself_in_its_hollows():
    """A floor and a wall in one mesh: close to the edge the wall hides nearly half of the floor's sky."""
    floor, wall = box((0.2, 0.2, 0.02), plain()), box((0.2, 0.02, 0.2), plain())
    wall.vertices_m[:] += (0, 0.11, 0.09)
    corner = type(floor)(
        np.concatenate([floor.vertices_m, wall.vertices_m]), np.concatenate([floor.normals, wall.normals]),
        np.concatenate([floor.uv, wall.uv]), np.concatenate([floor.faces, wall.faces + 24]), floor.texture,
    )  # fmt: skip
    prepared = prepare(corner, 64)
    floor = (prepared.probes.normals[:, 2] > 0.9) & (prepared.probes.points[:, 2] < 0.02)
    hidden = prepared.probes.hidden[floor, 0] / 0.28209479
    distance = 0.1 - prepared.probes.points[floor, 1]
    middle = np.abs(prepared.probes.points[floor, 0]) < 0.04
    assert not prepared.probes.convex
    assert hidden[middle & (distance < 0.03)].mean() == pytest.approx(0.4, abs=0.08)
    assert hidden[distance > 0.17].max() < 0.12
