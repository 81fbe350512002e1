import json
import struct

import numpy as np
import pytest
import trimesh
from catalogue_models import (
    AXES,
    COLOURS,
    SIDES,
    box,
    box_picture,
    colour_seen,
    half_scans,
    jpeg,
    obj_text,
    write_obj,
    y_up,
)
from PIL import Image

from photosynth.catalogue.load import load_model
from photosynth.core.errors import ConfigError


def check_colours(surface, axes=AXES, tolerance=12):
    for side in SIDES:
        seen = colour_seen(surface.vertices, surface.uv, surface.faces, surface.texture, axes[side])
        assert np.abs(seen - COLOURS[side]).max() < tolerance, f"side {side} shows {seen}"


def as_trimesh(surface):
    image = Image.fromarray(surface.texture)
    visual = trimesh.visual.TextureVisuals(
        surface.uv, material=trimesh.visual.material.PBRMaterial(baseColorTexture=image)
    )
    return trimesh.Trimesh(surface.vertices, surface.faces, visual=visual, process=False)


def test_obj_keeps_its_seams(tmp_path):
    model = load_model(write_obj(tmp_path), tmp_path, 2048)
    (surface,) = model.parts[0].surfaces
    check_colours(surface)
    assert (model.up_axis, model.metres_per_unit) == (None, None)
    assert model.parts[0].elevation_deg == (-90.0, 90.0)


def test_half_scans_are_two_y_up_parts(tmp_path):
    model = load_model(half_scans(tmp_path / "a.model"), tmp_path, 2048)
    assert [p.name for p in model.parts] == ["top", "bottom"]
    assert model.up_axis == "y"
    y_up_axes = {side: (x, z, -y) for side, (x, y, z) in AXES.items()}
    check_colours(model.parts[0].surfaces[0], y_up_axes)


def test_glb_says_metres_and_y_up_and_places_its_nodes(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(as_trimesh(y_up(box())), transform=trimesh.transformations.scale_matrix(2.0))
    (tmp_path / "a.glb").write_bytes(scene.export(file_type="glb"))
    model = load_model(tmp_path / "a.glb", tmp_path, 2048)
    (surface,) = model.parts[0].surfaces
    assert (model.up_axis, model.metres_per_unit) == ("y", 1.0)
    assert np.allclose(np.ptp(surface.vertices, axis=0), (0.2, 0.6, 0.4), atol=1e-5)
    check_colours(surface, {side: (x, z, -y) for side, (x, y, z) in AXES.items()})


def test_mirrored_nodes_still_face_out(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(as_trimesh(y_up(box())), transform=np.diag([-1.0, 1.0, 1.0, 1.0]))
    (tmp_path / "a.glb").write_bytes(scene.export(file_type="glb"))
    (surface,) = load_model(tmp_path / "a.glb", tmp_path, 2048).parts[0].surfaces
    assert trimesh.Trimesh(surface.vertices, surface.faces).volume > 0


@pytest.mark.parametrize(("tag", "up"), [("Z_UP", "z"), ("Y_UP", "y"), ("X_UP", "x")])
def test_collada_says_axis_and_unit(tmp_path, tag, up):
    text = as_trimesh(box()).export(file_type="dae").decode()
    start, end = text.index("<asset>"), text.index("</asset>")
    asset = (
        "<asset><created>2020-01-01T00:00:00</created><modified>2020-01-01T00:00:00</modified>"
        f'<unit meter="0.01" name="cm"/><up_axis>{tag}</up_axis>'
    )
    text = text[:start] + asset + text[end:]
    text = text.replace("<library_effects/>", "")
    (tmp_path / "a.dae").write_text(text)
    model = load_model(tmp_path / "a.dae", tmp_path, 2048)
    assert (model.up_axis, model.metres_per_unit) == (up, 0.01)


def textured_collada(surface, image_path):
    """A COLLADA document whose one material shows a picture file."""
    import collada
    from collada import geometry, material, scene, source

    document = collada.Collada()
    image = material.CImage("image", image_path, document)
    picture = material.Surface("surface", image)
    sampler = material.Sampler2D("sampler", picture)
    effect = material.Effect("effect", [picture, sampler], "lambert", diffuse=material.Map(sampler, "UV0"))
    skin = material.Material("skin", "skin", effect)
    document.images.append(image)
    document.effects.append(effect)
    document.materials.append(skin)
    arrays = [
        source.FloatSource("points", surface.vertices.ravel(), ("X", "Y", "Z")),
        source.FloatSource("coords", surface.uv.ravel(), ("S", "T")),
    ]
    shape = geometry.Geometry(document, "shape", "shape", arrays)
    inputs = source.InputList()
    inputs.addInput(0, "VERTEX", "#points")
    inputs.addInput(1, "TEXCOORD", "#coords", set="0")
    shape.primitives.append(shape.createTriangleSet(np.repeat(surface.faces.ravel(), 2), inputs, "skin"))
    document.geometries.append(shape)
    node = scene.Node("node", children=[scene.GeometryNode(shape, [scene.MaterialNode("skin", skin, inputs=[])])])
    document.scenes.append(scene.Scene("scene", [node]))
    document.scene = document.scenes[0]
    return document


@pytest.mark.parametrize("image_path", ["box.jpg", "file:///C:/somewhere/else/box.jpg"])
def test_collada_textures_are_found_beside_the_file(tmp_path, image_path):
    textured_collada(box(), image_path).write(str(tmp_path / "a.dae"))
    with pytest.raises(ConfigError, match=r"box\.jpg"):
        load_model(tmp_path / "a.dae", tmp_path, 2048)
    (tmp_path / "box.jpg").write_bytes(jpeg(box_picture()))
    check_colours(load_model(tmp_path / "a.dae", tmp_path, 2048).parts[0].surfaces[0])


def test_an_obj_of_two_materials_has_two_surfaces(tmp_path):
    path = write_obj(tmp_path)
    lines = path.read_text().splitlines()
    cut = [k for k, line in enumerate(lines) if line.startswith("f ")][6]
    path.write_text("\n".join([*lines[:cut], "usemtl paint", *lines[cut:]]) + "\n")
    (tmp_path / "box.mtl").write_text("newmtl skin\nmap_Kd box.jpg\nnewmtl paint\nKd 1 0 0\n")
    surfaces = load_model(path, tmp_path, 2048).parts[0].surfaces
    assert sorted((len(s.faces), s.texture is None, s.plain) for s in surfaces if s.texture is None) == [
        (6, True, (255, 0, 0))
    ]
    assert sum(len(s.faces) for s in surfaces) == 12


def test_ply_with_vertex_colours(tmp_path):
    ball = trimesh.creation.icosphere(2, 0.05)
    ball.visual.vertex_colors = np.clip((ball.vertices / 0.1 + 0.5) * 255, 0, 255).astype(np.uint8)
    ball.export(tmp_path / "a.ply")
    (surface,) = load_model(tmp_path / "a.ply", tmp_path, 2048).parts[0].surfaces
    assert surface.texture is None
    assert np.abs(surface.colors / 255 - (surface.vertices / 0.1 + 0.5)).max() < 0.01


def test_face_colours_do_not_blend(tmp_path):
    cube = trimesh.creation.box((1, 1, 1))
    cube.visual.face_colors = np.repeat([[255, 0, 0, 255], [0, 255, 0, 255]], 6, axis=0)
    cube.export(tmp_path / "a.ply")
    (surface,) = load_model(tmp_path / "a.ply", tmp_path, 2048).parts[0].surfaces
    corners = surface.colors[surface.faces]
    assert (corners == corners[:, :1]).all()
    assert len(np.unique(corners.reshape(-1, 3), axis=0)) == 2


def test_a_texture_that_is_absent_or_damaged_is_named(tmp_path):
    path = write_obj(tmp_path)
    (tmp_path / "box.jpg").unlink()
    with pytest.raises(ConfigError, match=r"box\.jpg.*absent"):
        load_model(path, tmp_path, 2048)
    (tmp_path / "box.jpg").write_bytes(b"junk")
    with pytest.raises(ConfigError, match=r"box\.jpg"):
        load_model(path, tmp_path, 2048)
    whole = jpeg(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    (tmp_path / "box.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model(path, tmp_path, 2048)


def test_an_obj_that_names_no_texture_takes_the_one_beside_it(tmp_path):
    (tmp_path / "scan.obj").write_text(obj_text(box()))
    (tmp_path / "photo.jpg").write_bytes(jpeg(box_picture()))
    model = load_model(tmp_path / "scan.obj", tmp_path, 2048)
    check_colours(model.parts[0].surfaces[0])
    assert any("photo.jpg" in note for note in model.notes)


def test_references_stay_inside_the_folder(tmp_path):
    path = write_obj(tmp_path / "objects" / "mug")
    (tmp_path / "secret.jpg").write_bytes(jpeg(box_picture()))
    (path.parent / "box.jpg").unlink()
    for reference in ("../../secret.jpg", str(tmp_path / "secret.jpg"), "..\\..\\secret.jpg"):
        (path.parent / "box.mtl").write_text(f"newmtl skin\nmap_Kd {reference}\n")
        with pytest.raises(ConfigError, match=r"secret\.jpg"):
            load_model(path, tmp_path / "objects", 2048)
    (tmp_path / "objects" / "shared.jpg").write_bytes(jpeg(box_picture()))
    (path.parent / "box.mtl").write_text("newmtl skin\nmap_Kd ../shared.jpg\n")
    check_colours(load_model(path, tmp_path / "objects", 2048).parts[0].surfaces[0])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.obj", b""),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n"),
        ("a.obj", b"\x00\xff\x10 garbage"),
        ("a.ply", b"ply\nformat binary_little_endian 1.0\nelement vertex 10\n"),
        ("a.glb", b"glTF\x02\x00\x00\x00"),
        ("a.gltf", b"[]"),
        ("a.dae", b"<COLLADA>"),
    ],
)
def test_damaged_meshes_are_our_error(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError):
        load_model(tmp_path / name, tmp_path, 2048)


def glb_with(change, tmp_path):
    data = as_trimesh(box()).export(file_type="glb")
    length = struct.unpack_from("<I", data, 12)[0]
    header = json.loads(data[20 : 20 + length])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    (tmp_path / "a.glb").write_bytes(
        struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + rest
    )
    return tmp_path / "a.glb"


def test_compressed_glb_is_refused_by_name(tmp_path):
    path = glb_with(lambda h: h.update(extensionsUsed=["KHR_draco_mesh_compression"]), tmp_path)
    with pytest.raises(ConfigError, match="KHR_draco_mesh_compression"):
        load_model(path, tmp_path, 2048)


def test_a_glb_with_a_damaged_texture_is_refused(tmp_path):
    def spoil(header):
        view = header["bufferViews"][header["images"][0]["bufferView"]]
        view["byteOffset"] = view.get("byteOffset", 0) + 8
        view["byteLength"] -= 8

    with pytest.raises(ConfigError, match="embedded texture"):
        load_model(glb_with(spoil, tmp_path), tmp_path, 2048)
