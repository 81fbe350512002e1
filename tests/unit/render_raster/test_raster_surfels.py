"""Surfels: where they lie, how lamps light them, and what they send back in closed rooms and in the open."""

from dataclasses import replace

import numpy as np
import pytest
from raster_scenes import box, camera, lamp, placement, plain, scene, slab, source

from photosynth.core.scene import Environment, PlainFill
from photosynth.render.raster.boxes import box_rows
from photosynth.render.raster.coat import coat_mean, coat_table
from photosynth.render.raster.engine import RasterEngine
from photosynth.render.raster.probes import SH_MEAN, frames_towards, hidden_from_itself
from photosynth.render.raster.sky import AmbientLight
from photosynth.render.raster.surfels import (
    COARSE_CELLS,
    FINE_CELLS,
    GRID,
    SPOTS,
    over_spots,
    place_on_slabs,
    to_spots,
    towards,
)

MESHES = source(box=box())
WHITE = PlainFill(color_srgb=(1.0, 1.0, 1.0))
DARK = Environment(strength=0.0)


@pytest.fixture
def kept(monkeypatch):
    """The ambient lights of the scenes that are rendered."""
    lights = []
    whole = AmbientLight.__init__

    def keeping(self, *args):
        whole(self, *args)
        lights.append(self)

    monkeypatch.setattr(AmbientLight, "__init__", keeping)
    return lights


def laid_out(slabs, middle, radius):
    """grids, firsts, cells, starts, surfels and spots (points and normals) of slabs."""
    rows, room = box_rows(slabs, np.zeros(3)), 6 * FINE_CELLS**2 * len(slabs)
    grids, firsts = np.zeros((len(rows), 6, GRID), np.float32), np.zeros((len(rows), 6), np.int32)
    cells, starts = np.zeros((len(rows), 6, 2), np.int32), np.zeros((2, len(rows) + 1), np.int64)
    surfels, spots = np.zeros((2, room, 3), np.float32), np.zeros((2, SPOTS**2 * room, 3), np.float32)
    middle = np.array(middle, np.float32)
    place_on_slabs(rows, middle, np.float32(radius), 0, grids, firsts, cells, starts, *surfels, *spots)
    return grids, firsts, cells, starts, surfels[:, : starts[0, -1]], spots[:, : starts[1, -1]]


def top_of(light, s=0):
    """Points (from the world's origin) and radiance of the spots on a slab's upper face."""
    sky = light.sky
    grid, first = sky.grids[s, 5], sky.firsts[s, 5]
    across, along = int(grid[8]), int(grid[9])
    i, j = np.meshgrid(np.arange(across) + 0.5, np.arange(along) + 0.5)
    to_cells = np.stack([grid[:3], grid[4:7], sky.boxes[s, 6:9]])
    height = sky.boxes[s, 6:9] @ sky.boxes[s, 9:12] + sky.boxes[s, 14]
    wanted = np.stack([i.ravel() - grid[3], j.ravel() - grid[7], np.full(i.size, height)], axis=1)
    return np.linalg.solve(to_cells, wanted.T).T + light.eye, sky.radiance[first : first + across * along]


def test_each_spot_lies_in_its_own_place_on_its_own_face():
    slabs = slab((0.6, 0.4, 0.02), (0.1, 0.2, 0.3)), slab((0.3, 0.02, 0.5), (-0.2, 0.1, 0.0))
    grids, firsts, _, starts, _, (points, normals) = laid_out(slabs, (0.15, 0.2, 0.4), 0.1)
    rows = box_rows(slabs, np.zeros(3))
    assert starts[1, 0] == 0
    found = 0
    for s in range(2):
        for face in range(6):
            grid, axis = grids[s, face], rows[s, 3 * (face // 2) : 3 * (face // 2) + 3]
            across, along = int(grid[8]), int(grid[9])
            these = slice(firsts[s, face], firsts[s, face] + across * along)
            u, v = points[these] @ grid[:3] + grid[3], points[these] @ grid[4:7] + grid[7]
            numbers = np.floor(v).astype(int) * across + np.floor(u).astype(int)
            np.testing.assert_array_equal(numbers, np.arange(across * along))
            np.testing.assert_allclose(normals[these], np.tile((2 * (face % 2) - 1) * axis, (across * along, 1)))
            depth = (points[these] - rows[s, 9:12]) @ axis * (2 * (face % 2) - 1)
            np.testing.assert_allclose(depth, rows[s, 12 + face // 2], atol=1e-6)
            found += across * along
    assert found == starts[1, -1]


def test_a_surfel_is_the_mean_of_its_spots_and_they_differ_from_it_by_lamps_alone():
    slabs = slab((0.6, 0.4, 0.02), (0.1, 0.2, 0.3)), slab((0.3, 0.02, 0.5), (-0.2, 0.1, 0.0))
    grids, firsts, cells, _, surfels, spots = laid_out(slabs, (0.15, 0.2, 0.4), 0.1)
    assert set(cells[..., 1].ravel()) == {1, SPOTS}
    means = np.full_like(surfels[0], np.nan)
    over_spots(cells, grids, firsts, spots[0], means)
    np.testing.assert_allclose(means, surfels[0], atol=1e-6)
    lamps, radiance = np.random.default_rng(0).random((2, *spots[0].shape), np.float32)
    radiance = np.ascontiguousarray(radiance[: len(means)])
    over_spots(cells, grids, firsts, lamps, means)
    out, again, albedos = np.empty_like(lamps), np.empty_like(means), np.array([[9.0] * 3, [0.5] * 3, [0.2] * 3])
    to_spots(cells, grids, firsts, albedos, 1, lamps, means, radiance, out)
    over_spots(cells, grids, firsts, out, again)
    np.testing.assert_allclose(again, radiance, atol=1e-6)
    face = slice(firsts[0, 5], firsts[0, 5] + SPOTS)  # in one cell
    np.testing.assert_allclose(np.diff(out[face], axis=0), 0.5 * np.diff(lamps[face], axis=0), atol=1e-6)


def test_cells_are_fine_where_objects_are():
    grids, _, cells, _, (points, _), _ = laid_out((slab((4.0, 4.0, 0.02), (0, 0, 0)),), (0.3, -0.2, 0.1), 0.1)
    assert tuple(grids[0, 5, 8:]) == (FINE_CELLS * SPOTS, FINE_CELLS * SPOTS)
    assert tuple(grids[0, 4, 8:]) == (COARSE_CELLS, COARSE_CELLS)
    assert (cells[0, 4, 1], cells[0, 5, 1]) == (1, SPOTS)
    upper = points[points[:, 2] > 0.0099]
    upper = upper[(np.abs(upper[:, 0]) < 1.9) & (np.abs(upper[:, 1]) < 1.9)]
    np.testing.assert_allclose(upper.mean(axis=0)[:2], (0.3, -0.2), atol=0.02)
    assert np.abs(upper[:, 0] - 0.3).max() < 0.17


def test_lamps_light_surfels_and_objects_throw_shadows_on_them(kept):
    """A box hangs under a lamp over a white table: closed form where the lamp is seen, nothing in the middle."""
    board = slab((2.0, 2.0, 0.02), (0, 0, -0.12), fill=WHITE, specular_f0=0.0)
    lamps = [lamp((0, 0, 1.0), radius_m=0.01)]
    black = placement("box", (0, 0, 0), specular_f0=0.0, albedo_gain_linear=(0.0, 0.0, 0.0))
    RasterEngine(MESHES).render(scene([black], lamps, DARK, camera((0.5, -0.5, 0.3)), [board]))
    points, radiance = top_of(kept[0])
    reach = np.abs(points[:, :2]).max(axis=1)
    towards_lamp = np.array(lamps[0].position_m) - points
    distance = np.linalg.norm(towards_lamp, axis=1)
    lit = lamps[0].power_w / (4 * np.pi**2) * towards_lamp[:, 2] / distance**3
    half = np.abs(MESHES.mesh("box", "whole").vertices_m[:, :2]).max()
    under, open_air = reach < 0.6 * half, reach > 2 * half
    assert under.sum() >= 4
    assert open_air.sum() >= 30
    np.testing.assert_allclose(radiance[under], 0, atol=1e-6)
    albedo = kept[0].sky.radiance[kept[0].sky.firsts[0, 5]].max() / lit[0]
    assert 0.9 < albedo <= 1.001
    np.testing.assert_allclose(radiance[open_air], albedo * np.repeat(lit[open_air, None], 3, axis=1), rtol=0.01)


def test_the_inside_of_a_closed_room_is_dark(kept):
    """Six boards and a box between them, under an even sky; the outside is as bright as the sky allows."""
    boards = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            size, at = [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]
            size[axis], at[axis] = 0.02, 0.5 * sign
            boards.append(slab(tuple(size), tuple(at), fill=WHITE, specular_f0=0.0))
    RasterEngine(MESHES).render(scene([placement("box")], [], Environment(strength=1.0), camera(), boards))
    sky = kept[0].sky
    inside = [int(sky.firsts[2 * axis + high, 2 * axis + 1 - high]) for axis in range(3) for high in range(2)]
    outside = [int(sky.firsts[2 * axis + high, 2 * axis + high]) for axis in range(3) for high in range(2)]
    assert sky.radiance[outside].min() > 0.9
    assert all(sky.radiance[first : first + 4].max() < 0.02 for first in inside)
    assert max(one.max() for one in kept[0].back) < 0.02


def test_an_object_alone_sends_light_to_itself(kept):
    """Two white boxes in one mesh, nothing else: their surfaces get what each leaves the other of an even sky."""
    one = box(texture=plain())
    aside = np.array([0.08, 0, 0], np.float32)
    vertices = np.concatenate([one.vertices_m - aside, one.vertices_m + aside])
    twice = {"normals": np.tile(one.normals, (2, 1)), "uv": np.tile(one.uv, (2, 1))}
    faces = np.concatenate([one.faces, one.faces + len(one.vertices_m)])
    pair = replace(one, vertices_m=vertices, faces=faces, **twice)
    alone = placement("pair", specular_f0=0.0, albedo_gain_linear=(0.5, 0.5, 0.5))
    RasterEngine(source(pair=pair)).render(scene([alone], [], Environment(strength=2.0)))
    assert kept[0].sky is None
    probes = kept[0].placed[0].mesh.probes
    (back,) = kept[0].back
    assert back.shape == (probes.seen.shape[1], 3)
    points, normals = probes.points[: len(back)], probes.normals[: len(back)]
    facing = points[:, 0] * normals[:, 0] < -0.01
    assert 4 <= facing.sum() < len(back) - 8
    np.testing.assert_allclose(back[~facing], 1, atol=0.01)
    assert (back[facing] > 0.5).all()
    assert (back[facing] < 0.95).all()
    assert (probes.seen[: len(back)][~facing] == 0).all(), "they see nothing of their own object"
    seen = probes.seen[: len(back)][facing].sum(axis=1)
    np.testing.assert_allclose(seen, probes.hidden[: len(back)][facing][:, 0] / SH_MEAN, atol=1e-5)
    assert (seen > 0.2).all()


def test_an_object_sends_back_what_its_sides_do():
    """Red on the side towards +x, blue on the other: seen from either side, half and half from above."""
    normals = np.array([[1, 0, 0], [-1, 0, 0]] * 3, np.float32)
    radiance = np.array([[1, 0, 0], [0, 0, 1]] * 3, np.float32)
    frames = frames_towards(np.array([[-1.0, 0, 0], [1, 0, 0], [0.6, 0, 0.8]]))
    found = np.empty((3, 1, 3), np.float32)
    towards(frames, normals, np.zeros((6, 9), np.float32), np.eye(3)[None], np.array([0, 6]), radiance, found)
    np.testing.assert_allclose(found[:, 0], [[1, 0, 0], [0, 0, 1], [0, 0, 1]], atol=1e-6)


def test_the_mean_of_a_smooth_coat_is_that_of_fresnels_equations():
    """External diffuse reflectance of an index of 1.5: 0.0918 (Duderstadt's integral, as Egan and Hilgeman, "Optical
    Properties of Inhomogeneous Materials", 1979, give it)."""
    assert coat_mean(0.05, 0.04) == pytest.approx(0.0918, abs=0.001)
    assert coat_mean(0.8, 0.04) < coat_mean(0.3, 0.04)
    assert coat_table(0.5, 0.04).min() < coat_mean(0.5, 0.04) < coat_table(0.5, 0.04).max()


def test_the_inside_of_an_open_box_is_not_seen_from_outside():
    """Walls that are black inside and white outside, without floor or lid: white from the sides. Inside, they see each
    other's insides."""
    sides, points, normals, faces, radiance = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), [], [], [], []
    vertices = []
    for x, y in sides:
        across = np.array([-y, x])
        first = len(vertices)
        for a, z in ((-1, 0), (1, 0), (1, 1), (-1, 1)):
            vertices.append([*(np.array([x, y]) + a * across), z])
        faces += [[first, first + 1, first + 2], [first, first + 2, first + 3]]
        faces += [[c, b, a] for a, b, c in faces[-2:]]
        for sign in (1, -1):
            points.append([1.001 * x if sign > 0 else 0.999 * x, 1.001 * y if sign > 0 else 0.999 * y, 0.5])
            normals.append([sign * x, sign * y, 0])
            radiance.append([1.0] * 3 if sign > 0 else [0.0] * 3)
    points, normals, radiance = (np.array(a, np.float32) for a in (points, normals, radiance))
    shape = np.array(vertices, np.float32), np.array(faces, np.int32)
    hidden, seen = hidden_from_itself(points, normals, *shape, 2.0)
    inside = np.arange(8) % 2 == 1
    assert (seen[~inside].sum(axis=1) < 0.05).all()
    assert (seen[inside].sum(axis=1) > 0.3).all()
    assert seen[inside][:, ~inside].max() < 0.05, "the outer walls are not seen from inside"
    found, frames = np.empty((2, 1, 3), np.float32), frames_towards(np.array([[-1.0, 0, 0], [-0.7, -0.7, 0]]))
    towards(frames, normals, hidden, np.eye(3)[None], np.array([0, 8]), radiance, found)
    assert found.min() > 0.6  # order 2 is blurred
    towards(frames, normals, 0 * hidden, np.eye(3)[None], np.array([0, 8]), radiance, found)
    assert found.max() < 0.6
