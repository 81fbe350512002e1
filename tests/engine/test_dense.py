"""Dense reconstruction on photos that the rasteriser takes of a known object."""

from __future__ import annotations

import numpy as np
import pytest

from photosynth.core.camera import Camera
from photosynth.core.geometry import as_matrix4, look_at
from photosynth.core.mesh import Mesh
from photosynth.core.meshes import FixedMeshes
from photosynth.core.registry import render_engine
from photosynth.core.scene import Background, Environment, Placement, PlainFill, Scene
from photosynth.reconstruct.depth import DepthConfig, choose_sources, estimate_depth, subject_of, view_angles
from photosynth.reconstruct.fusion import FusionConfig, fuse
from photosynth.reconstruct.predict import predict, psnr
from photosynth.reconstruct.surface import SurfaceConfig, build_surface, object_points
from photosynth.reconstruct.texture import TextureConfig, bake
from photosynth.reconstruct.views import View

RADII = np.array([0.10, 0.08, 0.06])
SIDE = 150


def ellipsoid(rings: int = 40, texture_px: int = 512) -> Mesh:
    """An ellipsoid with blotches of several sizes."""
    import cv2

    i, j = (a.ravel() for a in np.meshgrid(np.arange(rings + 1), np.arange(2 * rings + 1), indexing="ij"))
    elevation, azimuth = np.pi * (i / rings - 0.5), np.pi * j / rings
    unit = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], 1)
    normals = unit / RADII
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    row = 2 * rings + 1
    k = (np.arange(rings)[:, None] * row + np.arange(2 * rings)).ravel()
    faces = np.concatenate([np.stack([k, k + 1, k + row + 1], 1), np.stack([k, k + row + 1, k + row], 1)])
    rng = np.random.default_rng(0)
    texture = np.full((texture_px, texture_px, 3), 128, np.float32)
    for cells in (8, 32, 96):
        noise = rng.uniform(-60, 60, (cells, cells, 3)).astype(np.float32)
        texture += cv2.resize(noise, (texture_px, texture_px), interpolation=cv2.INTER_LINEAR)
    return Mesh(
        vertices_m=(unit * RADII).astype(np.float32),
        normals=normals.astype(np.float32),
        uv=np.stack([j / rings / 2, i / rings], axis=1).astype(np.float32),
        faces=faces.astype(np.int32),
        texture=np.clip(texture, 20, 235).astype(np.uint8),
    )


def photograph(mesh: Mesh, eye: np.ndarray) -> tuple[View, np.ndarray]:
    """A flatly lit photo from `eye`, and its true depth."""
    camera = Camera(
        size_wh=(SIDE, SIDE),
        focal_px=1.6 * SIDE,
        principal_px=(SIDE / 2, SIDE / 2),
        world_from_cam=as_matrix4(look_at(eye, np.zeros(3))),
    )
    scene = Scene(
        index=0,
        camera=camera,
        placements=(Placement(asset_id="a", part="whole", class_name="a", roughness=1.0, specular_f0=0.0),),
        environment=Environment(strength=1.0),
        background=Background(fill=PlainFill(color_srgb=(0.5, 0.5, 0.5))),
    )
    layers = render_engine("raster", FixedMeshes({("a", "whole"): mesh})).render(scene)
    linear = np.clip(layers.radiance + 0.2 * (1 - layers.coverage[..., None]), 0, 1)
    image = np.rint(255 * np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
    inverse = camera.cam_from_world()
    matrix = np.array([[1.6 * SIDE, 0, SIDE / 2 - 0.5], [0, 1.6 * SIDE, SIDE / 2 - 0.5], [0, 0, 1]])
    return View("", image.astype(np.uint8), matrix, inverse[:3, :3], inverse[:3, 3]), layers.depth_m


@pytest.fixture(scope="module")
def walk():
    """Photos all round, their true depths, and the object's subject."""
    mesh = ellipsoid()
    eyes = []
    for elevation, count in ((-50, 7), (-16, 10), (18, 10), (52, 7)):
        for azimuth in np.arange(count) * 2 * np.pi / count + elevation:
            e = np.radians(elevation)
            eyes.append(0.45 * np.array([np.cos(e) * np.cos(azimuth), np.cos(e) * np.sin(azimuth), np.sin(e)]))
    taken = [photograph(mesh, eye) for eye in eyes]
    points = mesh.vertices_m[::37].astype(float)
    return [view for view, _ in taken], [depth for _, depth in taken], subject_of(points, table=False)


@pytest.fixture(scope="module")
def depths(walk):
    views, _, subject = walk
    config = DepthConfig(angle_deg=22.0)
    angles = view_angles(views, subject.centre)
    return [estimate_depth(config, views, k, subject, angles) for k in range(len(views))], angles


def test_sources_stand_at_the_wanted_angle(walk):
    views, _, subject = walk
    angles = view_angles(views, subject.centre)
    picked = choose_sources(DepthConfig(), angles, 10)
    assert 10 not in picked
    assert all(3 < angles[10, j] < 42 for j in picked)
    assert angles[10, picked[0]] == min(angles[10][(angles[10] > 3)], key=lambda a: abs(a - 14))


def test_depth_is_that_of_the_surface(walk, depths):
    _, truth, _ = walk
    for k in (3, 10, 20):
        found, true = depths[0][k].depth, truth[k]
        both = (found > 0) & np.isfinite(true)
        assert both.sum() > 0.8 * np.isfinite(true).sum()
        error = np.abs(found - true)[both] / true[both]
        assert np.median(error) < 0.0018
        assert np.percentile(error, 90) < 0.01


def test_the_same_again(walk, depths):
    views, _, subject = walk
    again = estimate_depth(DepthConfig(angle_deg=22.0), views, 3, subject, depths[1])
    assert np.array_equal(again.depth, depths[0][3].depth)


def test_surface_and_texture(walk, depths):
    views, _, subject = walk
    held = [8, 14]
    cloud, confirmed = fuse(FusionConfig(), views, depths[0], depths[1], subject.diagonal)
    assert sum((c > 0).sum() for c in confirmed) > 40_000
    kept = object_points(SurfaceConfig(), cloud, subject.points, subject.diagonal, table=False)
    surface = build_surface(SurfaceConfig(faces=4000, octree_depth=7), kept, subject.diagonal, ground=None)
    assert surface.closed
    assert len(surface.faces) <= 4000
    level = np.linalg.norm(surface.vertices / RADII, axis=1) - 1  # 0 on the ellipsoid
    assert np.abs(level).mean() < 0.01
    assert np.abs(level.mean()) < 0.008
    import trimesh

    mesh = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADII.prod(), rel=0.02)
    shown = [view for k, view in enumerate(views) if k not in held]
    texture = bake(TextureConfig(side_px=384), surface, np.asarray(mesh.vertex_normals), shown, subject.diagonal)
    assert texture.seen_vertices.mean() > 0.98
    assert np.abs(np.log(texture.gains)).max() < 0.05
    for k in held:
        predicted = predict(views[k], surface, texture)
        assert psnr(predicted, views[k].image) > 26
    wrong = predict(views[held[0]], surface, texture)
    assert psnr(wrong, views[held[1]].image) < 20  # the check can fail
