import copy
import json
from pathlib import Path

import numpy as np
import pytest

from photosynth.core.coco import read_coco
from photosynth.core.errors import ConfigError

DATA = Path(__file__).parents[3].parent / "shared" / "data"

GOOD = {
    "images": [
        {"id": 7, "file_name": "a/1.jpg", "width": 100, "height": 50, "date_captured": "today"},
        {"id": 3, "file_name": "b.jpg", "width": 10, "height": 20},
    ],
    "categories": [{"id": 9, "name": "чай"}, {"id": 2, "name": "box"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 9, "bbox": [10, 5, 20.5, 10]},
        {
            "id": 2,
            "image_id": 7,
            "category_id": 2,
            "bbox": [-5, 40, 10, 20],
            "segmentation": [[1, 2, 3, 4, 5, 6]],
            "area": 37.5,
        },
        {"id": 3, "image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 1},
    ],
}


def saved(tmp_path, top) -> Path:
    path = tmp_path / "user.json"
    path.write_text(json.dumps(top, ensure_ascii=False), encoding="utf-8")
    return path


def test_empty_lists_are_an_empty_set(tmp_path):
    read = read_coco(saved(tmp_path, {"images": [], "categories": [], "annotations": []}))
    assert (read.class_names, read.photos) == ((), {})


def test_boxes_classes_and_empty_photos(tmp_path):
    read = read_coco(saved(tmp_path, GOOD))
    assert read.class_names == ("box", "чай")  # by id, not by place
    assert list(read.photos) == ["a/1.jpg", "b.jpg"]
    first, second = read.photos.values()
    assert first.truth.size_wh == (100, 50)
    assert first.truth.class_ids.tolist() == [1, 0]
    assert first.truth.boxes_xyxy.tolist() == [[10, 5, 30.5, 15], [0, 40, 5, 50]]  # the second cut at the edges
    assert first.truth.scores is None
    assert first.area_px.tolist() == [205, 37.5]  # of the box; as the file says
    assert first.crowds.class_ids.tolist() == [0]
    assert first.crowds.boxes_xyxy.tolist() == [[0, 0, 9, 9]]
    assert len(second.truth) == len(second.crowds) == len(second.area_px) == 0
    assert second.truth.boxes_xyxy.shape == (0, 4)


def changed(*path_and_value):
    top = copy.deepcopy(GOOD)
    *path, last, value = path_and_value
    place = top
    for key in path:
        place = place[key]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return top


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ([], "holds a JSON list"),
        (changed("images", KeyError), "has no 'images'"),
        (changed("annotations", {}), "'annotations' is a JSON dict; expected a list"),
        (changed("images", 0, "file_name", KeyError), "image 7: has no 'file_name'; it has date_captured"),
        (changed("images", 0, "width", 0), "image 7: 'width' and 'height' are 0 and 50"),
        (changed("images", 0, "id", KeyError), "image at position 0: has no 'id'"),
        (changed("images", 1, "id", 7), "image 7: its id or its file name b.jpg is used twice"),
        (changed("images", 1, "file_name", "a/1.jpg"), "image 3: .* used twice"),
        (changed("images", 1, 5), "image at position 1: is 5; expected an object"),
        (changed("categories", 0, "id", 2), "category 2: .* used twice"),
        (changed("categories", 0, "name", KeyError), "category 9: has no 'name'"),
        (changed("annotations", 0, "category_id", 5), "annotation 1: category_id 5 is not the id .* known ids: 2, 9"),
        (changed("annotations", 0, "category_id", [5]), "annotation 1: category_id"),
        (changed("annotations", 0, "image_id", 8), "annotation 1: image_id 8 is not the id of any image"),
        (changed("annotations", 0, "bbox", KeyError), "annotation 1: has no 'bbox'"),
        (changed("annotations", 0, "bbox", [1, 2, 3]), "annotation 1: 'bbox' is .* expected .x, y, width, height"),
        (changed("annotations", 0, "bbox", [1, 2, "3", 4]), "annotation 1: 'bbox' is"),
        (changed("annotations", 0, "bbox", [1, 2, float("nan"), 4]), "annotation 1: 'bbox' is"),
        (changed("annotations", 0, "bbox", [1, 2, 0, 4]), "annotation 1: its box .* is empty"),
        (changed("annotations", 0, "bbox", [100, 2, 5, 4]), "annotation 1: its box .* outside its photo of 100 x 50"),
    ],
)
def test_faults_are_named(tmp_path, top, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read_coco(saved(tmp_path, top))
    assert "user.json" in str(caught.value)


def test_not_json_and_absent(tmp_path):
    (tmp_path / "user.json").write_bytes(b"\xff\xfe not json")
    with pytest.raises(ConfigError, match="is not JSON"):
        read_coco(tmp_path / "user.json")
    with pytest.raises(ConfigError, match=r"absent\.json cannot be read"):
        read_coco(tmp_path / "absent.json")


@pytest.mark.parametrize(("name", "n_photos", "n_boxes"), [("products", 12, 12), ("cracker_box", 104, 104)])
def test_files_of_real_photos(name, n_photos, n_boxes):
    path = DATA / "photos" / f"{name}.coco.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    read = read_coco(path)
    assert len(read.photos) == n_photos
    assert sum(len(photo.truth) for photo in read.photos.values()) == n_boxes
    for photo in read.photos.values():
        assert (photo.truth.boxes_xyxy >= 0).all()
        assert (photo.truth.boxes_xyxy[:, 2:] <= np.array(photo.truth.size_wh)).all()
