"""Cycles itself on small scenes whose picture is known: units, axes, textures, layers."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cycles_scenes import camera_at, placement, quad, scene, source
from msgspec.structs import replace

from photosynth.core.geometry import IDENTITY, as_matrix4, look_at
from photosynth.core.scene import Environment, Light, PlainFill, Slab
from photosynth.render.cycles.engine import CyclesEngine
from photosynth.render.cycles.options import CyclesOptions
from photosynth.render.environment import load_environment, pixel_directions, row_weights

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="the cycles extra (bpy) is not installed"
)

HALVES = np.full((2, 2, 3), 255, np.uint8)
HALVES[0, 0], HALVES[0, 1], HALVES[1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def cycles():
    leaning = (0.6, 0.0, 0.8)
    meshes = source(white=quad(), tile=quad(texture=HALVES.repeat(32, 0).repeat(32, 1)), leaning=quad(normal=leaning))
    engine = CyclesEngine(meshes, CyclesOptions(samples=64, bounces=0))
    yield engine
    engine.close()


def middle(layers):
    return layers.radiance[7:9, 11:13].mean(axis=(0, 1))


def test_unit_law_of_lamps(cycles):
    """A white Lambertian surface facing a lamp at distance d has radiance power / (4 pi^2 d^2)."""
    lamp = Light(position_m=(0.0, 0.0, 2.0), radius_m=0.02, power_w=50.0, color_linear=(1.0, 0.5, 2.0))
    layers = cycles.render(scene([placement("white")], [lamp]))
    expected = 50.0 / (4 * np.pi**2 * 2.0**2) * np.array([1.0, 0.5, 2.0])
    assert middle(layers) == pytest.approx(expected, rel=0.005)


def test_a_uniform_environment_of_strength_s_lights_white_to_s_whatever_the_coat(cycles):
    for settings in ({}, {"specular_f0": 0.04, "roughness": 0.4}):
        layers = cycles.render(scene([placement("white", **settings)], environment=Environment(strength=0.7)))
        assert middle(layers) == pytest.approx(0.7, rel=0.02)


def test_an_environment_map_turns_as_environment_py_says(cycles):
    around = Environment(map_file="package:sunset.exr", rotation_rad=2.0, strength=0.8)
    tilt = look_at(np.zeros(3), np.array([-0.8, 0.3, -0.5]))  # its -z looks along (0.8, -0.3, 0.5)
    upward = tilt @ np.diag([1.0, -1.0, -1.0, 1.0])
    normal = upward[:3, 2]
    layers = cycles.render(
        scene([placement("white", upward)], environment=around, camera=camera_at(normal * 0.5, focal_px=100.0))
    )
    radiance = load_environment(around.map_file).radiance
    height, width = radiance.shape[:2]
    c, s = np.cos(2.0), np.sin(2.0)
    world = pixel_directions(height, width) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
    weight = np.clip(world @ normal, 0, None) * (row_weights(height) / width * 4 * np.pi)[:, None]
    expected = 0.8 * (radiance * weight[..., None]).sum(axis=(0, 1)) / np.pi
    assert expected.max() / expected.min() > 1.05  # coloured: a wrong turn would show
    assert layers.radiance.mean(axis=(0, 1)) == pytest.approx(expected, rel=0.02)


def test_texture_axes_gain_and_curve(cycles):
    """Row 0 of the texture at v = 1; albedo = linear texture times gain."""
    sky = Environment(strength=1.0)
    camera = camera_at((0.0, -1e-4, 1.0), (32, 32), 80.0)
    layers = cycles.render(
        scene([placement("tile", albedo_gain_linear=(0.5, 0.25, 1.0))], environment=sky, camera=camera)
    )
    assert layers.radiance[8, 8] == pytest.approx((0.5, 0, 0), abs=0.01)
    assert layers.radiance[8, 24] == pytest.approx((0, 0.25, 0), abs=0.01)
    assert layers.radiance[24, 8] == pytest.approx((0, 0, 1.0), abs=0.02)
    assert layers.radiance[24, 24] == pytest.approx((0.5, 0.25, 1.0), abs=0.02)


def test_depth_is_along_the_axis_at_pixel_centres_for_a_turned_and_shifted_camera(cycles):
    camera = camera_at((0.5, -0.7, 0.6), (40, 24), 60.0, roll_rad=0.8, principal_px=(16.5, 15.0))
    layers = cycles.render(scene([placement("white")], camera=camera))
    pose = np.array(camera.world_from_cam)
    v, u = np.mgrid[:24, :40] + 0.5
    rays = np.stack([(u - 16.5) / 60, (v - 15.0) / 60, np.ones_like(u)], axis=-1) @ pose[:3, :3].T
    depth = -pose[2, 3] / rays[..., 2]
    hits = np.abs(pose[:3, 3] + depth[..., None] * rays)[..., :2].max(axis=-1) < 0.2
    sure = layers.coverage == 1
    assert sure.sum() > 60
    assert hits[sure].all()
    assert layers.depth_m[sure] == pytest.approx(depth[sure], rel=1e-5)
    assert layers.normals[sure] == pytest.approx(np.tile([0, 0, 1], (sure.sum(), 1)), abs=1e-4)
    assert ((layers.instance_ids == 1) == hits).mean() > 0.99
    assert np.isinf(layers.depth_m[layers.instance_ids == 0]).all()
    assert (layers.coverage[~hits] < 1).all()
    assert layers.amodal_masks[0].sum() == pytest.approx(hits.sum(), abs=4)
    assert layers.full_area_px[0] > layers.amodal_masks[0].sum()  # a corner is cut off


def test_normals_are_the_meshs_own(cycles):
    turned = look_at(np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.5)  # any rotation
    layers = cycles.render(scene([placement("leaning", turned)], camera=camera_at(turned[:3, 2] * 0.9)))
    expected = turned[:3, :3] @ (0.6, 0.0, 0.8)
    assert layers.normals[8, 12] == pytest.approx(expected, abs=2e-4)


def test_slabs_fill_and_hide_but_have_no_id(cycles):
    fill = PlainFill(color_srgb=(0.5, 0.5, 0.5))
    lid = np.eye(4)
    lid[:3, 3] = 0.05, 0.0, 0.1
    slab = Slab(size_m=(0.1, 0.2, 0.02), world_from_slab=as_matrix4(lid), fill=fill, fill_size_m=0.05)
    sky = Environment(strength=1.0)
    layers = cycles.render(scene([placement("white")], environment=sky, surroundings=(slab,)))
    assert layers.coverage[8, 14] == 1
    assert layers.instance_ids[8, 14] == 0
    assert layers.depth_m[8, 14] == pytest.approx(0.89, rel=1e-3)
    assert layers.instance_ids[8, 10] == 1
    assert layers.amodal_masks[0, 8, 14]  # as if it were alone
    assert 0.15 < layers.radiance[8, 14, 0] < 0.3  # sRGB one half is 0.21
    without = cycles.render(scene([], environment=sky, surroundings=(slab,)))
    assert without.coverage[8, 14] == 1
    assert without.amodal_masks.shape == (0, 16, 24)


def test_bounces_add_light_and_denoising_keeps_it():
    """A white wall beside a lit floor: with one bounce the floor is brighter near it."""
    wall = np.eye(4)
    wall[:3, :3] = [[0, 0, -1], [0, 1, 0], [1, 0, 0]]
    wall[:3, 3] = 0.1, 0, 0.2
    shot = scene(
        [placement("white"), placement("white", wall)], [Light(position_m=(-0.5, 0, 1), radius_m=0.05, power_w=9.0)]
    )
    means = []
    for options in (CyclesOptions(samples=64, bounces=0), CyclesOptions(samples=64, bounces=1, denoise=True)):
        engine = CyclesEngine(source(white=quad()), options)
        layers = engine.render(shot)
        engine.close()
        means.append(layers.radiance[6:10, 12:16].mean())
    assert 1.05 < means[1] / means[0] < 1.6


def test_a_killed_worker_is_replaced_and_the_picture_is_the_same(cycles):
    shot = scene([placement("tile", roughness=0.3, specular_f0=0.04)], environment=Environment(strength=0.5))
    first = cycles.render(shot)
    os.kill(cycles._worker.pid, signal.SIGKILL)
    again = cycles.render(shot)
    assert (again.radiance == first.radiance).all()
    assert (again.depth_m == first.depth_m).all()
    other = cycles.render(replace(shot, index=4))
    assert (other.radiance != first.radiance).any()  # noise follows the scene's number


ORPHAN = """
import sys
sys.path.insert(0, {here!r})
from cycles_scenes import *
from photosynth.render.cycles.engine import CyclesEngine
from photosynth.render.cycles.options import CyclesOptions
engine = CyclesEngine(source(white=quad()), CyclesOptions(samples=10_000_000))
print(engine._live_worker().pid, engine._folder.name, flush=True)
engine.render(scene([placement("white")], environment=Environment(strength=1.0)))
"""


def test_the_worker_leaves_when_its_parent_is_killed():
    """In the middle of a frame that would take hours."""
    import psutil

    code = ORPHAN.format(here=str(Path(__file__).parent))
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid, folder = parent.stdout.readline().split()
    worker = psutil.Process(int(pid))
    before = worker.cpu_times().user
    while worker.cpu_times().user < before + 0.5:  # at work
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    worker.wait(timeout=60)
    assert not Path(folder).exists()


INSPECT = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
print("FOUND", sorted(o.name for o in bpy.data.objects), bpy.context.scene.camera.name,
      all(i.packed_file for i in bpy.data.images if i.filepath), len(bpy.data.images))
"""


def test_a_blend_file_holds_everything(cycles, tmp_path):
    lamp = Light(position_m=(0.0, 0.0, 2.0), radius_m=0.02, power_w=50.0)
    slab = Slab(size_m=(1, 1, 0.1), world_from_slab=IDENTITY, fill=PlainFill(color_srgb=(1, 0, 0)), fill_size_m=1.0)
    shot = scene([placement("tile")], [lamp], Environment(map_file="package:city.exr"), surroundings=(slab,))
    engine = CyclesEngine(cycles._jobs.meshes)
    engine.save_blend(shot, tmp_path / "scene.blend")
    engine.close()
    command = [sys.executable, "-c", INSPECT, str(tmp_path / "scene.blend")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = ["1 tile", "2 slab", "camera", "light 1"]
    assert f"FOUND {names} camera True 3" in said
