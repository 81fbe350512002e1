"""From finished surfaces to assets: frame and size, GLB round trip, look-alikes, preview."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from catalogue_models import AXES, COLOURS, SIDES, box, colour_seen, y_up

from photosynth.catalogue.config import CatalogueConfig, check_config, size_of_class
from photosynth.catalogue.load import LoadedModel, LoadedPart, load_model
from photosynth.catalogue.lookalike import lookalike_meshes
from photosynth.catalogue.normalise import normalise
from photosynth.catalogue.normals import with_normals
from photosynth.catalogue.preview import turntable, view_angles_deg
from photosynth.catalogue.surface import Surface
from photosynth.catalogue.units import mesh_from_surface
from photosynth.core.asset import Asset, AssetPart
from photosynth.core.errors import ConfigError
from photosynth.core.glb import glb_bytes
from photosynth.core.mesh import read_glb
from photosynth.core.meshes import FixedMeshes
from photosynth.core.seen import seen_from


def model(up=None, unit=None, parts=1):
    names = ("whole",) if parts == 1 else ("top", "bottom")
    return LoadedModel(tuple(LoadedPart(n, (-90.0, 90.0), ()) for n in names), up, unit)


def box_mesh(size=(0.1, 0.2, 0.3), steps=4):
    return mesh_from_surface(with_normals(box(size, steps)))


def check_colours(mesh, tolerance=12):
    for side in SIDES:
        seen = colour_seen(mesh.vertices_m, mesh.uv, mesh.faces, mesh.texture, AXES[side])
        assert np.abs(seen - COLOURS[side]).max() < tolerance, f"side {side} shows {seen}"


@pytest.mark.parametrize("cell_px", [16, 200])
def test_glb_round_trip_puts_each_colour_where_it_belongs(tmp_path, cell_px):
    mesh = box_mesh()
    mesh = replace(mesh, texture=np.repeat(np.repeat(mesh.texture[::64, ::64], cell_px, 0), cell_px, 1))
    (tmp_path / "a.glb").write_bytes(glb_bytes(mesh))
    back = read_glb(tmp_path / "a.glb")
    assert np.array_equal(back.vertices_m, mesh.vertices_m)
    assert np.allclose(back.normals, mesh.normals, atol=1e-6)
    assert np.allclose(back.uv, mesh.uv, atol=1e-6)
    assert np.array_equal(back.faces, mesh.faces)
    assert np.abs(back.texture.astype(int) - mesh.texture).mean() < (0.01 if cell_px == 16 else 1.5)
    check_colours(back)


def test_glb_is_aligned_valid_and_repeatable():
    data = glb_bytes(box_mesh())
    assert data == glb_bytes(box_mesh())
    magic, version, total = struct.unpack_from("<4sII", data)
    assert (magic, version, total) == (b"glTF", 2, len(data))
    length = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + length])
    assert length % 4 == 0
    assert all(view["byteOffset"] % 4 == 0 for view in tree["bufferViews"])
    assert tree["accessors"][0]["max"] == pytest.approx([0.05, 0.15, 0.1])


@pytest.mark.parametrize(
    ("up", "asked", "turn"),
    [
        (None, "auto", lambda s: s),
        (None, "y", y_up),
        ("y", "z", y_up),
        ("x", "auto", lambda s: replace(s, vertices=s.vertices[:, [2, 1, 0]] * [1, 1, -1])),
    ],
)
def test_every_up_axis_ends_as_z(up, asked, turn):
    turned = turn(box())
    shifted = replace(turned, vertices=turned.vertices + np.array([3.0, -2.0, 1.0]))
    result = normalise((shifted,), model(up, 1.0), asked, None)
    (surface,) = result.surfaces
    assert np.allclose(surface.vertices.min(axis=0), (-0.05, -0.1, -0.15))
    assert np.allclose(surface.vertices.max(axis=0), (0.05, 0.1, 0.15))
    assert result.size_m == pytest.approx((0.1, 0.2, 0.3))
    for side in SIDES:
        seen = colour_seen(surface.vertices, surface.uv, surface.faces, surface.texture, AXES[side])
        assert np.abs(seen - COLOURS[side]).max() < 12


@pytest.mark.parametrize(
    ("unit", "factor", "asked", "longest", "known"),
    [
        (None, 1.0, None, 0.3, True),
        (None, 1000.0, None, 0.3 / np.sqrt(0.14), False),
        (0.001, 1000.0, None, 0.3, True),
        (1.0, 1e6, None, 0.3 / np.sqrt(0.14), False),
        (1.0, 1.0, 0.45, 0.45, True),
        (None, 1000.0, 0.45, 0.45, True),
    ],
)
def test_size_comes_from_the_user_then_the_unit_then_a_guess(unit, factor, asked, longest, known):
    surface = replace(box(), vertices=box().vertices * factor)
    result = normalise((surface,), model(unit=unit), "auto", asked)
    assert max(result.size_m) == pytest.approx(longest)
    assert np.ptp(result.surfaces[0].vertices[:, 2]) == pytest.approx(longest)
    assert result.scale_known is known


def test_halves_of_different_scans_get_one_size():
    bottom = replace(box(), vertices=box().vertices * [2.0, 2.0, 2.2] + 7)
    result = normalise((box(), bottom), model("z", parts=2), "auto", None)
    extents = [np.ptp(s.vertices, axis=0) for s in result.surfaces]
    assert np.allclose(extents[0][:2], extents[1][:2])
    assert np.allclose([s.vertices.min(axis=0) + s.vertices.max(axis=0) for s in result.surfaces], 0, atol=1e-9)
    assert not result.scale_known
    assert np.linalg.norm(result.size_m) == pytest.approx(1.0)
    assert "0.500" in result.notes[0]
    assert "10%" in result.notes[0]


def stripes(rng, width, height):
    out = np.zeros((height, width, 3), np.uint8)
    out[:, : width // 2] = (250, 250, 250)
    out[:, width // 2 :] = rng.integers(0, 60, 3)
    return out


def test_lookalikes_keep_the_shape_and_change_the_print():
    parts = {"top": box_mesh(), "bottom": box_mesh()}
    for number in range(2):
        made, note = lookalike_meshes(parts, number, np.random.default_rng(3), stripes, 96)
        again, _ = lookalike_meshes(parts, number, np.random.default_rng(3), stripes, 96)
        assert list(made) == ["top", "bottom"]
        assert note
        for name, mesh in made.items():
            assert np.array_equal(mesh.vertices_m, parts[name].vertices_m)
            assert mesh.texture.shape == (64, 96, 3)
            assert np.array_equal(mesh.texture, again[name].texture)
            old = [colour_seen(box().vertices, box().uv, box().faces, box().texture, AXES[s]) for s in SIDES]
            new = [colour_seen(mesh.vertices_m, mesh.uv, mesh.faces, mesh.texture, AXES[s]) for s in SIDES]
            assert np.mean(np.abs(np.array(old) - new).max(axis=1) > 40) > 0.6
        assert np.array_equal(made["top"].texture, made["bottom"].texture)


def test_a_wrapped_label_goes_round_once_or_twice():
    made, _ = lookalike_meshes({"whole": box_mesh((0.2, 0.2, 0.2), 24)}, 0, np.random.default_rng(0), stripes, 256)
    mesh = made["whole"]
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    light = [
        colour_seen(mesh.vertices_m, mesh.uv, mesh.faces, mesh.texture, (np.cos(a), np.sin(a), 0.01)).mean() > 128
        for a in angles + 0.01
    ]
    changes = sum(a != b for a, b in zip(light, light[1:] + light[:1], strict=True))
    assert changes in (2, 4)


def test_views_keep_to_the_side_that_was_scanned():
    for low, high in ((-90.0, 90.0), (0.0, 90.0), (-90.0, 0.0)):
        angles = view_angles_deg(AssetPart(name="x", model_file="x", elevation_deg=(low, high)))
        assert len(angles) == 8
        assert all(low <= elevation <= high for _, elevation in angles)


@pytest.mark.parametrize(("arc", "band"), [((150.0, 225.0), (-5.0, 55.0)), ((-120.0, -60.0), (30.0, 50.0))])
def test_views_of_a_front_go_along_its_arc(arc, band):
    part = AssetPart(name="x", model_file="x", elevation_deg=band, azimuth_deg=arc)
    angles = np.array(view_angles_deg(part))
    assert angles.shape == (8, 2)
    assert (angles[:6, 0].min(), angles[:6, 0].max()) == arc
    assert len(set(angles[:6, 0])) == 6
    for azimuth, elevation in np.radians(angles):
        level = np.cos(elevation)
        towards = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
        assert seen_from(part, towards, 1e-6)


def test_azimuths_of_a_reconstruction_are_those_of_its_asset(tmp_path):
    """A mesh with z up, written as glTF (y up), is imported with the axes it had: an arc round -y stays one."""
    mesh = mesh_from_surface(with_normals(box()))
    (tmp_path / "model.glb").write_bytes(glb_bytes(mesh))
    (tmp_path / "model.asset.json").write_text('{"azimuth_deg": [-130, -50]}')
    model = load_model(tmp_path / "model.glb", tmp_path, 2048)
    assert model.parts[0].azimuth_deg == (-130.0, -50.0)
    (surface,) = normalise(model.parts[0].surfaces, model, "auto", None).surfaces
    shown = colour_seen(surface.vertices, surface.uv, surface.faces, surface.texture, (0, -1, 0))
    assert np.abs(shown - COLOURS["-y"]).max() < 12


def test_turntable_has_a_row_of_eight_views_for_each_part():
    parts = tuple(AssetPart(name=n, model_file="x") for n in ("top", "bottom"))
    asset = Asset(asset_id="a", class_name="a", parts=parts, size_m=(0.1, 0.2, 0.3), scale_known=True)
    strip = turntable(FixedMeshes({}), [asset, asset], "fake", 32)
    assert strip.shape == (4 * 32, 8 * 32, 3)
    assert strip.dtype == np.uint8
    assert (strip[16, 16::32] != strip[0, 0]).any(axis=1).all()


def test_settings_that_cannot_work_are_named():
    for bad in ({"max_faces": 3}, {"n_distractors": -1}, {"size_m": {"a": 0.0}}, {"debris_fraction": 0.9}):
        with pytest.raises(ConfigError, match=next(iter(bad))):
            check_config(CatalogueConfig(**bad))
    assert size_of_class(CatalogueConfig(size_m={"cafe\u0301": 0.2}), "caf\u00e9") == 0.2
    assert size_of_class(CatalogueConfig(size_m={"mug": 0.2}), "cup") is None


def test_a_mesh_that_is_not_finite_is_refused():
    surface = with_normals(box())
    with pytest.raises(ConfigError, match="not finite"):
        mesh_from_surface(replace(surface, vertices=surface.vertices * np.nan))
    with pytest.raises(ConfigError, match="without normals"):
        mesh_from_surface(Surface(surface.vertices, surface.faces))
