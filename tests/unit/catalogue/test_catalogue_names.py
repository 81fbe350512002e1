import unicodedata

import pytest

from photosynth.catalogue.discover import find_models
from photosynth.catalogue.naming import class_name_of, slug, unique_ids
from photosynth.core.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Crème brûlée", "creme-brulee"),
        ("a∕b\\c", "a-b-c"),
        ("お茶", "object"),
        ("..", "object"),
        ("  2% milk! ", "2-milk"),
        ("x" * 200, "x" * 48),
    ],
)
def test_slug_is_folder_safe_ascii(name, expected):
    assert slug(name) == expected


def test_equal_slugs_get_numbers_and_never_collide():
    ids = unique_ids(["Mug", "mug", "mug 2", "MÜG", "mug-2"])
    assert ids == ["mug", "mug-2", "mug-2-2", "mug-3", "mug-2-3"]
    assert len(set(ids)) == 5


def test_class_names_are_composed_and_reserved_one_is_refused():
    assert class_name_of(unicodedata.normalize("NFD", "café") + " ", "x") == unicodedata.normalize("NFC", "café")
    for bad in ("None of These", " ", "a\nb"):
        with pytest.raises(ConfigError, match="class name"):
            class_name_of(bad, "x")


def test_files_and_folders_become_classes(tmp_path):
    for name in ("mug.obj", "mug.mtl", "mug.jpg", "LICENSE", "Café crème/one.glb", "Café crème/deep/two.ply"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for name in ("tin/textured.dae", "tin/textured.obj", "tin/textured.ply", "tin/.hidden.obj", "tin/scan.stl"):
        (tmp_path / "tin").mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    sources, failures = find_models(tmp_path)
    assert [(s.class_name, s.path, s.asset_id) for s in sources] == [
        ("Café crème", "Café crème/deep/two.ply", "cafe-creme"),
        ("Café crème", "Café crème/one.glb", "cafe-creme-2"),
        ("mug", "mug.obj", "mug"),
        ("tin", "tin/textured.obj", "tin"),
    ]
    assert "textured.dae" in sources[3].notes[0]
    assert [f.path for f in failures] == ["tin/scan.stl"]
    assert "GLB" in failures[0].reason


def test_a_folder_without_models_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no 3D model"):
        find_models(tmp_path)
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(ConfigError, match="holds no 3D model"):
        find_models(tmp_path)
    with pytest.raises(ConfigError, match="not a folder"):
        find_models(tmp_path / "absent")
