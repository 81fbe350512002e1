"""Which photos are found, and what each shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosynth.core.asset import NONE_CLASS
from photosynth.core.errors import ConfigError
from photosynth.core.instances import Instances
from photosynth.evaluate.boxes import Labels, read_labels
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


def coco(file_names: list[str], boxes: list[tuple[int, list[float]]] | None = None) -> str:
    """A COCO file of photos of 200 x 100; each photo has the same (category, box) rows: a cup, a Spoon or a car."""
    images = [{"id": k, "file_name": name, "width": 200, "height": 100} for k, name in enumerate(file_names)]
    rows = [(1, [0, 0, 20, 20]), (1, [50, 25, 100, 50])] if boxes is None else boxes
    annotations = [
        {"id": 10 * k + n, "image_id": k, "category_id": category, "bbox": box}
        for k in range(len(images))
        for n, (category, box) in enumerate(rows)
    ]
    categories = [{"id": 1, "name": "cup"}, {"id": 2, "name": "Spoon"}, {"id": 3, "name": "car"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


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
    labels, notes = read_labels(tmp_path, CLASSES)
    assert labels == {}
    assert "x.json" in notes[0]
    assert str(tmp_path) not in notes[0]


def test_categories_are_classes_by_name_and_others_are_counted(tmp_path):
    boxes = [(1, [0, 0, 20, 20]), (2, [50, 25, 100, 50]), (3, [0, 0, 9, 9])]
    (tmp_path / "x.json").write_text(coco(["a.jpg"], boxes))
    labels, notes = read_labels(tmp_path, CLASSES)
    own = labels["a.jpg"]
    assert [CLASSES[k] for k in own.truth.class_ids] == ["cup", "spoon"]
    assert own.area_px.tolist() == [400, 5000]
    assert own.others == 1
    assert any("'Spoon' of x.json was taken for class 'spoon'" in note for note in notes)
    assert any("'car' of x.json are not asked for" in note for note in notes)


def test_labels_follow_the_photo_to_another_size():
    truth = Instances((200, 100), np.array([[0, 0, 20, 10.0]]), np.array([1]))
    none = Instances((200, 100), np.zeros((0, 4)), np.zeros(0, int))
    labels = Labels(truth, np.array([150.0]), none, np.array([[0, 0, 2, 2.0]]))
    assert labels.scaled((200, 100)) is labels
    half = labels.scaled((100, 50))
    assert half.truth.boxes_xyxy.tolist() == [[0, 0, 10, 5]]
    assert half.area_px.tolist() == [37.5]
    assert half.regions_xyxy.tolist() == [[0, 0, 1, 1]]
    assert half.boxes_rel() == labels.boxes_rel() == ((0, 0, 0.1, 0.1),)
    assert labels.boxes_rel(0) == ()


@pytest.mark.parametrize(
    ("boxes", "truth", "n_boxes"),
    [
        ([], NONE_CLASS, 0),
        ([(1, [0, 0, 20, 20])], "cup", 1),
        ([(1, [0, 0, 20, 20]), (3, [0, 0, 9, 9])], "cup", 1),
        ([(1, [0, 0, 20, 20]), (2, [50, 25, 100, 50])], None, 2),
    ],
)
def test_in_any_folder_a_photo_shows_what_its_boxes_say(tmp_path, boxes, truth, n_boxes):
    photo(tmp_path / "photos" / "shelf" / "a.jpg")
    (tmp_path / "photos.json").write_text(coco(["shelf/a.jpg"], boxes))
    found = find_photos(tmp_path / "photos", None, CLASSES)
    (picture,) = found.pictures
    assert (picture.truth, len(picture.boxes_rel), len(picture.labels.truth)) == (truth, n_boxes, n_boxes)


def test_a_photo_of_something_else_alone_is_left_apart(tmp_path):
    photo(tmp_path / "photos" / "shelf" / "a.jpg")
    photo(tmp_path / "photos" / "cup" / "b.jpg")
    (tmp_path / "photos.json").write_text(coco(["shelf/a.jpg"], [(3, [0, 0, 9, 9])]))
    found = find_photos(tmp_path / "photos", None, CLASSES)
    assert [p.file for p in found.pictures] == ["cup/b.jpg"]
    assert found.apart == (("shelf", 1),)
    assert found.pictures[0].labels is None


@pytest.mark.parametrize(
    ("folder", "boxes"), [("cup", []), ("cup", [(2, [0, 0, 9, 9])]), ("none", [(1, [0, 0, 9, 9])])]
)
def test_boxes_that_contradict_the_folder_are_not_used(tmp_path, folder, boxes):
    photo(tmp_path / "photos" / folder / "a.jpg")
    (tmp_path / "photos.json").write_text(coco([f"{folder}/a.jpg"], boxes))
    found = find_photos(tmp_path / "photos", None, CLASSES)
    assert found.pictures[0].labels is None
    assert any("a.jpg' were not used" in note for note in found.notes)


def test_the_shared_photos_are_all_found_with_their_boxes():
    shared = Path(__file__).parents[3].parent / "shared" / "data" / "photos" / "products"
    if not shared.is_dir():
        pytest.skip("the shared photos are not here")
    names = tuple(sorted(p.name for p in shared.iterdir() if p.is_dir()))
    found = find_photos(shared, None, names)
    assert len(found.pictures) == 12
    assert all(len(p.boxes_rel) == 1 for p in found.pictures)
    assert all(names[p.labels.truth.class_ids[0]] == p.truth for p in found.pictures)
