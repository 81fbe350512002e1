"""Fewer faces where a mesh is small: the surface and its texture stay, nothing tears, and the picture is the same."""

import dataclasses

import numpy as np
import pytest
from raster_scenes import box, camera, checker, lamp, placement, scene, source, sphere

from photosynth.core.scene import Environment
from photosynth.render.color import srgb_from_linear
from photosynth.render.raster.detail import coarser
from photosynth.render.raster.engine import RasterEngine
from photosynth.render.raster.prepared import SMALL_PX, prepare


def parts(mesh):
    st = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1).astype(np.float32)
    return mesh.vertices_m.astype(np.float32), mesh.normals.astype(np.float32), st, mesh.faces.astype(np.int32)


def edges_of(vertices, faces):
    """Edges between places, and how many faces each has."""
    place = np.unique(vertices, axis=0, return_inverse=True)[1].reshape(-1)[faces]
    pairs = np.sort(np.stack([place, np.roll(place, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0, return_counts=True)


def rim_of(vertices, faces):
    """Where there are edges with other than two faces."""
    places = np.unique(vertices, axis=0)
    pairs, count = edges_of(vertices, faces)
    return {tuple(edge) for edge in places[pairs[count != 2]].reshape(-1, 6).tolist()}


def grid(side=20):
    """A flat square of 1 m with an affine texture."""
    x, y = (a.ravel() / side for a in np.meshgrid(np.arange(side + 1), np.arange(side + 1)))
    vertices = np.stack([x, y, np.zeros_like(x)], axis=1).astype(np.float32)
    a = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + side + 2], 1), np.stack([a, a + side + 2, a + side + 1], 1)])
    st = np.stack([0.2 + 0.5 * x, 0.1 + 0.3 * y], axis=1).astype(np.float32)
    return vertices, np.tile(np.float32([0, 0, 1]), (len(vertices), 1)), st, faces.astype(np.int32)


def test_a_flat_sheet_keeps_its_rim_its_area_and_its_texture():
    vertices, _, st, faces = coarser(*grid(), 1e-4)
    assert len(faces) < 150  # 80 edges of the rim need 78 faces; there were 800
    corners = vertices[faces].astype(float)
    crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert crosses[:, 2].min() > 0
    assert crosses[:, 2].sum() / 2 == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(st, np.stack([0.2 + 0.5 * vertices[:, 0], 0.1 + 0.3 * vertices[:, 1]], 1), atol=1e-6)
    assert (np.unique(edges_of(vertices, faces)[1]) == [1, 2]).all()
    assert (edges_of(vertices, faces)[1] == 1).sum() == 80


@pytest.mark.parametrize("error", [0.002, 0.01])
def test_a_ball_stays_round_closed_and_its_texture_in_place(error):
    whole = parts(sphere(radius_m=1.0, rings=40))
    vertices, normals, st, faces = coarser(*whole, error)
    assert len(faces) < 0.8 * len(whole[3])
    known = {(*v, *t) for v, t in zip(whole[0].tolist(), whole[2].tolist(), strict=True)}
    assert {(*v, *t) for v, t in zip(vertices.tolist(), st.tolist(), strict=True)} <= known
    np.testing.assert_allclose(normals, vertices, atol=1e-5)  # each with the normal it had
    assert rim_of(vertices, faces) == rim_of(whole[0], whole[3])
    middles, at = vertices[faces].mean(axis=1), st[faces].mean(axis=1)
    assert 1 - np.linalg.norm(middles, axis=1).min() < 5 * error
    level = np.abs(middles[:, 2]) < 0.8  # towards the poles this texture turns ever faster
    azimuth = np.arctan2(middles[level, 1], middles[level, 0])
    off = (azimuth - at[level, 0] * 2 * np.pi + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(off).max() < 20 * error


def test_less_error_keeps_more_faces():
    whole = parts(sphere(radius_m=1.0, rings=40))
    counts = [len(coarser(*whole, error)[3]) for error in (0.0005, 0.002, 0.008)]
    assert counts == sorted(counts, reverse=True)
    assert counts[2] < 0.6 * counts[0]


def test_only_small_pictures_of_fine_meshes_are_drawn_with_fewer_faces():
    fine = prepare(sphere(rings=40), 64)
    assert fine.at_size(SMALL_PX + 1) is fine
    coarse = fine.at_size(SMALL_PX - 1)
    assert len(coarse.faces) < len(fine.faces)
    assert coarse.texels is fine.texels
    assert len(coarse.probes.nearest) == len(coarse.vertices)
    assert coarse.probes.nearest.max() < len(coarse.probes.points) < len(fine.probes.points)
    few = prepare(box(), 64)
    assert few.at_size(1) is few


def test_the_picture_of_a_small_object_does_not_change():
    meshes = source(ball=sphere(rings=40, texture=checker(128, 128)), box=box())
    wanted = scene(
        [placement("ball"), placement("box", (0.12, 0.02, 0))],
        [lamp()],
        Environment(map_file="package:lobby.exr"),
        camera(size_wh=(192, 160), focal_px=400),
    )
    engine = RasterEngine(meshes)
    coarse = engine.render(wanted)
    assert engine._prepared["ball", "whole"].coarse is not None
    for key, mesh in engine._prepared.items():
        engine._prepared[key] = dataclasses.replace(mesh, coarse=None)
    whole = engine.render(wanted)
    ball = [layers.instance_ids == 1 for layers in (coarse, whole)]
    assert (ball[0] & ball[1]).sum() / (ball[0] | ball[1]).sum() > 0.995
    both = ball[0] & ball[1]
    assert both.sum() > 2000
    difference = srgb_from_linear(coarse.radiance[both]) - srgb_from_linear(whole.radiance[both])
    assert 37 < -10 * np.log10(np.mean(difference**2)) < 60
    assert np.quantile(np.abs(coarse.depth_m[both] / whole.depth_m[both] - 1), 0.95) < 1e-3
