import pytest
from catalogue_models import box, box_picture, half_scans, jpeg, obj_text, write_archive

from photosynth.catalogue import archive
from photosynth.catalogue.archive import read_model_archive
from photosynth.core.errors import ConfigError

OBJ, JPG = obj_text(box()), jpeg(box_picture())


def test_four_files_are_two_halves(tmp_path):
    parts = read_model_archive(half_scans(tmp_path / "a.model"))
    assert [(p.name, p.elevation_deg) for p in parts] == [("top", (0.0, 90.0)), ("bottom", (-90.0, 0.0))]


def test_two_files_of_any_name_are_one_whole(tmp_path):
    (part,) = read_model_archive(write_archive(tmp_path / "a.model", {"Scan 1.OBJ": OBJ, "skin.JPG": JPG}))
    assert part.name == "whole"
    assert part.elevation_deg == (-90.0, 90.0)
    assert part.picture == JPG


def test_hostile_names_are_only_names(tmp_path):
    path = write_archive(tmp_path / "in" / "a.model", {"../../evil.obj": OBJ, "C:\\x\\evil.jpg": JPG})
    (part,) = read_model_archive(path)
    assert part.obj == OBJ.encode()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.model", "in"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Top.obj": OBJ, "Top.jpg": JPG, "Bot.obj": OBJ}, "lacks bot.jpg"),
        ({"a.obj": OBJ}, "holds a.obj"),
        ({"a.jpg": JPG}, "holds a.jpg"),
        ({}, "holds nothing"),
        ({"a.obj": OBJ, "b.obj": OBJ, "a.jpg": JPG}, "expected Top.obj"),
        ({"x/a.obj": OBJ, "y/a.obj": OBJ, "a.jpg": JPG}, "twice"),
    ],
)
def test_other_contents_are_refused_by_name(tmp_path, files, message):
    with pytest.raises(ConfigError, match=message):
        read_model_archive(write_archive(tmp_path / "a.model", files))


def test_damage_is_told(tmp_path):
    path = tmp_path / "a.model"
    path.write_bytes(b"not a zip")
    with pytest.raises(ConfigError, match="not a readable"):
        read_model_archive(path)
    whole = half_scans(tmp_path / "b.model").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="not a readable"):
        read_model_archive(path)
    changed = bytearray(whole)
    changed[400:440] = b"\xff" * 40
    path.write_bytes(changed)
    with pytest.raises(ConfigError, match=r"readable|damaged"):
        read_model_archive(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 20)
    path = write_archive(tmp_path / "a.model", {"a.obj": b"\n" * (2 << 20), "a.jpg": JPG})
    assert path.stat().st_size < 20_000
    with pytest.raises(ConfigError, match="would unpack to 2 files and 2 MiB"):
        read_model_archive(path)
