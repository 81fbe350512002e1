"""Slabs as meshes: geometry, orientation of the fill, colour, sharing of textures."""

import numpy as np
import pytest

from photosynth.core.geometry import IDENTITY
from photosynth.core.scene import FILL_SIDE_PX, PlainFill, Slab
from photosynth.render.color import srgb_from_linear
from photosynth.render.fills import draw_fill
from photosynth.render.slabs import MAX_ALBEDO, slab_mesh


def slab(size_m=(0.8, 0.6, 0.1), fill_size_m=0.4, fill=None, **settings) -> Slab:
    fill = fill or PlainFill(color_srgb=(0.5, 0.25, 0.75))
    return Slab(size_m=size_m, world_from_slab=IDENTITY, fill=fill, fill_size_m=fill_size_m, **settings)


def test_a_slab_is_a_closed_box_that_faces_outwards():
    mesh = slab_mesh(slab())
    assert mesh.vertices_m.shape == (24, 3)
    assert mesh.faces.shape == (12, 3)
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]].astype(float) for k in range(3))
    area = np.cross(b - a, c - a)
    volume = (area * a).sum() / 6  # divergence theorem: positive only if all faces look outwards
    assert volume == pytest.approx(0.8 * 0.6 * 0.1, rel=1e-6)
    assert np.linalg.norm(area, axis=1).sum() / 2 == pytest.approx(2 * (0.48 + 0.08 + 0.06), rel=1e-6)
    outwards = area / np.linalg.norm(area, axis=1, keepdims=True)
    for k in range(3):
        np.testing.assert_allclose(mesh.normals[mesh.faces[:, k]], outwards, atol=1e-6)


def test_uv_counts_repeats_from_the_stated_edges():
    mesh = slab_mesh(slab((0.8, 0.6, 0.1)))
    for normal, across, up in (((0, 0, 1), 0, 1), ((0, 0, -1), 0, 1), ((1, 0, 0), 1, 2), ((0, -1, 0), 0, 2)):
        on_face = (mesh.normals == np.array(normal)).all(axis=1)
        uv, at = mesh.uv[on_face], mesh.vertices_m[on_face]
        np.testing.assert_allclose(uv[:, 0], (at[:, across] - at[:, across].min()) / 0.4, atol=1e-6)
        np.testing.assert_allclose(uv[:, 1], 1 - (at[:, up].max() - at[:, up]) / 0.4, atol=1e-6)


def test_the_texture_is_the_fill_times_the_gain_and_never_whiter_than_allowed():
    texture = slab_mesh(slab(fill=PlainFill(color_srgb=(1, 0.5, 0)), albedo_gain_linear=(1, 0.5, 1))).texture
    assert texture.shape == (FILL_SIDE_PX, FILL_SIDE_PX, 3)
    linear = np.where(texture / 255 <= 0.04045, texture / 255 / 12.92, ((texture / 255 + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear[0, 0], (MAX_ALBEDO, 0.5 * ((0.5 + 0.055) / 1.055) ** 2.4, 0), atol=4e-3)


def test_textures_are_shared_by_fill_and_gain_alone():
    first = slab_mesh(slab()).texture
    assert slab_mesh(slab(size_m=(2, 1, 1), roughness=0.1)).texture is first
    assert slab_mesh(slab(albedo_gain_linear=(0.5, 1, 1))).texture is not first


def test_texture_is_the_srgb_of_the_fill_times_the_gain():
    fill, gain = PlainFill(color_srgb=(0.0, 0.4, 1.0), end_srgb=(1.0, 0.1, 0.9)), (0.9, 0.5, 1.0)
    light = draw_fill(fill, (FILL_SIDE_PX, FILL_SIDE_PX)) * np.array(gain, np.float32)
    wanted = srgb_from_linear(np.minimum(light, MAX_ALBEDO)) * 255
    texture = slab_mesh(slab(fill=fill, albedo_gain_linear=gain)).texture
    assert np.abs(texture - wanted).max() < 0.8
    assert np.abs(texture - wanted).mean() < 0.26
