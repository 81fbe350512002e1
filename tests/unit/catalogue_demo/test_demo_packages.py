import math

import numpy as np
import pytest

from photosynth.catalogue.demo.packages import (
    DEMO_CLASSES,
    LOOK_ALIKES,
    demo_object,
    demo_objects,
    write_demo_objects,
)
from photosynth.core.errors import ConfigError
from photosynth.core.glb import glb_bytes
from photosynth.core.mesh import read_glb

PX = 512


@pytest.fixture(scope="module")
def objects():
    return demo_objects(PX)


def test_there_are_enough_objects_and_shapes(objects):
    assert tuple(objects) == DEMO_CLASSES == tuple(sorted(DEMO_CLASSES))
    assert len(objects) >= 8
    assert len({len(m.faces) for m in objects.values()}) >= 6


@pytest.mark.parametrize("name", DEMO_CLASSES)
def test_mesh_is_closed_outward_and_well_formed(objects, check_mesh, name):
    check_mesh(objects[name])
    assert objects[name].texture.shape == (PX, PX, 3)


SIZES_M = {
    "blueberry_yoghurt": (0.092, 0.092, 0.108),
    "chopped_tomatoes": (0.075, 0.075, 0.109),
    "golden_rings": (0.190, 0.058, 0.285),
    "lemon_soda": (0.066, 0.066, 0.1155),
    "orange_juice": (0.070, 0.070, 0.247),
    "tomato_ketchup": (0.076, 0.050, 0.205),
}


@pytest.mark.parametrize("name", SIZES_M)
def test_real_world_size(objects, name):
    assert np.allclose(np.ptp(objects[name].vertices_m, axis=0), SIZES_M[name], atol=1e-3)


def test_can_holds_what_it_says(objects):
    p = objects["lemon_soda"].vertices_m[objects["lemon_soda"].faces].astype(np.float64)
    volume_ml = np.einsum("fd,fd->", p[:, 0], np.cross(p[:, 1], p[:, 2])) / 6 * 1e6
    assert 330 < volume_ml < 330 * 1.15


@pytest.mark.parametrize("pair", LOOK_ALIKES, ids="-".join)
def test_look_alikes_share_shape_and_layout_but_not_flavour(objects, pair):
    a, b = (objects[name] for name in pair)
    for field in ("vertices_m", "normals", "uv", "faces"):
        assert np.array_equal(getattr(a, field), getattr(b, field))
    apart = np.abs(a.texture.astype(int) - b.texture.astype(int)).max(axis=-1) > 24
    assert 0.03 < apart.mean() < 0.40
    assert _block_difference(a, b) > 25


def _block_difference(a, b) -> float:
    """Largest mean difference over a block of 1/16 of the texture's side: the flavour's word and picture."""
    apart = np.abs(a.texture.astype(float) - b.texture.astype(float)).mean(axis=-1)
    n = PX // 16
    return float(apart.reshape(16, n, 16, n).mean(axis=(1, 3)).max())


def test_textures_are_rich(objects):
    for name, mesh in objects.items():
        r, g, b = (mesh.texture.reshape(-1, 3) // 16).astype(int).T
        assert len(np.unique(256 * r + 16 * g + b)) > 100, name


def test_front_looks_along_minus_y(objects):
    """The cereal box's front (seen from -y) shows the blue bowl; its narrow sides do not face that way."""
    mesh = objects["golden_rings"]
    facing = mesh.normals[:, 1] < -0.99
    assert np.ptp(mesh.vertices_m[facing][:, 0]) > 0.18


def test_unknown_class_is_refused():
    with pytest.raises(ConfigError, match="orange_juice"):
        demo_object("anchovies")


def test_files_have_the_same_bytes_each_time_and_read_back(tmp_path):
    paths = write_demo_objects(tmp_path, 96)
    assert [p.name for p in paths] == [f"{name}.glb" for name in DEMO_CLASSES]
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in paths}
    for name in ("golden_rings", "lemon_soda", "orange_juice"):
        mesh, path = demo_object(name, 96), tmp_path / f"{name}.glb"
        assert glb_bytes(mesh) == path.read_bytes()
        back = read_glb(path)
        assert np.array_equal(back.faces, mesh.faces)
        assert np.allclose(back.vertices_m, mesh.vertices_m, atol=1e-7)
        assert np.allclose(back.uv, mesh.uv, atol=1e-6)
        assert math.sqrt(np.mean((back.texture.astype(float) - mesh.texture) ** 2)) < 3.0
