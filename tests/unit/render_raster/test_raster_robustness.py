"""Broken meshes, cameras and scenes: no crash, no poisoned picture, clear errors."""

import numpy as np
import pytest
from raster_scenes import box, camera, ground, lamp, placement, scene, source, sphere

from photosynth.core.errors import EngineError
from photosynth.core.mesh import Mesh
from photosynth.core.scene import Environment
from photosynth.render.raster.engine import RasterEngine

LIGHTS = [lamp(), lamp((0, 0, 0.01)), lamp((0, 0, 0), radius_m=0.0)]


def render(mesh, cam=None, lights=LIGHTS, **settings):
    layers = RasterEngine(source(thing=mesh)).render(scene([placement("thing", **settings)], lights, cam=cam))
    assert np.isfinite(layers.radiance).all()
    assert np.isfinite(layers.normals).all()
    assert np.isfinite(layers.full_area_px).all()
    assert (layers.radiance >= 0).all()
    assert not layers.radiance[layers.coverage == 0].any()
    return layers


def test_nan_vertices_drop_their_triangles_only():
    mesh = box()
    whole = render(mesh)
    mesh.vertices_m[0] = np.nan
    mesh.vertices_m[5, 1] = np.inf
    mesh.normals[9] = np.nan
    mesh.uv[10] = np.nan
    damaged = render(mesh)
    assert 0 < damaged.coverage.sum() <= whole.coverage.sum()


def test_absent_normals_are_computed():
    mesh = sphere(rings=16)
    bare = Mesh(mesh.vertices_m, np.zeros((0, 3), np.float32), mesh.uv, mesh.faces, mesh.texture)
    a, b = render(mesh), render(bare)
    owned = a.instance_ids == 1
    cosine = (a.normals[owned] * b.normals[owned]).sum(axis=1)
    assert np.quantile(cosine, 0.1) > 0.97


def test_zero_area_triangles_and_wrong_indices_are_dropped():
    mesh = box()
    whole = render(mesh)
    extra = np.array([(0, 0, 1), (2, 2, 2), (-1, 3, 4), (0, 1, 10**6)], np.int32)
    padded = Mesh(mesh.vertices_m, mesh.normals, mesh.uv, np.concatenate([extra, mesh.faces]), mesh.texture)
    np.testing.assert_array_equal(render(padded).radiance, whole.radiance)


@pytest.mark.parametrize("uv", [0.0, 1e30, -np.inf, np.nan])
def test_degenerate_texture_coordinates_do_not_poison(uv):
    mesh = box()
    mesh.uv[:] = uv
    assert render(mesh).coverage.any()


def test_empty_meshes_draw_nothing():
    mesh = box()
    assert not render(Mesh(mesh.vertices_m, mesh.normals, mesh.uv, mesh.faces[:0], mesh.texture)).coverage.any()
    none = Mesh(mesh.vertices_m[:0], mesh.normals[:0], mesh.uv[:0], mesh.faces[:0], mesh.texture)
    assert render(none).full_area_px[0] == 0


def test_objects_behind_the_camera_are_not_seen():
    layers = render(box(), camera((0.3, -0.4, 0.3), (0.6, -0.8, 0.6)))
    assert not layers.coverage.any()
    assert layers.full_area_px[0] == 0


@pytest.mark.parametrize("eye_m", [(0, 0, 0.001), (0.0499, 0, 0), (0.0504, 0.01, 0.02)])
def test_cameras_inside_or_at_an_object_do_not_crash(eye_m):
    render(box(), camera(eye_m, (1, 0.3, 0.2)))
    render(sphere(), camera(eye_m, (-1, 0.3, 0.2)))


def test_a_floor_that_passes_under_the_camera_is_clipped_not_dropped():
    layers = render(ground(4.0), camera((0, 0, 0.1), (1, 0, 0.05)), lights=[])
    assert layers.coverage[-1].all()
    assert not layers.coverage[0].any()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 50), (50, 1), (3, 2)])
def test_tiny_pictures(size_wh):
    layers = render(box(), camera(size_wh=size_wh, focal_px=20))
    assert layers.radiance.shape == (size_wh[1], size_wh[0], 3)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_extreme_scales(scale):
    render(sphere(), scale=scale)


def test_extreme_materials_and_eight_lights():
    for roughness, f0 in ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        render(sphere(), lights=[lamp((0.1 * k, 0.5, 0.5)) for k in range(8)], roughness=roughness, specular_f0=f0)


def test_a_light_among_the_objects_lights_them():
    engine = RasterEngine(source(box=box(), ball=sphere()))
    things = [placement("box", (-0.15, 0, 0)), placement("ball", (0.15, 0, 0))]
    dark = Environment(strength=0.0)
    layers = engine.render(scene(things, [lamp((0, -0.1, 0.1), 1.0)], dark, camera((0, -0.6, 0.2))))
    for k in (1, 2):
        assert layers.radiance[layers.instance_ids == k].max() > 0.01


def test_wrong_numbers_are_refused_by_scene():
    engine = RasterEngine(source(box=box()))
    sheared = placement("box", scale=1.0)
    matrix = [list(row) for row in sheared.world_from_object]
    matrix[0][1] = 0.5
    wrong = type(sheared)(
        asset_id="box", part="whole", class_name="box", world_from_object=tuple(tuple(r) for r in matrix)
    )
    with pytest.raises(EngineError, match=r"scene 7.*rotation, uniform scale"):
        engine.render(scene([wrong]))
    with pytest.raises(EngineError, match="focal length"):
        engine.render(scene([placement("box")], cam=camera(focal_px=0.0)))
    bent = camera()
    bent = type(bent)(
        size_wh=bent.size_wh, focal_px=bent.focal_px, principal_px=bent.principal_px,
        world_from_cam=bent.world_from_cam, distortion=(0.1, 0.0, 0.0, 0.0),
    )  # fmt: skip
    with pytest.raises(EngineError, match="distortion"):
        engine.render(scene([placement("box")], cam=bent))
