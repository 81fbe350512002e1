"""Cleaning, normals, simplification, atlas, baking: surfaces in, surfaces out."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import trimesh
from catalogue_models import AXES, COLOURS, SIDES, box, box_picture, colour_seen

from photosynth.catalogue.atlas import combine
from photosynth.catalogue.bake import fill_gaps, find_texels, texture_from_points, unwrap
from photosynth.catalogue.clean import clean, without_flat_normals
from photosynth.catalogue.config import CatalogueConfig
from photosynth.catalogue.finish import finish_part, relay
from photosynth.catalogue.normals import with_normals
from photosynth.catalogue.simplify import simplify
from photosynth.catalogue.surface import Surface, face_normals, join
from photosynth.core.errors import ConfigError


def check_colours(surface, tolerance=12):
    for side in SIDES:
        seen = colour_seen(surface.vertices, surface.uv, surface.faces, surface.texture, AXES[side])
        assert np.abs(seen - COLOURS[side]).max() < tolerance, f"side {side} shows {seen}"


@cache
def textured_ball(subdivisions=5):
    """A sphere of unit radius unwrapped along one meridian, its texture the direction as a colour."""
    ball = trimesh.creation.uv_sphere(1.0, count=[8 * subdivisions, 16 * subdivisions])
    vertices, faces = np.asarray(ball.vertices), np.asarray(ball.faces)
    index, faces, uv = unwrap(vertices, faces, 256)
    vertices = vertices[index]
    texels = find_texels(uv, faces, (256, 256))
    texture, covered = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), bool)
    texture[texels.rows, texels.columns] = np.round((texels.interpolate(vertices, faces) + 1) * 127.5)
    covered[texels.rows, texels.columns] = True
    return Surface(vertices, faces, uv=uv, texture=fill_gaps(texture, covered))


def colour_error(surface):
    """Largest and mean difference (0..255) between the texture and the direction, over points on the surface."""
    rng = np.random.default_rng(0)
    face = rng.integers(0, len(surface.faces), 20_000)
    weights = rng.dirichlet((1, 1, 1), len(face))
    corner = surface.faces[face]
    point = np.einsum("nk,nkc->nc", weights, surface.vertices[corner])
    uv = np.einsum("nk,nkc->nc", weights, surface.uv[corner])
    height, width = surface.texture.shape[:2]
    seen = surface.texture[
        np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1),
        np.clip((uv[:, 0] * width).astype(int), 0, width - 1),
    ]
    error = np.abs(seen - (point + 1) * 127.5).max(axis=1)
    return np.percentile(error, 99.5), error.mean()


def open_edges(surface):
    """How many edges, by place, do not have exactly two faces."""
    _, place = np.unique(np.round(surface.vertices, 6), axis=0, return_inverse=True)
    corners = place.reshape(-1)[surface.faces]
    edges = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] != 2).sum())


def test_broken_geometry_goes_and_the_texture_stays():
    good = box(steps=3)
    n = len(good.vertices)
    spoiled = Surface(
        np.concatenate(
            [good.vertices, [[np.nan, 0, 0], [9, 9, 9], [0.049, 0.049, 0.2], [0.05, 0.049, 0.2], [0.05, 0.05, 0.2]]]
        ),
        np.concatenate([good.faces, [[0, 1, n], [5, 5, 6], [n + 2, n + 3, n + 4], good.faces[0][[1, 2, 0]]]]),
        uv=np.concatenate([good.uv, np.zeros((5, 2))]),
        texture=good.texture,
    )
    cleaned, notes = clean(spoiled, 0.001, "x")
    assert len(cleaned.faces) == len(good.faces)
    assert np.allclose(np.ptp(cleaned.vertices, axis=0), (0.1, 0.2, 0.3))
    assert len(cleaned.vertices) == n
    check_colours(cleaned)
    assert notes == ("3 broken or empty faces dropped", "1 small loose pieces dropped")


def test_a_vertex_absurdly_far_off_is_a_mistake():
    good = box(steps=4)
    spiked = good.vertices.copy()
    spiked[30] = (1e20, 0.0, 0.0)
    cleaned, notes = clean(replace(good, vertices=spiked), 0.001, "x")
    assert np.allclose(np.ptp(cleaned.vertices, axis=0), (0.1, 0.2, 0.3))
    assert len(good.faces) - 6 <= len(cleaned.faces) < len(good.faces)
    assert "broken" in notes[0]


def test_nothing_left_is_an_error():
    flat = Surface(np.zeros((3, 3)), np.array([[0, 1, 2]]), uv=np.zeros((3, 2)), texture=box_picture())
    with pytest.raises(ConfigError, match="no face with an area"):
        clean(flat, 0.001, "x")


def test_inside_out_faces_are_turned():
    good = box()
    cleaned, notes = clean(replace(good, faces=good.faces[:, ::-1]), 0.001, "x")
    assert any("inside out" in note for note in notes)
    normal, _ = face_normals(cleaned.vertices, cleaned.faces)
    assert (np.einsum("fc,fc->f", normal, cleaned.vertices[cleaned.faces].mean(axis=1)) > 0).all()


def test_normals_are_smooth_across_seams_and_sharp_at_edges():
    ball = with_normals(textured_ball(3))
    unit = ball.vertices / np.linalg.norm(ball.vertices, axis=1, keepdims=True)
    assert np.einsum("nc,nc->n", ball.normals, unit).min() > 0.99
    assert len(ball.vertices) == len(textured_ball(3).vertices)
    corner = trimesh.creation.box((1, 1, 1))  # eight shared vertices
    sharp = with_normals(Surface(np.asarray(corner.vertices), np.asarray(corner.faces)))
    facing, _ = face_normals(sharp.vertices, sharp.faces)
    assert len(sharp.vertices) == 24
    fine = with_normals(box(steps=6))  # edges of two faces only
    facing_fine, _ = face_normals(fine.vertices, fine.faces)
    assert np.allclose(fine.normals[fine.faces], facing_fine[:, None, :], atol=1e-6)
    assert np.allclose(sharp.normals[sharp.faces], facing[:, None, :], atol=1e-6)


def test_flat_normals_of_a_fine_mesh_are_forgotten_and_others_kept():
    ball = trimesh.creation.icosphere(4, 1.0)
    facing, _ = face_normals(ball.vertices, ball.faces)
    corners = ball.faces.ravel()
    flat = Surface(ball.vertices[corners], np.arange(len(corners)).reshape(-1, 3), np.repeat(facing, 3, axis=0))
    smooth = without_flat_normals(flat)
    assert smooth.normals is None
    assert len(smooth.vertices) == len(ball.vertices)
    own = Surface(np.asarray(ball.vertices), np.asarray(ball.faces), np.asarray(ball.vertices) * 3.0)
    assert np.allclose(without_flat_normals(own).normals, ball.vertices, atol=1e-9)


@pytest.mark.parametrize("target", [1500, 400])
def test_simplified_texture_does_not_smear_and_the_surface_stays_closed(target):
    ball = textured_ball()
    assert colour_error(ball)[0] < 6
    faces = simplify(ball.vertices, ball.uv, ball.faces, target)
    coarse = ball.compact(faces)
    assert 0.9 * target <= len(faces) <= 1.05 * target
    assert open_edges(coarse) == 0
    assert len(np.unique(np.sort(faces, axis=1), axis=0)) == len(faces)
    radius = np.linalg.norm(coarse.vertices[coarse.faces].mean(axis=1), axis=1)
    assert radius.min() > (0.98 if target == 1500 else 0.88)
    assert radius.mean() > (0.995 if target == 1500 else 0.98)
    worst, mean = colour_error(coarse)
    assert mean < (1.5 if target == 1500 else 2.5)
    assert worst < (4 if target == 1500 else 12)


def test_simplify_keeps_flat_sides_exact_and_their_colours_apart():
    fine = box(steps=12)
    faces = simplify(fine.vertices, fine.uv, fine.faces, 60)
    coarse = fine.compact(faces)
    assert len(faces) <= 62
    assert np.isclose(trimesh.Trimesh(coarse.vertices, coarse.faces).volume, 0.006, rtol=1e-9)
    assert open_edges(coarse) == 0
    check_colours(coarse)


def test_simplify_is_deterministic_and_leaves_small_meshes_alone():
    fine = box(steps=8)
    first, second = (simplify(fine.vertices, fine.uv, fine.faces, 200) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(simplify(fine.vertices, fine.uv, fine.faces, 10_000), fine.faces)


def test_every_texel_of_a_triangle_is_found_once():
    uv = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    texels = find_texels(uv, faces, (17, 9))
    assert len(texels.rows) == 17 * 9
    assert len(set(zip(texels.rows.tolist(), texels.columns.tolist(), strict=True))) == 17 * 9
    back = texels.interpolate(uv, faces)
    assert np.allclose(back[:, 0], (texels.columns + 0.5) / 17)
    assert np.allclose(back[:, 1], 1 - (texels.rows + 0.5) / 9)


def test_gaps_take_the_nearest_colour():
    texture = np.zeros((9, 9, 3), np.uint8)
    covered = np.zeros((9, 9), bool)
    texture[4, 1], texture[4, 7] = (255, 0, 0), (0, 0, 255)
    covered[4, [1, 7]] = True
    filled = fill_gaps(texture, covered)
    assert (filled[:, :4] == (255, 0, 0)).all()
    assert (filled[:, 5:] == (0, 0, 255)).all()


def test_vertex_colours_become_a_texture():
    ball = trimesh.creation.icosphere(3, 1.0)
    colors = np.round((ball.vertices + 1) * 127.5).astype(np.uint8)
    surface, notes = finish_part(
        (Surface(ball.vertices, np.asarray(ball.faces), colors=colors),), CatalogueConfig(), "x"
    )
    worst, mean = colour_error(surface)
    assert worst < 8
    assert mean < 2
    assert any("vertex colours" in note for note in notes)


def test_a_dense_coloured_scan_is_reduced_without_losing_its_colours():
    ball = trimesh.creation.icosphere(5, 1.0)
    colors = np.round((ball.vertices + 1) * 127.5).astype(np.uint8)
    surface, _ = finish_part(
        (Surface(ball.vertices, np.asarray(ball.faces), colors=colors),), CatalogueConfig(max_faces=2000), "x"
    )
    assert len(surface.faces) <= 2000
    worst, mean = colour_error(surface)
    assert worst < 16
    assert mean < 3


def test_a_texture_with_a_seam_at_every_face_is_laid_out_anew():
    fine = box(steps=10)
    corners = fine.faces.ravel()
    jitter = np.random.default_rng(0).uniform(-0.01, 0.01, (len(corners) // 3, 1, 2)).repeat(3, axis=1).reshape(-1, 2)
    soup = Surface(
        fine.vertices[corners],
        np.arange(len(corners)).reshape(-1, 3),
        uv=fine.uv[corners] + jitter,
        texture=fine.texture,
    )
    assert len(simplify(soup.vertices, soup.uv, soup.faces, 200)) > 250
    surface, notes = finish_part((soup,), CatalogueConfig(max_faces=200), "x")
    assert len(surface.faces) <= 200
    assert any("laid out anew" in note for note in notes)
    check_colours(surface)


def test_several_materials_share_one_atlas():
    whole = box()
    pieces = []
    for k, side in enumerate(SIDES):
        faces = whole.faces[2 * k : 2 * k + 2]
        piece = whole.compact(faces)
        if k < 4:
            tall = np.full((40 + 30 * k, 50, 3), COLOURS[side], np.uint8)
            local = (piece.uv - piece.uv.min(axis=0)) / np.ptp(piece.uv, axis=0)
            pieces.append(replace(piece, uv=local, texture=tall))
        else:
            pieces.append(Surface(piece.vertices, piece.faces, plain=COLOURS[side]))
    surface, notes = finish_part(tuple(pieces), CatalogueConfig(max_texture_px=128), "x")
    assert max(surface.texture.shape[:2]) <= 128
    check_colours(surface)
    assert any("6 textures were put into one" in note for note in notes)


def test_repeated_textures_are_brought_into_the_unit_square():
    vertices = np.array([[0, 0, 0], [3, 0, 0], [3, 1, 0], [0, 1, 0]], float)
    half = np.zeros((8, 8, 3), np.uint8)
    half[:, 4:] = 255
    tiled = Surface(
        vertices, np.array([[0, 1, 2], [0, 2, 3]]), uv=np.array([[-2, 5], [1, 5], [1, 6], [-2, 6]], float), texture=half
    )
    surface, _ = combine([tiled], 2048)
    assert surface.uv.min() >= 0
    assert surface.uv.max() <= 1
    for x, expected in ((0.25, 0), (0.75, 255), (1.25, 0), (2.75, 255)):
        u = surface.uv[0] + (surface.uv[1] - surface.uv[0]) * x / 3
        assert surface.texture[4, int(u[0] * surface.texture.shape[1])].tolist() == [expected] * 3


def test_no_look_at_all_is_an_error_and_plain_colour_is_a_note():
    bare = Surface(box().vertices, box().faces)
    with pytest.raises(ConfigError, match="no texture, no texture coordinates, no vertex colours"):
        finish_part((bare,), CatalogueConfig(), "x")
    surface, notes = finish_part((replace(bare, plain=(10, 200, 30)),), CatalogueConfig(), "x")
    assert (surface.texture == (10, 200, 30)).all()
    assert any("plain colours" in note for note in notes)


def test_relaying_and_unwrapping_are_deterministic():
    ball = textured_ball(4)
    texels = find_texels(ball.uv, ball.faces, (256, 256))
    points = texels.interpolate(ball.vertices, ball.faces)
    colors = ball.texture[texels.rows, texels.columns]
    first, second = (relay(ball, points, colors, 600, 128) for _ in range(2))
    assert np.array_equal(first.uv, second.uv)
    assert np.array_equal(first.texture, second.texture)
    again = texture_from_points(points, colors, first.vertices, first.uv, first.faces, 128)
    assert np.array_equal(again, first.texture)


def test_join_keeps_what_all_have():
    a, b = box(), Surface(box().vertices + 1, box().faces)
    joined = join([a, b])
    assert joined.uv is None
    assert len(joined.vertices) == 48
    assert joined.faces.max() == 47
