"""A map with a sun throws the same hard shadow in both engines, where its direction says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from agreement import agreement
from msgspec.structs import replace
from referee_scenes import DemoMeshes, camera, scene, standing, table

from photosynth.core.frame import Layers
from photosynth.core.scene import Environment, PlainFill, Scene
from photosynth.render.color import LUMINANCE, srgb_from_linear
from photosynth.render.cycles.engine import CyclesEngine
from photosynth.render.cycles.options import CyclesOptions
from photosynth.render.environment import pixel_directions
from photosynth.render.raster.engine import RasterEngine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="the cycles extra (bpy) is not installed"),
]

TOWARDS = np.array([0.6, -0.2, 0.9]) / np.linalg.norm([0.6, -0.2, 0.9])
"""Where the sun stands in the unturned map."""
TURN_RAD = 0.9


def written_map(path: Path) -> str:
    """A sky of two greys and a sun of 1 degree with nine tenths of the irradiance."""
    directions = pixel_directions(256, 512)
    sky = np.where(directions[..., 2] > 0, 1.0, 0.5)
    image = np.repeat(sky[..., None], 3, axis=2).astype(np.float32)
    image[directions @ TOWARDS > np.cos(np.radians(1.0))] = (31000.0, 29000.0, 25000.0)
    cv2.imwrite(str(path), image[..., ::-1])
    return str(path)


def sunlit(map_file: str) -> Scene:
    """Two objects on a table of one colour, which sends them much light back, but not from their shadows."""
    base = scene("table")
    things = standing("oat_drink", -0.05, 0.0, 1.9), standing("hummus", 0.12, 0.05, 0.2, roughness=0.6)
    plain = replace(table(), fill=PlainFill(color_srgb=(0.65, 0.65, 0.65)))
    view = camera(200, 150, (0.1, -0.65, 0.5), (0.0, 0.02, 0.03), 1.9)
    around = Environment(map_file=map_file, rotation_rad=TURN_RAD, strength=0.3)
    return replace(base, camera=view, placements=things, lights=(), environment=around, surroundings=(plain,))


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Scene, Layers, Layers]:
    """The scene, and what the rasteriser and Cycles make of it."""
    shot = sunlit(written_map(tmp_path_factory.mktemp("maps") / "sun.hdr"))
    engine = CyclesEngine(DemoMeshes(), CyclesOptions(samples=128))
    layers = RasterEngine(DemoMeshes()).render(shot), engine.render(shot)
    engine.close()
    return shot, *layers


def test_objects_under_a_sun_agree(both):
    found = agreement(*both[1:])
    print(found)
    assert found.psnr_db >= 30, found
    assert found.brightness == pytest.approx(1, abs=0.03), found


def test_a_full_table_under_a_studios_lamps_agrees():
    """Three quarters of this map's light are one lamp behind the objects, whose shadows fall towards the camera. Cycles
    needs more samples here than elsewhere: at 320 px, its pictures of 128 and 768 are 34 dB apart."""
    around = Environment(map_file="package:studio.exr", rotation_rad=0.7, strength=0.35)
    shot = replace(scene("table", 240), environment=around)
    engine = CyclesEngine(DemoMeshes(), CyclesOptions(samples=384))
    found = agreement(RasterEngine(DemoMeshes()).render(shot), engine.render(shot))
    engine.close()
    print(found)
    assert found.psnr_db >= 30, found
    assert found.brightness == pytest.approx(1, abs=0.02), found


def test_the_shadow_is_hard_and_in_the_same_place(both):
    _, raster, cycles = both
    on_table = on_the_table(raster) & on_the_table(cycles)
    one, other = (layers.radiance @ LUMINANCE for layers in (raster, cycles))
    lit = np.median(other[on_table])
    dark = [on_table & (picture < 0.5 * lit) for picture in (one, other)]
    overlap = (dark[0] & dark[1]).sum() / (dark[0] | dark[1]).sum()
    brightness = one[on_table].mean() / other[on_table].mean()
    psnr_db = -10 * np.log10(np.mean((srgb_from_linear(one[on_table]) - srgb_from_linear(other[on_table])) ** 2))
    print(
        f"shadow {dark[1].sum() / on_table.sum():.2f} of the table, IoU {overlap:.3f}, {psnr_db:.1f} dB, {brightness}"
    )
    assert dark[1].sum() > 0.03 * on_table.sum()
    assert np.median(other[dark[1]]) < 0.3 * lit
    assert overlap > 0.9
    assert brightness == pytest.approx(1, abs=0.02)
    assert psnr_db >= 30


def test_the_shadow_lies_away_from_the_sun(both):
    """The carton's middle, seen from the sun, falls where its direction, turned with the map, says."""
    shot, raster, _ = both
    c, s = np.cos(TURN_RAD), np.sin(TURN_RAD)
    towards = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ TOWARDS
    middle = np.array(shot.placements[0].world_from_object)[:3, 3]
    falls = middle - towards * (middle[2] / towards[2])
    world_from_cam = np.array(shot.camera.world_from_cam)
    seen = np.linalg.inv(world_from_cam)[:3] @ np.append(falls, 1.0)
    column, row = shot.camera.focal_px * seen[:2] / seen[2] + np.array(shot.camera.principal_px)
    picture = raster.radiance @ LUMINANCE
    assert on_the_table(raster)[int(row), int(column)]
    assert picture[int(row), int(column)] < 0.4 * np.median(picture[on_the_table(raster)])


def on_the_table(layers: Layers) -> np.ndarray:
    """(H, W) bool: pixels that show the table and nothing else."""
    return (layers.instance_ids == 0) & (layers.coverage > 0.99)
