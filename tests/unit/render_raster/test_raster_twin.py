"""The kernels against their readable twin."""

import numpy as np
import pytest
from raster_scenes import box, camera, checker, ground, lamp, placement, scene, slab, source, sphere

from photosynth.core.scene import Environment
from photosynth.render.raster.engine import RasterEngine, RasterOptions
from photosynth.render.raster.twin import render_twin

MESHES = source(box=box((0.12, 0.08, 0.1)), ball=sphere(), ground=ground(), odd=box(texture=checker(100, 37)))
PLAIN = RasterOptions(ambient_occlusion=False)
LOBBY = Environment(map_file="package:lobby.exr", strength=0.5, rotation_rad=1.0)
SCENES = {
    "box": scene([placement("box", turn_rad=0.4)], [lamp()]),
    "coloured": scene([placement("odd", turn_rad=2.0, albedo_gain_linear=(1.2, 0.8, 0.5), specular_f0=0.0)], [lamp()]),
    "ball": scene([placement("ball", roughness=0.3)], [lamp(), lamp((-0.5, -0.3, 0.2), radius_m=0.05)], LOBBY),
    "rolled": scene([placement("ball", roughness=0.8, scale=2)], [], LOBBY, camera(roll_rad=1.0, size_wh=(31, 57))),
    "beside": scene([placement("box"), placement("ball", (0.03, -0.06, 0.05))], [], LOBBY),
    "on a board": scene([placement("ball", (0, 0, 0.07))], [], LOBBY, surroundings=[slab(turn_rad=0.3)]),
    "before a wall": scene(
        [placement("box", (0, 0, 0.05), 0.4)], [lamp()], surroundings=[slab((0.5, 0.02, 0.3), (0.05, 0.15, 0.1))]
    ),
    "only boards": scene(
        [], [lamp((0.5, -0.5, 0.9), radius_m=0.001)], surroundings=[slab(), slab((0.1, 0.1, 0.2), (0.02, 0, 0.12), 0.5)]
    ),
    "under a board": scene(
        [placement("ball")], [lamp(radius_m=0.001)], surroundings=[slab((0.3, 0.3, 0.02), (0, 0, 0.15), 1.0)]
    ),
    "crossing the near plane": scene([placement("ground", scale=5)], [], cam=camera((0, 0, 0.05), (1, 0.2, 0))),
}


@pytest.mark.parametrize("name", SCENES)
def test_layers_agree_with_the_twin(name):
    fast, slow = RasterEngine(MESHES, PLAIN).render(SCENES[name]), render_twin(SCENES[name], MESHES)
    assert slow.coverage.any()
    assert (fast.coverage != slow.coverage).sum() <= 2
    assert (fast.instance_ids != slow.instance_ids).sum() <= 2
    same = (fast.instance_ids == slow.instance_ids) & (slow.instance_ids > 0)
    np.testing.assert_allclose(fast.depth_m[same], slow.depth_m[same], rtol=1e-5)
    np.testing.assert_allclose(fast.normals[same], slow.normals[same], atol=1e-5)
    assert (fast.amodal_masks != slow.amodal_masks).sum() <= 3
    error = np.abs(fast.radiance - slow.radiance).max(axis=2)[slow.coverage > 0]
    assert np.quantile(error, 0.9) < 2e-3
    assert np.quantile(error, 0.98) < 2e-2


def test_shadows_fall_where_rays_say():
    things = [
        placement("ground", (0, 0, -0.05)),
        placement("box", (0.05, 0.02, 0.01), 0.4),
        placement("ball", (-0.07, 0, 0)),
    ]
    lit = scene(things, [lamp((0.3, -0.2, 0.5))], Environment(strength=0.1), camera(size_wh=(64, 52), focal_px=95))
    fast, slow = RasterEngine(MESHES, PLAIN).render(lit), render_twin(lit, MESHES)
    dark = render_twin(scene(things, [], Environment(strength=0.1), lit.camera), MESHES)
    floor = (slow.instance_ids == 1) & (slow.coverage == 1)
    shadow = floor & (np.abs(slow.radiance - dark.radiance).max(axis=2) < 1e-6)
    assert 30 < shadow.sum() < floor.sum() / 2
    error = np.abs(fast.radiance - slow.radiance).max(axis=2)
    assert np.median(error[shadow]) < 2e-3
    assert np.median(error[floor & ~shadow]) < 2e-3
    assert (error[slow.coverage == 1] > 0.05).mean() < 0.08  # penumbrae only
