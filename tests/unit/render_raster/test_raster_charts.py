"""Charts that meet in a pixel are both seen; proxies stay on the surface and cast no shadow on it."""

import numpy as np
import pytest
from msgspec.structs import replace
from raster_scenes import camera, lamp, placement, scene, source

from photosynth.catalogue.demo.packages import demo_object
from photosynth.core.mesh import Mesh
from photosynth.core.scene import Environment
from photosynth.render.raster.charts import charts_of
from photosynth.render.raster.engine import RasterEngine, RasterOptions
from photosynth.render.raster.prepared import SMALL_PROXY_FACES, prepare


def two_squares(apart_uv: float) -> Mesh:
    """Two squares of 0.1 m side by side across y = 0, facing +z: the left one black, the right one white."""
    x, y = np.array([0, 0.1, 0.1, 0]), np.array([-0.1, -0.1, 0, 0])
    vertices = [np.stack([x - 0.05, y + dy, np.zeros(4)], axis=1) for dy in (0.0, 0.1)]
    uv = [np.array([[u, 0.2], [u, 0.4], [u, 0.4], [u, 0.2]]) for u in (0.25, 0.25 + apart_uv)]
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[:, 4:] = 255
    return Mesh(
        vertices_m=np.concatenate(vertices).astype(np.float32),
        normals=np.tile(np.float32([0, 0, 1]), (8, 1)),
        uv=np.concatenate(uv).astype(np.float32),
        faces=np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32),
        texture=texture,
    )


def test_charts_are_parts_of_a_continuous_texture():
    for apart, charts in ((0.5, [0, 0, 1, 1]), (0.0, [0, 0, 0, 0])):
        mesh = two_squares(apart)
        assert charts_of(mesh.vertices_m, mesh.uv, mesh.faces).tolist() == charts
    assert charts_of(mesh.vertices_m, mesh.uv, mesh.faces[:0]).shape == (0,)


def test_a_pixel_on_a_seam_shows_both_charts_in_linear_light():
    meshes = source(sheet=two_squares(0.5))
    cam = camera((0, 0, 0.5), (0, 0, 0), size_wh=(33, 33), focal_px=100)
    flat = scene([placement("sheet", specular_f0=0.0)], [], Environment(strength=1.0), cam)
    layers = RasterEngine(meshes, RasterOptions(ambient_occlusion=False)).render(flat)
    inside = layers.radiance[..., 0][layers.coverage == 1]
    assert (inside < 0.01).any()
    assert (inside > 0.99).any()
    between = inside[(inside > 0.01) & (inside < 0.99)]
    assert len(between) > 10  # the middle row of 33 pixels is cut in half
    np.testing.assert_allclose(between, 0.5, atol=0.26)
    assert np.abs(between - 0.5).min() < 0.01


@pytest.mark.parametrize("name", ["hummus", "cherry_soda", "oat_drink"])
def test_proxies_stay_on_their_surface(name):
    mesh = prepare(demo_object(name, 64), 64, ambient=False)
    points = mesh.vertices[np.unique(mesh.faces)][::29]
    assert len(mesh.small_faces) <= 1.1 * SMALL_PROXY_FACES
    assert distance(points, mesh.proxy_vertices, mesh.proxy_faces).max() < 0.01 * mesh.radius
    assert np.quantile(distance(points, mesh.small_vertices, mesh.small_faces), 0.95) < 0.02 * mesh.radius


def distance(points, vertices, faces):
    """Of each point from a mesh, metres."""
    import trimesh

    return trimesh.proximity.closest_point_naive(trimesh.Trimesh(vertices, faces, process=False), points)[1]


def test_shadow_maps_of_all_sizes_leave_a_lit_ribbed_surface_lit():
    meshes = source(tub=demo_object("hummus", 64))
    engine, means = RasterEngine(meshes, RasterOptions(ambient_occlusion=False)), []
    for width in (160, 320, 400):
        cam = camera((0.1, -0.3, 0.15), (0, 0, 0), size_wh=(width, width), focal_px=1.5 * width)
        lit = scene([placement("tub"), placement("tub", (0.15, 0.1, 0))], [lamp((0.4, -0.5, 0.5))], cam=cam)
        layers = engine.render(replace(lit, environment=Environment(strength=0.0)))
        means.append(float(layers.radiance[layers.instance_ids == 1].mean()))
    assert max(means) < 1.05 * min(means)
