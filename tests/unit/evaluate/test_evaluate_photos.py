"""Which photos are found, and what each shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ConfigError
from photosynth.evaluate.boxes import read_boxes
from photosynth.evaluate.photos import find_photos

CLASSES = ("cup", "spoon")


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)
    return path


def truths(found):
    return {p.file: p.truth for p in found.pictures}


def test_folders_below_a_class_belong_to_it(tmp_path):
    photo(tmp_path / "cup" / "a.jpg")
    photo(tmp_path / "cup" / "kitchen" / "b.jpg")
    photo(tmp_path / "group" / "spoon" / "c.jpg")
    photo(tmp_path / "cup" / "none" / "d.jpg")
    photo(tmp_path / "cup" / ".hidden" / "e.jpg")
    photo(tmp_path / "cup" / "._a.jpg")
    found = find_photos(tmp_path, None, CLASSES)
    assert truths(found) == {
        "cup/a.jpg": "cup",
        "cup/kitchen/b.jpg": "cup",
        "group/spoon/c.jpg": "spoon",
        "cup/none/d.jpg": NONE_CLASS,
    }
    assert any("cup/kitchen" in note for note in found.notes)


def test_a_folder_given_directly_counts_by_its_own_name_and_lends_it_to_nobody(tmp_path):
    photo(tmp_path / "cup" / "a.jpg")
    photo(tmp_path / "cup" / "teapot" / "b.jpg")
    found = find_photos(tmp_path / "cup", None, CLASSES)
    assert truths(found) == {"a.jpg": "cup"}
    assert found.apart == (("teapot", 1),)
    assert any("directly in 'cup'" in note for note in found.notes)


def test_what_has_no_model_or_cannot_be_read_is_said(tmp_path):
    photo(tmp_path / "cup" / "a.jpg")
    photo(tmp_path / "teapot" / "b.jpg")
    (tmp_path / "cup" / "phone.AVIF").write_bytes(b"x")
    (tmp_path / "spoon").symlink_to(tmp_path / "cup")
    found = find_photos(tmp_path, None, CLASSES)
    assert found.apart == (("teapot", 1),)
    for word in ("teapot", ".avif", "'spoon' is a link"):
        assert any(word in note for note in found.notes), word


def test_negatives_count_once(tmp_path):
    photo(tmp_path / "photos" / "cup" / "a.jpg")
    photo(tmp_path / "photos" / "none" / "b.jpg")
    photo(tmp_path / "photos" / "none" / "deep" / "c.jpg")
    found = find_photos(tmp_path / "photos", tmp_path / "photos" / "none", CLASSES)
    assert sorted(p.truth for p in found.pictures) == ["cup", NONE_CLASS, NONE_CLASS]
    alone = find_photos(None, tmp_path / "photos" / "none", CLASSES)
    assert truths(alone) == {"b.jpg": NONE_CLASS, "deep/c.jpg": NONE_CLASS}
    assert find_photos(None, None, CLASSES).pictures == ()


def test_folders_that_cannot_be_scored_are_refused(tmp_path):
    (tmp_path / "cup").mkdir()
    with pytest.raises(ConfigError, match="holds no photos"):
        find_photos(tmp_path, None, CLASSES)
    with pytest.raises(ConfigError, match="does not exist"):
        find_photos(tmp_path / "nowhere", None, CLASSES)
    with pytest.raises(ConfigError, match="negatives"):
        find_photos(None, tmp_path / "nowhere", CLASSES)
    photo(tmp_path / "teapot" / "b.jpg")
    with pytest.raises(ConfigError, match=r"'teapot'.*'cup', 'spoon'"):
        find_photos(tmp_path, None, CLASSES)


def coco(file_names: list[str]) -> str:
    images = [{"id": k, "file_name": name, "width": 200, "height": 100} for k, name in enumerate(file_names)]
    boxes = [{"image_id": k, "bbox": box} for k in range(len(images)) for box in ([0, 0, 20, 20], [50, 25, 100, 50])]
    return json.dumps({"images": images, "annotations": [*boxes, {"image_id": 99, "bbox": [0, 0, 1, 1]}]})


@pytest.mark.parametrize(
    ("file", "names"),
    [("photos.coco.json", ["photos/cup/a.jpg"]), ("photos.json", ["cup/a.jpg"]), ("photos/x.json", ["./cup/a.jpg"])],
)
def test_boxes_are_found_beside_and_inside(tmp_path, file, names):
    photo(tmp_path / "photos" / "cup" / "a.jpg")
    (tmp_path / file).write_text(coco(names))
    found = find_photos(tmp_path / "photos", None, CLASSES)
    assert found.pictures[0].boxes_rel == ((0.25, 0.25, 0.75, 0.75), (0.0, 0.0, 0.1, 0.2))


@pytest.mark.parametrize("text", ["", "[1, 2]", "{}", '{"images": [{"id": 1}], "annotations": [{"image_id": 1}]}'])
def test_a_file_that_is_no_coco_file_is_a_note(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    boxes, notes = read_boxes(tmp_path)
    assert boxes == {}
    assert "x.json" in notes[0]


def test_the_shared_photos_are_all_found_with_their_boxes():
    shared = Path(__file__).parents[3].parent / "shared" / "data" / "photos" / "products"
    if not shared.is_dir():
        pytest.skip("the shared photos are not here")
    names = tuple(sorted(p.name for p in shared.iterdir() if p.is_dir()))
    found = find_photos(shared, None, names)
    assert len(found.pictures) == 12
    assert all(len(p.boxes_rel) == 1 for p in found.pictures)
