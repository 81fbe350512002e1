"""The rasteriser on real scans, and under bounds checking."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from real_scans import needs_scans, real_scan

from photosynth.core.camera import Camera, project
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.meshes import FixedMeshes
from photosynth.core.scene import Background, Environment, Light, Placement, PlainFill, Scene
from photosynth.render.raster.engine import RasterEngine

ROOT = Path(__file__).parents[2]


def test_a_second_process_compiles_nothing(tmp_path):
    """Kernels come from the disk cache (a process of its own, for the hash seed and the first compilation)."""
    code = (
        "import numpy as np\n"
        "from photosynth.render.raster.transform import transform_vertices as k\n"
        "a = np.zeros((1, 3))\n"
        "k(a.astype(np.float32), np.eye(4), np.ones(3), 1e-3, a, a.copy(), np.zeros(5))\n"
        "print(sum(k.stats.cache_hits.values()), sum(k.stats.cache_misses.values()))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    runs = []
    for seed in ("1", "2", "3"):
        environment["PYTHONHASHSEED"] = seed
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        runs.append(done.stdout.split())
    assert runs == [["0", "1"], ["1", "0"], ["1", "0"]]


@pytest.mark.slow
def test_kernels_stay_in_bounds():
    """The twin and robustness tests once more with every array access checked (compiled apart from the others)."""
    folder = ROOT / "tests" / "unit" / "render_raster"
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    files = [str(folder / "test_raster_twin.py"), str(folder / "test_raster_robustness.py")]
    done = subprocess.run(
        command + files, env={**os.environ, "NUMBA_BOUNDSCHECK": "1"}, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-3000:]


@needs_scans
def test_a_real_scan_is_where_its_vertices_project():
    mesh = real_scan("006_mustard_bottle")
    camera = Camera(
        size_wh=(200, 240),
        focal_px=400.0,
        principal_px=(100.0, 120.0),
        world_from_cam=as_matrix4(look_at(np.array([0.35, -0.3, 0.2]), np.zeros(3))),
    )
    scene = Scene(
        index=0,
        camera=camera,
        placements=(Placement(asset_id="scan", part="whole", class_name="scan"),),
        lights=(Light(position_m=(0.5, -0.8, 0.9), radius_m=0.05, power_w=20.0),),
        environment=Environment(map_file="package:lobby.exr", strength=0.4),
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )
    layers = RasterEngine(FixedMeshes({("scan", "whole"): mesh})).render(scene)
    pixels, depth = project(camera, mesh.vertices_m)
    x, y = np.floor(pixels).astype(int).T
    owned = layers.instance_ids > 0
    assert owned[y, x].mean() > 0.95  # those on the outline may fall beside it
    assert owned[:, [0, -1]].sum() == owned[[0, -1]].sum() == 0
    assert layers.full_area_px[0] == owned.sum()
    hits = owned[y, x]
    assert (layers.depth_m[y[hits], x[hits]] <= depth[hits] + 0.01).mean() > 0.98
    red, _, blue = layers.radiance[owned].mean(axis=0)
    assert red > 2 * blue  # a yellow bottle
