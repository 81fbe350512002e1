"""Surfels: where they lie, how lamps light them, and what they send back in closed rooms and in the open."""

from dataclasses import replace

import numpy as np
import pytest
from raster_scenes import box, camera, lamp, placement, plain, scene, slab, source

from photosynth.core.scene import Environment, PlainFill
from photosynth.render.raster.boxes import box_rows
from photosynth.render.raster.coat import coat_mean, coat_table
from photosynth.render.raster.engine import RasterEngine
from photosynth.render.raster.probes import frames_towards
from photosynth.render.raster.sky import AmbientLight
from photosynth.render.raster.surfels import COARSE_CELLS, FINE_CELLS, GRID, place_on_slabs, towards

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
    rows, room = box_rows(slabs, np.zeros(3)), 6 * FINE_CELLS**2 * len(slabs)
    grids, firsts = np.zeros((len(rows), 6, GRID), np.float32), np.zeros((len(rows), 6), np.int32)
    starts, points, normals = np.zeros(len(rows) + 1, np.int64), *np.zeros((2, room, 3), np.float32)
    middle = np.array(middle, np.float32)
    place_on_slabs(rows, middle, np.float32(radius), 0, grids, firsts, starts, points, normals)
    return grids, firsts, starts, points[: starts[-1]], normals[: starts[-1]]


def top_of(light, s=0):
    """Points (from the world's origin) and radiance of the surfels on a slab's upper face."""
    sky = light.sky
    grid, first = sky.grids[s, 5], sky.firsts[s, 5]
    across, along = int(grid[8]), int(grid[9])
    i, j = np.meshgrid(np.arange(across) + 0.5, np.arange(along) + 0.5)
    to_cells = np.stack([grid[:3], grid[4:7], sky.boxes[s, 6:9]])
    height = sky.boxes[s, 6:9] @ sky.boxes[s, 9:12] + sky.boxes[s, 14]
    wanted = np.stack([i.ravel() - grid[3], j.ravel() - grid[7], np.full(i.size, height)], axis=1)
    return np.linalg.solve(to_cells, wanted.T).T + light.eye, sky.radiance[first : first + across * along]


def test_each_surfel_lies_in_its_own_cell_on_its_own_face():
    slabs = slab((0.6, 0.4, 0.02), (0.1, 0.2, 0.3)), slab((0.3, 0.02, 0.5), (-0.2, 0.1, 0.0))
    grids, firsts, starts, points, normals = laid_out(slabs, (0.15, 0.2, 0.4), 0.1)
    rows = box_rows(slabs, np.zeros(3))
    assert starts[0] == 0
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
    assert found == starts[-1]


def test_cells_are_fine_where_objects_are():
    grids, _, _, points, _ = laid_out((slab((4.0, 4.0, 0.02), (0, 0, 0)),), (0.3, -0.2, 0.1), 0.1)
    assert tuple(grids[0, 5, 8:]) == (FINE_CELLS, FINE_CELLS)
    assert tuple(grids[0, 4, 8:]) == (COARSE_CELLS, COARSE_CELLS)
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
    assert kept[0].back.max() < 0.02


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
    assert kept[0].back.shape == (1, 3)
    assert (kept[0].back > 0.75).all()
    assert (kept[0].back < 0.98).all()


def test_an_object_sends_back_what_its_sides_do():
    """Red on the side towards +x, blue on the other: seen from either side, half and half from above."""
    normals = np.array([[1, 0, 0], [-1, 0, 0]] * 3, np.float32)
    radiance = np.array([[1, 0, 0], [0, 0, 1]] * 3, np.float32)
    frames = frames_towards(np.array([[-1.0, 0, 0], [1, 0, 0], [0.6, 0, 0.8]]))
    found = np.empty((3, 1, 3), np.float32)
    towards(frames, normals, np.array([0, 6]), 1, radiance, found)
    np.testing.assert_allclose(found[:, 0], [[1, 0, 0], [0, 0, 1], [0, 0, 1]], atol=1e-6)


def test_the_mean_of_a_smooth_coat_is_that_of_fresnels_equations():
    """External diffuse reflectance of an index of 1.5: 0.0918 (Duderstadt's integral, as Egan and Hilgeman, "Optical
    Properties of Inhomogeneous Materials", 1979, give it)."""
    assert coat_mean(0.05, 0.04) == pytest.approx(0.0918, abs=0.001)
    assert coat_mean(0.8, 0.04) < coat_mean(0.3, 0.04)
    assert coat_table(0.5, 0.04).min() < coat_mean(0.5, 0.04) < coat_table(0.5, 0.04).max()
